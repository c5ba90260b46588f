import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toChecksumAddress } from '../../../protocol/address.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { genesisValidator } from '../../support/ledger.js';
import {
  ALICE,
  BOB,
  cancelUnbonding,
  claimRewards,
  delegate,
  eventValues,
  person,
  redelegate,
  StakingChain,
  stakingParams,
  START_WEI,
  undelegate,
  undelegateAll,
  settle,
} from '../../support/staking.js';

const [V1, V2] = [1, 2].map((number) => new Uint8Array(20).fill(number)) as [Uint8Array, Uint8Array];
const OGPU = WEI_PER_OGPU;
const UNBONDING_MS = 600_000;

describe('a delegator', () => {
  test('gets back what he gave, to the wei, when the unbonding time is over and not before', async () => {
    const chain = new StakingChain({ params: withoutEmission() });
    await chain.run(delegate(ALICE, V1, 5n * OGPU));
    assert.equal(chain.moneyWei(ALICE), START_WEI - 5n * OGPU);
    assert.deepEqual(chain.view('delegation', V1, ALICE), [5n * OGPU, 0n, 5n * OGPU, 0n]);
    const block = await chain.run(undelegate(ALICE, V1, 2n * OGPU));
    const due = [BigInt(chain.timeMs + UNBONDING_MS), BigInt(chain.height + 2)];
    assert.deepEqual(block.calls, [{ status: 1, values: [1n] }]);
    assert.deepEqual(
      eventValues(block, 'Undelegated').map((v) => v.slice(2)),
      [[1n, 2n * OGPU, ...due]],
    );
    assert.deepEqual(chain.view('unbonding', ALICE, 1n), [V1, 2n * OGPU, ...due]);
    await chain.block({ afterMs: UNBONDING_MS - 1 });
    assert.equal(chain.moneyWei(ALICE), START_WEI - 5n * OGPU);
    const paying = await chain.block({ afterMs: 1 });
    assert.deepEqual(
      eventValues(paying, 'UnbondingPaid').map((v) => v.slice(2)),
      [[1n, 2n * OGPU]],
    );
    assert.equal(chain.moneyWei(ALICE), START_WEI - 3n * OGPU);
    assert.throws(() => chain.view('unbonding', ALICE, 1n), { message: 'UnknownUnbonding' });
  });

  test('of one wei is one like any other', async () => {
    const chain = new StakingChain();
    await chain.run(delegate(ALICE, V1, 1n), delegate(BOB, V1, 1n), undelegateAll(BOB, V1));
    assert.equal(chain.stakeWei(V1, ALICE), 1n);
    await chain.block({ afterMs: 30_000, evidence: [{ validator: V1, height: 1 }] });
    assert.equal(chain.stakeWei(V1, ALICE), 0n, 'five per cent of one wei, rounded against him');
    assert.equal(chain.view('unbonding', BOB, 1n)[1], 1n, 'alone in his pool: the slash is rounded down');
    await chain.refuse(undelegate(ALICE, V1, 1n), 'InsufficientStake', [1n, 0n]);
    const { calls } = await chain.run(undelegateAll(ALICE, V1));
    assert.deepEqual(calls, [{ status: 1, values: [0n] }], 'worth nothing: no unbonding');
    assert.equal(chain.delegation(V1, ALICE).holding.shares, 0n);
    assert.equal(chain.validator(V1).pool.tokensWei, 9_500n * OGPU + 1n);
  });

  test('is told what is wrong', async () => {
    const chain = new StakingChain();
    await chain.refuse(delegate(ALICE, ALICE, 1n), 'UnknownValidator', [hexOf(ALICE)]);
    await chain.refuse(delegate(ALICE, V1, 0n), 'InvalidAmount');
    for (const call of [undelegateAll(ALICE, V1), undelegate(ALICE, V1, 1n), claimRewards(ALICE, V1)]) {
      await chain.refuse(call, 'NoDelegation');
    }
    await chain.refuse(settle(ALICE, V1, BOB), 'NoDelegation');
    await chain.refuse(redelegate(ALICE, V1, V2, 1n), 'NoDelegation');
    await chain.refuse(redelegate(ALICE, V1, V1, 1n), 'SameValidator');
    await chain.run(delegate(ALICE, V1, 10n));
    await chain.refuse(undelegate(ALICE, V1, 0n), 'InvalidAmount');
    await chain.refuse(undelegate(ALICE, V1, 11n), 'InsufficientStake', [11n, 10n]);
    await chain.refuse(redelegate(ALICE, V1, ALICE, 1n), 'UnknownValidator', [hexOf(ALICE)]);
    await chain.refuse(cancelUnbonding(ALICE, 1n), 'UnknownUnbonding', [1n]);
    await chain.refuse(cancelUnbonding(ALICE, 2n ** 64n - 1n), 'UnknownUnbonding', [2n ** 64n - 1n]);
    await chain.refuse({ ...claimRewards(ALICE, V1), valueWei: 1n }, 'NotPayable');
    await chain.refuse({ ...delegate(ALICE, V1, 1n), gasLimit: 171_000n }, 'out of gas');
    assert.equal(chain.moneyWei(ALICE), START_WEI - 10n, 'and has lost nothing but fees');
  });

  test('who takes an unbonding back has his stake again, and nobody else can', async () => {
    const chain = new StakingChain({ params: withoutEmission() });
    await chain.run(delegate(ALICE, V1, 7n * OGPU));
    await chain.run(undelegate(ALICE, V1, 3n * OGPU), undelegate(ALICE, V1, 1n * OGPU));
    await chain.refuse(cancelUnbonding(BOB, 1n), 'UnknownUnbonding', [1n]);
    const block = await chain.run(cancelUnbonding(ALICE, 1n));
    assert.deepEqual(
      eventValues(block, 'UnbondingCancelled').map((v) => v.slice(2)),
      [[1n, 3n * OGPU]],
    );
    assert.equal(chain.stakeWei(V1, ALICE), 6n * OGPU);
    await chain.refuse(cancelUnbonding(ALICE, 1n), 'UnknownUnbonding', [1n]);
    await chain.passUnbonding();
    assert.equal(chain.moneyWei(ALICE), START_WEI - 6n * OGPU, 'the other one is paid');
  });

  test('shares a slash of his validator, with what has left in or after the epoch of the offence', async () => {
    const chain = new StakingChain({ params: withoutEmission() });
    await chain.run(delegate(ALICE, V1, 400n * OGPU));
    await chain.run(undelegate(ALICE, V1, 100n * OGPU));
    await chain.block({ afterMs: 61_000 });
    assert.equal(chain.epoch, 1);
    const offence = { validator: V1, height: chain.height + 1 };
    await chain.run(undelegate(ALICE, V1, 100n * OGPU));
    await chain.block({ afterMs: 61_000 });
    await chain.run(undelegate(ALICE, V1, 100n * OGPU));
    const block = await chain.block({ evidence: [offence], proposer: V2 });
    const takenWei = 500n * OGPU + 15n * OGPU;
    assert.deepEqual(
      eventValues(block, 'Slashed').map((v) => v.slice(1)),
      [[1, 1n, takenWei]],
    );
    assert.deepEqual(
      [1n, 2n, 3n].map((number) => chain.view('unbonding', ALICE, number)[1]),
      [100n * OGPU, 95n * OGPU, 95n * OGPU],
    );
    assert.equal(chain.stakeWei(V1, ALICE), 95n * OGPU);
    assert.equal(chain.stakeWei(V1, V1), 9_500n * OGPU);
    assert.equal(chain.slashedWei(), (takenWei * 95n) / 100n);
    await chain.run(undelegate(ALICE, V1, 95n * OGPU));
    await chain.refuse(cancelUnbonding(ALICE, 4n), 'ValidatorTombstoned', [hexOf(V1)]);
    await chain.passUnbonding();
    assert.equal(
      chain.moneyWei(ALICE),
      START_WEI - 15n * OGPU,
      'what left after the slash is not slashed again',
    );
  });
});

