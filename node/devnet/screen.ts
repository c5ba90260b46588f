import type { NodeSample } from './metrics-client.js';

/** A node and what it last told; undefined while it does not answer. */
export interface NodeLine {
  readonly name: string;
  readonly pid: number | undefined;
  readonly restarts: number;
  readonly rpcUrl: string;
  readonly sample: NodeSample | undefined;
}

/** Rates between two looks. */
export interface Rates {
  readonly transactionsPerSecond: number;
  readonly blocksPerSecond: number;
  /** Mean time from a block's header to its being final; undefined where none became final. */
  readonly finalityMs: number | undefined;
}

export function ratesBetween(before: NodeSample, after: NodeSample, elapsedMs: number): Rates {
  const blocks = after.finalCount - before.finalCount;
  const seconds = elapsedMs / 1_000;
  return {
    transactionsPerSecond: Math.max(0, after.transactions - before.transactions) / seconds,
    blocksPerSecond: Math.max(0, blocks) / seconds,
    finalityMs: blocks > 0 ? (1_000 * (after.finalSeconds - before.finalSeconds)) / blocks : undefined,
  };
}

/** One line for where nobody watches, such as a file. */
export function summary(lines: readonly NodeLine[], rates: Rates | undefined): string {
  const alive = lines.filter(({ sample }) => sample !== undefined).length;
  const height = Math.max(0, ...lines.map(({ sample }) => sample?.height ?? 0));
  return `height ${height}, ${alive} of ${lines.length} nodes, ${describeRates(rates)}`;
}

/** Everything on one screen. */
export function drawScreen(lines: readonly NodeLine[], rates: Rates | undefined, folder: string): string {
  const rows = lines.map(({ name, pid, restarts, rpcUrl, sample }) =>
    [
      name.padEnd(9),
      String(pid ?? '-').padStart(8),
      String(restarts).padStart(9),
      String(sample?.height ?? '-').padStart(9),
      String(sample?.peers ?? '-').padStart(6),
      String(sample?.waiting ?? '-').padStart(8),
      `  ${rpcUrl}`,
    ].join(''),
  );
  return [
    'oGPU devnet',
    '',
    `  ${describeRates(rates)}`,
    '',
    'node          pid restarts   height peers waiting  JSON-RPC',
    ...rows,
    '',
    `  files: ${folder}`,
    '  Ctrl-C ends it.',
    '',
  ].join('\n');
}

function describeRates(rates: Rates | undefined): string {
  if (rates === undefined) return 'starting';
  const { transactionsPerSecond, blocksPerSecond, finalityMs } = rates;
  const finality = finalityMs === undefined ? 'idle' : `final after ${finalityMs.toFixed(0)} ms`;
  return `${transactionsPerSecond.toFixed(1)} tx/s, ${blocksPerSecond.toFixed(1)} blocks/s, ${finality}`;
}
