import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InvariantError } from '../../../protocol/invariant.js';
import {
  claim,
  claimableWei,
  dissolve,
  distribute,
  EMPTY_HOLDING,
  type Holding,
} from '../../../state/staking/reward-pool.js';
import {
  EMPTY_POOL,
  isWipedOut,
  join,
  leave,
  sharesWorth,
  slash,
  valueWei,
  type StakePool,
} from '../../../state/staking/stake-pool.js';
import { createPrng } from '../../support/prng.js';

/** A pool with all its holdings, for tests that look at the whole. */
class Members {
  pool: StakePool = EMPTY_POOL;
  readonly holdings = new Map<number, Holding>();

  get(member: number): Holding {
    return this.holdings.get(member) ?? EMPTY_HOLDING;
  }

  join(member: number, amountWei: bigint): void {
    this.#keep(member, join(this.pool, this.get(member), amountWei));
  }

  leave(member: number, shares: bigint): bigint {
    return this.#keep(member, leave(this.pool, this.get(member), shares));
  }

  claim(member: number): bigint {
    return this.#keep(member, claim(this.pool, this.get(member)));
  }

  /** Leaves with everything, claims and is forgotten. */
  exit(member: number): bigint {
    const { shares } = this.get(member);
    const stakeWei = shares > 0n ? this.leave(member, shares) : 0n;
    const paidWei = stakeWei + this.claim(member);
    this.pool = dissolve(this.pool, this.get(member));
    this.holdings.delete(member);
    return paidWei;
  }

  /** The identity of the module's docstring, and that shares add up. */
  check(): void {
    const { rewardsWei, rewardIndex, remainder, shares, tokensWei } = this.pool;
    const owed = [...this.holdings.values()].reduce(
      (sum, h) => sum + h.shares * (rewardIndex - h.index) + h.accrued,
      0n,
    );
    assert.equal(rewardsWei << 128n, owed + remainder);
    assert.equal(
      [...this.holdings.values()].reduce((sum, h) => sum + h.shares, 0n),
      shares,
    );
    assert.ok(tokensWei >= 0n && tokensWei <= shares && rewardsWei >= 0n && remainder >= 0n);
  }

  #keep(member: number, { pool, holding, paidWei }: ReturnType<typeof join>): bigint {
    this.pool = pool;
    this.holdings.set(member, holding);
    return paidWei;
  }
}

test('long random histories: not a wei appears or disappears, and everybody can always leave', () => {
  for (let seed = 0; seed < 40; seed++) {
    const prng = createPrng(seed);
    const members = new Members();
    let [inWei, outWei] = [0n, 0n];
    for (let step = 0; step < 300; step++) {
      const member = prng.below(8);
      const holding = members.get(member);
      const action = prng.below(12);
      if (action < 4 && !isWipedOut(members.pool)) {
        const amountWei = 1n + prng.bigint(prng.pick([1, 20, 84]));
        members.join(member, amountWei);
        inWei += amountWei;
      } else if (action < 6 && holding.shares > 0n) {
        outWei += members.leave(member, 1n + (prng.bigint(100) % holding.shares));
      } else if (action < 8) {
        outWei += members.claim(member);
      } else if (action < 10) {
        const rewardWei = prng.bigint(prng.pick([0, 3, 40, 70]));
        members.pool = distribute(members.pool, rewardWei);
        inWei += rewardWei;
      } else if (action === 10) {
        const amountWei = prng.chance(1, 20)
          ? members.pool.tokensWei
          : prng.bigint(90) % (members.pool.tokensWei + 1n);
        members.pool = slash(members.pool, amountWei);
        outWei += amountWei;
      } else if (members.holdings.has(member)) {
        outWei += members.exit(member);
      }
      members.check();
      assert.equal(
        inWei - outWei,
        members.pool.tokensWei + members.pool.rewardsWei,
        `seed ${seed}, step ${step}`,
      );
    }
    for (const member of [...members.holdings.keys()]) outWei += members.exit(member);
    members.check();
    assert.equal(members.pool.tokensWei, 0n, 'the last share takes everything');
    assert.equal(inWei - outWei, members.pool.rewardsWei);
  }
});

