import { TOTAL_SUPPLY_WEI } from '../../protocol/amounts.js';
import { toHex } from '../../protocol/bytes.js';
import { delegations } from '../staking/delegation.js';
import { earned, type Holding, type RewardPool } from '../staking/reward-pool.js';
import { activeRewards } from '../staking/rewards.js';
import { validators } from '../staking/validator.js';
import { STATE_KEYS } from '../store/keys.js';
import { spaceOf } from '../store/state-spaces.js';
import type { Entry, Reader } from '../store/store.js';
import { assertBalanced, checkEntry, dangling } from './check-block.js';
import { JobsPromised } from './jobs.js';
import { InvariantBroken } from './errors.js';
import { isRewards, moneyInWei, referencesOf, sharesIn } from './lines.js';

/** Where the supply is. */
export interface Supply {
  readonly entries: number;
  /** By key space; adds up to 21,000,000 OGPU. */
  readonly bySpaceWei: Readonly<Record<string, bigint>>;
}

/**
 * Whether everything that must always hold does hold of a whole state. Reads every entry once; keeps a few sums for each validator.
 *
 * @param entries all entries of the state that `state` shows, in any order
 * @throws InvariantBroken
 */
export async function auditState(
  state: Reader,
  entries: AsyncIterable<Entry> | Iterable<Entry>,
): Promise<Supply> {
  const bySpaceWei: Record<string, bigint> = {};
  const unheld = new Map<string, bigint>();
  const owed = new RewardsOwed(state);
  const promised = new JobsPromised(state);
  let count = 0;
  for await (const { key, value } of entries) {
    count++;
    const space = spaceOf(key) ?? 'none';
    bySpaceWei[space] = (bySpaceWei[space] ?? 0n) + moneyInWei(key, value);
    for (const [pool, shares] of sharesIn(key, value)) unheld.set(pool, (unheld.get(pool) ?? 0n) + shares);
    for (const target of referencesOf(key, value)) {
      if (state.get(target) === undefined) throw dangling(key, target);
    }
    checkEntry(state, key);
    owed.add(key, value);
    promised.add(key, value);
  }
  const totalWei = Object.values(bySpaceWei).reduce((sum, wei) => sum + wei, 0n);
  if (totalWei !== TOTAL_SUPPLY_WEI) {
    throw new InvariantBroken('SUPPLY_WRONG', 'the money does not add up to the supply', {
      totalWei,
      differenceWei: totalWei - TOTAL_SUPPLY_WEI,
      bySpaceWei,
    });
  }
  assertBalanced(unheld);
  owed.assertCovered();
  promised.assertKept();
  return { entries: count, bySpaceWei };
}

/** Rewards in each pool against what its holders have earned: equal to the last 2^-128 of a wei. */
class RewardsOwed {
  readonly #state: Reader;
  readonly #uncovered = new Map<string, bigint>();

  constructor(state: Reader) {
    this.#state = state;
  }

  add(key: Uint8Array, value: Uint8Array): void {
    switch (spaceOf(key)) {
      case 'validator': {
        const [id] = STATE_KEYS.validator.decode(key);
        const { pool, seat } = validators.decode(value);
        this.#cover(toHex(id), pool);
        this.#owe('active set', activeRewards.read(this.#state).pool, seat);
        return;
      }
      case 'delegation': {
        const [id] = STATE_KEYS.delegation.decode(key);
        this.#owe(toHex(id), validators.read(this.#state, id).pool, delegations.decode(value).holding);
        return;
      }
      case 'system':
        if (isRewards(key)) this.#cover('active set', activeRewards.decode(value).pool);
        return;
      default:
    }
  }

  /** @throws InvariantBroken REWARDS_UNBALANCED */
  assertCovered(): void {
    for (const [pool, difference] of this.#uncovered) {
      if (difference === 0n) continue;
      throw new InvariantBroken(
        'REWARDS_UNBALANCED',
        'the rewards of a pool are not what its holders have earned',
        {
          pool,
          difference,
        },
      );
    }
  }

  #cover(name: string, pool: RewardPool): void {
    this.#add(name, (pool.rewardsWei << 128n) - pool.remainder);
  }

  #owe(name: string, pool: RewardPool, holding: Holding): void {
    if (holding.shares > 0n || holding.accrued > 0n) this.#add(name, -earned(pool, holding));
  }

  #add(name: string, amount: bigint): void {
    this.#uncovered.set(name, (this.#uncovered.get(name) ?? 0n) + amount);
  }
}
