import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toChecksumAddress, type Address } from '../../../protocol/address.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { nextValidators } from '../../../state/staking/active-set.js';
import { genesisValidator } from '../../support/ledger.js';
import {
  ALICE,
  BOB,
  cancelUnbonding,
  delegate,
  eventValues,
  redelegate,
  StakingChain,
  stakingParams,
  undelegate,
  unjail,
  type StakingBlock,
} from '../../support/staking.js';

const OGPU = WEI_PER_OGPU;
const WINDOW_MS = 60_000;
const EPOCH_MS = 240_000;
const id = (number: number): Address => new Uint8Array(20).fill(number);
const [A, B, C] = [id(1), id(2), id(3)];

/** Windows of a minute judge from ten blocks on; half of them must be signed. */
const RULES = {
  downtimeMinBlocks: 10,
  downtimeMinSignedBps: 5_000,
  epochMs: EPOCH_MS,
  emissionBpsPerYear: 0,
} as const;

/** Validators with as many OGPU each; the last one proposes. */
function chainOf(
  stakes: readonly bigint[],
  staking: Parameters<typeof stakingParams>[0]['staking'] = {},
  consensus: Parameters<typeof stakingParams>[0]['consensus'] = {},
): StakingChain {
  return new StakingChain({
    params: stakingParams({ consensus, staking: { ...RULES, ...staking } }),
    members: stakes.map((ogpu, index) => genesisValidator(index + 1, { stakeWei: ogpu * OGPU })),
    people: [A, B, C, ALICE, BOB],
  });
}

function equal(count: number): bigint[] {
  return Array.from({ length: count }, () => 1_000n);
}

function numbersOf(chain: StakingChain): number[] {
  return nextValidators(chain.ledger).map((member) => member.id[0] ?? 0);
}

/** Blocks of a new window; `missed` says how many each validator has missed by its number. @returns the first, which judges the last window */
async function window(
  chain: StakingChain,
  blocks: number,
  missed: Readonly<Record<number, number>>,
): Promise<StakingBlock> {
  const next = (index: number): Promise<StakingBlock> =>
    chain.block({
      afterMs: index === 0 ? WINDOW_MS - (chain.timeMs % WINDOW_MS) : 100,
      absent: Object.entries(missed)
        .filter(([, count]) => index < count)
        .map(([number]) => id(Number(number))),
      proposer: nextValidators(chain.ledger).at(-1)?.id ?? A,
    });
  const judging = await next(0);
  for (let index = 1; index < blocks; index++) await next(index);
  return judging;
}

/** The block that judges a window in which these were absent. */
async function judged(chain: StakingChain, missed: Readonly<Record<number, number>>): Promise<StakingBlock> {
  await window(chain, 10, missed);
  return window(chain, 1, {});
}

function numbered(block: StakingBlock, event: string): [unknown, unknown][] {
  const numbers = new Map(Array.from({ length: 20 }, (_, n) => [toChecksumAddress(id(n)), n]));
  return eventValues(block, event).map((values) => [numbers.get(String(values[0])), values.at(-1)]);
}