describe('a validator slashed to nothing', () => {
  const wiped = async (): Promise<StakingChain> => {
    const chain = new StakingChain({ params: stakingParams({ staking: { equivocationSlashBps: 10_000 } }) });
    await chain.run(delegate(ALICE, V1, 400n * OGPU), delegate(BOB, V1, 3n));
    await chain.run(undelegate(ALICE, V1, 100n * OGPU));
    await chain.block({ evidence: [{ validator: V1, height: chain.height }], proposer: V2 });
    return chain;
  };

  test('takes everything, unbonding too; rewards from before are paid; everybody gets out', async () => {
    const chain = await wiped();
    assert.deepEqual(chain.view('standing', V1), [0n, 0n, false, 0n, true]);
    assert.equal(chain.view('unbonding', ALICE, 1n)[1], 0n);
    await chain.refuse(delegate(BOB, V1, 1n), 'ValidatorTombstoned');
    const rewardsWei = chain.view('delegation', V1, ALICE)[1];
    assert.ok(typeof rewardsWei === 'bigint' && rewardsWei > 0n);
    const before = chain.moneyWei(ALICE);
    await chain.run(undelegateAll(ALICE, V1));
    assert.equal(chain.moneyWei(ALICE) - before, rewardsWei);
    await chain.run(settle(ALICE, V1, BOB), settle(ALICE, V1, V1));
    assert.equal(chain.validator(V1).pool.shares, 0n, 'anybody clears worthless shares away');
    await chain.refuse(settle(ALICE, V1, BOB), 'NoDelegation');
    await chain.run(cancelUnbonding(ALICE, 1n));
    const spaces = chain.ledger.entries().map(({ key }) => String.fromCharCode(...key.subarray(0, 4)));
    assert.ok(!spaces.includes('unb/') && !spaces.includes('unbp'), 'worthless unbonding too');
  });

  test('that may return: nobody joins worthless shares, and when they are gone it begins again', async () => {
    const chain = new StakingChain({ people: [ALICE, BOB, V1] });
    await chain.run(delegate(ALICE, V1, 5n));
    chain.wipeOut(V1);
    assert.deepEqual(chain.view('standing', V1).slice(0, 3), [0n, 0n, true]);
    await chain.refuse(delegate(BOB, V1, 1n), 'StakeDiluted');
    await chain.run(settle(BOB, V1, ALICE), settle(BOB, V1, V1));
    await chain.block({ afterMs: 60_000 });
    assert.ok(!chain.isMember(V1));
    await chain.run(delegate(V1, V1, 100n * OGPU), delegate(BOB, V1, 1n));
    await chain.block({ afterMs: 60_000 });
    assert.ok(chain.isMember(V1), 'active again');
    assert.equal(chain.stakeWei(V1, BOB), 1n);
  });
});

test('ten delegators with odd amounts and a slash: nobody gains, and together they lose less than a wei each', async () => {
  const people = Array.from({ length: 10 }, (_, index) => person(`delegator ${index}`));
  const chain = new StakingChain({
    params: withoutEmission(),
    people,
    members: [genesisValidator(1), genesisValidator(2)],
  });
  const amounts = people.map((_, index) => 10n ** BigInt(index * 2) + BigInt(index));
  await chain.run(...people.map((from, index) => delegate(from, V1, amounts[index] ?? 0n)));
  await chain.block({ evidence: [{ validator: V1, height: 1 }], proposer: V2 });
  for (const [index, from] of people.entries()) {
    const exact = (amounts[index] ?? 0n) * 9_500n;
    const worth = chain.stakeWei(V1, from) * 10_000n;
    assert.ok(worth <= exact + 10_000n && worth > exact - 20_000n, `${index}: ${worth} of ${exact}`);
  }
});

function withoutEmission(): ReturnType<typeof stakingParams> {
  return stakingParams({ staking: { emissionBpsPerYear: 0 } });
}

function hexOf(address: Uint8Array): string {
  return toChecksumAddress(address);
}
