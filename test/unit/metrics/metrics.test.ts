import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { watchEventLoop, type EventLoopWindow } from '../../../node/metrics/event-loop.js';
import { nodeHealth, type HealthCheck, type HealthSources } from '../../../node/metrics/health.js';
import { createMetrics } from '../../../node/metrics/metrics.js';
import { MetricsServerError, startMetricsServer } from '../../../node/metrics/server.js';
import type { MetricSources } from '../../../node/metrics/sources.js';

/** The samples of one metric, as Prometheus reads them. */
async function samplesOf(sources: MetricSources, name: string): Promise<string[]> {
  const text = await createMetrics(sources).registry.metrics();
  return text.split('\n').filter((line) => new RegExp(`^${name}(?:\\{.*\\})? `).test(line));
}

test('figures are read when somebody asks; what the node does not have is missing, not zero', async () => {
  let height = 7;
  const sources: MetricSources = {
    chain: () => ({ height, timeMs: 1_000, oldestHeight: 1, baseFeeWei: 10n ** 9n }),
    nowMs: () => 4_500,
  };
  const { registry } = createMetrics(sources);
  const read = async (name: string): Promise<string | undefined> =>
    (await registry.metrics()).split('\n').find((line) => line.startsWith(`${name} `));
  assert.equal(await read('ogpu_chain_height'), 'ogpu_chain_height 7');
  height = 9;
  assert.equal(await read('ogpu_chain_height'), 'ogpu_chain_height 9');
  assert.equal(await read('ogpu_chain_head_age_seconds'), 'ogpu_chain_head_age_seconds 3.5');
  assert.equal(await read('ogpu_consensus_height'), undefined);
});

test('a count since the start stays what its source says, however often it is asked', async () => {
  const outcomes = { accepted: 5, replaced: 1, refused: 2, evicted: 0, expired: 0, included: 3 };
  const rest = { count: 3, sizeBytes: 300, pending: 2, queued: 1, protectedCount: 0, protectedBytes: 0 };
  const stats = { ...rest, ...outcomes, senders: 1, baseFeeWei: 1n, announced: 5 };
  const { registry } = createMetrics({ mempool: () => stats });
  await registry.metrics();
  const text = await registry.metrics();
  assert.match(text, /^ogpu_mempool_outcomes_total\{outcome="accepted"\} 5$/m);
  assert.match(text, /^ogpu_mempool_transactions\{state="queued"\} 1$/m);
});

test('lag is told of the median peer and of the slowest', async () => {
  const sums = {
    peers: 3,
    inboundPeers: 1,
    validatorPeers: 2,
    queuedBytes: 0,
    sentBytes: 1,
    receivedBytes: 2,
  };
  const p2p = { ...sums, lagsMs: [500, 1, 20], droppedFrames: 0, blames: 0, bans: 1, refusedConnections: 0 };
  assert.deepEqual(await samplesOf({ p2p: () => p2p }, 'ogpu_p2p_lag_seconds'), [
    'ogpu_p2p_lag_seconds{peer="median"} 0.02',
    'ogpu_p2p_lag_seconds{peer="slowest"} 0.5',
  ]);
  assert.deepEqual(await samplesOf({ p2p: () => ({ ...p2p, lagsMs: [] }) }, 'ogpu_p2p_lag_seconds'), []);
});

test('sizes on disk are those of the files', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'ledger', 'inner'), { recursive: true });
  await writeFile(join(folder, 'ledger', 'a'), 'x'.repeat(1000));
  await writeFile(join(folder, 'ledger', 'inner', 'b'), 'x'.repeat(234));
  const storage = { ledger: join(folder, 'ledger'), wal: join(folder, 'none') };
  assert.deepEqual(await samplesOf({ storage }, 'ogpu_storage_size_bytes'), [
    'ogpu_storage_size_bytes{part="ledger"} 1234',
    'ogpu_storage_size_bytes{part="wal"} 0',
  ]);
});

