import { broadcastScenario } from './broadcast/scenario.js';
import { simulatedChain } from './consensus/chain.js';
import { consensusScenario } from './consensus/scenario.js';
import { drawSize } from './consensus/size.js';
import { drawStakes } from './consensus/stakes.js';
import { runScenario, type Outcome, type RunOptions, type RunWishes } from './run.js';
import { createStreams } from './streams.js';
import { SECOND_US } from './units.js';
import { runVotes } from './votes/run.js';

/** Runs one seed of one scenario. */
export type RunSeed = (seed: number, wishes: RunWishes) => Promise<Outcome>;

/** Every scenario by name. */
export const SCENARIOS: ReadonlyMap<string, RunSeed> = new Map<string, RunSeed>([
  ['consensus', runConsensus('consensus')],
  ['consensus-bls', runConsensus('consensus-bls')],
  ['broadcast', (seed, wishes) => runScenario(broadcastScenario(), seed, usual(wishes))],
  ['votes', (seed, wishes) => runVotes(seed, usual(wishes))],
]);

const FLAWS = ['small-quorum', 'no-sync', 'no-repetition', 'takes-any-disk'] as const;

/** Scenarios with a planted mistake: they must fail, and show how a failure looks. They run only when named. */
export const FLAWED: ReadonlyMap<string, RunSeed> = new Map(
  FLAWS.map((flaw): [string, RunSeed] => [
    `broadcast-${flaw}`,
    (seed, wishes) => runScenario(broadcastScenario(flaw), seed, usual(wishes)),
  ]),
);

function usual(wishes: RunWishes): RunOptions {
  return { nodes: 7, troubleUs: 30 * SECOND_US, ...wishes };
}

/** Validators of `consensus` sign with something a hundred times as fast as BLS in most seeds, those of `consensus-bls` never do. */
function runConsensus(name: 'consensus' | 'consensus-bls'): RunSeed {
  return async (seed, wishes) => {
    const { isReal, ...size } = drawSize(createStreams(seed)('size'));
    const options = { ...size, ...wishes };
    const stakes = drawStakes(createStreams(seed)('stakes'));
    const chain = await simulatedChain(options.nodes, isReal || name === 'consensus-bls', stakes);
    return runScenario(consensusScenario(name, chain), seed, options);
  };
}
