import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { blockReceiptsCodec, type BlockReceipts, type Log } from '../../../protocol/types/receipt.js';
import { blockBatch } from '../../../state/chain/block-batch.js';
import { readReceipts } from '../../../state/chain/receipts.js';
import { logPlaceCodec, type LogPlace } from '../../../state/chain/records.js';
import { Pruner } from '../../../state/chain/retention.js';
import { NODE_KEYS } from '../../../state/store/keys.js';
import { MemoryStore } from '../../../state/store/memory.js';
import type { Store } from '../../../state/store/store.js';
import { readAll, STORES } from '../../support/faulty-stores.js';
import { onEveryRange } from '../../support/interrupted-store.js';
import { LongChain } from '../../support/long-chain.js';

const CHAIN = { seed: 3, keys: 5, transactionsPerBlock: 3, changesPerBlock: 2, random: true };

/** The logs that an index says are there, in its order. */
async function placesIn(store: Store, space: 'logAddress' | 'logTopic'): Promise<LogPlace[]> {
  const entries = await readAll(store, { ...NODE_KEYS[space].range(), limit: 10_000 });
  return entries.map(({ value }) => logPlaceCodec.decode(value));
}

function logAt(receipts: BlockReceipts, place: LogPlace): Log | undefined {
  if (place.section === 'transaction') return receipts.receipts[place.transactionIndex]?.logs[place.index];
  return (place.section === 'begin' ? receipts.beginLogs : receipts.endLogs)[place.index];
}

describe('receipts', () => {
  for (const [name, withStore] of Object.entries(STORES)) {
    test(`come back as they were stored: ${name}`, () =>
      withStore(async (store) => {
        const chain = new LongChain(store, CHAIN);
        let withoutSystemLogs = 0;
        for (let height = 1; height <= 40; height++) {
          const final = chain.block(height);
          await store.write(blockBatch(final));
          const read = await readReceipts(store, height);
          assert.deepEqual(read, final.receipts);
          assert.deepEqual(blockReceiptsCodec.root(read), blockReceiptsCodec.root(final.receipts));
          const { beginLogs, endLogs } = final.receipts;
          const hasSystemLogs = beginLogs.length + endLogs.length > 0;
          assert.equal(store.has(NODE_KEYS.systemLogs.encode(height)), hasSystemLogs);
          if (!hasSystemLogs) withoutSystemLogs++;
        }
        assert.ok(withoutSystemLogs > 0 && withoutSystemLogs < 40, 'blocks of both kinds came up');
        assert.equal(await readReceipts(store, 41), undefined);
        assert.equal(await readReceipts(store, 0), undefined);
      }));
  }

  test('of a block that is dropped meanwhile are not given in part', async () => {
    const store = new MemoryStore();
    const chain = new LongChain(store, { ...CHAIN, random: false });
    for (let height = 1; height <= 3; height++) await store.write(chain.batch(height));
    const pruner = new Pruner(store, { mode: 'pruned', blocks: 2 });
    const interrupted = onEveryRange(store, () => pruner.step());
    assert.equal(await readReceipts(interrupted, 1), undefined);
    assert.equal((await readReceipts(interrupted, 2))?.receipts.length, 3);
  });

  test('with a gap are damage', async () => {
    const store = new MemoryStore();
    const chain = new LongChain(store, { ...CHAIN, random: false });
    await store.write(chain.batch(1));
    await store.write([{ key: NODE_KEYS.receipt.encode(1, 1), value: undefined }]);
    await assert.rejects(() => readReceipts(store, 1), { code: 'STORE_CORRUPT' });
  });
});

describe('the log index', () => {
  test('numbers first phase, transactions and last phase, and leads to every log by emitter and by topic', async () => {
    let seen = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const store = new MemoryStore();
      const final = new LongChain(store, { ...CHAIN, seed }).block(9);
      await store.write(blockBatch(final));
      const { beginLogs, receipts, endLogs } = final.receipts;
      const logs = [...beginLogs, ...receipts.flatMap((receipt) => receipt.logs), ...endLogs];
      seen += logs.length;
      for (const [number, log] of logs.entries()) {
        const byAddress = store.get(NODE_KEYS.logAddress.encode(log.address, 9, number));
        assert.ok(byAddress);
        assert.equal(logAt(final.receipts, logPlaceCodec.decode(byAddress)), log);
        for (const [position, topic] of log.topics.entries())
          assert.deepEqual(store.get(NODE_KEYS.logTopic.encode(position, topic, 9, number)), byAddress);
      }
      assert.equal((await placesIn(store, 'logAddress')).length, logs.length);
      const topics = logs.reduce((sum, log) => sum + log.topics.length, 0);
      assert.equal((await placesIn(store, 'logTopic')).length, topics);
    }
    assert.ok(seen > 40);
  });

  test('a place is stored in one form', () => {
    const places: LogPlace[] = [
      { section: 'begin', index: 0 },
      { section: 'transaction', transactionIndex: 65_535, index: 2 ** 32 - 1 },
      { section: 'end', index: 7 },
    ];
    for (const place of places) assert.deepEqual(logPlaceCodec.decode(logPlaceCodec.encode(place)), place);
    const encoded = logPlaceCodec.encode({ section: 'end', index: 7 });
    for (const [at, byte] of [
      [0, 3],
      [1, 1],
    ] as const) {
      const damaged = Uint8Array.from(encoded);
      damaged[at] = byte;
      assert.throws(() => logPlaceCodec.decode(damaged), { code: 'STORE_CORRUPT' });
    }
  });
});
