import type { MetricSources } from './sources.js';

/** A metric that is read when somebody asks. A name ends in its unit; one without is a count of something. */
export interface Figure {
  readonly name: string;
  /** One sentence. */
  readonly help: string;
  readonly kind: 'gauge' | 'counter';
  /** One label with a value for each sample. */
  readonly label?: string;
  /** Samples, by value of the label (empty without one); undefined where the node does not have the part. */
  readonly read: (sources: MetricSources) => Readonly<Record<string, number>> | number | undefined;
}

function gauge(name: string, help: string, read: Figure['read'], label?: string): Figure {
  return { name, help, kind: 'gauge', read, ...(label === undefined ? {} : { label }) };
}

/** Only grows while the process lives. */
function counter(name: string, help: string, read: Figure['read'], label?: string): Figure {
  return { ...gauge(name, help, read, label), kind: 'counter' };
}

const chain: readonly Figure[] = [
  gauge('ogpu_chain_height', 'Height of the last final block.', ({ chain }) => chain?.().height),
  gauge(
    'ogpu_chain_head_age_seconds',
    'Time since the header time of the last final block.',
    ({ chain, nowMs }) => {
      const figures = chain?.();
      return figures && Math.max(0, (nowMs?.() ?? Date.now()) - figures.timeMs) / 1000;
    },
  ),
  gauge(
    'ogpu_chain_oldest_height',
    'Lowest height whose block and state are still there.',
    ({ chain }) => chain?.().oldestHeight,
  ),
  gauge('ogpu_chain_base_fee_wei', 'Base fee of the next block, in wei per gas.', ({ chain }) => {
    const figures = chain?.();
    return figures && Number(figures.baseFeeWei);
  }),
];

const consensus: readonly Figure[] = [
  gauge('ogpu_consensus_height', 'Height being decided.', ({ consensus }) => consensus?.().height),
  gauge(
    'ogpu_consensus_round',
    'Round of that height; above 0 when a proposer was silent or late.',
    ({ consensus }) => consensus?.().round,
  ),
  gauge(
    'ogpu_consensus_validators',
    'Validators of the set that decides.',
    ({ consensus }) => consensus?.().validators,
  ),
  gauge(
    'ogpu_consensus_voting_power',
    "Voting power of this node's validator in millionths of OGPU; 0 where it has no vote.",
    ({ consensus }) => consensus?.().votingPower,
  ),
  gauge(
    'ogpu_consensus_total_voting_power',
    'Voting power of the whole set, in millionths of OGPU.',
    ({ consensus }) => consensus?.().totalVotingPower,
  ),
];

const sync: readonly Figure[] = [
  gauge('ogpu_sync_active', '1 while the node catches up, 0 when it follows.', ({ sync }) => {
    const figures = sync?.();
    return figures && Number(figures.isSyncing);
  }),
  gauge(
    'ogpu_sync_best_peer_height',
    'Highest head that a peer has told of.',
    ({ sync }) => sync?.().bestPeerHeight,
  ),
];

const mempool: readonly Figure[] = [
  gauge(
    'ogpu_mempool_transactions',
    'Transactions that wait for a block: pending ones can be included now, queued ones wait for a nonce or money.',
    ({ mempool }) => {
      const stats = mempool?.();
      return stats && { pending: stats.pending, queued: stats.queued };
    },
    'state',
  ),
  gauge(
    'ogpu_mempool_size_bytes',
    'Bytes of the envelopes that wait.',
    ({ mempool }) => mempool?.().sizeBytes,
  ),
  gauge(
    'ogpu_mempool_senders',
    'Senders with a transaction that waits.',
    ({ mempool }) => mempool?.().senders,
  ),
  counter(
    'ogpu_mempool_outcomes_total',
    'What became of transactions: accepted, replaced, refused, evicted, expired, included.',
    ({ mempool }) => {
      const stats = mempool?.();
      if (stats === undefined) return undefined;
      const { accepted, replaced, refused, evicted, expired, included } = stats;
      return { accepted, replaced, refused, evicted, expired, included };
    },
    'outcome',
  ),
];

