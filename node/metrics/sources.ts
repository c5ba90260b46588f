import type { CacheStatistics } from '../../state/store/cache.js';
import type { MempoolStats } from '../mempool/tally.js';
import type { BlobServiceFigures } from '../blobs/service.js';
import type { EventLoopWindow } from './event-loop.js';

/** The chain as this node has it. */
export interface ChainFigures {
  /** Of the last final block. */
  readonly height: number;
  /** Its header time. */
  readonly timeMs: number;
  /** Lowest height with block and past state still there. */
  readonly oldestHeight: number;
  readonly baseFeeWei: bigint;
}

export interface ConsensusFigures {
  /** The height being decided. */
  readonly height: number;
  readonly round: number;
  readonly validators: number;
  /** Voting power of this node's validator in the set that decides; 0 where it is in none. */
  readonly votingPower: number;
  readonly totalVotingPower: number;
}

export interface SyncFigures {
  readonly isSyncing: boolean;
  /** Highest head that a peer has told of. */
  readonly bestPeerHeight: number;
}

/** Sums over all connections and, where they end in "since the start", over all that ever were. */
export interface P2pFigures {
  readonly peers: number;
  readonly inboundPeers: number;
  /** Peers that a validator has said speak for it. */
  readonly validatorPeers: number;
  /** Round trip to each peer behind what is queued for it, in milliseconds. */
  readonly lagsMs: readonly number[];
  readonly queuedBytes: number;
  /** Since the start, as are those that follow. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly droppedFrames: number;
  readonly blames: number;
  readonly bans: number;
  readonly refusedConnections: number;
}

/**
 * Where figures are read from, at the moment somebody asks for them. A part that a node does not have is left out: its figures are then
 * missing, not zero.
 */
export interface MetricSources {
  readonly chain?: () => ChainFigures;
  readonly consensus?: () => ConsensusFigures;
  readonly sync?: () => SyncFigures;
  readonly mempool?: () => MempoolStats;
  readonly p2p?: () => P2pFigures;
  readonly readCache?: () => CacheStatistics;
  readonly blobs?: () => BlobServiceFigures;
  /** The last whole window. */
  readonly eventLoop?: () => EventLoopWindow;
  readonly logEntries?: () => Readonly<Record<string, number>>;
  /** Folders or files whose size is told, by their name in the metric: ledger, wal, journal. */
  readonly storage?: Readonly<Record<string, string>>;
  readonly nowMs?: () => number;
}
