import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Address } from '../../../protocol/address.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { nextValidators, validatorsAt } from '../../../state/staking/active-set.js';
import { findUnbonding } from '../../../state/staking/unbonding.js';
import { BlockInvalidError } from '../../../state/transition/transition.js';
import { genesisValidator } from '../../support/ledger.js';
import {
  ALICE,
  BOB,
  CAROL,
  delegate,
  eventValues,
  redelegate,
  StakingChain,
  stakingParams,
  undelegate,
  unjail,
} from '../../support/staking.js';

const OGPU = WEI_PER_OGPU;
const EPOCH_MS = 60_000;
const EVIDENCE_MS = 540_000;
const id = (number: number): Address => new Uint8Array(20).fill(number);
const [A, B, C, D] = [id(1), id(2), id(3), id(4)];

function numbersOf(chain: StakingChain): number[] {
  return nextValidators(chain.ledger).map((member) => member.id[0] ?? 0);
}

function chainOf(stakes: readonly bigint[], changes: Parameters<typeof stakingParams>[0] = {}): StakingChain {
  return new StakingChain({
    params: stakingParams(changes),
    members: stakes.map((ogpu, index) =>
      genesisValidator(index + 1, { stakeWei: ogpu * OGPU, payout: id(index + 51) }),
    ),
    people: [A, B, C, D, ALICE, BOB, CAROL],
  });
}

describe('the active set', () => {
  test('is the top by stake, at equal stake the lower addresses, and changes with the epoch only', async () => {
    const chain = chainOf([500n, 300n, 300n, 300n], { consensus: { maxValidators: 3 } });
    assert.deepEqual(numbersOf(chain), [1, 2, 3]);
    await chain.run(delegate(ALICE, D, 1n));
    assert.deepEqual(numbersOf(chain), [1, 2, 3]);
    const block = await chain.block({ afterMs: EPOCH_MS });
    assert.deepEqual(numbersOf(chain), [1, 2, 4]);
    assert.deepEqual(eventValues(block, 'EpochStarted'), [[1n, 3n, 1_100n * 10n ** 6n]]);
    assert.deepEqual(
      validatorsAt(chain.ledger, chain.height).map((member) => member.id[0]),
      [1, 2, 3],
      'the block that ends an epoch is decided by the old set',
    );
    assert.deepEqual(
      nextValidators(chain.ledger).map(({ votingPower }) => votingPower),
      [500_000_000, 300_000_000, 300_000_000],
    );
    await chain.run(undelegate(A, A, 201n * OGPU));
    await chain.block({ afterMs: EPOCH_MS - 1_001 });
    assert.deepEqual(numbersOf(chain), [1, 2, 4]);
    await chain.block({ afterMs: 1 });
    assert.deepEqual(numbersOf(chain), [2, 3, 4]);
  });

  test('has nobody whose own stake is below the minimum, from the next epoch on', async () => {
    const chain = chainOf([100n, 300n]);
    await chain.run(delegate(ALICE, A, 900n * OGPU), undelegate(A, A, 1n));
    assert.deepEqual(numbersOf(chain), [1, 2]);
    await chain.block({ afterMs: EPOCH_MS });
    assert.deepEqual(numbersOf(chain), [2]);
    await chain.run(delegate(ALICE, A, OGPU));
    await chain.block({ afterMs: EPOCH_MS });
    assert.deepEqual(numbersOf(chain), [2], "others' stake does not count");
    await chain.run(delegate(A, A, 1n));
    await chain.block({ afterMs: EPOCH_MS });
    assert.deepEqual(numbersOf(chain), [1, 2]);
  });

  test('never loses its last member, whatever he has done, until somebody else can take over', async () => {
    const chain = chainOf([300n, 200n], { consensus: { maxValidators: 2 } });
    const evidence = [A, B].map((validator) => ({ validator, height: 1 }));
    const block = await chain.block({ evidence });
    assert.deepEqual(eventValues(block, 'Tombstoned').length, 2);
    assert.deepEqual(numbersOf(chain), [2]);
    await chain.block({ afterMs: EPOCH_MS });
    assert.deepEqual(numbersOf(chain), [2]);
    assert.ok(
      eventValues(await chain.block({ afterMs: EPOCH_MS }), 'RewardsPaid').length === 1,
      'he is paid',
    );
  });

  test('has nobody whose stake is no power at all', async () => {
    const chain = new StakingChain({
      params: stakingParams({ staking: { minSelfStakeWei: 1n } }),
      members: [
        genesisValidator(1, { stakeWei: 10n ** 12n }),
        genesisValidator(2, { stakeWei: 10n ** 12n - 1n }),
      ],
    });
    assert.deepEqual(numbersOf(chain), [1]);
    await chain.run(delegate(ALICE, B, 1n));
    await chain.block({ afterMs: EPOCH_MS });
    assert.deepEqual(numbersOf(chain), [1, 2]);
  });

  test('of a block is the one before, however often it changes in that block', async () => {
    const chain = chainOf([300n, 300n, 300n, 300n], { consensus: { maxValidators: 3 } });
    const evidence = [A, B].map((validator) => ({ validator, height: 1 }));
    await chain.block({ evidence, afterMs: EPOCH_MS });
    assert.deepEqual(numbersOf(chain), [3, 4]);
    assert.deepEqual(
      validatorsAt(chain.ledger, chain.height).map((member) => member.id[0]),
      [1, 2, 3],
    );
    assert.deepEqual(validatorsAt(chain.ledger, chain.height + 1), nextValidators(chain.ledger));
  });

  test('changes once after a halt of many epochs', async () => {
    const chain = chainOf([300n]);
    await chain.block({ afterMs: 100 * EPOCH_MS });
    assert.equal(chain.epoch, 1);
    await chain.block({ afterMs: EPOCH_MS - 1 });
    assert.equal(chain.epoch, 1);
    await chain.block({ afterMs: 1 });
    assert.equal(chain.epoch, 2);
    assert.deepEqual(chain.view('epoch'), [2n, BigInt(chain.height + 1), BigInt(chain.timeMs)]);
  });
});

