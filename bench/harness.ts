import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';

/** One implementation of a scenario. `run` does `operations` operations (default 1) per call. */
export interface Contender {
  readonly name: string;
  readonly run: () => unknown;
}

/** Ours and its peers on the same input, timed in turns within one run so that machine noise hits all alike. */
export interface Scenario {
  /** `area/operation/parameter`. */
  readonly name: string;
  /** Operations one call of `run` stands for. */
  readonly operations?: number;
  readonly ours: Contender;
  readonly peers?: readonly Contender[];
  /** What we aim at, in words: shown beside the result. */
  readonly goal?: string;
  /** Wall time per contender and repeat. */
  readonly sampleMs?: number;
}

/** A figure that is not a rate: seconds of one long run, bytes, share of something. */
export interface Measurement {
  readonly name: string;
  readonly value: string;
  readonly goal?: string;
}

export interface ContenderResult {
  readonly name: string;
  /** Median over the repeats. */
  readonly operationsPerSecond: number;
  /** (max − min) / median over the repeats. */
  readonly spread: number;
}

export interface ScenarioResult {
  readonly name: string;
  readonly goal: string | undefined;
  readonly ours: ContenderResult;
  readonly peers: readonly (ContenderResult & { readonly ratio: number })[];
}

/** What a `*.bench.ts` file exports. Measurements are for what must be run once, by itself. */
export interface Suite {
  readonly scenarios?: () => readonly Scenario[] | Promise<readonly Scenario[]>;
  readonly measurements?: () => Promise<readonly Measurement[]>;
}

const REPEATS = 5;
const DEFAULT_SAMPLE_MS = 250;

/** Warms up, then times all contenders alternately `REPEATS` times. */
export async function runScenario(scenario: Scenario): Promise<ScenarioResult> {
  const contenders = [scenario.ours, ...(scenario.peers ?? [])];
  const sampleMs = scenario.sampleMs ?? DEFAULT_SAMPLE_MS;
  for (const contender of contenders) await sample(contender, sampleMs / 2);
  const rates = contenders.map((): number[] => []);
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    for (const [index, contender] of contenders.entries()) {
      rates[index]?.push((await sample(contender, sampleMs)) * (scenario.operations ?? 1));
    }
  }
  const results = contenders.map((contender, index) => summarise(contender.name, rates[index] ?? []));
  const [ours, ...peers] = results;
  if (ours === undefined) throw new RangeError('a scenario needs a contender');
  return {
    name: scenario.name,
    goal: scenario.goal,
    ours,
    peers: peers.map((peer) => ({ ...peer, ratio: ours.operationsPerSecond / peer.operationsPerSecond })),
  };
}

/** Calls per second over at least `sampleMs` (and at least one call). */
async function sample(contender: Contender, sampleMs: number): Promise<number> {
  const start = performance.now();
  let calls = 0;
  let elapsedMs = 0;
  while (elapsedMs < sampleMs) {
    const result = contender.run();
    if (result instanceof Promise) await result;
    calls++;
    elapsedMs = performance.now() - start;
  }
  return (calls * 1000) / elapsedMs;
}

function summarise(name: string, rates: readonly number[]): ContenderResult {
  const sorted = [...rates].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return { name, operationsPerSecond: median, spread: ((sorted.at(-1) ?? 0) - (sorted[0] ?? 0)) / median };
}

/** Machine and runtime a report was made on. */
export function describeMachine(): string {
  const processors = cpus();
  return `Node ${process.version}, ${processors.length} × ${processors[0]?.model ?? 'unknown CPU'}, ${process.platform} ${process.arch}`;
}

/** Markdown rows of one scenario: ours first, then each peer with the ratio ours : peer. */
export function scenarioRows(result: ScenarioResult): string[] {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const spread = (value: number): string => `±${(50 * value).toFixed(0)} %`;
  return [
    row([
      result.name,
      `**${result.ours.name}**`,
      formatRate(result.ours.operationsPerSecond),
      spread(result.ours.spread),
      '',
      result.goal ?? '',
    ]),
    ...result.peers.map((peer) =>
      row([
        '',
        peer.name,
        formatRate(peer.operationsPerSecond),
        spread(peer.spread),
        `${peer.ratio.toFixed(1)} ×`,
        '',
      ]),
    ),
  ];
}

function formatRate(perSecond: number): string {
  if (perSecond >= 1000) return `${Math.round(perSecond).toLocaleString('en-GB')} /s`;
  return `${perSecond.toPrecision(3)} /s`;
}
