import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Address } from '../../../protocol/address.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { genesisValidator } from '../../support/ledger.js';
import {
  ALICE,
  BOB,
  cancelUnbonding,
  delegate,
  errorArgs,
  eventValues,
  redelegate,
  redelegateAll,
  settle,
  StakingChain,
  stakingParams,
  START_WEI,
  undelegate,
  undelegateAll,
} from '../../support/staking.js';

const OGPU = WEI_PER_OGPU;
const UNBONDING_MS = 600_000;
const EPOCH_MS = 60_000;
const id = (number: number): Address => new Uint8Array(20).fill(number);
const [A, B, C] = [id(1), id(2), id(3)];
/** Proposes, so that no finder is among those who are looked at. */
const P = id(99);

interface Options {
  readonly slashBps?: number;
  readonly validators?: number;
}

function chainWith({ slashBps = 500, validators = 3 }: Options = {}): StakingChain {
  const params = stakingParams({
    staking: { emissionBpsPerYear: 0, equivocationSlashBps: slashBps, finderRewardBps: 0 },
  });
  const numbers = [...Array.from({ length: validators }, (_, index) => index + 1), 99];
  return new StakingChain({ params, members: numbers.map((number) => genesisValidator(number)) });
}

async function tombstone(chain: StakingChain, validator: Address, height = chain.height): Promise<void> {
  await chain.block({ evidence: [{ validator, height }], proposer: P });
}

/** What a delegation would be worth if it were touched now, and how many liens are on it. */
function position(chain: StakingChain, validator: Address, delegator = ALICE): [unknown, unknown] {
  const [stakeWei, , , liens] = chain.view('delegation', validator, delegator);
  return [stakeWei, liens];
}

describe('redelegated stake', () => {
  test('works for the new validator at once and answers for the old one', async () => {
    const chain = chainWith();
    await chain.run(delegate(ALICE, A, 400n * OGPU));
    const block = await chain.run(redelegate(ALICE, A, B, 100n * OGPU));
    assert.deepEqual(
      eventValues(block, 'Redelegated').map((v) => v[3]),
      [100n * OGPU],
    );
    assert.deepEqual(position(chain, B), [100n * OGPU, 1n]);
    await tombstone(chain, A);
    assert.equal(chain.slashedWei(), 515n * OGPU);
    assert.deepEqual(position(chain, B), [95n * OGPU, 0n], 'slashed as soon as it is touched');
    assert.deepEqual(chain.view('standing', B)[0], 10_100n * OGPU, 'not before');
    const touching = await chain.run(settle(BOB, B, ALICE));
    assert.deepEqual(
      eventValues(touching, 'LienEnforced').map((v) => v[2]),
      [5n * OGPU],
    );
    assert.equal(chain.slashedWei(), 520n * OGPU);
    assert.equal(chain.stakeWei(B, ALICE), 95n * OGPU);
    await chain.run(settle(BOB, B, ALICE));
    assert.equal(chain.stakeWei(B, ALICE), 95n * OGPU, 'once');
  });

  test('does not answer for what the old validator did in a later epoch', async () => {
    const chain = chainWith();
    await chain.run(delegate(ALICE, A, 400n * OGPU));
    await chain.run(redelegateAll(ALICE, A, B));
    await chain.block({ afterMs: EPOCH_MS });
    await tombstone(chain, A, chain.height + 1);
    assert.deepEqual(position(chain, B), [400n * OGPU, 1n]);
  });

  test('answers for the whole epoch in which it left', async () => {
    const chain = chainWith();
    await chain.run(delegate(ALICE, A, 400n * OGPU));
    await chain.run(redelegateAll(ALICE, A, B));
    await tombstone(chain, A, chain.height + 1);
    assert.deepEqual(position(chain, B), [380n * OGPU, 0n]);
  });

  test('is free when the unbonding time is over, to the millisecond', async () => {
    const chain = chainWith();
    await chain.run(delegate(ALICE, A, 400n * OGPU), redelegateAll(ALICE, A, B));
    await chain.block({ afterMs: UNBONDING_MS - 2 });
    const lienUntil = (): unknown => chain.delegation(B, ALICE).liens.length;
    await chain.block({ afterMs: 1, calls: [settle(BOB, B, ALICE)] });
    assert.equal(lienUntil(), 1);
    await chain.block({ afterMs: 1, calls: [settle(BOB, B, ALICE)] });
    assert.equal(lienUntil(), 0);
  });

  test('of a validator that is already punished has no new lien', async () => {
    const chain = chainWith();
    await chain.run(delegate(ALICE, A, 400n * OGPU));
    await tombstone(chain, A);
    await chain.run(redelegateAll(ALICE, A, B));
    assert.deepEqual(position(chain, B), [380n * OGPU, 0n]);
    await chain.refuse(redelegate(ALICE, B, A, 1n), 'ValidatorTombstoned');
  });
});

