import { invariant } from '../../protocol/invariant.js';
import {
  addShares,
  EMPTY_REWARD_POOL,
  removeShares,
  type Holding,
  type RewardPool,
  type Settled,
} from './reward-pool.js';

/**
 * Stake that many delegators hold together in shares, and the rewards on it. A slash takes from the pool's tokens, so that it takes
 * the same time however many delegators there are.
 */
export interface StakePool extends RewardPool {
  /** Stake in the pool. Never more than `shares`: slashing alone parts the two. */
  readonly tokensWei: bigint;
}

export const EMPTY_POOL: StakePool = { tokensWei: 0n, ...EMPTY_REWARD_POOL };

/** What `shares` are worth now, rounded down to the wei. */
export function valueWei(pool: StakePool, shares: bigint): bigint {
  invariant(shares >= 0n && shares <= pool.shares, 'nobody holds more shares than there are');
  return pool.shares === 0n ? 0n : (shares * pool.tokensWei) / pool.shares;
}

/** The fewest shares that are worth `amountWei`: exactly, since a share is never worth more than a wei. */
export function sharesWorth(pool: StakePool, amountWei: bigint): bigint {
  invariant(amountWei > 0n && amountWei <= pool.tokensWei, 'an amount that the pool has');
  return (amountWei * pool.shares + pool.tokensWei - 1n) / pool.tokensWei;
}

/** A pool slashed to nothing while shares are out: joining would give the money to those shares. */
export function isWipedOut(pool: StakePool): boolean {
  return pool.tokensWei === 0n && pool.shares > 0n;
}

/** A pool slashed so far that new shares would outgrow their encoding; nobody can join it. */
export function isDiluted(pool: StakePool): boolean {
  return isWipedOut(pool) || pool.shares >> MAX_DILUTION_BITS > pool.tokensWei;
}

const MAX_DILUTION_BITS = 64n;

/**
 * Adds stake. The new shares are worth at most what was paid, so that joining takes nothing from the others; since shares are never
 * worth more than a wei each, even one wei buys a share.
 */
export function join(pool: StakePool, holding: Holding, amountWei: bigint): Settled<StakePool> {
  invariant(amountWei > 0n && !isDiluted(pool), 'a join brings money into a pool that is worth something');
  const minted = pool.shares === 0n ? amountWei : (amountWei * pool.shares) / pool.tokensWei;
  const joined = addShares(pool, holding, minted);
  return { ...joined, pool: { ...joined.pool, tokensWei: pool.tokensWei + amountWei } };
}

/** Takes shares out of the pool at their value, rounded down; the last share takes everything that is left. Rewards stay with the holding. */
export function leave(pool: StakePool, holding: Holding, shares: bigint): Settled<StakePool> {
  const paidWei = valueWei(pool, shares);
  const left = removeShares(pool, holding, shares);
  return { ...left, pool: { ...left.pool, tokensWei: pool.tokensWei - paidWei }, paidWei };
}

/** Takes stake from all shares alike. Rewards are not touched: they were earned before. */
export function slash(pool: StakePool, amountWei: bigint): StakePool {
  invariant(amountWei >= 0n && amountWei <= pool.tokensWei, 'a slash takes what is there');
  return { ...pool, tokensWei: pool.tokensWei - amountWei };
}
