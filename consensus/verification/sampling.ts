import { invariant } from '../../protocol/invariant.js';
import { DRAW_SEGMENT, DRAW_STEP, type Draws } from './seed.js';
import { isFullAudit, type AttemptTerms } from './terms.js';

/** One of the k stretches that the segments are cut into, as equal as can be: one segment of each is drawn. */
export interface Stratum {
  readonly first: number;
  readonly size: number;
}

/** Stratum j is [⌊j·n/k⌋, ⌊(j+1)·n/k⌋). */
export function strata(segments: number, sampled: number): Stratum[] {
  invariant(sampled >= 1 && sampled <= segments, 'as many strata as segments at most');
  const edge = (j: number): number => Math.floor((j * segments) / sampled);
  return Array.from({ length: sampled }, (_, j) => ({ first: edge(j), size: edge(j + 1) - edge(j) }));
}

/** The segments that are judged, ascending. */
export function sampleSegments(
  terms: Pick<AttemptTerms, 'kind' | 'segments' | 'sampled' | 'full'>,
  draws: Draws,
): number[] {
  const { kind, segments, sampled } = terms;
  if (isFullAudit(terms)) return Array.from({ length: segments }, (_, i) => i);
  const cut = strata(segments, sampled);
  if (kind === 'batch') {
    return cut.map(({ first, size }, j) => first + draws.below(size, DRAW_SEGMENT, j, 0));
  }
  return sampleChain(cut, draws);
}

/**
 * One segment of each stratum, never two neighbours, and yet each segment of a stratum with the same chance.
 *
 * After the last segment of a stratum of size a, the next one, of size b, is drawn without its first. That takes from the first a chance
 * which it is given back after all others: then it is drawn with chance a / (b·(a − 1)), the rest evenly.
 */
function sampleChain(cut: readonly Stratum[], draws: Draws): number[] {
  const drawn: number[] = [];
  cut.forEach(({ first, size }, j) => {
    const before = cut[j - 1];
    const previous = drawn.at(-1);
    if (before === undefined || previous === undefined) {
      drawn.push(first + draws.below(size, DRAW_SEGMENT, j, 0));
      return;
    }
    const isNeighbour = previous === first - 1;
    const takesFirst = !isNeighbour && draws.below(size * (before.size - 1), DRAW_STEP, j, 0) < before.size;
    drawn.push(takesFirst ? first : first + 1 + draws.below(size - 1, DRAW_SEGMENT, j, 0));
  });
  return drawn;
}