describe('stake from two validators in one place', () => {
  test('cannot put the liens of both on half of it', async () => {
    const chain = chainWith({ slashBps: 10_000 });
    await chain.run(delegate(ALICE, A, 100n * OGPU), delegate(ALICE, B, 100n * OGPU));
    await chain.run(redelegateAll(ALICE, A, C), redelegateAll(ALICE, B, C));
    await chain.run(undelegate(ALICE, C, 100n * OGPU));
    await tombstone(chain, A);
    await tombstone(chain, B);
    assert.deepEqual(position(chain, C), [0n, 0n]);
    const before = chain.moneyWei(ALICE);
    await chain.passUnbonding();
    assert.equal(chain.moneyWei(ALICE), before, 'nothing is left of what was at A and B');
  });
});

describe('a chain A → B → C → A', () => {
  const stations = [B, C, A];
  /** After `moves` moves of 400 OGPU. */
  const moved = async (moves: number): Promise<StakingChain> => {
    const chain = chainWith();
    await chain.run(delegate(ALICE, A, 400n * OGPU));
    for (const [index, to] of stations.slice(0, moves).entries()) {
      await chain.run(redelegateAll(ALICE, [A, B, C][index] ?? A, to));
    }
    return chain;
  };
  const worth = 380n * OGPU;
  const whole = 400n * OGPU;
  const cases: [moves: number, culprit: string, at: Address, stakeWei: bigint, liens: bigint][] = [
    [0, 'A', A, worth, 0n],
    [0, 'B', A, whole, 0n],
    [1, 'A', B, worth, 0n],
    [1, 'B', B, worth, 1n],
    [1, 'C', B, whole, 1n],
    [2, 'A', C, worth, 1n],
    [2, 'B', C, worth, 1n],
    [2, 'C', C, worth, 2n],
    [3, 'A', A, worth, 2n],
    [3, 'B', A, worth, 1n],
    [3, 'C', A, worth, 1n],
  ];
  for (const [moves, culprit, at, stakeWei, liens] of cases) {
    test(`after ${moves} moves, ${culprit} is punished`, async () => {
      const chain = await moved(moves);
      await tombstone(chain, { A, B, C }[culprit] ?? A);
      assert.deepEqual(position(chain, at), [stakeWei, liens]);
      await chain.run(undelegateAll(ALICE, at));
      await chain.passUnbonding();
      assert.equal(chain.moneyWei(ALICE), START_WEI - whole + stakeWei);
    });
  }

  test('all three are punished: each takes its share of what was there', async () => {
    const chain = await moved(3);
    await tombstone(chain, A);
    await tombstone(chain, B);
    await tombstone(chain, C);
    // the pool of A loses 5 %, and two liens take 5 % each of the shares
    assert.deepEqual(position(chain, A), [342n * OGPU, 0n]);
  });
});