test('blocks and calls fill histograms; a client cannot make series without end', async () => {
  const metrics = createMetrics({});
  metrics.blockFinal({
    round: 1,
    transactions: 3,
    gasUsed: 63_000,
    bytes: 900,
    finalityMs: 80,
    intervalMs: 250,
  });
  for (let i = 0; i < 1_000; i++) metrics.rpcAnswered({ method: `m${i}`, outcome: 'error', durationMs: 1 });
  const text = await metrics.registry.metrics();
  assert.match(text, /^ogpu_consensus_finality_seconds_sum 0.08$/m);
  assert.match(text, /^ogpu_consensus_block_round_bucket\{le="0"\} 0$/m);
  assert.match(text, /^ogpu_consensus_block_round_bucket\{le="1"\} 1$/m);
  const methods = new Set(
    [...text.matchAll(/ogpu_rpc_duration_seconds_count\{method="(\w+)"/g)].map(([, m]) => m),
  );
  assert.equal(methods.size, 257);
  assert(methods.has('unknown'));
});

test('a thread that is taken is told of', async () => {
  const slow = await new Promise<EventLoopWindow>((resolve) => {
    const watch = watchEventLoop({
      windowMs: 300,
      slowMaxMs: 100,
      onSlow: (window) => {
        watch.stop();
        resolve(window);
      },
    });
    // Its first sample is taken before the thread is.
    setTimeout(() => {
      const endMs = performance.now() + 200;
      while (performance.now() < endMs);
    }, 50);
    setTimeout(() => undefined, 600);
  });
  assert(slow.maxMs > 100, String(slow.maxMs));
  assert(slow.utilization > 0.3 && slow.utilization <= 1, String(slow.utilization));
});

const WELL: HealthSources = {
  stopped: () => undefined,
  head: () => ({ height: 5, timeMs: 0 }),
  isSyncing: () => false,
  peers: () => 3,
  isAlone: () => false,
  idleIntervalMs: () => 5_000,
  eventLoopDelayMs: () => 3,
  nowMs: () => 20_000,
};

test('health and readiness are what the parts say', () => {
  const failing = (sources: Partial<HealthSources>): { live: string[]; ready: string[] } => {
    const health = nodeHealth({ ...WELL, ...sources });
    const names = (checks: readonly HealthCheck[]): string[] =>
      checks.filter(({ isOk }) => !isOk).map(({ name }) => name);
    return { live: names(health.live()), ready: names(health.ready()) };
  };
  assert.deepEqual(failing({}), { live: [], ready: [] });
  assert.deepEqual(failing({ stopped: () => 'diverged' }), {
    live: ['participation'],
    ready: ['participation'],
  });
  assert.deepEqual(failing({ isSyncing: () => true }), { live: [], ready: ['sync'] });
  assert.deepEqual(failing({ nowMs: () => 31_000 }), { live: [], ready: ['head'] });
  assert.deepEqual(failing({ nowMs: () => 31_000, idleIntervalMs: () => 60_000 }), { live: [], ready: [] });
  assert.deepEqual(failing({ peers: () => 0 }), { live: [], ready: ['peers'] });
  assert.deepEqual(failing({ peers: () => 0, isAlone: () => true }), { live: [], ready: [] });
  assert.deepEqual(failing({ eventLoopDelayMs: () => 9_000 }), { live: ['thread'], ready: ['thread'] });
});

test('metrics, health and readiness are served over HTTP', async (t) => {
  let isSyncing = true;
  const server = await startMetricsServer({
    ...{ host: '127.0.0.1', port: 0, registry: createMetrics({}).registry },
    health: nodeHealth({ ...WELL, isSyncing: () => isSyncing }),
  });
  t.after(() => server.close());
  const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${server.port}${path}`);
  const metrics = await get('/metrics');
  assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain; version=0.0.4/);
  assert.match(await metrics.text(), /^ogpu_build_info\{version="[\d.]+"\} 1$/m);
  assert.equal((await get('/health')).status, 200);
  const early = await get('/ready');
  assert.equal(early.status, 503);
  const { status, checks } = (await early.json()) as {
    status: string;
    checks: { name: string; ok: boolean }[];
  };
  assert.equal(status, 'failing');
  assert.deepEqual(checks.find(({ ok }) => !ok)?.name, 'sync');
  isSyncing = false;
  assert.equal((await get('/ready')).status, 200);
  assert.equal((await get('/nothing')).status, 404);
});

test('a port that is taken is a typed error', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  const { registry } = createMetrics({});
  await assert.rejects(
    startMetricsServer({ host: '127.0.0.1', port, registry, health: nodeHealth(WELL) }),
    (error) => error instanceof MetricsServerError && error.data['port'] === port,
  );
});

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ogpu-metrics-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
