import { totalPower } from '../consensus/power.js';
import { encodedBlockBytes } from '../protocol/types/block.js';
import { toHex } from '../protocol/bytes.js';
import type { PeerInfo } from '../p2p/network.js';
import { readTail } from '../state/chain/marks.js';
import { progressRecord } from '../state/system/chain.js';
import type { BlobService, BlobServiceFigures } from './blobs/service.js';
import type { NodeConfig } from './config/node-config.js';
import { journalFile, ledgerFolder, walFolder } from './data-folder.js';
import type { Log } from './logging/logger.js';
import { watchEventLoop } from './metrics/event-loop.js';
import { nodeHealth, type Health } from './metrics/health.js';
import { createMetrics, type Metrics } from './metrics/metrics.js';
import { startMetricsServer } from './metrics/server.js';
import type { ConsensusFigures, MetricSources, P2pFigures } from './metrics/sources.js';
import { isAlone, type RunningNode } from './node.js';

export interface Observability {
  readonly metrics: Metrics;
  readonly health: Health;
  readonly close: () => Promise<void>;
}

/** Lets operators see how a node is: metrics, health, and an alarm when its thread is taken. @throws MetricsServerError */
export async function observe(node: RunningNode, config: NodeConfig, log: Log): Promise<Observability> {
  const p2p = countPeers(node);
  const loop = watchEventLoop({
    onSlow: (window) => {
      log.logger.warn({ ...window }, 'the main thread is late: consensus has to wait');
    },
  });
  const metrics = createMetrics({ ...sourcesOf(node, config, log, p2p), eventLoop: () => loop.last() });
  const stopped: { reason?: string } = {};
  void node.failed.then((error) => {
    stopped.reason = error instanceof Error ? error.message : String(error);
  });
  const health = nodeHealth({
    stopped: () => stopped.reason,
    head: () => progressRecord.read(node.ledger.store),
    isSyncing: () => node.sync().isSyncing,
    peers: () => node.network.peers.length,
    isAlone: () => isAlone(node.ledger, node.validator),
    idleIntervalMs: () => node.seat()?.participant.tip.params.consensus.blockIntervalIdleMs ?? 0,
    eventLoopDelayMs: () => loop.last().maxMs,
    trouble: (topic) => node.troubles.about(topic),
  });
  watchBlocks(node, metrics);
  const { enabled, host, port } = config.metrics;
  const server = enabled
    ? await startMetricsServer({ host, port, registry: metrics.registry, health })
    : undefined;
  if (server !== undefined) log.logger.info({ host, port: server.port }, 'metrics served');
  const close = async (): Promise<void> => {
    loop.stop();
    await server?.close();
  };
  return { metrics, health, close };
}

function sourcesOf(
  node: RunningNode,
  { dataDir }: NodeConfig,
  log: Log,
  p2p: () => P2pFigures,
): MetricSources {
  const { store } = node.ledger;
  return {
    chain: () => {
      const { height, timeMs, baseFeeWei } = progressRecord.read(store);
      return { height, timeMs, baseFeeWei, oldestHeight: readTail(store).height };
    },
    consensus: () => consensusFigures(node),
    sync: () => node.sync(),
    mempool: () => node.transactions.pool.stats(),
    p2p,
    readCache: () => store.cacheStatistics(),
    ...(node.blobs === undefined ? {} : { blobs: blobFigures(node.blobs) }),
    logEntries: () => log.entryCounts(),
    storage: { ledger: ledgerFolder(dataDir), wal: walFolder(dataDir), journal: journalFile(dataDir) },
  };
}

function blobFigures(blobs: BlobService): () => BlobServiceFigures {
  return () => blobs.figures;
}

function consensusFigures({ seat, validator }: RunningNode): ConsensusFigures {
  const participant = seat()?.participant;
  if (participant === undefined) return NO_CONSENSUS;
  const { committee, parent } = participant.tip;
  const own = validator && committee.set.find(({ id }) => toHex(id) === toHex(validator.id));
  return {
    height: parent.height + 1,
    round: participant.engine.current?.driver.state.round ?? 0,
    validators: committee.set.length,
    votingPower: own?.votingPower ?? 0,
    totalVotingPower: totalPower(committee.set),
  };
}

const NO_CONSENSUS: ConsensusFigures = {
  ...{ height: 0, round: 0, validators: 0, votingPower: 0, totalVotingPower: 0 },
};

/** Tells the metrics of every final block. */
function watchBlocks(node: RunningNode, metrics: Metrics): void {
  let parentMs = progressRecord.read(node.ledger.store).timeMs;
  node.finals.add(({ local: { block }, commit }) => {
    const { timeMs, gasUsed } = block.header;
    metrics.blockFinal({
      round: commit.commit.round,
      transactions: block.body.transactions.length,
      gasUsed,
      bytes: encodedBlockBytes(block),
      finalityMs: Date.now() - timeMs,
      intervalMs: timeMs - parentMs,
    });
    parentMs = timeMs;
  });
}

type Totals = Pick<PeerInfo, 'sentBytes' | 'receivedBytes' | 'droppedCount'>;

/** Figures of the network; what was counted of peers that are gone stays counted. */
function countPeers({ network, events }: RunningNode): () => P2pFigures {
  const counts = { blames: 0, bans: 0, refusedConnections: 0 };
  const present = new Map<string, Totals>();
  const past = { sentBytes: 0, receivedBytes: 0, droppedCount: 0 };
  events.add((event) => {
    if (event.kind === 'peer-refused') counts.refusedConnections++;
    if (event.kind === 'peer-blamed') {
      counts.blames++;
      if (event.isBanned) counts.bans++;
    }
    if (event.kind !== 'peer-gone') return;
    addTotals(past, present.get(event.peer));
    present.delete(event.peer);
  });
  return () => {
    const { peers } = network;
    const sum = { ...past };
    for (const peer of peers) {
      present.set(peer.id, peer);
      addTotals(sum, peer);
    }
    return {
      peers: peers.length,
      inboundPeers: peers.filter(({ isInbound }) => isInbound).length,
      validatorPeers: peers.filter(({ validator }) => validator !== undefined).length,
      lagsMs: peers.flatMap(({ lagMs }) => lagMs ?? []),
      queuedBytes: peers.reduce((bytes, { queuedBytes }) => bytes + queuedBytes, 0),
      sentBytes: sum.sentBytes,
      receivedBytes: sum.receivedBytes,
      droppedFrames: sum.droppedCount,
      ...counts,
    };
  };
}

function addTotals(sum: { -readonly [Key in keyof Totals]: number }, totals: Totals | undefined): void {
  sum.sentBytes += totals?.sentBytes ?? 0;
  sum.receivedBytes += totals?.receivedBytes ?? 0;
  sum.droppedCount += totals?.droppedCount ?? 0;
}
