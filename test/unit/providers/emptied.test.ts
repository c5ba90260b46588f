import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { credit } from '../../../state/accounts/account.js';
import { slashLockup } from '../../../state/providers/lockup.js';
import { providers } from '../../../state/providers/provider.js';
import { byProvider, onLedger, registerProvider } from '../../support/market.js';
import { ALICE, BOB, eventValues, StakingChain } from '../../support/staking.js';

const OGPU = WEI_PER_OGPU;

test('a provider that lost all of its lockup while it left is gone with its last withdrawal', async () => {
  const chain = new StakingChain();
  await chain.run(registerProvider(ALICE));
  await chain.run(byProvider(ALICE, 'withdraw', OGPU));
  await chain.run(byProvider(ALICE, 'withdraw', 2n * OGPU));
  await chain.run(byProvider(ALICE, 'exit'));
  onLedger(chain, ({ state }) => {
    assert.equal(slashLockup(state, ALICE, 50n * OGPU), 10n * OGPU);
    credit(state, BOB, 10n * OGPU);
  });
  await chain.block({ afterMs: 1 });
  const gone = await chain.block({ afterMs: 600_000 });
  assert.deepEqual(
    eventValues(gone, 'WithdrawalPaid').map((values) => values[2]),
    [0n, 0n, 0n],
  );
  assert.equal(eventValues(gone, 'ProviderRemoved').length, 1);
  await chain.block({ afterMs: 600_000 });
});

test('what was slashed to nothing is removed by its exit', async () => {
  const chain = new StakingChain();
  await chain.run(registerProvider(ALICE));
  await chain.run(byProvider(ALICE, 'withdraw', OGPU));
  onLedger(chain, ({ state }) => {
    credit(state, BOB, slashLockup(state, ALICE, 10n * OGPU));
  });
  await chain.run(byProvider(ALICE, 'exit'));
  assert.equal(providers.find(chain.ledger, ALICE), undefined);
  await chain.block({ afterMs: 600_000 });
  await chain.block({ afterMs: 600_000 });
});
