import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { providersModule } from '../../../state/modules/providers.js';
import { creditPayout, lockBond, mayClaim, returnBond, takeBond } from '../../../state/providers/bonds.js';
import { slashLockup } from '../../../state/providers/lockup.js';
import { freeWei, partiesOf, providerByOperator, providers } from '../../../state/providers/provider.js';
import { credit, debit } from '../../../state/accounts/account.js';
import { byProvider, depositLockup, onLedger, readProvider, registerProvider } from '../../support/market.js';
import { ALICE, BOB, CAROL, eventValues, StakingChain } from '../../support/staking.js';

const OGPU = WEI_PER_OGPU;

describe('the lockup of a provider', () => {
  test('is free, locked, on its way out, taken and paid to the wei', async () => {
    const chain = new StakingChain();
    await chain.run(registerProvider(ALICE, { invited: [BOB] }));
    await chain.run(byProvider(BOB, 'accept', ALICE), depositLockup(CAROL, ALICE, 5n * OGPU));
    assert.deepEqual(providerByOperator(chain.ledger, BOB)?.master, ALICE);
    assert.deepEqual(partiesOf(chain.ledger, ALICE), [ALICE, BOB]);
    onLedger(chain, ({ state }) => {
      lockBond(state, ALICE, 4n * OGPU);
    });
    await chain.refuse(byProvider(ALICE, 'withdraw', 12n * OGPU), 'InsufficientLockup', [
      12n * OGPU,
      11n * OGPU,
    ]);
    await chain.run(byProvider(ALICE, 'withdraw', 10n * OGPU));
    assert.deepEqual(chain.viewOf(providersModule, 'lockup', ALICE), [
      15n * OGPU,
      4n * OGPU,
      10n * OGPU,
      OGPU,
    ]);
    onLedger(chain, ({ state }) => {
      returnBond(state, ALICE, OGPU);
      takeBond(state, ALICE, 3n * OGPU);
      credit(state, CAROL, 3n * OGPU);
      assert.equal(slashLockup(state, ALICE, 4n * OGPU), 4n * OGPU);
      credit(state, CAROL, 4n * OGPU);
    });
    const provider = readProvider(chain.ledger, ALICE);
    assert.deepEqual([freeWei(provider), provider.withdrawals[0]?.amountWei], [0n, 8n * OGPU]);
    assert.equal(mayClaim(chain.params, provider), false);
    const paid = await chain.passUnbonding();
    assert.deepEqual(eventValues(paid, 'WithdrawalPaid')[0]?.[2], 8n * OGPU);
    await chain.run(byProvider(ALICE, 'exit'));
    assert.equal(providers.find(chain.ledger, ALICE), undefined);
    assert.equal(providerByOperator(chain.ledger, BOB), undefined);
  });

  test('earnings go to the payout address, which has said that it belongs to the provider', async () => {
    const chain = new StakingChain();
    await chain.run(registerProvider(ALICE, { invited: [BOB] }));
    await chain.refuse(byProvider(ALICE, 'setPayout', BOB), 'AddressNotAccepted');
    await chain.run(byProvider(BOB, 'accept', ALICE));
    await chain.run(byProvider(ALICE, 'setPayout', BOB));
    const beforeWei = chain.moneyWei(BOB);
    onLedger(chain, ({ state }) => {
      debit(state, CAROL, 7n * OGPU);
      creditPayout(state, ALICE, 7n * OGPU);
    });
    assert.equal(chain.moneyWei(BOB) - beforeWei, 7n * OGPU);
    assert.equal(readProvider(chain.ledger, ALICE).reputation.earnedWei, 7n * OGPU);
  });
});
