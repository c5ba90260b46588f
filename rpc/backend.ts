import type { SignedTransaction } from '../protocol/transactions/types.js';
import type { Block } from '../protocol/types/block.js';
import type { ExtendedCommit } from '../protocol/types/commit.js';
import type { BlockReceipts } from '../protocol/types/receipt.js';
import type { Store } from '../state/store/store.js';

/*
 * What a node supplies so that clients can be served. `node/rpc-backend.ts` makes all of it from what a node has anyway:
 *
 * - the ledger's store,
 * - the mempool, and the recovery of senders in front of it,
 * - a word for each block that has become final,
 * - who the peers are, whether it is catching up, which validator it signs for,
 * - on devnets, a key with money to give away.
 */
export interface RpcBackend {
  /** As `web3_clientVersion`: name/version/platform. */
  readonly clientVersion: string;
  /** The ledger: final states, blocks, receipts, indices. */
  readonly store: Store;
  readonly pool: TransactionPool;
  /**
   * Takes a client's envelope into the pool.
   *
   * @returns its hash
   * @throws OgpuError of decoding, admission or the pool
   */
  submit(envelope: Uint8Array): Promise<Uint8Array>;
  /** Calls `listener` after each block that is final and stored, in order of height; returns how to end that. */
  onFinal(listener: (news: FinalizedBlock) => void): () => void;
  status(): NodeStatus;
  /** Undefined everywhere but on devnets. */
  readonly faucet: Faucet | undefined;
  /** Undefined where the node keeps none. */
  readonly blobs?: BlobDesk | undefined;
  /** Unix milliseconds. */
  nowMs(): number;
}

/** A block that has become final, with what it did. */
export interface FinalizedBlock {
  readonly block: Block;
  readonly id: Uint8Array;
  /** keccak-256 of each envelope, in order. */
  readonly transactionHashes: readonly Uint8Array[];
  readonly receipts: BlockReceipts;
  readonly commit: ExtendedCommit;
}

/** A transaction that waits for a block. */
export interface PooledTransaction {
  readonly transaction: SignedTransaction;
  readonly sender: Uint8Array;
  readonly hash: Uint8Array;
  /** The envelope. */
  readonly bytes: Uint8Array;
}

/** What is read of the mempool. */
export interface TransactionPool {
  get(hash: Uint8Array): PooledTransaction | undefined;
  /** The nonce after the account's and those of the pool that follow it without a gap. */
  pendingNonce(address: Uint8Array): number;
  contentOf(address: Uint8Array): {
    readonly pending: readonly PooledTransaction[];
    readonly queued: readonly PooledTransaction[];
  };
  /** In the order of arrival. */
  entries(): Iterable<{ readonly recovered: PooledTransaction }>;
  /** At most `limit` hashes taken in since `cursor`. */
  announced(
    cursor: number,
    limit: number,
  ): {
    readonly hashes: readonly Uint8Array[];
    readonly cursor: number;
    readonly missed: number;
  };
  /** Wakes after each announcement; returns how to end that. */
  subscribe(wake: () => void): () => void;
  stats(): PoolStats;
}

/** Figures of the pool; counts and bytes. */
export interface PoolStats {
  readonly count: number;
  readonly sizeBytes: number;
  readonly pending: number;
  readonly queued: number;
  readonly senders: number;
  readonly baseFeeWei: bigint;
  /** Cursor of the next announcement. */
  readonly announced: number;
  readonly accepted: number;
  readonly replaced: number;
  readonly refused: number;
  readonly evicted: number;
  readonly expired: number;
  readonly included: number;
}

export interface NodeStatus {
  /** Undefined while the node is at the head of the chain. */
  readonly syncing: SyncStatus | undefined;
  readonly peers: readonly PeerStatus[];
  /** The validator this node signs for, by its id. */
  readonly validator: Uint8Array | undefined;
  /** What its operator should do something about, as long as it lasts. */
  readonly troubles?: readonly Trouble[];
}

export interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly cure: string | undefined;
}

export interface SyncStatus {
  readonly startingHeight: number;
  /** The highest one any peer has told of. */
  readonly highestHeight: number;
}

export interface PeerStatus {
  readonly id: string;
  /** Multiaddr. */
  readonly address: string;
  readonly direction: 'inbound' | 'outbound';
  /** Its head as last heard. */
  readonly height?: number | undefined;
  /** The validator it has proved to be. */
  readonly validator?: Uint8Array | undefined;
}

/** Money for whoever asks, on a chain where it is worth nothing. */
export interface Faucet {
  readonly secretKey: Uint8Array;
  /** Given at a time, at most. */
  readonly amountWei: bigint;
  /** An address is given money at most once in this time. */
  readonly intervalMs: number;
}

/** The blobs of a node. Ids are 32 bytes; everything throws OgpuErrors whose codes begin with `BLOB_`. */
export interface BlobDesk {
  readonly maxBlobBytes: number;
  status(id: Uint8Array): BlobStanding;
  /** Takes one in, chunk by chunk; durable when it resolves. */
  store(source: UploadedBlob): Promise<StoredBlob>;
  /** One that is here as a whole. Close it. */
  open(id: Uint8Array): Promise<ServedBlob>;
  /** Resolves when it is here, fetched from peers where it was not. */
  obtain(id: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Keeps it for the operator. */
  pin(id: Uint8Array): Promise<void>;
  unpin(id: Uint8Array): Promise<void>;
  /** Drops what nobody has pinned and nobody has used for so long. */
  collect(idleMs: number): Promise<{ readonly blobs: number; readonly bytes: number }>;
}

export interface BlobStanding {
  readonly state: 'whole' | 'partial' | 'absent';
  readonly lengthBytes: number | undefined;
  readonly pins: { readonly job: number; readonly source: number; readonly operator: number };
  /** Unix milliseconds. */
  readonly usedMs: number | undefined;
}

export interface UploadedBlob {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Whose quota it counts against. */
  readonly uploader: string;
  readonly lengthBytes?: number | undefined;
  /** What it must be. */
  readonly id?: Uint8Array | undefined;
}

export interface StoredBlob {
  readonly id: Uint8Array;
  readonly lengthBytes: number;
  readonly isNew: boolean;
}

export interface ServedBlob {
  readonly lengthBytes: number;
  /** Verified bytes from `start` to before `end`. */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
  /** Hashes of all chunks, one after the other. */
  leaves(): Uint8Array;
  close(): Promise<void>;
}
