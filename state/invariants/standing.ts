import type { Address } from '../../protocol/address.js';
import { compareBytes, toHex } from '../../protocol/bytes.js';
import { findScheduled } from '../queues/due.js';
import { rankedStakeWei } from '../queues/ranking.js';
import { nextValidators } from '../staking/active-set.js';
import { activeRewards } from '../staking/rewards.js';
import { isEligible } from '../staking/standing.js';
import { findUnbonding, unbondingSubject } from '../staking/unbonding.js';
import { validators } from '../staking/validator.js';
import type { Reader } from '../store/store.js';
import { paramsRecord } from '../system/chain.js';
import { DUE } from '../system/due-kinds.js';
import { InvariantBroken } from './errors.js';

/** Who may be elected is ranked with his stake, and nobody else; stake is never worth more than its shares. */
export function checkStanding(state: Reader, id: Address): void {
  const validator = validators.find(state, id);
  const rankedWei = rankedStakeWei(state, id);
  const stakeWei =
    validator !== undefined && isEligible(state, paramsRecord.read(state), id, validator)
      ? validator.pool.tokensWei
      : undefined;
  if (
    rankedWei !== stakeWei ||
    (validator !== undefined && validator.pool.tokensWei > validator.pool.shares)
  ) {
    throw new InvariantBroken('STANDING_WRONG', 'a validator is not ranked as its stake says', {
      validator: toHex(id),
      rankedWei,
      stakeWei,
    });
  }
}

/** What unbonds is scheduled for its time; what is paid is not scheduled any more. */
export function checkScheduled(state: Reader, delegator: Address, number: number): void {
  const dueMs = findUnbonding(state, delegator, number)?.dueMs;
  const scheduled = findScheduled(state, DUE.unbonding, unbondingSubject(delegator, number));
  if (scheduled?.timeMs === dueMs) return;
  throw new InvariantBroken('QUEUE_WRONG', 'an unbonding is not scheduled for its time', {
    delegator: toHex(delegator),
    number,
    dueMs,
    scheduledMs: scheduled?.timeMs,
  });
}

/** The set is sorted, nobody is in it twice, and each member's seat has its voting power as shares. */
export function checkActiveSet(state: Reader): void {
  const set = nextValidators(state);
  const isSorted = set.every((member, index) => {
    const next = set[index + 1];
    return next === undefined || compareBytes(member.id, next.id) < 0;
  });
  const hasSeats = set.every(
    ({ id, votingPower }) =>
      validators.read(state, id).seat.shares === BigInt(votingPower) && votingPower > 0,
  );
  const power = set.reduce((sum, { votingPower }) => sum + BigInt(votingPower), 0n);
  if (isSorted && hasSeats && power === activeRewards.read(state).pool.shares && set.length > 0) return;
  throw new InvariantBroken('SET_WRONG', 'the active set does not have the seats', { members: set.length });
}