test('epochs of which evidence is too old are forgotten', async () => {
  const chain = chainOf([300n]);
  const kept = (): number[] =>
    chain.ledger
      .entries()
      .filter(({ key }) => String.fromCharCode(...key.subarray(0, 4)) === 'epo/')
      .map(({ key }) => key.at(-1) ?? 0);
  for (let i = 0; i < 8; i++) await chain.block({ afterMs: EPOCH_MS });
  assert.deepEqual(kept(), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  await chain.block({ afterMs: EPOCH_MS });
  assert.deepEqual(kept(), [1, 2, 3, 4, 5, 6, 7, 8, 9], 'the first began nine minutes ago');
  await chain.block({ afterMs: 100 * EPOCH_MS });
  assert.deepEqual(kept(), [5, 6, 7, 8, 9, 10], 'four at a time');
});

describe('evidence', () => {
  const refusal = async (chain: StakingChain, validator: Address, height: number): Promise<unknown> => {
    try {
      await chain.block({ evidence: [{ validator, height }] });
    } catch (error) {
      if (error instanceof BlockInvalidError) return error.data['reason'];
      throw error;
    }
    return 'accepted';
  };

  test('pays an offender nothing for reporting itself', async () => {
    const chain = chainOf([1_000n, 1_000n], {
      staking: { emissionBpsPerYear: 0, finderRewardBps: 10_000 },
    });
    const block = await chain.block({ evidence: [{ validator: A, height: 1 }], proposer: A });
    assert.deepEqual(eventValues(block, 'SlashRouted'), []);
    assert.equal(chain.slashedWei(), 50n * OGPU);
  });

  test('takes the share of the pool, pays the finder, and is for ever', async () => {
    const chain = chainOf([1_000n, 1_000n], { staking: { emissionBpsPerYear: 0 } });
    const block = await chain.block({ evidence: [{ validator: A, height: 1 }], proposer: B });
    assert.deepEqual(
      eventValues(block, 'Tombstoned').map((v) => v[1]),
      [1n],
    );
    assert.deepEqual(
      eventValues(block, 'Slashed').map((v) => v.slice(1)),
      [[1, 0n, 50n * OGPU]],
    );
    assert.deepEqual(
      eventValues(block, 'SlashRouted').map((v) => v[1]),
      [(50n * OGPU) / 20n],
    );
    assert.equal(chain.moneyWei(id(52)), (50n * OGPU) / 20n);
    assert.equal(chain.slashedWei(), (50n * OGPU * 19n) / 20n);
    assert.deepEqual(numbersOf(chain), [2]);
    await chain.refuse(unjail(A, A), 'ValidatorTombstoned');
    await chain.refuse(delegate(ALICE, A, 1n), 'ValidatorTombstoned');
    await chain.refuse(redelegate(B, B, A, 1n), 'ValidatorTombstoned');
    for (let i = 0; i < 3; i++) await chain.block({ afterMs: EPOCH_MS });
    assert.deepEqual(numbersOf(chain), [2]);
  });

  test('is refused when unknown, repeated, from the future, or too old, counted from the beginning of its epoch', async () => {
    const chain = chainOf([1_000n, 1_000n, 1_000n]);
    assert.equal(await refusal(chain, ALICE, 1), 'EVIDENCE_VALIDATOR_UNKNOWN');
    assert.equal(await refusal(chain, A, 2), 'EVIDENCE_FROM_FUTURE');
    assert.equal(await refusal(chain, A, 1), 'accepted');
    assert.equal(await refusal(chain, A, 1), 'EVIDENCE_PUNISHED_BEFORE');
    await chain.block({ afterMs: EPOCH_MS - 1_000 });
    const inSecond = chain.height + 1;
    await chain.block({ afterMs: 59_000 });
    await chain.block({ afterMs: EVIDENCE_MS - 59_000 - 2_000 });
    assert.equal(await refusal(chain, B, inSecond - 1), 'EVIDENCE_TOO_OLD');
    assert.equal(await refusal(chain, B, inSecond), 'accepted');
    assert.equal(await refusal(chain, C, inSecond), 'EVIDENCE_TOO_OLD');
  });

  test('in time punishes one who has left the set, and what left him then', async () => {
    const chain = chainOf([1_000n, 1_000n], { staking: { emissionBpsPerYear: 0 } });
    await chain.run(undelegate(A, A, 1_000n * OGPU));
    await chain.block({ afterMs: EPOCH_MS });
    assert.deepEqual(numbersOf(chain), [2]);
    await chain.block({
      evidence: [{ validator: A, height: 1 }],
      afterMs: EVIDENCE_MS - EPOCH_MS - 1_001,
      proposer: B,
    });
    const before = chain.moneyWei(A);
    await chain.block({ afterMs: 200_000 });
    assert.equal(chain.moneyWei(A) - before, 950n * OGPU);
  });
});

describe('a block at the end of time', () => {
  const last = 2 ** 52;
  const call = undelegate(ALICE, A, 1n);

  test('still schedules what it begins', async () => {
    const chain = chainOf([500n, 500n]);
    await chain.run(delegate(ALICE, A, 5n));
    const block = await chain.block({ afterMs: last - chain.timeMs, calls: [call] });
    assert.equal(block.calls[0]?.status, 1);
    assert.equal(findUnbonding(chain.ledger, ALICE, 1)?.dueMs, last + 600_000);
  });

  test('is invalid a millisecond later, up to the largest time there is', async () => {
    const chain = chainOf([500n, 500n]);
    await chain.run(delegate(ALICE, A, 5n));
    for (const timeMs of [last + 1, Number.MAX_SAFE_INTEGER]) {
      await assert.rejects(
        chain.block({ afterMs: timeMs - chain.timeMs, calls: [call] }),
        (error) => error instanceof BlockInvalidError && error.code === 'BLOCK_TIME_TOO_LATE',
      );
    }
  });
});
