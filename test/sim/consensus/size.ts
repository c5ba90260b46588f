import type { Prng } from '../../support/prng.js';
import { SECOND_US } from '../units.js';

/** How large a run of consensus is, where nobody says. */
export interface Size {
  readonly nodes: number;
  /** Enough for ten to twenty-five heights, and for epochs to change. */
  readonly troubleUs: number;
  /** Whether validators sign with BLS. */
  readonly isReal: boolean;
}

/** Most runs are small: they find as much as large ones, and there can be many more of them. */
export function drawSize(random: Prng): Size {
  const roll = random.below(100);
  const seconds = 6 + random.below(5);
  if (roll < 5) return { nodes: 4, troubleUs: seconds * SECOND_US, isReal: true };
  if (roll < 6) return { nodes: 16, troubleUs: 4 * SECOND_US, isReal: false };
  const nodes = roll < 20 ? 5 + random.below(3) : 4;
  return { nodes, troubleUs: seconds * SECOND_US, isReal: false };
}
