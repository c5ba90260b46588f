import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Address } from '../../../protocol/address.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { MAX_KEPT_EPOCHS, oldestEpoch, readEpoch } from '../../../state/staking/epoch-record.js';
import { BlockInvalidError } from '../../../state/transition/transition.js';
import { genesisValidator } from '../../support/ledger.js';
import {
  ALICE,
  BOB,
  CAROL,
  delegate,
  eventValues,
  redelegateAll,
  settle,
  StakingChain,
  stakingParams,
  START_WEI,
  undelegate,
} from '../../support/staking.js';

const OGPU = WEI_PER_OGPU;
const EPOCH_MS = 60_000;
const EVIDENCE_MS = 540_000;
const UNBONDING_MS = 600_000;
const EVIDENCE_BLOCKS = 10;
const UNBONDING_BLOCKS = 14;
const MONTH_MS = 30 * 86_400_000;
const id = (number: number): Address => new Uint8Array(20).fill(number);
const [A, B] = [id(1), id(2)];
/** Proposes, so that no finder is among those who are looked at. */
const P = id(99);

function chainOf(evidenceMaxAgeBlocks = EVIDENCE_BLOCKS, checksWhole = true): StakingChain {
  return new StakingChain({
    params: stakingParams({
      consensus: { evidenceMaxAgeBlocks },
      staking: { unbondingBlocks: UNBONDING_BLOCKS, emissionBpsPerYear: 0, finderRewardBps: 0 },
    }),
    members: [1, 2, 99].map((number) => genesisValidator(number)),
    checksWhole,
  });
}

async function blocks(chain: StakingChain, count: number, afterMs = 1_000): Promise<void> {
  for (let i = 0; i < count; i++) await chain.block({ afterMs, proposer: P });
}

/** Whether a block may carry evidence of an offence of A, which is then punished. */
async function accepts(chain: StakingChain, height: number, afterMs = 1): Promise<boolean> {
  try {
    await chain.block({ evidence: [{ validator: A, height }], proposer: P, afterMs });
    return true;
  } catch (error) {
    if (!(error instanceof BlockInvalidError)) throw error;
    assert.equal(error.data['reason'], 'EVIDENCE_TOO_OLD');
    return false;
  }
}

describe('a halt longer than evidence and unbonding last, right after an offence', () => {
  /** Alice has asked 100 of 400 OGPU back from A, Bob has moved 400 from A to B; then the chain stands still for a month. */
  const halted = async (): Promise<StakingChain> => {
    const chain = chainOf();
    await chain.run(delegate(ALICE, A, 400n * OGPU), delegate(BOB, A, 400n * OGPU));
    await chain.run(undelegate(ALICE, A, 100n * OGPU), redelegateAll(BOB, A, B));
    await blocks(chain, 1, MONTH_MS);
    return chain;
  };

  test('evidence after the restart still slashes the validator, what is unbonding and what has moved', async () => {
    const chain = await halted();
    await blocks(chain, 5, EPOCH_MS);
    assert.equal(chain.epoch, 6);
    assert.ok(await accepts(chain, 1));
    assert.equal(chain.height, EVIDENCE_BLOCKS - 1, 'the last block that may bring it');
    assert.equal(chain.stakeWei(A, ALICE), 285n * OGPU);
    assert.equal(chain.view('unbonding', ALICE, 1n)[1], 95n * OGPU);
    assert.equal(chain.view('delegation', B, BOB)[0], 380n * OGPU);
    assert.equal(chain.slashedWei(), (500n + 20n) * OGPU);
    await chain.run(settle(CAROL, B, BOB));
    assert.equal(chain.slashedWei(), (500n + 20n + 20n) * OGPU);
    await blocks(chain, 2 + UNBONDING_BLOCKS - chain.height);
    assert.equal(chain.moneyWei(ALICE), START_WEI - 305n * OGPU, 'paid what is left of it');
  });

  test('what was asked back is paid at its height, and evidence is refused before', async () => {
    const chain = await halted();
    await blocks(chain, EVIDENCE_BLOCKS - 1 - chain.height);
    assert.ok(!(await accepts(chain, 1)), 'too old by time and by height');
    await blocks(chain, 1 + UNBONDING_BLOCKS - chain.height);
    assert.equal(chain.moneyWei(ALICE), START_WEI - 400n * OGPU);
    const block = await chain.block();
    assert.equal(chain.height, 2 + UNBONDING_BLOCKS);
    assert.equal(eventValues(block, 'UnbondingPaid').length, 1);
    assert.equal(chain.moneyWei(ALICE), START_WEI - 300n * OGPU);
  });

  test('stake that has moved is free at its height', async () => {
    const chain = await halted();
    await blocks(chain, UNBONDING_BLOCKS - chain.height);
    await chain.run(settle(CAROL, B, BOB));
    assert.deepEqual(
      chain.delegation(B, BOB).liens.map(({ untilHeight }) => untilHeight),
      [2 + UNBONDING_BLOCKS],
    );
    await chain.run(settle(CAROL, B, BOB));
    assert.deepEqual(chain.delegation(B, BOB).liens, []);
  });
});

describe('fast blocks', () => {
  test('expire no evidence before its time', async () => {
    const chain = chainOf();
    await blocks(chain, 30, 1);
    await blocks(chain, 1, EVIDENCE_MS - 32);
    assert.ok(await accepts(chain, 1), 'a millisecond before');
    const other = chainOf();
    await blocks(other, 30, 1);
    await blocks(other, 1, EVIDENCE_MS - 31);
    assert.ok(!(await accepts(other, 1)));
  });

  test('neither pay what was asked back nor free what has moved before its time', async () => {
    const chain = chainOf();
    await chain.run(delegate(ALICE, A, 400n * OGPU), delegate(BOB, A, 400n * OGPU));
    await chain.run(undelegate(ALICE, A, 100n * OGPU), redelegateAll(BOB, A, B));
    await blocks(chain, 30, 1);
    await chain.block({ afterMs: UNBONDING_MS - 31, calls: [settle(CAROL, B, BOB)] });
    assert.equal(chain.moneyWei(ALICE), START_WEI - 400n * OGPU);
    assert.equal(chain.delegation(B, BOB).liens.length, 1);
    await chain.block({ afterMs: 1, calls: [settle(CAROL, B, BOB)] });
    assert.equal(chain.moneyWei(ALICE), START_WEI - 300n * OGPU);
    assert.equal(chain.delegation(B, BOB).liens.length, 0);
  });
});

test('blocks slower than epochs: no more epochs are kept than a slash may visit, and the oldest of them still counts', async () => {
  const chain = chainOf(1_000, false);
  await blocks(chain, MAX_KEPT_EPOCHS - 1, EPOCH_MS);
  assert.deepEqual([oldestEpoch(chain.ledger), chain.epoch], [0, MAX_KEPT_EPOCHS - 1]);
  await blocks(chain, 10, EPOCH_MS);
  const oldest = oldestEpoch(chain.ledger);
  assert.deepEqual([oldest, chain.epoch], [10, MAX_KEPT_EPOCHS + 9]);
  const { firstHeight } = readEpoch(chain.ledger, oldest);
  assert.ok(!(await accepts(chain, firstHeight - 1)));
  assert.ok(await accepts(chain, firstHeight));
});
