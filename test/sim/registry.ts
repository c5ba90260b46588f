import { broadcastScenario } from './broadcast/scenario.js';
import { runScenario, type Outcome, type RunOptions } from './run.js';
import { runVotes } from './votes/run.js';

/** Runs one seed of one scenario. */
export type RunSeed = (seed: number, options: RunOptions) => Promise<Outcome>;

/** Every scenario by name. */
export const SCENARIOS: ReadonlyMap<string, RunSeed> = new Map<string, RunSeed>([
  ['broadcast', (seed, options) => runScenario(broadcastScenario(), seed, options)],
  ['votes', runVotes],
]);

const FLAWS = ['small-quorum', 'no-sync', 'no-repetition', 'takes-any-disk'] as const;

/** Scenarios with a planted mistake: they must fail, and show how a failure looks. They run only when named. */
export const FLAWED: ReadonlyMap<string, RunSeed> = new Map(
  FLAWS.map((flaw): [string, RunSeed] => [
    `broadcast-${flaw}`,
    (seed, options) => runScenario(broadcastScenario(flaw), seed, options),
  ]),
);
