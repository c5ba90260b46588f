import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { oldEntries, valueAt } from '../../../state/chain/history.js';
import { readPastState } from '../../../state/chain/past-state.js';
import { Pruner } from '../../../state/chain/retention.js';
import { STATE_KEYS } from '../../../state/store/keys.js';
import { MemoryStore } from '../../../state/store/memory.js';
import type { Reader, Store } from '../../../state/store/store.js';
import { grow } from '../../support/chain.js';
import { onEveryRange } from '../../support/interrupted-store.js';
import { LongChain } from '../../support/long-chain.js';
import { createPrng } from '../../support/prng.js';

const CHAIN = { seed: 4, keys: 200, transactionsPerBlock: 1, changesPerBlock: 150 };
const slot = (i: number): Uint8Array => STATE_KEYS.slot.encode(new Uint8Array(20), slotNumber(i));

function slotNumber(i: number): Uint8Array {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(0, i);
  return bytes;
}

async function storeOf(blocks: number): Promise<{ store: MemoryStore; chain: LongChain }> {
  const store = new MemoryStore();
  const chain = new LongChain(store, CHAIN);
  for (let height = 1; height <= blocks; height++) await store.write(chain.batch(height));
  return { store, chain };
}

/** Slots that form a list: each holds the number of the next, the last one none. */
async function writeList(store: Store, length: number): Promise<void> {
  await store.write(
    Array.from({ length }, (_, i) => ({
      key: slot(i),
      value: slotNumber(i + 1 === length ? 0xffff : i + 1),
    })),
  );
}

function walkList(view: Reader): number {
  let length = 0;
  for (
    let at = view.get(slot(0));
    at !== undefined;
    at = view.get(STATE_KEYS.slot.encode(new Uint8Array(20), at))
  )
    length++;
  return length;
}

describe('reading a past state', () => {
  test('takes two runs where the keys do not depend on values', async () => {
    const { store, chain } = await storeOf(3);
    let runs = 0;
    const values = await readPastState(store, 1, (view) => {
      runs++;
      return chain.keys().map((key) => view.get(key));
    });
    assert.equal(runs, 2);
    const expected = await Promise.all(chain.keys().map((key) => valueAt(store, key, 1)));
    assert.deepEqual(values, expected);
    assert.ok(values.some((value, i) => value !== store.get(chain.keys()[i] ?? slot(0))));
  });

  test('follows values from key to key, a run each', async () => {
    const { store } = await storeOf(1);
    await writeList(store, 50);
    let runs = 0;
    const length = await readPastState(store, 1, (view) => {
      runs++;
      return walkList(view);
    });
    assert.deepEqual([length, runs], [50, 52]);
  });

  test('ignores what a run that guessed comes to, and gives the error of one that did not', async () => {
    const { store } = await storeOf(1);
    await store.write([{ key: slot(1), value: Uint8Array.of(1) }]);
    const read = (key: Uint8Array) => (view: Reader) => {
      if (view.get(key) === undefined) throw new RangeError('nothing there');
      return 'there';
    };
    assert.equal(await readPastState(store, 1, read(slot(1))), 'there');
    await assert.rejects(() => readPastState(store, 1, read(slot(2))), RangeError);
  });

  test('ends a run that its guesses keep from ending', async () => {
    const { store } = await storeOf(1);
    await writeList(store, 3);
    // Looks for the first free place: absent, which every guess says, sends it on for ever.
    const firstTaken = (view: Reader): number => {
      for (let i = 0; ; i++) if (view.get(slot(i + 9_000)) !== undefined) return i;
    };
    await store.write([{ key: slot(9_005), value: Uint8Array.of(1) }]);
    assert.equal(await readPastState(store, 1, firstTaken), 5);
    // The same key again and again.
    const waits = (view: Reader): string => {
      for (;;) if (view.get(slot(0)) !== undefined) return 'seen';
    };
    assert.equal(await readPastState(store, 1, waits), 'seen');
  });

  test('of too many keys is refused, and of almost too many is not', async () => {
    const { store } = await storeOf(1);
    const greedy = (keys: number) => (view: Reader) => {
      for (let i = 0; i < keys; i++) view.get(slot(i));
      return keys;
    };
    assert.equal(await readPastState(store, 1, greedy(10_000)), 10_000);
    await assert.rejects(() => readPastState(store, 1, greedy(10_001)), { code: 'PAST_STATE_TOO_MANY_KEYS' });
  });

  test('needs no search for what is known already: a block is replayed from what it changed', async () => {
    const store = new MemoryStore();
    const blocks = await grow(store, createPrng(9), 12);
    for (const { final, execute } of blocks) {
      const { height } = final.block.header;
      const known = await oldEntries(store, height);
      let runs = 0;
      const replay = (view: Reader): ReturnType<typeof execute> => {
        runs++;
        return execute(view);
      };
      const again = await readPastState(store, height - 1, replay, known);
      assert.deepEqual(again.changes, final.changes, `height ${height}`);
      assert.deepEqual(again.receipts, final.receipts, `height ${height}`);
      assert.ok(runs <= 10, `${runs} runs`);
    }
  });

  test('outside of the window is refused with the window', async () => {
    const { store, chain } = await storeOf(10);
    await new Pruner(store, { mode: 'pruned', blocks: 4 }).step();
    const [key = slot(0)] = chain.keys();
    const readers = [
      (height: number) => valueAt(store, key, height),
      (height: number) => readPastState(store, height, (view) => view.get(key)),
      (height: number) => readPastState(store, height, () => 'nothing'),
      (height: number) => oldEntries(store, height + 1),
    ];
    for (const read of readers) {
      await read(6);
      await read(9);
      await assert.rejects(() => read(5), {
        code: 'PAST_STATE_PRUNED',
        data: { height: 5, lowest: 6, highest: 10 },
      });
      await assert.rejects(
        () => read(11),
        (error: { code?: unknown; data?: unknown }) => {
          assert.equal(error.code, 'PAST_STATE_NOT_FINAL');
          return true;
        },
      );
    }
  });
});

describe('while a past state is read', () => {
  test('a block that becomes final changes nothing', async () => {
    const { store, chain } = await storeOf(5);
    let changed = 0;
    for (const [seed, key] of chain.keys().entries()) {
      const before = store.get(key);
      const fork = store.snapshot();
      const next = new LongChain(fork, { ...CHAIN, seed });
      let height = 5;
      const growing = onEveryRange(fork, () => fork.write(next.batch(++height)));
      assert.deepEqual(await valueAt(growing, key, 5), before);
      assert.equal(height, 6, 'a block came in between');
      if (fork.get(key) !== before) changed++;
    }
    assert.ok(changed > 50, 'blocks changed what was being read');
  });

  test('its height may leave the window: that is said, and nothing wrong is given', async () => {
    const { store, chain } = await storeOf(8);
    const [key = slot(0)] = chain.keys();
    const pruned = (): Store => {
      const fork = store.snapshot();
      return onEveryRange(fork, () => new Pruner(fork, { mode: 'pruned', blocks: 2 }).step());
    };
    const error = { code: 'PAST_STATE_PRUNED', data: { height: 3, lowest: 6, highest: 8 } };
    await assert.rejects(() => valueAt(pruned(), key, 3), error);
    await assert.rejects(() => readPastState(pruned(), 3, (view) => view.get(key)), error);
    await assert.rejects(() => oldEntries(pruned(), 4), error);
    await readPastState(pruned(), 6, (view) => view.get(key));
  });
});
