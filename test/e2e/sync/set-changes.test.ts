import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LightBlock } from '../../../consensus/light/verify.js';
import { storeLightSource } from '../../../node/sync/light-source.js';
import { trustedHeaderAt } from '../../../node/sync/trusted-header.js';
import { toHex } from '../../../protocol/bytes.js';
import { blockId } from '../../../protocol/types/header.js';
import { storedBlock } from '../../../node/consensus/stored-blocks.js';
import { SignaturePool } from '../../../node/signatures/pool.js';
import { readAccount } from '../../../state/accounts/account.js';
import type { MemoryStore } from '../../../state/store/memory.js';
import { simulatedChain, type SimulatedChain } from '../../sim/consensus/chain.js';
import { anyTransaction } from '../../sim/consensus/client.js';
import { SimulatedTransactions } from '../../sim/consensus/transactions.js';
import { FinalChain } from '../../support/final-chain.js';
import { createPrng } from '../../support/prng.js';
import { assertSameContent, blockSyncOf, Scene } from '../../support/sync.js';

const LIMIT = { timeout: 90_000 };
const BLOCKS = 120;

test('blocks are synced through epochs whose validators differ, with transactions of every kind', LIMIT, () =>
  Scene.play(async (scene) => {
    const { chain, source, sets } = await changing();
    assert.ok(sets.size > 8, `${sets.size} different sets`);
    const server = await scene.server(1, source.store);
    const client = await scene.client(9, [server]);
    const store = await scene.ledger(chain);
    const pool = new SignaturePool({ workers: 1 });
    scene.atEnd(() => pool.close());
    const parts = {
      checkInvariants: true,
      verifyStatements: (statements: Parameters<typeof pool.verifyStatements>[0]) =>
        pool.verifyStatements(statements),
    };
    assert.equal((await blockSyncOf(store, client, chain, parts).run()).height, BLOCKS);
    await assertSameContent(source.store, store);
  }),
);

test(
  'a header is believed through epochs whose validators differ, from the genesis and from any checkpoint',
  LIMIT,
  async () => {
    const { chain, source } = await changing();
    const { genesis, bls } = chain;
    const light = storeLightSource(source.store);
    let asked = 0;
    const ask = async (height: number): Promise<LightBlock> => {
      asked++;
      const block = await light(height);
      assert.ok(block);
      return block;
    };
    // Trust in this chain ends sooner than its epochs; here it lasts.
    const { params } = genesis;
    const lasting = {
      ...genesis,
      params: { ...params, staking: { ...params.staking, unbondingMs: 3_600_000 } },
    };
    const head = storedBlock(source.store, BLOCKS);
    assert.ok(head);
    const nowMs = head.header.timeMs + 1;
    for (const height of [0, 7, 60, 119, 120]) {
      const block = storedBlock(source.store, height);
      const checkpoint = block && { height, id: blockId(block.header) };
      const trusted = await trustedHeaderAt(BLOCKS, ask, nowMs, { genesis: lasting, checkpoint, bls });
      assert.equal(toHex(blockId(trusted.header)), toHex(blockId(head.header)));
      assert.equal(toHex(trusted.nextCommittee.hash), toHex(source.tip.committee.hash));
    }
    assert.ok(asked < 60, `${asked} headers were asked for`);
  },
);

/** A chain on which people move their stake all the time. */
async function changing(): Promise<{
  readonly chain: SimulatedChain;
  readonly source: FinalChain<MemoryStore>;
  readonly sets: ReadonlySet<string>;
}> {
  const chain = await simulatedChain(4, false);
  const source = await FinalChain.open(chain.store.snapshot(), chain);
  const pool = new SimulatedTransactions(source.store, chain.genesis.chainId, () => source.tip.parent.timeMs);
  const random = createPrng(11);
  const sets = new Set<string>();
  while (source.height < BLOCKS) {
    for (const validator of chain.validators) {
      const { nonce } = readAccount(source.store, validator.id);
      await pool.add(anyTransaction(chain, validator, nonce, random));
    }
    const limits = { baseFeeWei: 10n ** 9n, gasLimit: 10_000_000, maxBytes: 1_000_000 };
    const { local } = await source.produce({ transactions: pool.select(limits), stepMs: 200 });
    pool.onBlock(local.transactionHashes, local.executed.outcome.changes);
    sets.add(toHex(local.block.header.validatorsHash));
  }
  return { chain, source, sets };
}
