import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Address } from '../../../protocol/address.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { MAX_DUE_PER_BLOCK } from '../../../state/system/due-kinds.js';
import { genesisValidator } from '../../support/ledger.js';
import {
  ALICE,
  claimRewards,
  delegate,
  eventValues,
  person,
  redelegate,
  StakingChain,
  stakingParams,
  undelegate,
  undelegateAll,
  type BlockOptions,
} from '../../support/staking.js';

const OGPU = WEI_PER_OGPU;
const EPOCH_MS = 60_000;
const [A, B]: readonly [Address, Address] = [new Uint8Array(20).fill(1), new Uint8Array(20).fill(2)];

function crowd(count: number): Address[] {
  return Array.from({ length: count }, (_, index) => person(`delegator ${index}`));
}

describe('cost in reads and writes of the state', () => {
  const small = chainWith(10);
  const big = chainWith(10_000);
  const delegator = person('delegator 3');
  const cases: [string, BlockOptions][] = [
    ['delegate', { calls: [delegate(ALICE, A, 5n)] }],
    ['undelegate', { calls: [undelegate(delegator, A, 5n)] }],
    ['undelegateAll', { calls: [undelegateAll(delegator, A)] }],
    ['redelegate', { calls: [redelegate(delegator, A, B, 5n)] }],
    ['claimRewards', { calls: [claimRewards(delegator, A)] }],
    ['a slash', { evidence: [{ validator: A, height: 1 }], proposer: B }],
    ['the end of an epoch', { afterMs: EPOCH_MS }],
    ['an empty block', {}],
  ];
  for (const [what, options] of cases) {
    test(`${what} costs with ten thousand delegators what it costs with ten`, () => {
      const cost = big.costOf(options);
      assert.deepEqual(cost, small.costOf(options));
      assert.ok(cost.reads < 60 && cost.writes < 25, `${cost.reads} reads, ${cost.writes} writes`);
    });
  }

  test('and a slash reaches all of them', async () => {
    await big.block({ evidence: [{ validator: A, height: 1 }], proposer: B });
    for (const index of [0, 4_999, 9_999]) {
      assert.equal(big.stakeWei(A, person(`delegator ${index}`)), (OGPU * 95n) / 100n);
    }
  });

  function chainWith(count: number): StakingChain {
    const chain = new StakingChain({ checksWhole: false });
    chain.seedDelegators(A, crowd(count), OGPU);
    return chain;
  }
});

describe('a block full of undelegations', () => {
  test('fits, and when all fall due at once they are paid over several blocks, in order, to the wei', async () => {
    const people = crowd(430);
    const chain = new StakingChain({
      members: [genesisValidator(1), genesisValidator(2)],
      params: stakingParams({ staking: { emissionBpsPerYear: 0 } }),
      checksWhole: false,
    });
    chain.seedDelegators(A, people, 3n * OGPU);
    const moneyWei = (): bigint => people.reduce((sum, who) => sum + chain.moneyWei(who), 0n);
    const before = moneyWei();
    const full = await chain.run(...people.map((who) => undelegate(who, A, OGPU)));
    assert.ok(full.gasUsed > 115_000_000, `${full.gasUsed} gas`);
    assert.equal(moneyWei(), before);
    const first = await chain.passUnbonding();
    const numbers = eventValues(first, 'UnbondingPaid').map((values) => values[2]);
    assert.deepEqual(numbers.length, MAX_DUE_PER_BLOCK);
    assert.equal(moneyWei() - before, BigInt(MAX_DUE_PER_BLOCK) * OGPU);
    const second = await chain.block({ afterMs: 1 });
    numbers.push(...eventValues(second, 'UnbondingPaid').map((values) => values[2]));
    assert.equal(new Set(numbers).size, 430);
    assert.equal(moneyWei() - before, 430n * OGPU);
    assert.equal(eventValues(await chain.block(), 'UnbondingPaid').length, 0);
  });
});
