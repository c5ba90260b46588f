import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Address } from '../../../protocol/address.js';
import { TOTAL_SUPPLY_WEI, WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { poolBalanceWei } from '../../../state/accounts/pools.js';
import { activeRewards } from '../../../state/staking/rewards.js';
import { earned } from '../../../state/staking/reward-pool.js';
import { genesisValidator } from '../../support/ledger.js';
import { createPrng } from '../../support/prng.js';
import {
  ALICE,
  BOB,
  CAROL,
  claimRewards,
  delegate,
  eventValues,
  redelegate,
  setCommission,
  settle,
  StakingChain,
  stakingParams,
  undelegateAll,
} from '../../support/staking.js';

const OGPU = WEI_PER_OGPU;
const EPOCH_MS = 60_000;
const YEAR_MS = 365n * 86_400_000n;
const DAY_MS = 86_400_000;
const id = (number: number): Address => new Uint8Array(20).fill(number);
const [A, B] = [id(1), id(2)];

/** Each division on the way keeps less than a wei back until the next reward. */
function near(actual: unknown, expected: bigint): void {
  assert.ok(typeof actual === 'bigint');
  assert.ok(actual <= expected + 1n && actual >= expected - 3n, `${actual}, expected ${expected}`);
}

function reserveWei(chain: StakingChain): bigint {
  return poolBalanceWei(chain.ledger, 'reserve');
}

/** One validator with a payout of its own, so that commission is seen apart. */
function alone(commissionBps: number): StakingChain {
  return new StakingChain({ members: [genesisValidator(1, { commissionBps, payout: CAROL })] });
}

describe('emission', () => {
  test('is the schedule in exact fractions, whatever the block times, until an empty reserve', async () => {
    for (const emissionBpsPerYear of [1, 2_000, 10_000]) {
      const prng = createPrng(emissionBpsPerYear);
      const chain = new StakingChain({ params: stakingParams({ staking: { emissionBpsPerYear } }) });
      const unit = 10_000n * YEAR_MS;
      let [dueUnits, paidWei] = [0n, 0n];
      for (let step = 0; step < 60; step++) {
        const afterMs = prng.pick([1, 3, 250, 10_000, 61_000, 7 * DAY_MS, 400 * DAY_MS]);
        const before = reserveWei(chain);
        dueUnits += before * BigInt(emissionBpsPerYear) * BigInt(afterMs);
        if (dueUnits / unit - paidWei > before) dueUnits = (paidWei + before) * unit + (dueUnits % unit);
        await chain.block({ afterMs });
        paidWei += before - reserveWei(chain);
        assert.equal(paidWei, dueUnits / unit, `${emissionBpsPerYear}, step ${step}`);
      }
      assert.ok(reserveWei(chain) >= 0n);
    }
  });

  test('of one second at 20 % a year from 20,670,000 OGPU', async () => {
    const chain = new StakingChain();
    const before = reserveWei(chain);
    assert.equal(before, TOTAL_SUPPLY_WEI - 330_000n * OGPU);
    await chain.block();
    assert.equal(before - reserveWei(chain), (before * 2_000n * 1_000n) / (10_000n * YEAR_MS));
    assert.equal(before - reserveWei(chain), 131_088_280_060_882_800n);
  });

  test('is told at the end of an epoch', async () => {
    const chain = new StakingChain();
    const before = reserveWei(chain);
    await chain.block();
    const block = await chain.block({ afterMs: EPOCH_MS });
    assert.deepEqual(eventValues(block, 'EmissionPaid'), [[0n, before - reserveWei(chain)]]);
    assert.deepEqual(eventValues(block, 'RewardsPaid').length, 3);
  });
});

describe('what is paid, what can be claimed and what is carried', () => {
  test('add up to the emission over many blocks', async () => {
    const prng = createPrng(7);
    const chain = new StakingChain({
      members: [1, 2, 3].map((n) =>
        genesisValidator(n, {
          stakeWei: 1_000n * OGPU + BigInt(n),
          commissionBps: 333 * n,
          payout: id(50 + n),
        }),
      ),
    });
    await chain.run(
      delegate(ALICE, A, 777n * OGPU + 1n),
      delegate(BOB, B, 13n),
      delegate(CAROL, id(3), OGPU / 3n),
    );
    const poolsWei = (): bigint =>
      [A, B, id(3)].reduce(
        (sum, v) => sum + chain.validator(v).pool.rewardsWei,
        activeRewards.read(chain.ledger).pool.rewardsWei,
      );
    const [first, poolsBefore] = [reserveWei(chain), poolsWei()];
    const moneyWei = (): bigint =>
      [ALICE, BOB, CAROL, id(51), id(52), id(53)].reduce((sum, who) => sum + chain.moneyWei(who), 0n);
    const before = moneyWei();
    for (let step = 0; step < 80; step++) {
      const calls = prng.chance(1, 3)
        ? [settle(ALICE, prng.pick([A, B, id(3)]), prng.pick([A, ALICE, B, BOB]))]
        : [];
      const { calls: results } = await chain.block({ calls, afterMs: prng.pick([1, 500, 20_000, 61_000]) });
      assert.ok(results.length <= 1);
    }
    const pools = [A, B, id(3)].map((v) => chain.validator(v).pool);
    assert.equal(moneyWei() - before + poolsWei() - poolsBefore, first - reserveWei(chain));
    const owed = [A, B, id(3)].flatMap((v) =>
      [v, ALICE, BOB, CAROL].map((who) => earned(chain.validator(v).pool, chain.delegation(v, who).holding)),
    );
    const remainders = pools.reduce((sum, pool) => sum + pool.remainder, 0n);
    const claimable = pools.reduce((sum, pool) => sum + (pool.rewardsWei << 128n), 0n);
    assert.equal(owed.reduce((sum, units) => sum + units, 0n) + remainders, claimable);
  });

  test('are divided by stake: two delegators and an owner, to the wei', async () => {
    const chain = alone(0);
    await chain.run(delegate(ALICE, A, 20_000n * OGPU), delegate(BOB, A, 10_000n * OGPU));
    const before = reserveWei(chain);
    await chain.block({ afterMs: 4_000 });
    const emissionWei = before - reserveWei(chain);
    const [, owner] = chain.view('delegation', A, A);
    const alice = chain.view('delegation', A, ALICE)[1];
    near(alice, emissionWei / 2n);
    near(chain.view('delegation', A, BOB)[1], emissionWei / 4n);
    assert.ok(typeof owner === 'bigint' && owner > emissionWei / 4n, 'who was there before');
  });

  test('go to who was there: joining after a reward brings nothing of it, leaving takes what was earned', async () => {
    const chain = alone(0);
    await chain.run(delegate(ALICE, A, 10_000n * OGPU));
    await chain.block({ afterMs: 50_000 });
    const aliceWei = chain.view('delegation', A, ALICE)[1];
    const block = await chain.run(delegate(BOB, A, 90_000n * OGPU));
    assert.equal(eventValues(block, 'RewardsPaid').length, 1);
    assert.deepEqual(chain.view('delegation', A, BOB)[1], 0n, 'came after the reward of this block');
    assert.ok(typeof aliceWei === 'bigint');
    const before = chain.moneyWei(ALICE);
    await chain.run(undelegateAll(ALICE, A));
    const earnedWei = chain.moneyWei(ALICE) - before;
    assert.ok(earnedWei > aliceWei);
    await chain.block({ afterMs: 50_000 });
    await chain.refuse(claimRewards(ALICE, A), 'NoDelegation');
    assert.equal(chain.moneyWei(ALICE) - before, earnedWei);
  });

  test('sniping: in for one block around the end of an epoch earns that block, not the epoch', async () => {
    const chain = alone(0);
    await chain.block({ afterMs: EPOCH_MS - 1_000 });
    await chain.run(delegate(ALICE, A, 10_000n * OGPU));
    const before = chain.moneyWei(ALICE);
    const reserve = reserveWei(chain);
    await chain.block();
    const perBlockWei = reserve - reserveWei(chain);
    await chain.run(undelegateAll(ALICE, A));
    const twoBlocksWei = reserve - reserveWei(chain);
    const earnedWei = chain.moneyWei(ALICE) - before;
    assert.ok(earnedWei <= twoBlocksWei / 2n && earnedWei >= perBlockWei / 2n);
  });
});

describe('leaving stake takes its part in the rewards with it', () => {
  test('what is left behind does not earn for what has moved on', async () => {
    const chain = new StakingChain({ members: [1, 2].map((n) => genesisValidator(n, { commissionBps: 0 })) });
    await chain.run(delegate(ALICE, A, 90_000n * OGPU));
    await chain.block({ afterMs: EPOCH_MS });
    await chain.run(redelegate(ALICE, A, B, 89_999n * OGPU));
    const settled = [claimRewards(ALICE, A), claimRewards(ALICE, B)];
    await chain.run(...settled);
    const [before, reserve] = [chain.moneyWei(ALICE), reserveWei(chain)];
    await chain.block({ afterMs: 40_000, calls: settled });
    const fairWei = ((reserve - reserveWei(chain)) * 90_000n) / 110_000n;
    const earnedWei = chain.moneyWei(ALICE) - before;
    assert.ok(earnedWei <= fairWei, `${earnedWei} of ${fairWei}`);
    assert.ok(earnedWei > (fairWei * 99n) / 100n);
  });

  test('who joins does not take from those who are there', async () => {
    const chain = new StakingChain({ members: [1, 2].map((n) => genesisValidator(n, { commissionBps: 0 })) });
    const [reserve, before] = [reserveWei(chain), chain.view('delegation', A, A)[1]];
    await chain.run(delegate(ALICE, A, 90_000n * OGPU));
    const firstWei = reserve - reserveWei(chain);
    await chain.block({ afterMs: 40_000 });
    const secondWei = reserve - reserveWei(chain) - firstWei;
    const ownerWei = chain.view('delegation', A, A)[1];
    assert.ok(typeof ownerWei === 'bigint' && before === 0n);
    near(ownerWei, firstWei / 2n + secondWei / 11n);
  });

  test('an unbonding that is taken back earns as before', async () => {
    const chain = new StakingChain({ members: [1, 2].map((n) => genesisValidator(n, { commissionBps: 0 })) });
    await chain.run(delegate(ALICE, A, 10_000n * OGPU));
    await chain.run(undelegateAll(ALICE, A));
    const [before, reserve] = [chain.view('delegation', B, B)[1], reserveWei(chain)];
    await chain.block({ calls: [{ from: ALICE, name: 'cancelUnbonding', values: [1n] }] });
    const firstWei = reserve - reserveWei(chain);
    await chain.block();
    const secondWei = reserve - reserveWei(chain) - firstWei;
    const after = chain.view('delegation', B, B)[1];
    assert.ok(typeof before === 'bigint' && typeof after === 'bigint');
    const expectedWei = firstWei / 2n + secondWei / 3n;
    near(after - before, expectedWei);
  });
});

describe('commission', () => {
  for (const [bps, part] of [
    [0, 0n],
    [10_000, 1n],
  ] as const) {
    test(`of ${bps / 100} %`, async () => {
      const chain = alone(bps);
      const [before, money] = [reserveWei(chain), chain.moneyWei(CAROL)];
      await chain.block({ afterMs: EPOCH_MS });
      const emissionWei = before - reserveWei(chain);
      near(chain.moneyWei(CAROL) - money, part * emissionWei);
      near(chain.view('delegation', A, A)[1], (1n - part) * emissionWei);
    });
  }

  test('is rounded down for the validator, and an owner is paid where he says', async () => {
    const chain = alone(1_000);
    const [before, money] = [reserveWei(chain), chain.moneyWei(CAROL)];
    const block = await chain.block({ afterMs: EPOCH_MS + 7 });
    const emissionWei = before - reserveWei(chain);
    const commissionWei = emissionWei / 10n;
    assert.ok(emissionWei % 10n !== 0n);
    assert.deepEqual(
      eventValues(block, 'RewardsPaid').map((v) => v.slice(1)),
      [[0n, emissionWei - 1n - commissionWei, commissionWei]],
    );
    assert.equal(chain.moneyWei(CAROL) - money, commissionWei);
    await chain.block({ afterMs: 1, calls: [settle(BOB, A, A)] });
    assert.equal(chain.moneyWei(A), 0n);
    assert.ok(chain.moneyWei(CAROL) - money >= emissionWei);
  });

  test('changes from the next epoch, once a day, by no more than the daily bound', async () => {
    const chain = new StakingChain({
      members: [genesisValidator(1, { payout: CAROL })],
      people: [A, ALICE, CAROL],
    });
    const dayMs = BigInt(chain.timeMs + DAY_MS);
    await chain.refuse(setCommission(A, 1_050), 'CommissionChangeTooSoon', [dayMs]);
    await chain.block({ afterMs: DAY_MS - 3_000 });
    await chain.refuse(setCommission(A, 1_100), 'CommissionChangeTooSoon', [dayMs]);
    const { timeMs } = chain;
    await chain.refuse(setCommission(A, 10_001), 'CommissionTooHigh', [10_000, 10_001]);
    assert.equal(chain.timeMs, timeMs + 1_000);
    await chain.refuse(setCommission(A, 1_101), 'CommissionStepTooLarge', [100, 1_101]);
    await chain.refuse(setCommission(A, 899), 'CommissionStepTooLarge', [100, 899]);
    const nextEpoch = BigInt(chain.epoch + 1);
    const block = await chain.run(setCommission(A, 1_100));
    assert.deepEqual(
      eventValues(block, 'CommissionChanged').map((v) => v.slice(1)),
      [[1_100, nextEpoch]],
    );
    assert.equal(chain.view('validator', A)[4], 1_000n, 'not in this epoch');
    const [before, money] = [reserveWei(chain), chain.moneyWei(CAROL)];
    await chain.block({ afterMs: EPOCH_MS });
    const paid = eventValues(await chain.block({ afterMs: EPOCH_MS }), 'RewardsPaid');
    assert.equal(chain.view('validator', A)[4], 1_100n);
    assert.ok(before > reserveWei(chain) && chain.moneyWei(CAROL) > money);
    const [, , delegatorsWei, commissionWei] = paid[0] ?? [];
    assert.ok(typeof delegatorsWei === 'bigint' && typeof commissionWei === 'bigint');
    assert.equal(commissionWei, ((delegatorsWei + commissionWei) * 1_100n) / 10_000n, 'in the next one');
    await chain.refuse(setCommission(A, 1_000), 'CommissionChangeTooSoon');
    await chain.refuse(setCommission(ALICE, 1_000), 'UnknownValidator');
  });

  test('of a validator whom everybody has left is all', async () => {
    const chain = new StakingChain({
      members: [genesisValidator(1, { payout: CAROL, commissionBps: 0 })],
      people: [A, CAROL],
    });
    await chain.run(undelegateAll(A, A));
    const [before, money] = [reserveWei(chain), chain.moneyWei(CAROL)];
    await chain.block({ afterMs: EPOCH_MS });
    near(chain.moneyWei(CAROL) - money, before - reserveWei(chain));
    assert.ok(chain.isMember(A), 'the last one stays');
  });
});
