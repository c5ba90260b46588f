import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignaturePool } from '../../../node/signatures/pool.js';
import type { SyncProgress } from '../../../node/sync/progress.js';
import { simulatedChain } from '../../sim/consensus/chain.js';
import { FinalChain } from '../../support/final-chain.js';
import { assertSameContent, blockSyncOf, heightOf, Scene } from '../../support/sync.js';

const LIMIT = { timeout: 60_000 };

test('an empty node comes to the tip of three servers, over sockets, with everything they have', LIMIT, () =>
  Scene.play(async (scene) => {
    const chain = await simulatedChain(4, true);
    const source = await FinalChain.open(chain.store.snapshot(), chain);
    await source.growTo(300);
    const servers = await Promise.all([1, 2, 3].map((number) => scene.server(number, source.store)));
    const client = await scene.client(9, servers);
    const store = await scene.ledger(chain);
    const pool = new SignaturePool({ workers: 1 });
    scene.atEnd(() => pool.close());
    const progress: SyncProgress[] = [];
    const finals: number[] = [];
    const sync = blockSyncOf(store, client, chain, {
      verifyStatements: (statements) => pool.verifyStatements(statements),
      onProgress: (at) => progress.push(at),
      onFinal: ({ block }) => {
        assert.ok(heightOf(store) >= block.header.height, 'it is durable');
        finals.push(block.header.height);
      },
    });
    const head = await sync.run();
    assert.equal(head.height, 300);
    const all = Array.from({ length: 300 }, (_, i) => i + 1);
    assert.deepEqual(finals, all);
    assert.equal(progress.at(-1)?.height, 300);
    assert.ok(progress.every(({ targetHeight }) => targetHeight <= 300));
    await assertSameContent(source.store, store);
  }),
);
