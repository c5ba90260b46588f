import { createPrng } from '../test/support/prng.js';
import { measureCosts, type Costs } from './consensus-costs.js';
import type { Measurement, Suite } from './harness.js';
import { TRANSFERS } from './ledger-chain.js';
import { runWideArea, type WideAreaReport } from './wide-area.js';

export const suite: Suite = { measurements };

/** `OGPU_BENCH_VALIDATORS=100,150` runs these sizes alone. */
const SIZES = (process.env['OGPU_BENCH_VALIDATORS'] ?? '4,25,50,100,150').split(',').map(Number);
const HEIGHTS = 12;

/** A megabyte in as many envelopes as the ledger executes in a full block. */
const ENVELOPE_BYTES = Math.floor(1_000_000 / TRANSFERS);

interface Load {
  readonly name: string;
  readonly isFull: boolean;
  readonly unknownBps: number;
}

const EMPTY: Load = { name: 'empty', isFull: false, unknownBps: 0 };
/** Two of a hundred transactions have not come to a node when their block does. */
const FULL: Load = { name: '1MB', isFull: true, unknownBps: 200 };
/** Nobody but the proposer has heard of them. */
const UNHEARD: Load = { name: '1MB-unheard', isFull: true, unknownBps: 10_000 };

/**
 * Finality of validators all over the world in simulated time: latencies between regions as measured, 1 Gbit/s of upload each, the real
 * engine, runner, inbox and verifier; the cost of everything that takes time, measured in this run, is charged to two cores of each node.
 * `wide-area-node.ts` says what is assumed. Heap is counted where the collector can be called (`node --expose-gc`).
 */
async function measurements(): Promise<readonly Measurement[]> {
  const prng = createPrng(1);
  const envelopes = Array.from({ length: TRANSFERS }, () => prng.bytes(ENVELOPE_BYTES));
  const costs = await measureCosts(envelopes);
  const results: Measurement[] = describeCosts(costs);
  for (const validators of SIZES) {
    for (const { name, isFull, unknownBps } of validators === 100 ? [EMPTY, FULL, UNHEARD] : [EMPTY, FULL]) {
      const content = isFull ? envelopes : [];
      const report = await runWideArea({
        ...{ validators, heights: HEIGHTS, envelopes: content, unknownBps, costs },
      });
      results.push(describe(`consensus/${validators}-validators/${name}`, report));
    }
  }
  return results;
}

function describeCosts(costs: Costs): Measurement[] {
  const { perTransaction } = costs;
  const ms = (us: number): string => `${(us / 1000).toFixed(2)} ms`;
  const block = Object.entries(perTransaction)
    .map(([what, us]) => `${what.replace('Us', '')} ${ms(us * TRANSFERS)}`)
    .join(', ');
  return [
    {
      name: 'consensus/costs/signatures',
      value: `sign ${ms(costs.signUs)}, verify 1 ${ms(costs.verifyUs(1))}, 100 of one message ${ms(costs.verifyUs(100))} (${Math.round(1e8 / costs.verifyUs(100))} votes /s), aggregate and check 100 ${ms(costs.aggregateUs(100))}, check an aggregate of 100 ${ms(costs.verifyAggregateUs(100))}, recover ${ms(costs.recoverSenderUs)}`,
    },
    {
      name: 'consensus/costs/vote',
      value: `read ${costs.readVoteUs.toFixed(0)} µs, count and log ${costs.countVoteUs.toFixed(0)} µs`,
    },
    { name: 'consensus/costs/1MB', value: block },
  ];
}

function describe(name: string, report: WideAreaReport): Measurement {
  const quantiles = (values: readonly number[]): string => {
    const sorted = [...values].sort((a, b) => a - b);
    const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(0);
    return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
  };
  return {
    name,
    value: [
      `from opening ${quantiles(report.fromOpeningMs)}`,
      `from proposal ${quantiles(report.fromProposalMs)}`,
      `a height and node: ${report.messagesPerHeight.toFixed(0)} messages, ${(report.bytesPerHeight / 1e6).toFixed(2)} MB`,
      `busiest core ${(100 * report.mainShare).toFixed(0)} %, worker ${(100 * report.workerShare).toFixed(0)} %`,
      `${report.extraRounds} extra rounds, ${report.resends} resends`,
      `heap ${(report.heapBytesPerNode / 1e6).toFixed(1)} MB a node`,
    ].join('; '),
    goal: 'from proposal p50 < 600 ms with 100 validators',
  };
}
