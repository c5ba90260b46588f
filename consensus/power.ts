import { OgpuError } from '../protocol/errors.js';
import type { Validator, ValidatorSet } from '../protocol/types/validators.js';

/** All OGPU there will ever be, in µOGPU. Three times this is a safe integer, so that no comparison below rounds. */
export const MAX_TOTAL_POWER = 21_000_000_000_000;

/** A set whose powers no chain can have. */
export class PowerError extends OgpuError<'POWER_OUT_OF_RANGE'> {}

/**
 * Voting power of a whole set.
 *
 * @throws PowerError when a member has none or all together have more than there is
 */
export function totalPower(set: ValidatorSet): number {
  let total = 0;
  for (const { votingPower } of set) {
    total += votingPower;
    if (votingPower < 1 || total > MAX_TOTAL_POWER) {
      throw new PowerError('POWER_OUT_OF_RANGE', `a member has power ${votingPower} in a set of ${total}`, {
        votingPower,
        total,
      });
    }
  }
  return total;
}

/** Voting power of some members of a set, each once. */
export function powerOf(members: Iterable<Pick<Validator, 'votingPower'>>): number {
  let power = 0;
  for (const { votingPower } of members) power += votingPower;
  return power;
}

/** More than two thirds: any two such groups share a correct validator while less than a third is faulty. */
export function isQuorum(power: number, total: number): boolean {
  return 3 * power > 2 * total;
}

/** More than one third: such a group has a correct validator in it. */
export function exceedsOneThird(power: number, total: number): boolean {
  return 3 * power > total;
}