describe('liens', () => {
  test('go with the stake into unbonding and back', async () => {
    const chain = chainWith();
    await chain.run(delegate(ALICE, A, 400n * OGPU));
    await chain.run(redelegateAll(ALICE, A, B), delegate(ALICE, B, 100n * OGPU));
    await chain.run(undelegate(ALICE, B, 300n * OGPU), undelegate(ALICE, B, 150n * OGPU));
    await chain.run(cancelUnbonding(ALICE, 2n));
    await tombstone(chain, A);
    assert.deepEqual(position(chain, B), [192n * OGPU, 0n], '160 of the 200 answered for A');
    const block = await chain.passUnbonding();
    assert.deepEqual(
      eventValues(block, 'LienEnforced').map((v) => v[2]),
      [12n * OGPU],
    );
    assert.equal(chain.moneyWei(ALICE), START_WEI - 500n * OGPU + 288n * OGPU);
    assert.equal(chain.slashedWei(), 500n * OGPU + 12n * OGPU);
    await chain.run(settle(BOB, B, ALICE));
    assert.equal(chain.slashedWei(), 520n * OGPU);
  });

  test('that are still open when an unbonding is taken back are on all that is left', async () => {
    const chain = chainWith();
    await chain.run(delegate(ALICE, A, 400n * OGPU));
    await chain.run(redelegateAll(ALICE, A, B), redelegateAll(ALICE, B, C), undelegateAll(ALICE, C));
    await tombstone(chain, A);
    await chain.run(cancelUnbonding(ALICE, 1n));
    assert.equal(chain.stakeWei(C, ALICE), 380n * OGPU);
    assert.deepEqual(
      chain.delegation(C, ALICE).liens.map(({ validator, shares }) => [validator, shares]),
      [[B, 380n * OGPU]],
    );
  });

  test('on the same shares add up, to no more than is there', async () => {
    const chain = chainWith({ slashBps: 6_000 });
    await chain.run(delegate(ALICE, A, 400n * OGPU));
    await chain.run(redelegateAll(ALICE, A, B), redelegateAll(ALICE, B, C));
    await tombstone(chain, A);
    await tombstone(chain, B);
    assert.deepEqual(position(chain, C), [0n, 0n]);
  });

  test('that take everything leave nobody stuck: anybody settles, rewards are paid, the slash is routed', async () => {
    const params = stakingParams({ staking: { equivocationSlashBps: 10_000, finderRewardBps: 0 } });
    const chain = new StakingChain({ params, members: [1, 2, 99].map((number) => genesisValidator(number)) });
    await chain.run(delegate(ALICE, A, 400n * OGPU));
    await chain.run(redelegateAll(ALICE, A, B));
    const earnedWei = chain.moneyWei(ALICE) - START_WEI + 400n * OGPU;
    await chain.block({ afterMs: 10_000 });
    await tombstone(chain, A);
    const slashedWei = chain.slashedWei();
    await chain.refuse(undelegateAll(ALICE, B), 'NoDelegation');
    const [paid] = (await chain.run(settle(BOB, B, ALICE))).calls;
    assert.ok(paid?.status === 1 && typeof paid.values[0] === 'bigint' && paid.values[0] > 0n);
    assert.equal(chain.moneyWei(ALICE), START_WEI - 400n * OGPU + earnedWei + paid.values[0]);
    assert.equal(chain.slashedWei() - slashedWei, 400n * OGPU);
    assert.equal(chain.delegation(B, ALICE).holding.shares, 0n);
    await chain.refuse(settle(BOB, B, ALICE), 'NoDelegation');
  });

  test('of one validator and epoch become one; more than eight different ones are refused, and unbonding is left', async () => {
    const chain = chainWith({ validators: 11 });
    const sources = Array.from({ length: 9 }, (_, index) => id(index + 2));
    await chain.run(...sources.map((source) => delegate(ALICE, source, OGPU)));
    await chain.run(...sources.slice(0, 8).map((source) => redelegate(ALICE, source, A, OGPU / 2n)));
    await chain.run(...sources.slice(0, 8).map((source) => redelegate(ALICE, source, A, OGPU / 2n)));
    assert.deepEqual(position(chain, A), [8n * OGPU, 8n]);
    const { calls } = await chain.block({ calls: [redelegate(ALICE, id(10), A, 1n)] });
    assert.deepEqual(calls.map(errorArgs), [[8n]]);
    await chain.refuse(redelegate(ALICE, A, id(11), 1n), 'TooManyLiens', [8n]);
    await chain.run(undelegateAll(ALICE, A));
    await tombstone(chain, id(2));
    await chain.passUnbonding();
    assert.equal(chain.moneyWei(ALICE), START_WEI - OGPU - OGPU / 20n, 'one of eight answered');
  });

  test('after a slash of the place itself: shares of the shares that are left', async () => {
    const chain = chainWith();
    await chain.run(delegate(ALICE, A, 400n * OGPU));
    await chain.run(redelegateAll(ALICE, A, B));
    await tombstone(chain, B);
    await tombstone(chain, A);
    assert.deepEqual(position(chain, B), [361n * OGPU, 0n]);
  });

  test('on an owner count against his own stake when somebody settles him', async () => {
    const chain = new StakingChain({
      params: stakingParams({ staking: { equivocationSlashBps: 9_990, minSelfStakeWei: 9_000n * OGPU } }),
      members: [1, 2, 99].map((number) => genesisValidator(number)),
      people: [B, ALICE],
    });
    await chain.run(delegate(B, A, 9_000n * OGPU));
    await chain.run(redelegateAll(B, A, B), undelegate(B, B, 10_000n * OGPU));
    assert.deepEqual(chain.view('standing', B).slice(0, 3), [9_000n * OGPU, 9_000n * OGPU, true]);
    await chain.block({ evidence: [{ validator: A, height: 1 }], proposer: P });
    await chain.run(settle(ALICE, B, B));
    const onWhatStayed = (9_000n * OGPU * 9n) / 19n;
    assert.equal(chain.stakeWei(B, B), 9_000n * OGPU - (onWhatStayed * 9_990n) / 10_000n);
    assert.equal(chain.view('unbonding', B, 1n)[1], 10_000n * OGPU, 'its liens wait until it is due');
    await chain.block({ afterMs: EPOCH_MS });
    assert.ok(!chain.isMember(B));
  });
});
