import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AbiValue } from '../../../protocol/abi/types.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { Revert } from '../../../state/modules/module.js';
import { countEnding, lockBond } from '../../../state/providers/bonds.js';
import {
  MAX_PROVIDER_ADDRESSES,
  MAX_WITHDRAWALS,
  providerByOperator,
} from '../../../state/providers/provider.js';
import { ENDING_REASONS, type EndingReason } from '../../../consensus/verification/reasons.js';
import {
  byProvider,
  depositLockup,
  GPU,
  onLedger,
  readProvider,
  registerProvider,
} from '../../support/market.js';
import { ALICE, BOB, CAROL, person, StakingChain, stakingParams } from '../../support/staking.js';

const OGPU = WEI_PER_OGPU;
const PARAMS = stakingParams({ providers: { minLockupWei: 10n * OGPU } });

test('whatever is wrong with a registration or a change has its own error', async () => {
  const chain = new StakingChain({ params: PARAMS });
  const gpu = (changes: Record<number, AbiValue>): AbiValue =>
    Object.assign([...(GPU as AbiValue[])], changes);
  const refused: [terms: Parameters<typeof registerProvider>[1], error: string, args?: readonly unknown[]][] =
    [
      [{ lockupWei: 10n * OGPU - 1n }, 'LockupTooLow', [10n * OGPU, 10n * OGPU - 1n]],
      [{ name: '' }, 'InvalidName'],
      [{ name: ' farm' }, 'InvalidName'],
      [{ name: 'f'.repeat(65) }, 'InvalidName'],
      [{ name: 'färm' }, 'InvalidName'],
      [{ gpus: Array<AbiValue>(17).fill(GPU) }, 'TooManyGpus', [16n, 17n]],
      [{ gpus: [GPU, gpu({ 0: 'NVIDIA' })] }, 'InvalidGpu', [1n]],
      [{ gpus: [gpu({ 0: 'n'.repeat(33) })] }, 'InvalidGpu', [0n]],
      [{ gpus: [gpu({ 1: '' })] }, 'InvalidGpu'],
      [{ gpus: [gpu({ 1: 'rtx 4090' })] }, 'InvalidGpu'],
      [{ gpus: [gpu({ 1: '-rtx' })] }, 'InvalidGpu'],
      [{ gpus: [gpu({ 1: 'm'.repeat(65) })] }, 'InvalidGpu'],
      [{ gpus: [gpu({ 2: 0n })] }, 'InvalidGpu'],
      [{ gpus: [gpu({ 3: 0n })] }, 'InvalidGpu'],
      [{ invited: [new Uint8Array(20)] }, 'InvalidAddress'],
      [{ invited: [BOB, BOB] }, 'AddressTaken'],
      [{ invited: [ALICE] }, 'AddressTaken'],
      [{ invited: Array.from({ length: 9 }, (_, index) => person(`op ${index}`)) }, 'TooManyAddresses', [8n]],
    ];
  for (const [terms, error, args] of refused) await chain.refuse(registerProvider(ALICE, terms), error, args);
  await chain.run(registerProvider(ALICE, { gpus: [GPU, gpu({ 0: 'amd', 1: 'mi300x' })] }));
  await chain.refuse(byProvider(ALICE, 'update', 'x ', []), 'InvalidName');
  await chain.run(byProvider(ALICE, 'update', 'other', []));
  assert.equal(readProvider(chain.ledger, ALICE).gpus.length, 0);
  await chain.refuse(byProvider(BOB, 'update', 'other', []), 'UnknownProvider');
  await chain.refuse(depositLockup(BOB, CAROL, 1n), 'UnknownProvider');
  await chain.refuse(byProvider(ALICE, 'cancelWithdrawal', 2n ** 64n - 1n), 'UnknownWithdrawal');
});

test('an address stands for one provider at most, by its own word, and is free again', async () => {
  const chain = new StakingChain({ params: PARAMS });
  await chain.run(
    registerProvider(ALICE, { invited: [CAROL] }),
    registerProvider(BOB, { invited: [CAROL, ALICE] }),
  );
  assert.equal(providerByOperator(chain.ledger, CAROL), undefined);
  await chain.refuse(byProvider(ALICE, 'accept', BOB), 'AddressTaken');
  await chain.run(byProvider(CAROL, 'accept', BOB));
  await chain.refuse(byProvider(CAROL, 'accept', ALICE), 'AddressTaken');
  await chain.refuse(registerProvider(CAROL), 'AlreadyRegistered');
  await chain.run(byProvider(BOB, 'setPayout', CAROL), byProvider(CAROL, 'renounce', BOB));
  assert.deepEqual(readProvider(chain.ledger, BOB).payout, BOB);
  await chain.run(byProvider(CAROL, 'accept', ALICE), byProvider(ALICE, 'removeAddress', CAROL));
  await chain.run(registerProvider(CAROL));
  for (let index = 1; index < MAX_PROVIDER_ADDRESSES; index++) {
    await chain.run(byProvider(BOB, 'invite', person(`op ${index}`)));
  }
  await chain.refuse(byProvider(BOB, 'invite', person('one more')), 'TooManyAddresses');
});

test('withdrawals under way are bounded, and what leaves cannot be added to', async () => {
  const chain = new StakingChain({ params: PARAMS });
  await chain.run(registerProvider(ALICE));
  for (let index = 0; index < MAX_WITHDRAWALS; index++) await chain.run(byProvider(ALICE, 'withdraw', 1n));
  await chain.refuse(byProvider(ALICE, 'withdraw', 1n), 'TooManyWithdrawals', [8n]);
  await chain.refuse(byProvider(ALICE, 'exit'), 'TooManyWithdrawals');
  await chain.run(byProvider(ALICE, 'cancelWithdrawal', 3n), byProvider(ALICE, 'exit'));
  await chain.refuse(byProvider(ALICE, 'exit'), 'StatusUnchanged');
  await chain.refuse(depositLockup(BOB, ALICE, 1n), 'ProviderLeaving');
  await chain.refuse(byProvider(ALICE, 'drain'), 'ProviderLeaving');
  await chain.run(byProvider(ALICE, 'resume'), depositLockup(BOB, ALICE, 1n));
});

test('a bond beyond what is free is refused with both amounts', () => {
  const chain = new StakingChain({ params: PARAMS });
  return chain.run(registerProvider(ALICE)).then(() => {
    onLedger(chain, ({ state }) => {
      lockBond(state, ALICE, 4n * OGPU);
      assert.throws(
        () => {
          lockBond(state, ALICE, 7n * OGPU);
        },
        (error) => error instanceof Revert && error.error.item.name === 'InsufficientLockup',
      );
    });
  });
});

test('every ending of an attempt counts where its meaning says', async () => {
  const chain = new StakingChain({ params: PARAMS });
  await chain.run(registerProvider(ALICE));
  onLedger(chain, ({ state }) => {
    for (const reason of Object.keys(ENDING_REASONS)) countEnding(state, ALICE, reason as EndingReason);
  });
  const { accepted, rejected, withheld, abandoned, inconclusive, released } = readProvider(
    chain.ledger,
    ALICE,
  ).reputation;
  assert.deepEqual(
    { accepted, rejected, withheld, abandoned, inconclusive, released },
    { accepted: 2, rejected: 3, withheld: 1, abandoned: 2, inconclusive: 3, released: 1 },
  );
});