describe('absence', () => {
  test('of more than half of a window is jail and a slash', async () => {
    const chain = chainOf(equal(4));
    await window(chain, 10, { 1: 6 });
    assert.deepEqual(numbersOf(chain), [1, 2, 3, 4]);
    const block = await window(chain, 1, {});
    assert.deepEqual(
      eventValues(block, 'Jailed').map((v) => v.slice(1)),
      [[BigInt(chain.timeMs + 10_000), 6]],
    );
    const takenWei = OGPU / 10n;
    assert.deepEqual(
      eventValues(block, 'Slashed').map((v) => v.slice(1)),
      [[2, 0n, takenWei]],
    );
    assert.deepEqual(
      [chain.slashedWei(), chain.validator(A).pool.tokensWei],
      [takenWei, 1_000n * OGPU - takenWei],
    );
    assert.deepEqual(numbersOf(chain), [2, 3, 4]);
  });

  test('of half of a window, in a window with few blocks, in a halt, or spread over windows is no crime', async () => {
    const chain = chainOf(equal(4));
    await window(chain, 10, { 1: 5 });
    await window(chain, 9, { 1: 9 });
    await window(chain, 12, { 1: 6 });
    await chain.block({ afterMs: 86_400_000, absent: [A] });
    await window(chain, 1, {});
    await window(chain, 1, {});
    assert.deepEqual([numbersOf(chain), chain.slashedWei()], [[1, 2, 3, 4], 0n]);
  });

  test('ends with unjail: not too early, not without own stake, by owner or operator; active from the next epoch', async () => {
    const chain = chainOf(equal(4), { jailMs: 20_000 });
    await chain.refuse(unjail(A, A), 'NotJailed');
    await judged(chain, { 1: 10 });
    const untilMs = chain.timeMs + 20_000;
    await chain.refuse(unjail(A, A), 'JailedUntil', [BigInt(untilMs)]);
    await chain.block({ afterMs: 17_999 });
    assert.equal(chain.timeMs, untilMs - 1_001);
    await chain.block({ afterMs: 1_000, calls: [unjail(A, A)] });
    assert.ok(chain.validator(A).jailedUntilMs > 0, 'a millisecond too early');
    await chain.refuse(unjail(ALICE, A), 'NotOwnerOrOperator', [toChecksumAddress(ALICE)]);
    const ownWei = chain.stakeWei(A, A);
    await chain.run(undelegate(A, A, ownWei - 1n));
    await chain.refuse(unjail(A, A), 'SelfStakeTooLow', [100n * OGPU, 1n]);
    await chain.run(delegate(A, A, 100n * OGPU - 1n), { from: A, name: 'setOperator', values: [ALICE] });
    const block = await chain.run(unjail(ALICE, A));
    assert.equal(eventValues(block, 'Unjailed').length, 1);
    assert.deepEqual(numbersOf(chain), [2, 3, 4]);
    await chain.block({ afterMs: EPOCH_MS });
    assert.deepEqual(numbersOf(chain), [1, 2, 3, 4]);
    await chain.refuse(unjail(A, A), 'NotJailed');
  });

  test('keeps a validator out for as long as nobody brings it back', async () => {
    const chain = chainOf(equal(4));
    await judged(chain, { 1: 10 });
    for (let i = 0; i < 3; i++) await chain.block({ afterMs: EPOCH_MS });
    assert.deepEqual([numbersOf(chain), chain.epoch], [[2, 3, 4], 3]);
  });

  test('is forgotten when a validator leaves the set', async () => {
    const chain = chainOf(equal(3), { epochMs: WINDOW_MS }, { maxValidators: 2 });
    await chain.run(delegate(ALICE, C, OGPU));
    await chain.block({ absent: [B], afterMs: WINDOW_MS });
    assert.deepEqual(numbersOf(chain), [1, 3]);
    await chain.block({ absent: [B], afterMs: 100 });
    assert.equal(recordsOf(chain), 0);
    await chain.block({ absent: [A], afterMs: 100 });
    await chain.block({ evidence: [{ validator: A, height: 1 }], absent: [A], afterMs: 100, proposer: C });
    assert.equal(recordsOf(chain), 0);
  });
});

describe('the slash for absence', () => {
  const bps = { downtimeSlashBps: 1_000 };

  test('takes from stake that was asked back in the window what it takes from stake that stayed', async () => {
    const chain = chainOf(equal(4), bps);
    await chain.run(delegate(ALICE, A, 100n * OGPU));
    await window(chain, 10, { 1: 6 });
    await chain.run(undelegate(ALICE, A, 60n * OGPU));
    const block = await window(chain, 1, {});
    assert.deepEqual(
      eventValues(block, 'Slashed').map((v) => v.at(-1)),
      [110n * OGPU],
    );
    assert.equal(chain.view('unbonding', ALICE, 1n)[1], 54n * OGPU);
    await chain.run(cancelUnbonding(ALICE, 1n));
    assert.equal(chain.stakeWei(A, ALICE), 90n * OGPU, 'going and coming back has saved nothing');
    assert.equal(chain.slashedWei(), 110n * OGPU);
  });

  test('takes from what left in each epoch the window touches, and from nothing that left before', async () => {
    const chain = chainOf(equal(4), bps);
    await chain.run(delegate(ALICE, A, 400n * OGPU));
    await chain.run(undelegate(ALICE, A, 100n * OGPU));
    await chain.block({ afterMs: EPOCH_MS });
    await chain.run(undelegate(ALICE, A, 100n * OGPU));
    await chain.block({ afterMs: EPOCH_MS - 40_000 });
    await window(chain, 9, { 1: 9 });
    await chain.block({ afterMs: 30_000, absent: [A] });
    assert.equal(chain.epoch, 2, 'the epoch has ended in the window');
    await chain.run(undelegate(ALICE, A, 100n * OGPU));
    const block = await window(chain, 1, {});
    assert.deepEqual(numbered(block, 'Jailed'), [[1, 10]]);
    assert.deepEqual(
      [1n, 2n, 3n].map((number) => chain.view('unbonding', ALICE, number)[1]),
      [100n * OGPU, 90n * OGPU, 90n * OGPU],
    );
    assert.equal(chain.slashedWei(), 130n * OGPU);
  });

  test('of a window within one epoch leaves alone what left in the one before', async () => {
    const chain = chainOf(equal(4), bps);
    await chain.run(delegate(ALICE, A, 400n * OGPU), undelegate(ALICE, A, 100n * OGPU));
    await chain.block({ afterMs: EPOCH_MS });
    await judged(chain, { 1: 10 });
    assert.equal(chain.view('unbonding', ALICE, 1n)[1], 100n * OGPU);
    assert.equal(chain.slashedWei(), 130n * OGPU);
  });

  test('does not follow stake that was moved to another validator: no lien is for absence', async () => {
    const chain = chainOf(equal(4), bps);
    await chain.run(delegate(ALICE, A, 400n * OGPU));
    await window(chain, 10, { 1: 10 });
    await chain.run(redelegate(ALICE, A, B, 400n * OGPU));
    await window(chain, 1, {});
    assert.equal(chain.slashedWei(), 100n * OGPU);
    assert.equal(chain.view('delegation', B, ALICE)[0], 400n * OGPU);
  });
});

