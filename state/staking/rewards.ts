import type { Address } from '../../protocol/address.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { ContainerType, uint128, type ValueOf } from '../../protocol/ssz/types.js';
import { votingPowerOf } from '../../protocol/types/validators.js';
import { credit } from '../accounts/account.js';
import { poolBalanceWei, takeFromPool } from '../accounts/pools.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { singleRecord } from '../store/record.js';
import type { Reader } from '../store/store.js';
import type { Scope } from '../transition/block-context.js';
import { EVENTS } from './abi.js';
import { RewardPoolType } from './codecs.js';
import {
  addShares,
  claim,
  dissolve,
  distribute,
  EMPTY_HOLDING,
  EMPTY_REWARD_POOL,
  removeShares,
} from './reward-pool.js';
import { commissionAt, isActive, type Validator } from './validator.js';

const ActiveRewardsType = new ContainerType({
  /** Its holders are the members of the active set, each with its present stake as shares. */
  pool: RewardPoolType,
  /** What the division of the schedule has left over, in wei · 10,000 · year. */
  emissionRemainder: uint128,
  /** Paid from the reserve since the epoch began. */
  epochEmissionWei: uint128,
});

export type ActiveRewards = Readonly<ValueOf<typeof ActiveRewardsType>>;

/** Rewards of the active set on their way to its members. */
export const activeRewards = singleRecord(
  STATE_KEYS.system,
  createCodec<ActiveRewards>('ActiveRewards', ActiveRewardsType),
  'rewards',
);

const YEAR_MS = 365 * 24 * 3_600_000;
const EMISSION_UNIT = 10_000n * BigInt(YEAR_MS);

export function writeFirstRewards(state: Overlay): void {
  activeRewards.write(state, { pool: EMPTY_REWARD_POOL, emissionRemainder: 0n, epochEmissionWei: 0n });
}

/**
 * Pays the active set for the time since the last block: a fixed share of what is left of the reserve per year, so that it lasts for
 * ever. The time is header time: a halt is paid for when it ends, and fast blocks bring nothing.
 */
export function payEmission({ state, block }: Omit<Scope, 'emit'>, elapsedMs: number): void {
  const rewards = activeRewards.read(state);
  const rate = BigInt(block.params.staking.emissionBpsPerYear) * BigInt(elapsedMs);
  const reserveWei = poolBalanceWei(state, 'reserve');
  const due = reserveWei * rate + rewards.emissionRemainder;
  const scheduledWei = due / EMISSION_UNIT;
  const emissionWei = scheduledWei < reserveWei ? scheduledWei : reserveWei;
  takeFromPool(state, 'reserve', emissionWei);
  activeRewards.write(state, {
    pool: distribute(rewards.pool, emissionWei),
    emissionRemainder: due % EMISSION_UNIT,
    epochEmissionWei: rewards.epochEmissionWei + emissionWei,
  });
}

/** @returns what the ended epoch was paid in all; the count begins again */
export function endEpochEmission(state: Overlay): bigint {
  const rewards = activeRewards.read(state);
  activeRewards.write(state, { ...rewards, epochEmissionWei: 0n });
  return rewards.epochEmissionWei;
}

/**
 * Brings what an active validator has earned to its pool, less its commission, which goes to its payout address. Whatever changes the
 * shares of the pool does this before, so that rewards go to those whose stake has earned them.
 */
export function settleSeat(scope: Scope, id: Address, validator: Validator): Validator {
  if (!isActive(validator)) return validator;
  const { state } = scope;
  const rewards = activeRewards.read(state);
  const { pool, holding, paidWei } = claim(rewards.pool, validator.seat);
  if (paidWei === 0n) return validator;
  activeRewards.write(state, { ...rewards, pool });
  return shareOut(scope, id, { ...validator, seat: holding }, paidWei);
}

/** Divides what a validator has earned, which the caller has in hand: its commission to its payout address, the rest to its pool. */
export function shareOut(scope: Scope, id: Address, validator: Validator, earnedWei: bigint): Validator {
  const { state, block } = scope;
  const isForOwner = validator.pool.shares === 0n;
  const commissionBps = isForOwner ? 10_000 : commissionAt(validator, block.epoch);
  const commissionWei = (earnedWei * BigInt(commissionBps)) / 10_000n;
  const delegatorsWei = earnedWei - commissionWei;
  credit(state, validator.payout, commissionWei);
  scope.emit(EVENTS.RewardsPaid, [id, BigInt(block.epoch), delegatorsWei, commissionWei]);
  return { ...validator, pool: distribute(validator.pool, delegatorsWei) };
}

/** Gives a validator its part in the rewards of the active set. */
export function takeSeat(state: Overlay, validator: Validator): Validator {
  const rewards = activeRewards.read(state);
  const { pool, holding } = addShares(rewards.pool, EMPTY_HOLDING, seatSharesOf(validator));
  activeRewards.write(state, { ...rewards, pool });
  return { ...validator, seat: holding };
}

/**
 * Makes the part of an active validator follow its stake, so that stake that leaves takes its rewards along, and stake that joins takes
 * none from those who are there. What was earned is settled before.
 */
export function resizeSeat(state: Overlay, validator: Validator): Validator {
  const change = isActive(validator) ? seatSharesOf(validator) - validator.seat.shares : 0n;
  if (change === 0n) return validator;
  const rewards = activeRewards.read(state);
  const { pool, holding } =
    change > 0n
      ? addShares(rewards.pool, validator.seat, change)
      : removeShares(rewards.pool, validator.seat, -change);
  activeRewards.write(state, { ...rewards, pool });
  return { ...validator, seat: holding };
}

/** Shares of an active validator's seat: its stake in units of voting power, and one at least, which says that it is active. */
export function seatSharesOf({ pool }: Validator): bigint {
  const power = votingPowerOf(pool.tokensWei);
  return power > 0 ? BigInt(power) : 1n;
}

/** Ends it. What was earned is settled before; the fraction of a wei goes to those who stay. */
export function leaveSeat(state: Overlay, validator: Validator): Validator {
  const rewards = activeRewards.read(state);
  const { pool, holding } = removeShares(rewards.pool, validator.seat, validator.seat.shares);
  activeRewards.write(state, { ...rewards, pool: dissolve(pool, holding) });
  return { ...validator, seat: EMPTY_HOLDING };
}

/** Rewards of the active set that no member has settled yet. */
export function unsettledRewardsWei(state: Reader): bigint {
  return activeRewards.read(state).pool.rewardsWei;
}
