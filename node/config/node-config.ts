import type { Address } from '../../protocol/address.js';
import type { StaticPeer } from '../../p2p/static-peers.js';
import type { Retention } from '../../state/chain/retention.js';
import type { DatabaseOptions } from '../database.js';
import type { Checkpoint } from '../sync/trusted-header.js';
import type { MempoolConfig } from '../mempool/config.js';
import type { Setting } from './setting.js';
import type { LOG_LEVELS, SETTINGS } from './settings.js';

export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = 'auto' | 'json' | 'pretty';

/** Everything a node is told by its operator: checked, with absolute paths. */
export interface NodeConfig {
  readonly dataDir: string;
  /** Path of the genesis document. */
  readonly genesis: string;
  readonly history: Retention;
  readonly checkInvariants: boolean;
  readonly p2p: {
    readonly listen: readonly string[];
    readonly announce: readonly string[];
    readonly peers: readonly StaticPeer[];
    readonly maxPeers: number;
  };
  readonly rpc: Omit<Values<(typeof SETTINGS)['rpc']>, 'corsOrigins'> & {
    /** `*` for all. */
    readonly corsOrigins: '*' | readonly string[];
  };
  readonly metrics: Values<(typeof SETTINGS)['metrics']>;
  /** Undefined where the node only follows. */
  readonly validator:
    { readonly keystoreFile: string; readonly passwordFile: string; readonly owner: Address } | undefined;
  readonly sync: {
    readonly mode: 'blocks' | 'snapshot';
    /** A block the operator knows to be of the chain. */
    readonly checkpoint: Checkpoint | undefined;
    /** 0: none are made. */
    readonly snapshotIntervalBlocks: number;
  };
  readonly blobs: Values<(typeof SETTINGS)['blobs']>;
  readonly compute: Values<(typeof SETTINGS)['compute']>;
  readonly log: { readonly level: LogLevel; readonly format: LogFormat };
  readonly mempool: MempoolConfig;
  readonly database: Required<Omit<DatabaseOptions, 'path' | 'identity'>>;
}

/** The settings of a table, each with the value it stands for. */
export type Values<Table> = {
  readonly [Key in keyof Table]: Table[Key] extends Setting<infer Value> ? Value : Values<Table[Key]>;
};

export type AllValues = Values<typeof SETTINGS>;