describe('the floor of the set in an epoch', () => {
  const missing = (numbers: readonly number[], count: number): Record<number, number> =>
    Object.fromEntries(numbers.map((number) => [number, count]));

  test('jails the worst first, then lower ids, while more than two thirds are left; the others stay as they were', async () => {
    const chain = chainOf(equal(9));
    const block = await judged(chain, { 1: 7, 2: 9, 3: 8, 4: 9, 5: 7 });
    assert.deepEqual(numbered(block, 'Jailed'), [
      [2, 9],
      [4, 9],
    ]);
    assert.deepEqual(numbered(block, 'JailDeferred'), [
      [3, 8],
      [1, 7],
      [5, 7],
    ]);
    assert.deepEqual(numbersOf(chain), [1, 3, 5, 6, 7, 8, 9]);
    assert.deepEqual(
      [1, 3, 5].map((number) => chain.view('standing', id(number))),
      [1, 3, 5].map(() => [1_000n * OGPU, 1_000n * OGPU, true, 0n, false]),
    );
    assert.equal(recordsOf(chain), 0, 'their records are clean');
    assert.equal(chain.slashedWei(), OGPU / 5n);
  });

  test('is counted from the beginning of the epoch, over all its windows, and anew in the next', async () => {
    const chain = chainOf(equal(9), { epochMs: 270_000 });
    await window(chain, 10, missing([1], 10));
    const judging = [
      await window(chain, 10, missing([2, 3], 10)),
      await window(chain, 10, missing([4], 10)),
      await window(chain, 1, {}),
    ];
    assert.deepEqual(
      judging.map((block) => [numbered(block, 'Jailed'), numbered(block, 'JailDeferred')]),
      [
        [[[1, 10]], []],
        [[[2, 10]], [[3, 10]]],
        [[], [[4, 10]]],
      ],
    );
    assert.equal(chain.epoch, 0);
    await chain.block({ afterMs: EPOCH_MS });
    assert.equal(numbersOf(chain).length, 7);
    const next = await judged(chain, missing([3, 4, 5], 10));
    assert.deepEqual(
      numbered(next, 'Jailed').map(([n]) => n),
      [3, 4],
    );
    assert.deepEqual(numbersOf(chain), [5, 6, 7, 8, 9]);
  });

  test('is a matter of power, not of heads: a smaller one fits where a bigger one did not', async () => {
    const chain = chainOf([2_500n, 1_000n, 800n, 5_700n]);
    const block = await judged(chain, { 1: 10, 2: 9, 3: 8 });
    assert.deepEqual(numbered(block, 'Jailed'), [
      [1, 10],
      [3, 8],
    ]);
    assert.deepEqual(numbered(block, 'JailDeferred'), [[2, 9]]);
  });

  test('counts who is out for ever, and does not keep anybody from it', async () => {
    const chain = chainOf(equal(6));
    await chain.block({ evidence: [{ validator: id(6), height: 1 }], proposer: A });
    const block = await judged(chain, missing([1], 10));
    assert.deepEqual(numbered(block, 'JailDeferred'), [[1, 10]], 'four of six would be left');
    const evidence = [1, 2, 3].map((number) => ({ validator: id(number), height: 1 }));
    await chain.block({ evidence, proposer: id(5) });
    assert.deepEqual(numbersOf(chain), [4, 5]);
  });

  test('keeps everybody of three equal ones', async () => {
    const chain = chainOf(equal(3));
    const block = await judged(chain, missing([1, 2, 3], 10));
    assert.deepEqual(
      numbered(block, 'JailDeferred').map(([n]) => n),
      [1, 2, 3],
    );
    assert.deepEqual([numbersOf(chain), chain.slashedWei()], [[1, 2, 3], 0n]);
  });
});

function recordsOf(chain: StakingChain): number {
  const prefix = 'live/';
  return chain.ledger
    .entries()
    .filter(({ key }) => String.fromCharCode(...key.subarray(0, prefix.length)) === prefix).length;
}
