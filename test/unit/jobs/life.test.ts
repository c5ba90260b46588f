import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readAccount } from '../../../state/accounts/account.js';
import { providers } from '../../../state/providers/provider.js';
import { standingOf } from '../../../state/jobs/verifier-standing.js';
import { JobsChain, PRICE_WEI, PROVIDERS } from '../../support/jobs.js';
import { ALICE } from '../../support/staking.js';

const [PAULA = ALICE] = PROVIDERS;

describe('a job', () => {
  for (const [name, options] of [
    ['a batch', {}],
    ['a batch of many segments, sampled', { segments: 40 }],
    ['a chain', { isChain: true }],
    ['a sampled chain', { isChain: true, segments: 40 }],
  ] as const) {
    test(`is done, audited and paid: ${name}`, async () => {
      const world = await JobsChain.open(options);
      await world.assigned();
      const { terms } = world.attempt;
      await world.runToEnd();
      assert.equal(world.reason, 'PAID');
      assert.equal(world.attempt.ending, 'CONFIRMED');
      const { reputation, lockedWei } = providers.read(world.chain.ledger, PAULA);
      assert.equal(reputation.earnedWei, PRICE_WEI);
      assert.equal(reputation.accepted, 1);
      assert.equal(lockedWei, 0n);
      assert.equal(world.state.escrowWei, 0n);
      for (const validator of world.verifiers) {
        assert.equal(standingOf(world.chain.ledger, validator).owed, 0);
      }
      assert.equal(terms.provider.join(), PAULA.join());
    });
  }

  test('with a faked segment is rejected, the bond pays, and the next provider does it', async () => {
    const world = await JobsChain.open();
    world.fakes = new Set([3]);
    await world.assigned();
    const before = readAccount(world.chain.ledger, ALICE).balanceWei;
    await world.until(() => world.phase !== 'ASSIGNED');
    assert.equal(world.attempt.ending, 'FRAUD');
    const { reputation } = providers.read(world.chain.ledger, PAULA);
    assert.equal(reputation.rejected, 1);
    assert.ok(reputation.slashedWei > 0n);
    assert.ok(readAccount(world.chain.ledger, ALICE).balanceWei > before, 'the client is compensated');
    assert.equal(world.phase, 'OPEN');
  });
});
