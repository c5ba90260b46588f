import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { packageVersion } from '../version.js';
import { FIGURES, type Figure } from './figures.js';
import type { MetricSources } from './sources.js';
import { sizeOf } from './storage.js';

/** A final block, as it is told to the metrics once. */
export interface FinalBlockFigures {
  readonly round: number;
  readonly transactions: number;
  readonly gasUsed: number;
  readonly bytes: number;
  /** From its header time to here. */
  readonly finalityMs: number;
  /** From the header time of the block before to its own. */
  readonly intervalMs: number;
}

export interface RpcCallFigures {
  /** A method that there is, or `unknown`. */
  readonly method: string;
  readonly outcome: 'ok' | 'error';
  readonly durationMs: number;
}

/** What is told to Prometheus. `sources` are read when it asks; the methods are called when something happens. */
export interface Metrics {
  readonly registry: Registry;
  blockFinal(block: FinalBlockFigures): void;
  rpcAnswered(call: RpcCallFigures): void;
  /** @param count of open subscriptions, read when Prometheus asks */
  watchSubscriptions(count: () => number): void;
}

/** Sizes are looked up again after this. */
const STORAGE_MAX_AGE_MS = 10_000;
/** Labels come from code, not from clients; should one slip through, it cannot make series without end. */
const MAX_METHODS = 256;

/** @returns a registry of its own: several nodes in one process do not mix */
export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const figure of FIGURES) registerFigure(registry, figure, sources);
  registerStorage(registry, sources);
  new Gauge({
    name: 'ogpu_build_info',
    help: 'Always 1; the version is in the label.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version: packageVersion() }, 1);
  return { registry, ...blockMetrics(registry), ...rpcMetrics(registry) };
}

function registerFigure(registry: Registry, figure: Figure, sources: MetricSources): void {
  const { name, help, label, kind, read } = figure;
  const labelNames = label === undefined ? [] : [label];
  // Without labels a metric is 0 after a reset; what the node does not have is no zero.
  const empty = (metric: Gauge | Counter): void => {
    metric.reset();
    if (label === undefined) metric.remove();
  };
  const each = (take: (labels: Record<string, string>, value: number) => void): void => {
    const value = read(sources);
    if (value === undefined) return;
    const samples = typeof value === 'number' ? { '': value } : value;
    for (const [of, sample] of Object.entries(samples))
      take(label === undefined ? {} : { [label]: of }, sample);
  };
  if (kind === 'gauge') {
    new Gauge({
      ...{ name, help, labelNames, registers: [registry] },
      collect() {
        empty(this);
        each((labels, value) => {
          this.set(labels, value);
        });
      },
    });
    return;
  }
  new Counter({
    ...{ name, help, labelNames, registers: [registry] },
    collect() {
      empty(this);
      each((labels, value) => {
        this.inc(labels, value);
      });
    },
  });
}

function registerStorage(
  registry: Registry,
  { storage = {}, nowMs = () => performance.now() }: MetricSources,
): void {
  let readMs = -Infinity;
  new Gauge({
    name: 'ogpu_storage_size_bytes',
    help: 'Bytes on disk, by what they are for.',
    labelNames: ['part'],
    registers: [registry],
    async collect() {
      if (nowMs() - readMs < STORAGE_MAX_AGE_MS) return;
      readMs = nowMs();
      for (const [part, path] of Object.entries(storage)) this.set({ part }, await sizeOf(path));
    },
  });
}

function blockMetrics(registry: Registry): Pick<Metrics, 'blockFinal'> {
  const histogram = (name: string, help: string, buckets: number[]): Histogram =>
    new Histogram({ name, help, buckets, registers: [registry] });
  const finality = histogram(
    'ogpu_consensus_finality_seconds',
    'From the header time of a block to its being final here. With clocks that differ it is off by the difference.',
    [0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10, 30],
  );
  const interval = histogram(
    'ogpu_consensus_block_interval_seconds',
    'Between the header times of two blocks that follow each other.',
    [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60],
  );
  const rounds = histogram(
    'ogpu_consensus_block_round',
    'Round in which a block became final.',
    [0, 1, 2, 3, 5, 10],
  );
  const transactions = histogram(
    'ogpu_consensus_block_transactions',
    'Transactions of a final block.',
    [0, 1, 10, 50, 100, 500, 1_000, 2_000, 5_000],
  );
  const gas = histogram(
    'ogpu_consensus_block_gas',
    'Gas that a final block used.',
    [0, 21_000, 1e6, 5e6, 15e6, 30e6, 60e6, 120e6],
  );
  const size = histogram(
    'ogpu_consensus_block_size_bytes',
    'Encoded size of a final block.',
    [1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304],
  );
  return {
    blockFinal: (block) => {
      finality.observe(Math.max(0, block.finalityMs) / 1000);
      interval.observe(Math.max(0, block.intervalMs) / 1000);
      rounds.observe(block.round);
      transactions.observe(block.transactions);
      gas.observe(block.gasUsed);
      size.observe(block.bytes);
    },
  };
}

function rpcMetrics(registry: Registry): Pick<Metrics, 'rpcAnswered' | 'watchSubscriptions'> {
  const duration = new Histogram({
    name: 'ogpu_rpc_duration_seconds',
    help: 'Time of a call, by method and outcome.',
    labelNames: ['method', 'outcome'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers: [registry],
  });
  let countSubscriptions = (): number => 0;
  new Gauge({
    name: 'ogpu_rpc_subscriptions',
    help: 'Open subscriptions over WebSocket.',
    registers: [registry],
    collect() {
      this.set(countSubscriptions());
    },
  });
  const methods = new Set<string>();
  return {
    rpcAnswered: ({ method, outcome, durationMs }) => {
      if (methods.size < MAX_METHODS) methods.add(method);
      duration.observe({ method: methods.has(method) ? method : 'unknown', outcome }, durationMs / 1000);
    },
    watchSubscriptions: (count) => {
      countSubscriptions = count;
    },
  };
}
