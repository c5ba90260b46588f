import type { Address } from '../../protocol/address.js';
import { compareBytes, toHex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { DRAW_SEAT, type Draws } from './seed.js';
import { isParty, type AttemptTerms } from './terms.js';

/** A validator that can run the job's source. */
export interface Verifier {
  /** Id of the validator. */
  readonly id: Address;
  /** Who runs it: two validators of one operator never judge the same segment. */
  readonly operator: Address;
  /** Voting power, in whole µOGPU, at least 1. */
  readonly power: number;
}

/** Those that may judge: none that stands for the provider or the client. Ascending by id. */
export function eligibleVerifiers(terms: AttemptTerms, verifiers: readonly Verifier[]): Verifier[] {
  verifiers.forEach(({ id, power }, i) => {
    const before = verifiers[i - 1];
    invariant(before === undefined || compareBytes(before.id, id) < 0, 'verifiers ascend by id');
    invariant(Number.isSafeInteger(power) && power >= 1, 'a verifier has power');
  });
  return verifiers.filter(({ id, operator }) => !isParty(terms, id) && !isParty(terms, operator));
}

/** How many operators there are. */
export function operatorCount(verifiers: readonly Verifier[]): number {
  return new Set(verifiers.map(({ operator }) => toHex(operator))).size;
}

/**
 * Draws up to `count` seats of one segment, one after another, each with chances by power among the operators not yet drawn. With too
 * few operators all of them have a seat.
 *
 * @param taken operators that have, or have lost, a seat of this segment
 */
export function drawSeats(
  eligible: readonly Verifier[],
  segment: number,
  count: number,
  draws: Draws,
  taken: ReadonlySet<string> = new Set(),
): Verifier[] {
  let left = eligible.filter(({ operator }) => !taken.has(toHex(operator)));
  const drawn: Verifier[] = [];
  while (drawn.length < count && left.length > 0) {
    const total = left.reduce((sum, { power }) => sum + power, 0);
    const point = draws.below(total, DRAW_SEAT, segment, drawn.length);
    const seat = at(left, point);
    drawn.push(seat);
    const operator = toHex(seat.operator);
    left = left.filter((verifier) => toHex(verifier.operator) !== operator);
  }
  return drawn;
}

/** In whose stretch `point` lies, when they lie in order, each as long as its power. */
function at(verifiers: readonly Verifier[], point: number): Verifier {
  let end = 0;
  const found = verifiers.find(({ power }) => (end += power) > point);
  invariant(found !== undefined, 'a draw finds a verifier');
  return found;
}
