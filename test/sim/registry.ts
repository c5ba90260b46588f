import { broadcastScenario } from './broadcast/scenario.js';
import { simulatedChain } from './consensus/chain.js';
import { consensusScenario } from './consensus/scenario.js';
import { runScenario, type Outcome, type RunOptions } from './run.js';
import { runVotes } from './votes/run.js';

/** Runs one seed of one scenario. */
export type RunSeed = (seed: number, options: RunOptions) => Promise<Outcome>;

/** Every scenario by name. */
export const SCENARIOS: ReadonlyMap<string, RunSeed> = new Map<string, RunSeed>([
  ['broadcast', (seed, options) => runScenario(broadcastScenario(), seed, options)],
  ['votes', runVotes],
  ['consensus', runConsensus(false)],
  ['consensus-bls', runConsensus(true)],
]);

const FLAWS = ['small-quorum', 'no-sync', 'no-repetition', 'takes-any-disk'] as const;

/** Scenarios with a planted mistake: they must fail, and show how a failure looks. They run only when named. */
export const FLAWED: ReadonlyMap<string, RunSeed> = new Map(
  FLAWS.map((flaw): [string, RunSeed] => [
    `broadcast-${flaw}`,
    (seed, options) => runScenario(broadcastScenario(flaw), seed, options),
  ]),
);

/** @param isReal whether validators sign with BLS, or with something a hundred times as fast */
function runConsensus(isReal: boolean): RunSeed {
  return async (seed, options) => {
    const chain = await simulatedChain(options.nodes, isReal);
    return runScenario(consensusScenario(isReal ? 'consensus-bls' : 'consensus', chain), seed, options);
  };
}