const p2p: readonly Figure[] = [
  gauge(
    'ogpu_p2p_peers',
    'Connected peers, by who opened the connection.',
    ({ p2p }) => {
      const figures = p2p?.();
      return figures && { inbound: figures.inboundPeers, outbound: figures.peers - figures.inboundPeers };
    },
    'direction',
  ),
  gauge(
    'ogpu_p2p_validator_peers',
    'Connected peers that speak for a validator.',
    ({ p2p }) => p2p?.().validatorPeers,
  ),
  gauge(
    'ogpu_p2p_lag_seconds',
    'Round trip to peers behind what is queued for them: the median one and the slowest.',
    ({ p2p }) => lags(p2p?.().lagsMs),
    'peer',
  ),
  gauge('ogpu_p2p_queued_bytes', 'Bytes that wait to be sent to peers.', ({ p2p }) => p2p?.().queuedBytes),
  counter(
    'ogpu_p2p_transferred_bytes_total',
    'Bytes of payloads exchanged with peers.',
    ({ p2p }) => {
      const figures = p2p?.();
      return figures && { sent: figures.sentBytes, received: figures.receivedBytes };
    },
    'direction',
  ),
  counter(
    'ogpu_p2p_dropped_frames_total',
    'Messages that a slow peer did not take in time.',
    ({ p2p }) => p2p?.().droppedFrames,
  ),
  counter('ogpu_p2p_blames_total', 'Faults that peers were blamed for.', ({ p2p }) => p2p?.().blames),
  counter('ogpu_p2p_bans_total', 'Peers that were banned for a while.', ({ p2p }) => p2p?.().bans),
  counter(
    'ogpu_p2p_refused_connections_total',
    'Connections that failed their handshake.',
    ({ p2p }) => p2p?.().refusedConnections,
  ),
];

const store: readonly Figure[] = [
  counter(
    'ogpu_store_reads_total',
    'Reads of the ledger, by whether the read cache had the answer.',
    ({ readCache }) => {
      const figures = readCache?.();
      return figures && { hit: figures.hits, miss: figures.misses };
    },
    'cache',
  ),
  gauge('ogpu_store_cache_bytes', 'Bytes in the read cache.', ({ readCache }) => readCache?.().bytes),
];

const log: readonly Figure[] = [
  counter(
    'ogpu_log_entries_total',
    'Entries of the log that were written, by level.',
    ({ logEntries }) => logEntries?.(),
    'level',
  ),
];

const blobs: readonly Figure[] = [
  gauge(
    'ogpu_blobs',
    'Blobs that are here, and downloads that are not whole yet.',
    ({ blobs }) => {
      const figures = blobs?.();
      return figures && { whole: figures.blobs, partial: figures.partials };
    },
    'state',
  ),
  gauge('ogpu_blobs_used_bytes', 'Bytes that blobs and downloads take.', ({ blobs }) => blobs?.().usedBytes),
  gauge('ogpu_blobs_max_bytes', 'Bytes that they may take.', ({ blobs }) => blobs?.().maxBytes),
  gauge('ogpu_blobs_pins', 'Pins of jobs, sources and the operator.', ({ blobs }) => blobs?.().pins),
  gauge('ogpu_blobs_fetching', 'Blobs being fetched from peers.', ({ blobs }) => blobs?.().fetching),
  counter(
    'ogpu_blobs_fetches_total',
    'Blobs fetched from peers, by outcome.',
    ({ blobs }) => {
      const figures = blobs?.();
      return figures && { done: figures.fetched, failed: figures.fetchFailures };
    },
    'outcome',
  ),
  counter(
    'ogpu_blobs_received_bytes_total',
    'Bytes of chunks that came from peers and were right.',
    ({ blobs }) => blobs?.().receivedBytes,
  ),
  counter('ogpu_blobs_uploads_total', 'Blobs that clients brought.', ({ blobs }) => blobs?.().uploads),
  counter('ogpu_blobs_uploaded_bytes_total', 'Bytes of them.', ({ blobs }) => blobs?.().uploadedBytes),
  counter(
    'ogpu_blobs_collected_total',
    'Blobs and downloads that were dropped because nobody needed them.',
    ({ blobs }) => blobs?.().collected,
  ),
  counter(
    'ogpu_blobs_corrupted_total',
    'Blobs that were damaged on the disk. Above 0, look at the disk.',
    ({ blobs }) => blobs?.().corrupted,
  ),
];

const thread: readonly Figure[] = [
  gauge(
    'ogpu_event_loop_delay_seconds',
    'How late timers of the main thread were in the last ten seconds.',
    ({ eventLoop }) => {
      const window = eventLoop?.();
      return window && { 0.5: window.p50Ms / 1000, 0.99: window.p99Ms / 1000, 1: window.maxMs / 1000 };
    },
    'quantile',
  ),
  gauge(
    'ogpu_event_loop_utilization_ratio',
    'Part of the last ten seconds in which the main thread was busy, 0 to 1.',
    ({ eventLoop }) => eventLoop?.().utilization,
  ),
];

/** Everything that is read from sources. */
export const FIGURES: readonly Figure[] = [
  ...chain,
  ...consensus,
  ...sync,
  ...mempool,
  ...p2p,
  ...store,
  ...blobs,
  ...thread,
  ...log,
];

function lags(lagsMs: readonly number[] | undefined): Record<string, number> | undefined {
  if (lagsMs === undefined || lagsMs.length === 0) return undefined;
  const sorted = lagsMs.toSorted((a, b) => a - b);
  return { median: (sorted[sorted.length >> 1] ?? 0) / 1000, slowest: (sorted.at(-1) ?? 0) / 1000 };
}
