import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import type { Prng } from '../../support/prng.js';

/** How the stake of a chain is spread over its validators. */
export type StakeShape = 'equal' | 'skewed' | 'thirds';

const USUAL_WEI = 10_000n * WEI_PER_OGPU;

/** Half of the chains have equal validators. */
export function drawStakes(random: Prng): StakeShape {
  return random.pick(['equal', 'equal', 'skewed', 'thirds'] as const);
}

/** Stake of a validator in wei. */
export function stakeOf(shape: StakeShape, node: number, nodes: number): bigint {
  switch (shape) {
    case 'equal':
      return USUAL_WEI;
    // From once to twice the usual, in even steps.
    case 'skewed':
      return USUAL_WEI + (USUAL_WEI * BigInt(node)) / BigInt(Math.max(nodes - 1, 1));
    // One has exactly a third: everybody else together is no quorum by a single unit of power.
    case 'thirds':
      return node === 0 ? (USUAL_WEI * BigInt(Math.max(nodes - 1, 1))) / 2n : USUAL_WEI;
  }
}
