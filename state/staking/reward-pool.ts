import { invariant } from '../../protocol/invariant.js';

/**
 * Rewards divided among shares, exact to the wei.
 *
 * Every operation takes the same time however many holders there are: a reward raises one index. What a division leaves over is
 * carried, never dropped: at all times, in units of 2^-128 wei,
 *
 *     rewardsWei · 2^128 = Σ over holdings (shares · (rewardIndex − index) + accrued) + remainder
 *
 * Amounts are bigint wei. Records are immutable: operations return new ones.
 */
export interface RewardPool {
  readonly shares: bigint;
  /** Rewards given to the pool and not paid out yet. */
  readonly rewardsWei: bigint;
  /** Rewards per share since ever, in 2^-128 wei. */
  readonly rewardIndex: bigint;
  /** Rewards that could not be divided among the shares yet, in 2^-128 wei. */
  readonly remainder: bigint;
}

/** One holder's part of a pool. */
export interface Holding {
  readonly shares: bigint;
  /** `rewardIndex` up to which rewards are in `accrued`. */
  readonly index: bigint;
  /** Rewards that are this holder's and not paid out yet, in 2^-128 wei. */
  readonly accrued: bigint;
}

export const EMPTY_REWARD_POOL: RewardPool = { shares: 0n, rewardsWei: 0n, rewardIndex: 0n, remainder: 0n };
export const EMPTY_HOLDING: Holding = { shares: 0n, index: 0n, accrued: 0n };

const SCALE_BITS = 128n;
const FRACTION_MASK = (1n << SCALE_BITS) - 1n;

/** A pool and one of its holdings after an operation, and the wei that left the pool. */
export interface Settled<Pool extends RewardPool = RewardPool> {
  readonly pool: Pool;
  readonly holding: Holding;
  readonly paidWei: bigint;
}

/** Divides a reward among the shares; what cannot be divided, or finds no shares, waits for the next one. */
export function distribute<Pool extends RewardPool>(pool: Pool, rewardWei: bigint): Pool {
  invariant(rewardWei >= 0n, 'a reward is not negative');
  const pending = (rewardWei << SCALE_BITS) + pool.remainder;
  const rewardsWei = pool.rewardsWei + rewardWei;
  if (pool.shares === 0n) return { ...pool, rewardsWei, remainder: pending };
  const perShare = pending / pool.shares;
  return {
    ...pool,
    rewardsWei,
    rewardIndex: pool.rewardIndex + perShare,
    remainder: pending - perShare * pool.shares,
  };
}

/** Gives a holding shares, which take part in later rewards only. */
export function addShares<Pool extends RewardPool>(
  pool: Pool,
  holding: Holding,
  shares: bigint,
): Settled<Pool> {
  invariant(shares >= 0n, 'shares that are added are not negative');
  const accrued = accrue(pool, holding);
  return {
    pool: { ...pool, shares: pool.shares + shares },
    holding: { ...accrued, shares: accrued.shares + shares },
    paidWei: 0n,
  };
}

/** Takes shares from a holding; the rewards they have earned stay with it. */
export function removeShares<Pool extends RewardPool>(
  pool: Pool,
  holding: Holding,
  shares: bigint,
): Settled<Pool> {
  invariant(shares >= 0n && shares <= holding.shares, 'a holder leaves with shares he has');
  const accrued = accrue(pool, holding);
  return {
    pool: { ...pool, shares: pool.shares - shares },
    holding: { ...accrued, shares: accrued.shares - shares },
    paidWei: 0n,
  };
}

/** Pays out a holding's whole wei of rewards; the fraction stays. */
export function claim<Pool extends RewardPool>(pool: Pool, holding: Holding): Settled<Pool> {
  const accrued = accrue(pool, holding);
  const paidWei = accrued.accrued >> SCALE_BITS;
  return {
    pool: { ...pool, rewardsWei: pool.rewardsWei - paidWei },
    holding: { ...accrued, accrued: accrued.accrued & FRACTION_MASK },
    paidWei,
  };
}

/** Gives the last fraction of a wei of a holding without shares back to the pool, so that the holding can be forgotten. */
export function dissolve<Pool extends RewardPool>(pool: Pool, holding: Holding): Pool {
  invariant(
    holding.shares === 0n && holding.accrued <= FRACTION_MASK,
    'a dissolved holding has left and claimed',
  );
  return { ...pool, remainder: pool.remainder + holding.accrued };
}

/** Rewards of a holding that a claim would pay. */
export function claimableWei(pool: RewardPool, holding: Holding): bigint {
  return accrue(pool, holding).accrued >> SCALE_BITS;
}

/** What a holding has earned, fractions included, in 2^-128 wei. */
export function earned(pool: RewardPool, holding: Holding): bigint {
  return accrue(pool, holding).accrued;
}

function accrue(pool: RewardPool, holding: Holding): Holding {
  const since = holding.shares * (pool.rewardIndex - holding.index);
  return { shares: holding.shares, index: pool.rewardIndex, accrued: holding.accrued + since };
}
