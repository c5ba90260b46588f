import type { Network, NetworkEvent } from '../p2p/network.js';
import type { NetworkOptions } from '../p2p/network-config.js';
import type { ChainIdentity } from '../protocol/domains.js';
import type { ExtendedCommit } from '../protocol/types/commit.js';
import type { Retention } from '../state/chain/retention.js';
import { chainIdentityAt, paramsRecord } from '../state/system/chain.js';
import type { BlobOptions, BlobService } from './blobs/service.js';
import type { Closers } from './closers.js';
import type { DeviceSetting } from './compute/device.js';
import type { LocalBlock } from './consensus/block-execution.js';
import type { Seat } from './consensus/seat.js';
import type { DatabaseOptions } from './database.js';
import type { NodeIdentity } from './keys/node-identity.js';
import type { GenesisSource, Ledger } from './ledger.js';
import type { Listeners } from './listeners.js';
import type { Logger } from './logging/logger.js';
import type { Repeats } from './logging/repeats.js';
import type { MempoolConfig } from './mempool/config.js';
import type { SignaturePool } from './signatures/pool.js';
import type { ChainFollower } from './sync/chain-follower.js';
import type { Troubles } from './troubles.js';
import type { AuditDesk } from './verifier/audit-desk.js';
import type { ValidatorIdentity } from './validator-identity.js';

export interface ComputeOptions {
  readonly device: DeviceSetting;
  /** Of one segment: sources that take more are left to others. */
  readonly maxMemoryBytes: number;
}

export interface NodeOptions {
  readonly dataDir: string;
  readonly genesis: GenesisSource;
  readonly identity: NodeIdentity;
  /** Undefined for a node that only follows. */
  readonly validator: ValidatorIdentity | undefined;
  readonly p2p: NetworkOptions;
  readonly mempool: Partial<MempoolConfig>;
  readonly database: Omit<DatabaseOptions, 'path' | 'identity'>;
  readonly retention: Retention;
  /** Heights at whose multiples a snapshot of the state is made; 0: none. */
  readonly snapshotIntervalBlocks: number;
  /** Undefined for a node that keeps none. */
  readonly blobs: BlobOptions | undefined;
  /** How a validator judges jobs; undefined for one that judges none. */
  readonly compute: ComputeOptions | undefined;
  /** Threads that verify signatures. */
  readonly signatureWorkers: number;
  readonly checkInvariants: boolean;
  readonly log: Logger;
}

/** A block that has just become final. */
export interface FinalNews {
  readonly local: LocalBlock;
  readonly commit: ExtendedCommit;
}

/** What the parts of a node are made from, and hand to each other. */
export interface Parts {
  readonly options: NodeOptions;
  readonly closers: Closers;
  readonly ledger: Ledger;
  readonly signatures: SignaturePool;
  readonly finals: Listeners<FinalNews>;
  readonly events: Listeners<NetworkEvent>;
  readonly repeats: Repeats;
  readonly troubles: Troubles;
  readonly fail: (error: unknown) => void;
  /** Opened one after the other; each is there before the next one needs it. */
  readonly late: {
    network?: Network;
    blobs?: BlobService | undefined;
    audits?: AuditDesk | undefined;
    follower?: ChainFollower;
    seat?: Seat | undefined;
  };
}

/** Whose ledger this is, by the rules of its next height. */
export function identityOf({ store, head }: Ledger): ChainIdentity {
  return chainIdentityAt(store, paramsRecord.read(store), head.height + 1);
}
