import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { balanceOf } from '../../../genesis/accounts.js';
import type { GenesisState } from '../../../genesis/state.js';
import { ledgerGenesis, openLedger, type LedgerOptions } from '../../../node/ledger.js';
import { toHex } from '../../../protocol/bytes.js';
import { readAccount } from '../../../state/accounts/account.js';
import { poolBalanceWei } from '../../../state/accounts/pools.js';
import type { GenesisProgress } from '../../../state/chain/genesis.js';
import { StoreError } from '../../../state/store/errors.js';
import { withFolder } from '../../support/faulty-stores.js';
import { contentOf, expectedState } from '../../support/genesis.js';
import { address, load, sampleDocument } from '../genesis/sample.js';

function withGenesis(use: (options: LedgerOptions, genesis: GenesisState) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const genesis = await load(sampleDocument());
    await use({ path: join(folder, 'ledger'), genesis }, genesis);
  });
}

describe('the ledger of a genesis, on disk', () => {
  test('holds on the first start what the document says, and its tree', () =>
    withGenesis(async (options, genesis) => {
      const lines: GenesisProgress[] = [];
      const { store, head } = await openLedger({ ...options, onProgress: (line) => lines.push(line) });
      const expected = expectedState(ledgerGenesis(genesis));
      assert.deepEqual(head.id, genesis.id);
      assert.equal(head.height, 0);
      assert.equal(toHex(head.stateRoot), expected.root);
      assert.deepEqual(await contentOf(store), expected.content);
      for (const owner of [address(1), address(2), address(3)]) {
        assert.equal(readAccount(store, owner).balanceWei, balanceOf(genesis.accounts, owner));
      }
      assert.equal(poolBalanceWei(store, 'reserve'), genesis.reserveWei);
      assert.equal(lines.at(-1)?.step, 'tree');
      await store.close();
    }));

  test('is opened as it is on the next start', () =>
    withGenesis(async (options) => {
      const first = await openLedger(options);
      const content = await contentOf(first.store);
      await first.store.close();
      const again = await openLedger({
        ...options,
        onProgress: () => assert.fail('written again'),
      });
      assert.deepEqual(again.head, first.head);
      assert.deepEqual(await contentOf(again.store), content);
      await again.store.close();
    }));

  test('is made again after a start that failed half-way, which has let go of the database', () =>
    withGenesis(async (options, genesis) => {
      const failing = openLedger({
        ...options,
        onProgress: ({ step }) => {
          if (step === 'tree') throw new RangeError('interrupted');
        },
      });
      await assert.rejects(failing, RangeError);
      const { store } = await openLedger(options);
      assert.deepEqual(await contentOf(store), expectedState(ledgerGenesis(genesis)).content);
      await store.close();
    }));

  test('is refused under another genesis', () =>
    withGenesis(async (options) => {
      const { store } = await openLedger(options);
      await store.close();
      const genesis = await load(sampleDocument({ genesisTimeMs: 1_800_000_000_001 }));
      await assert.rejects(openLedger({ ...options, genesis }), (error) => {
        assert.ok(error instanceof StoreError);
        assert.equal(error.code, 'STORE_FOREIGN');
        return true;
      });
    }));
});
