import { broadcastScenario } from './broadcast/scenario.js';
import { simulatedChain } from './consensus/chain.js';
import type { Flaw } from './consensus/disk.js';
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
  ['consensus-bls', runConsensus('consensus-bls', { isReal: true })],
  ['broadcast', (seed, wishes) => runScenario(broadcastScenario(), seed, usual(wishes))],
  ['votes', (seed, wishes) => runVotes(seed, usual(wishes))],
]);

const FLAWS = ['small-quorum', 'no-sync', 'no-repetition', 'takes-any-disk'] as const;

/** Scenarios with a planted mistake: they must fail, and show how a failure looks. They run only when named. */
export const FLAWED: ReadonlyMap<string, RunSeed> = new Map<string, RunSeed>([
  ...FLAWS.map((flaw): [string, RunSeed] => [
    `broadcast-${flaw}`,
    (seed, wishes) => runScenario(broadcastScenario(flaw), seed, usual(wishes)),
  ]),
  ['consensus-forgetful', runConsensus('consensus-forgetful', { flaw: 'forgetful' })],
]);

function usual(wishes: RunWishes): RunOptions {
  return { nodes: 7, troubleUs: 30 * SECOND_US, ...wishes };
}

/** @param isReal whether validators sign with BLS in every seed, and not with something a hundred times as fast in most */
function runConsensus(
  name: string,
  { isReal = false, flaw }: { readonly isReal?: boolean; readonly flaw?: Flaw } = {},
): RunSeed {
  return async (seed, wishes) => {
    const { isReal: isDrawnReal, ...size } = drawSize(createStreams(seed)('size'));
    const options = { ...size, ...wishes };
    const stakes = drawStakes(createStreams(seed)('stakes'));
    const chain = await simulatedChain(options.nodes, isReal || isDrawnReal, stakes);
    return runScenario(consensusScenario(name, chain, flaw), seed, options);
  };
}
