import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHex } from '../../../protocol/bytes.js';
import { blockCodec } from '../../../protocol/types/block.js';
import { blockId } from '../../../protocol/types/header.js';
import { readHead } from '../../../state/chain/block-batch.js';
import { oldEntries, valueAt } from '../../../state/chain/history.js';
import { readPastState } from '../../../state/chain/past-state.js';
import { placeCodec } from '../../../state/chain/records.js';
import { treeNodes, updateStateRoot } from '../../../state/chain/state-root.js';
import { NODE_KEYS, STATE_KEYS } from '../../../state/store/keys.js';
import { MemoryStore } from '../../../state/store/memory.js';
import type { Store } from '../../../state/store/store.js';
import { treeRoot } from '../../../state/tree/root.js';
import { genesisBatch, grow, naiveStateRoot, nextBlock, PEOPLE, stateEntries } from '../../support/chain.js';
import { Crash, FaultyDisk } from '../../support/faulty-disk.js';
import { createPrng } from '../../support/prng.js';

async function dump(store: Store): Promise<Record<string, string>> {
  return Object.fromEntries((await stateEntries(store)).map(({ key, value }) => [toHex(key), toHex(value)]));
}

test('over a long history the stored root is the root of the stored state, by the naive definition', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const prng = createPrng(seed);
    const store = new MemoryStore();
    await store.write(genesisBatch(store));
    for (let height = 1; height <= 40; height++) {
      const { final, batch } = nextBlock(store, prng, height);
      await store.write(batch);
      const root = toHex(final.block.header.stateRoot);
      assert.equal(toHex(treeRoot(treeNodes(store))), root, `seed ${seed}, height ${height}`);
      assert.equal(naiveStateRoot(await stateEntries(store)), root, `seed ${seed}, height ${height}`);
    }
  }
});

describe('history', () => {
  test('valueAt gives every entry as it was after every block; the last block can be undone', async () => {
    const prng = createPrng(5);
    const store = new MemoryStore();
    await store.write(genesisBatch(store));
    const past = [await dump(store)];
    for (let height = 1; height <= 25; height++) {
      await store.write(nextBlock(store, prng, height).batch);
      past.push(await dump(store));
    }
    for (const [height, state] of past.entries()) {
      for (const address of PEOPLE) {
        const key = STATE_KEYS.account.encode(address);
        const value = await valueAt(store, key, height);
        assert.equal(value === undefined ? undefined : toHex(value), state[toHex(key)], `height ${height}`);
      }
    }
    const undo = await oldEntries(store, 25);
    const { root, nodes } = updateStateRoot(store, undo);
    await store.write([...undo, ...nodes]);
    assert.deepEqual(await dump(store), past[24]);
    assert.equal(toHex(root), naiveStateRoot(await stateEntries(store)));
  });

  test('the past can be executed on: every block again, on the state before it', async () => {
    const store = new MemoryStore();
    const blocks = await grow(store, createPrng(8), 12);
    for (const { final, execute } of blocks) {
      const { height } = final.block.header;
      const again = await readPastState(store, height - 1, execute);
      assert.deepEqual(again.receipts, final.receipts, `height ${height}`);
      assert.deepEqual(again.changes, final.changes, `height ${height}`);
    }
  });
});

test('a final block is found by height, id and each of its transactions at once', async () => {
  const prng = createPrng(7);
  const store = new MemoryStore();
  await store.write(genesisBatch(store));
  for (let height = 1; height <= 10; height++) {
    const { final, batch } = nextBlock(store, prng, height);
    await store.write(batch);
    const id = blockId(final.block.header);
    assert.deepEqual(readHead(store), { height, id, stateRoot: final.block.header.stateRoot });
    const stored = store.get(NODE_KEYS.block.encode(height));
    assert.deepEqual(stored && toHex(blockId(blockCodec.decode(stored).header)), toHex(id));
    for (const [index, hash] of final.transactionHashes.entries()) {
      const place = store.get(NODE_KEYS.transaction.encode(hash));
      assert.deepEqual(place && placeCodec.decode(place), { height, index });
      assert.ok(store.has(NODE_KEYS.receipt.encode(height, index)));
    }
  }
});

test('a crash at any write leaves the block before or the block after, never something between', async () => {
  let [before, after] = [0, 0];
  for (let seed = 1; seed <= 60; seed++) {
    const prng = createPrng(seed);
    const disk = new FaultyDisk(prng);
    let store = await disk.open();
    await store.write(genesisBatch(store));
    const crashAt = 1 + prng.below(8);
    for (let height = 1; height < crashAt; height++) await store.write(nextBlock(store, prng, height).batch);
    const { batch } = nextBlock(store, prng, crashAt);
    disk.plan(prng.pick(['process-dies', 'power-fails']));
    await assert.rejects(() => store.write(batch), Crash);
    store = await disk.open();
    const head = readHead(store);
    const height = head?.height ?? 0;
    assert.ok(height === crashAt - 1 || height === crashAt, `seed ${seed}`);
    if (height === crashAt) after++;
    else before++;
    const root = toHex(treeRoot(treeNodes(store)));
    assert.equal(root, naiveStateRoot(await stateEntries(store)), `seed ${seed}`);
    if (head !== undefined) assert.equal(root, toHex(head.stateRoot), `seed ${seed}`);
    await store.write(nextBlock(store, prng, height + 1).batch);
    assert.equal(readHead(store)?.height, height + 1, 'and the chain goes on');
  }
  assert.ok(before > 5, `${before} crashes left the block before, ${after} the block after`);
});
