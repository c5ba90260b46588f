import type { Address } from '../../protocol/address.js';
import { compareBytes, toHex } from '../../protocol/bytes.js';
import { findScheduled } from '../queues/due.js';
import { rankedStakeWei } from '../queues/ranking.js';
import { nextValidators } from '../staking/active-set.js';
import { activeRewards, seatSharesOf } from '../staking/rewards.js';
import { isEligible } from '../staking/standing.js';
import { findUnbonding, unbondingSubject } from '../staking/unbonding.js';
import { isActive, validators } from '../staking/validator.js';
import type { Reader } from '../store/store.js';
import { paramsRecord } from '../system/chain.js';
import { DUE } from '../system/due-kinds.js';
import { InvariantBroken } from './errors.js';

/** Who may be elected is ranked with his stake, and nobody else; a seat is as big as the stake; shares are never worth more than a wei. */
export function checkStanding(state: Reader, id: Address): void {
  const validator = validators.find(state, id);
  const rankedWei = rankedStakeWei(state, id);
  const stakeWei =
    validator !== undefined && isEligible(state, paramsRecord.read(state), id, validator)
      ? validator.pool.tokensWei
      : undefined;
  const isSound =
    validator === undefined ||
    (validator.pool.tokensWei <= validator.pool.shares &&
      validator.seat.shares === (isActive(validator) ? seatSharesOf(validator) : 0n));
  if (rankedWei !== stakeWei || !isSound) {
    throw new InvariantBroken('STANDING_WRONG', 'a validator is not ranked as its stake says', {
      validator: toHex(id),
      rankedWei,
      stakeWei,
    });
  }
}

/** What unbonds is scheduled for its time and height; what is paid is not scheduled any more. */
export function checkScheduled(state: Reader, delegator: Address, number: number): void {
  const entry = findUnbonding(state, delegator, number);
  const scheduled = findScheduled(state, DUE.unbonding, unbondingSubject(delegator, number));
  if (scheduled?.timeMs === entry?.dueMs && scheduled?.height === entry?.dueHeight) return;
  throw new InvariantBroken('QUEUE_WRONG', 'an unbonding is not scheduled for its time and height', {
    delegator: toHex(delegator),
    number,
    dueMs: entry?.dueMs,
    dueHeight: entry?.dueHeight,
    scheduledMs: scheduled?.timeMs,
    scheduledHeight: scheduled?.height,
  });
}

/** The set is sorted, nobody is in it twice, each member has power and a seat, and nobody else has one. */
export function checkActiveSet(state: Reader): void {
  const set = nextValidators(state);
  const isSorted = set.every((member, index) => {
    const next = set[index + 1];
    return next === undefined || compareBytes(member.id, next.id) < 0;
  });
  const seats = set.map(({ id }) => validators.read(state, id).seat.shares);
  const hasPower = set.every(({ votingPower }) => votingPower > 0) && seats.every((shares) => shares > 0n);
  const shares = seats.reduce((sum, each) => sum + each, 0n);
  if (isSorted && hasPower && shares === activeRewards.read(state).pool.shares && set.length > 0) return;
  throw new InvariantBroken('SET_WRONG', 'the active set does not have the seats', { members: set.length });
}
