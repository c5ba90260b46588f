/** Bounds of what clients may ask for. */
export interface RpcLimits {
  /** Bytes of one request, HTTP or WebSocket. */
  readonly maxRequestBytes: number;
  /** Requests in one batch. */
  readonly maxBatch: number;
  /** Bytes of one answer, a batch as a whole. */
  readonly maxResponseBytes: number;
  /** Time one call may take. */
  readonly maxCallMs: number;
  /** Heavy calls at a time, and those that wait for their turn. */
  readonly maxHeavyCalls: number;
  readonly maxHeavyWaiting: number;
  /** Requests at a time, of all clients together. */
  readonly maxRequests: number;
  /** Open sockets. */
  readonly maxConnections: number;
  /** Each client's requests a second on average, and at once. Clients of the loopback interface are not counted unless told so. */
  readonly requestsPerSecond: number;
  readonly burst: number;
  readonly limitsLoopback: boolean;
  /** Work done in one turn of the event loop, in ms; consensus has its turn after that at the latest. */
  readonly turnMs: number;
  /** Logs in one answer, index entries looked at for it, and blocks in one range without address or topic. */
  readonly maxLogs: number;
  readonly maxLogEntries: number;
  readonly maxLogBlocks: number;
  /** Filters of all clients together, and the time after which one that nobody asks for is forgotten. */
  readonly maxFilters: number;
  readonly filterIdleMs: number;
  /** Subscriptions of one socket. */
  readonly maxSubscriptions: number;
  /** Bytes that may wait for a slow socket; beyond them it is closed. */
  readonly maxSocketBacklogBytes: number;
  /** A silent socket is asked for a sign of life this often, and closed when there was none since. */
  readonly pingMs: number;
  /** Longest and usual wait of `eth_sendRawTransactionSync`. */
  readonly maxSyncWaitMs: number;
  readonly syncWaitMs: number;
  /** Waiting `eth_sendRawTransactionSync` calls. */
  readonly maxSyncWaiting: number;
  /** Encoded blocks that are kept decoded, and answers that are kept as text. */
  readonly blockCacheBytes: number;
  readonly answerCacheBytes: number;
  /** Blobs on their way to clients at a time. */
  readonly maxBlobDownloads: number;
  /** Time in which a blob must have come from a client, and in which something of it must have moved. */
  readonly blobUploadMs: number;
  readonly blobIdleMs: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

export const DEFAULT_LIMITS: RpcLimits = {
  maxRequestBytes: 5 * MIB,
  maxBatch: 1_000,
  maxResponseBytes: 64 * MIB,
  maxCallMs: 10_000,
  maxHeavyCalls: 4,
  maxHeavyWaiting: 256,
  maxRequests: 4_096,
  maxConnections: 4_096,
  requestsPerSecond: 500,
  burst: 5_000,
  limitsLoopback: false,
  turnMs: 8,
  maxLogs: 10_000,
  maxLogEntries: 200_000,
  maxLogBlocks: 10_000,
  maxFilters: 1_024,
  filterIdleMs: 5 * 60_000,
  maxSubscriptions: 128,
  maxSocketBacklogBytes: 4 * MIB,
  pingMs: 30_000,
  maxSyncWaitMs: 30_000,
  syncWaitMs: 5_000,
  maxSyncWaiting: 2_048,
  blockCacheBytes: 32 * MIB,
  answerCacheBytes: 32 * MIB,
  maxBlobDownloads: 16,
  blobUploadMs: 3_600_000,
  blobIdleMs: 30_000,
};