describe('one wei', () => {
  test('buys a share, earns, and comes back', () => {
    const members = new Members();
    members.join(1, 1n);
    members.join(2, 999_999n);
    members.pool = distribute(members.pool, 3_000_000n);
    assert.equal(claimableWei(members.pool, members.get(1)), 3n);
    assert.equal(members.exit(1), 4n);
    assert.equal(members.exit(2), 999_999n + 2_999_997n);
  });
  test('of reward among three is carried until it can be divided', () => {
    const members = new Members();
    for (const member of [1, 2, 3]) members.join(member, 10n);
    for (let i = 0; i < 3; i++) members.pool = distribute(members.pool, 1n);
    assert.equal(
      [1, 2, 3].reduce((sum, member) => sum + members.claim(member), 0n) + members.pool.rewardsWei,
      3n,
    );
    for (let i = 0; i < 300; i++) {
      members.pool = distribute(members.pool, 1n);
      for (const member of [1, 2, 3]) members.claim(member);
      assert.ok(members.pool.rewardsWei <= 3n, 'never more than a fraction of a wei each waits');
    }
  });
  test('still buys a share after a slash of all but one wei', () => {
    const members = new Members();
    members.join(1, 1_000n);
    members.pool = slash(members.pool, 999n);
    members.join(2, 1n);
    assert.ok(members.get(2).shares >= 1n);
    assert.equal(valueWei(members.pool, members.get(2).shares), 1n);
    assert.equal(valueWei(members.pool, members.get(1).shares), 1n, 'and takes nothing from the others');
  });
});

test('ten thousand delegators: a reward and a slash cost one operation each and reach everybody in proportion', () => {
  const members = new Members();
  for (let member = 0; member < 10_000; member++) members.join(member, BigInt(member + 1) * 1_000n);
  members.pool = distribute(members.pool, members.pool.tokensWei);
  members.pool = slash(members.pool, members.pool.tokensWei / 10n);
  for (const member of [0, 1, 4_999, 9_999]) {
    const stakeWei = BigInt(member + 1) * 1_000n;
    assert.equal(claimableWei(members.pool, members.get(member)), stakeWei);
    assert.equal(valueWei(members.pool, members.get(member).shares), (stakeWei * 9n) / 10n);
  }
  members.check();
});

test('joining a slashed pool mints fewer shares rather than more, and an amount costs the fewest shares that pay it', () => {
  const slashed: StakePool = { ...EMPTY_POOL, shares: 7n, tokensWei: 4n };
  const joined = join(slashed, EMPTY_HOLDING, 3n);
  assert.equal(joined.holding.shares, 5n);
  assert.equal(sharesWorth(slashed, 3n), 6n);
  assert.equal(leave(slashed, { ...EMPTY_HOLDING, shares: 7n }, 6n).paidWei, 3n);
});

describe('slashed to zero', () => {
  const wiped = (): Members => {
    const members = new Members();
    members.join(1, 512n);
    members.pool = distribute(members.pool, 7n);
    members.pool = slash(members.pool, 512n);
    return members;
  };
  test('shares are worth nothing, rewards earned before are still paid', () => {
    const members = wiped();
    assert.ok(isWipedOut(members.pool));
    assert.equal(members.exit(1), 7n);
    assert.ok(!isWipedOut(members.pool));
  });
  test('nobody can join while the worthless shares are out', () => {
    assert.throws(() => wiped().join(2, 100n), InvariantError);
  });
  test('after they have left the pool starts anew', () => {
    const members = wiped();
    members.exit(1);
    members.join(2, 100n);
    assert.equal(valueWei(members.pool, members.get(2).shares), 100n);
  });
});

test('a reward that finds nobody waits for the first to come', () => {
  const members = new Members();
  members.pool = distribute(members.pool, 12n);
  members.join(1, 8n);
  members.pool = distribute(members.pool, 0n);
  assert.equal(members.claim(1), 12n);
});

test('what 2^128 does not divide is paid with the next reward', () => {
  const members = new Members();
  members.join(1, 5n);
  members.pool = distribute(members.pool, 12n);
  assert.equal(members.claim(1), 11n);
  members.pool = distribute(members.pool, 1n);
  assert.equal(members.claim(1) + members.pool.rewardsWei, 2n);
  assert.ok(members.pool.rewardsWei <= 1n);
});

test('joining after a reward earns nothing of it', () => {
  const members = new Members();
  members.join(1, 10n);
  members.pool = distribute(members.pool, 100n);
  members.join(2, 10n);
  assert.equal(claimableWei(members.pool, members.get(2)), 0n);
  assert.equal(claimableWei(members.pool, members.get(1)), 100n);
});
