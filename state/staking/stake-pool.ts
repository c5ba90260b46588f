import { invariant } from '../../protocol/invariant.js';

/**
 * Stake that many delegators hold together in shares, and the rewards on it, exact to the wei.
 *
 * Every operation takes the same time however many delegators there are: a slash takes from the pool's tokens, a reward raises one index.
 * What a division leaves over is carried, never dropped: at all times, in units of 2^-128 wei,
 *
 *     rewardsWei · 2^128 = Σ over holdings (shares · (rewardIndex − index) + accrued) + remainder
 *
 * Amounts are bigint wei. Records are immutable: operations return new ones.
 */
export interface StakePool {
  /** Stake in the pool. Never more than `shares`: slashing alone parts the two. */
  readonly tokensWei: bigint;
  readonly shares: bigint;
  /** Rewards given to the pool and not paid out yet. */
  readonly rewardsWei: bigint;
  /** Rewards per share since ever, in 2^-128 wei. */
  readonly rewardIndex: bigint;
  /** Rewards that could not be divided among the shares yet, in 2^-128 wei. */
  readonly remainder: bigint;
}

/** One delegator's part of a pool. */
export interface Holding {
  readonly shares: bigint;
  /** `rewardIndex` up to which rewards are in `accrued`. */
  readonly index: bigint;
  /** Rewards that are this holder's and not paid out yet, in 2^-128 wei. */
  readonly accrued: bigint;
}

export const EMPTY_POOL: StakePool = {
  tokensWei: 0n,
  shares: 0n,
  rewardsWei: 0n,
  rewardIndex: 0n,
  remainder: 0n,
};
export const EMPTY_HOLDING: Holding = { shares: 0n, index: 0n, accrued: 0n };

const SCALE_BITS = 128n;
const FRACTION_MASK = (1n << SCALE_BITS) - 1n;

/** A pool and one of its holdings after an operation, and the wei that left the pool. */
export interface Settled {
  readonly pool: StakePool;
  readonly holding: Holding;
  readonly paidWei: bigint;
}

/** What `shares` are worth now, rounded down to the wei. */
export function valueWei(pool: StakePool, shares: bigint): bigint {
  invariant(shares >= 0n && shares <= pool.shares, 'nobody holds more shares than there are');
  return pool.shares === 0n ? 0n : (shares * pool.tokensWei) / pool.shares;
}

/** A pool slashed to nothing while shares are out: joining would give the money to those shares. */
export function isWipedOut(pool: StakePool): boolean {
  return pool.tokensWei === 0n && pool.shares > 0n;
}

/**
 * Adds stake. The new shares are worth at most what was paid, so that joining takes nothing from the others; since shares are never
 * worth more than a wei each, even one wei buys a share.
 */
export function join(pool: StakePool, holding: Holding, amountWei: bigint): Settled {
  invariant(amountWei > 0n && !isWipedOut(pool), 'a join brings money into a pool that is not wiped out');
  const minted = pool.shares === 0n ? amountWei : (amountWei * pool.shares) / pool.tokensWei;
  const accrued = accrue(pool, holding);
  return {
    pool: { ...pool, tokensWei: pool.tokensWei + amountWei, shares: pool.shares + minted },
    holding: { ...accrued, shares: accrued.shares + minted },
    paidWei: 0n,
  };
}

/** Takes shares out of the pool at their value, rounded down; the last share takes everything that is left. Rewards stay with the holding. */
export function leave(pool: StakePool, holding: Holding, shares: bigint): Settled {
  invariant(shares > 0n && shares <= holding.shares, 'a holder leaves with shares he has');
  const paidWei = valueWei(pool, shares);
  const accrued = accrue(pool, holding);
  return {
    pool: { ...pool, tokensWei: pool.tokensWei - paidWei, shares: pool.shares - shares },
    holding: { ...accrued, shares: accrued.shares - shares },
    paidWei,
  };
}

/** Pays out a holding's whole wei of rewards; the fraction stays. */
export function claim(pool: StakePool, holding: Holding): Settled {
  const accrued = accrue(pool, holding);
  const paidWei = accrued.accrued >> SCALE_BITS;
  return {
    pool: { ...pool, rewardsWei: pool.rewardsWei - paidWei },
    holding: { ...accrued, accrued: accrued.accrued & FRACTION_MASK },
    paidWei,
  };
}

/** Gives the last fraction of a wei of a holding without shares back to the pool, so that the holding can be forgotten. */
export function dissolve(pool: StakePool, holding: Holding): StakePool {
  invariant(
    holding.shares === 0n && holding.accrued <= FRACTION_MASK,
    'a dissolved holding has left and claimed',
  );
  return { ...pool, remainder: pool.remainder + holding.accrued };
}

/** Divides a reward among the shares; what cannot be divided, or finds no shares, waits for the next one. */
export function distribute(pool: StakePool, rewardWei: bigint): StakePool {
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

/** Takes stake from all shares alike. Rewards are not touched: they were earned before. */
export function slash(pool: StakePool, amountWei: bigint): StakePool {
  invariant(amountWei >= 0n && amountWei <= pool.tokensWei, 'a slash takes what is there');
  return { ...pool, tokensWei: pool.tokensWei - amountWei };
}

/** Rewards of a holding that a claim would pay. */
export function claimableWei(pool: StakePool, holding: Holding): bigint {
  return accrue(pool, holding).accrued >> SCALE_BITS;
}

function accrue(pool: StakePool, holding: Holding): Holding {
  const earned = holding.shares * (pool.rewardIndex - holding.index);
  return { shares: holding.shares, index: pool.rewardIndex, accrued: holding.accrued + earned };
}
