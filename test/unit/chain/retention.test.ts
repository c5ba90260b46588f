import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openDatabase } from '../../../node/database.js';
import { toHex } from '../../../protocol/bytes.js';
import { blockReceiptsCodec } from '../../../protocol/types/receipt.js';
import { blockBatch } from '../../../state/chain/block-batch.js';
import { valueAt } from '../../../state/chain/history.js';
import { readHead, readTail } from '../../../state/chain/marks.js';
import { readReceipts } from '../../../state/chain/receipts.js';
import { MAX_STEP_HEIGHTS, Pruner, type Retention } from '../../../state/chain/retention.js';
import { readWindow } from '../../../state/chain/window.js';
import { NODE_KEYS } from '../../../state/store/keys.js';
import { MemoryStore } from '../../../state/store/memory.js';
import type { Change, Store } from '../../../state/store/store.js';
import { Crash, FaultyDisk, type Fault } from '../../support/faulty-disk.js';
import { IDENTITY, readAll, STORES, withFolder } from '../../support/faulty-stores.js';
import { onEveryRange } from '../../support/interrupted-store.js';
import { LongChain, type LongChainOptions } from '../../support/long-chain.js';
import { createPrng, type Prng } from '../../support/prng.js';

const CHAIN: LongChainOptions = {
  seed: 1,
  keys: 8,
  transactionsPerBlock: 3,
  changesPerBlock: 4,
  random: true,
};
const KEPT_APART = ['tree/', 'meta/'];
const SPACES = Object.values(NODE_KEYS).filter(({ prefix }) => !KEPT_APART.includes(prefix));

/** What a chain was at each height, remembered by nothing but a map. */
class Model {
  readonly chain: LongChain;
  /** By height: the value of each key of the state, the keys a block put into the spaces of the past, the root of its receipts. */
  readonly #states: (string | undefined)[][] = [];
  readonly #keys: string[][] = [];
  readonly #receipts: string[] = [];

  constructor(store: Store, seed: number) {
    this.chain = new LongChain(store, { ...CHAIN, seed });
    this.#remember(store, 0);
  }

  async grow(store: Store, height: number): Promise<Change[]> {
    const final = this.chain.block(height);
    const batch = blockBatch(final);
    this.#keys[height] = pastKeys(batch.map(({ key }) => key));
    this.#receipts[height] = toHex(blockReceiptsCodec.root(final.receipts));
    await store.write(batch);
    this.#remember(store, height);
    return batch;
  }

  #remember(store: Store, height: number): void {
    this.#states[height] = this.chain.keys().map((key) => hex(store.get(key)));
  }

  /** Inside the window every height reads as it was, outside it is refused, and no space holds a key of a height outside. */
  async check(store: Store, heights: readonly number[]): Promise<void> {
    const { lowest, highest } = readWindow(store);
    for (const height of heights) {
      const values = this.chain.keys().map((key) => valueAt(store, key, height));
      if (height < lowest) {
        for (const value of values)
          await assert.rejects(value, { code: 'PAST_STATE_PRUNED', data: { height, lowest, highest } });
      } else {
        assert.deepEqual((await Promise.all(values)).map(hex), this.#states[height], `height ${height}`);
      }
      const receipts = await readReceipts(store, height);
      const root = receipts === undefined ? undefined : toHex(blockReceiptsCodec.root(receipts));
      assert.equal(root, height > lowest ? this.#receipts[height] : undefined, `height ${height}`);
    }
    const expected = this.#keys.slice(lowest + 1, highest + 1).flat();
    assert.deepEqual(await pastKeysIn(store), expected.sort());
  }
}

const hex = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : toHex(value);

function pastKeys(keys: readonly Uint8Array[]): string[] {
  const text = (key: Uint8Array): string => new TextDecoder('latin1').decode(key);
  return keys.map(text).filter((key) => SPACES.some(({ prefix }) => key.startsWith(prefix)));
}

async function pastKeysIn(store: Store): Promise<string[]> {
  const keys: Uint8Array[] = [];
  for (const space of SPACES) {
    for (const { key } of await readAll(store, { ...space.range(), limit: 1_000_000 })) keys.push(key);
  }
  return pastKeys(keys).sort();
}

function randomRetention(prng: Prng): Retention {
  return prng.chance(1, 5) ? { mode: 'archive' } : { mode: 'pruned', blocks: 1 + prng.below(12) };
}

/** The batches of the first blocks of a chain. */
async function batchesOf(blocks: number): Promise<Change[][]> {
  const store = new MemoryStore();
  const model = new Model(store, 3);
  const batches: Change[][] = [];
  for (let height = 1; height <= blocks; height++) batches.push(await model.grow(store, height));
  return batches;
}

/** A store, and the prefixes of the spaces that were compacted since they were last taken. */
function observeCompactions(store: Store): { observed: Store; take: () => string[] } {
  const prefixes: string[] = [];
  const observed: Store = {
    ...onEveryRange(store, () => Promise.resolve()),
    compactRange: async (range) => {
      prefixes.push(new TextDecoder().decode(range.gte));
      await store.compactRange(range);
    },
  };
  return { observed, take: () => prefixes.splice(0).sort() };
}

async function settle(pruner: Pruner): Promise<void> {
  let steps = 0;
  while (await pruner.step()) assert.ok(++steps < 100, 'pruning ends');
}

describe('retention', () => {
  for (const [name, withStore] of Object.entries(STORES)) {
    test(`random blocks, random windows: all of the window and nothing but the window: ${name}`, () =>
      withStore(async (store) => {
        const prng = createPrng(12);
        const model = new Model(store, 5);
        let lowest = 0;
        for (let height = 1; height <= 70; height++) {
          await model.grow(store, height);
          if (prng.chance(1, 3)) {
            const retention = randomRetention(prng);
            await settle(new Pruner(store, retention));
            const wanted = retention.mode === 'archive' ? 0 : height - retention.blocks;
            lowest = Math.max(lowest, wanted);
          }
          assert.deepEqual(readWindow(store), { lowest, highest: height });
          const all = Array.from({ length: height + 1 }, (_, i) => i);
          await model.check(
            store,
            height % 10 === 0 ? all : [lowest - 1, lowest, lowest + 1, height].filter((h) => all.includes(h)),
          );
        }
        assert.ok(lowest > 30);
      }));
  }

  test('the genesis state can be read until block 1 is dropped', async () => {
    const store = new MemoryStore();
    const model = new Model(store, 1);
    await model.check(store, [0]);
    for (let height = 1; height <= 5; height++) await model.grow(store, height);
    await settle(new Pruner(store, { mode: 'pruned', blocks: 5 }));
    assert.equal(readWindow(store).lowest, 0);
    await model.grow(store, 6);
    await settle(new Pruner(store, { mode: 'pruned', blocks: 5 }));
    await model.check(store, [0, 1, 6]);
    assert.equal(readWindow(store).lowest, 1);
  });

  test('a larger window brings nothing back and fills as the chain grows; an archive drops nothing', async () => {
    const store = new MemoryStore();
    const model = new Model(store, 2);
    const grow = async (to: number, retention: Retention): Promise<number> => {
      for (let height = (readHead(store)?.height ?? 0) + 1; height <= to; height++) {
        await model.grow(store, height);
        await settle(new Pruner(store, retention));
      }
      return readTail(store).height;
    };
    assert.equal(await grow(20, { mode: 'pruned', blocks: 5 }), 16);
    assert.equal(await grow(40, { mode: 'pruned', blocks: 30 }), 16);
    assert.equal(await grow(50, { mode: 'pruned', blocks: 30 }), 21);
    assert.equal(await grow(60, { mode: 'archive' }), 21);
    await model.check(store, [19, 20, 21, 60]);
  });

  test('a window of nothing, or of a part of a block, is refused', () => {
    for (const blocks of [0, -1, 1.5, Number.NaN])
      assert.throws(() => new Pruner(new MemoryStore(), { mode: 'pruned', blocks }), {
        code: 'INVARIANT_VIOLATED',
      });
  });
});

describe('a step of pruning', () => {
  test('drops a bounded number of heights: an archive becomes pruned little by little', async () => {
    const store = new MemoryStore();
    const model = new Model(store, 3);
    for (let height = 1; height <= 3 * MAX_STEP_HEIGHTS; height++) await model.grow(store, height);
    const pruner = new Pruner(store, { mode: 'pruned', blocks: MAX_STEP_HEIGHTS });
    const seen: [boolean, number][] = [];
    for (let i = 0; i < 3; i++) {
      seen.push([await pruner.step(), readTail(store).height]);
      await model.check(store, [readTail(store).height - 2, readTail(store).height - 1]);
    }
    const [one, two] = [MAX_STEP_HEIGHTS + 1, 2 * MAX_STEP_HEIGHTS + 1];
    assert.deepEqual(seen, [
      [true, one],
      [false, two],
      [false, two],
    ]);
  });

  test('drops a bounded number of keys, and of a large block all of them', async () => {
    const store = new MemoryStore();
    const chain = new LongChain(store, {
      seed: 1,
      keys: 100_000,
      transactionsPerBlock: 0,
      changesPerBlock: 5_000,
    });
    for (let height = 1; height <= 6; height++) await store.write(chain.batch(height));
    const pruner = new Pruner(store, { mode: 'pruned', blocks: 1 });
    assert.equal(await pruner.step(), true);
    assert.equal(readTail(store).height, 4, 'three blocks of nearly 10,000 keys of history each');
    assert.equal(await pruner.step(), false);
    assert.equal(readTail(store).height, 6);
  });

  test('is taken once at a time', async () => {
    const store = new MemoryStore();
    const model = new Model(store, 3);
    for (let height = 1; height <= 10; height++) await model.grow(store, height);
    const pruner = new Pruner(store, { mode: 'pruned', blocks: 2 });
    const first = pruner.step();
    assert.equal(pruner.step(), first);
    await first;
    assert.notEqual(pruner.step(), first);
    await model.check(store, [7, 8, 9]);
  });

  for (const [name, withStore] of Object.entries(STORES)) {
    test(`goes on beside the blocks that become final meanwhile: ${name}`, () =>
      withStore(async (store) => {
        const model = new Model(store, 6);
        const pruner = new Pruner(store, { mode: 'pruned', blocks: 10 });
        const steps: Promise<boolean>[] = [];
        for (let height = 1; height <= 100; height++) {
          const block = model.grow(store, height);
          steps.push(pruner.step());
          await block;
        }
        await Promise.all(steps);
        await settle(pruner);
        await model.check(store, [88, 89, 90, 91, 100]);
        assert.equal(readTail(store).height, 91);
      }));
  }

  test('makes the disk give space back when as much was dropped as is kept', async () => {
    const store = new MemoryStore();
    const model = new Model(store, 3);
    for (let height = 1; height <= 330; height++) await model.grow(store, height);
    const { observed, take } = observeCompactions(store);
    const pruner = new Pruner(observed, { mode: 'pruned', blocks: 10 }, { minCompactionHeights: 100 });
    const compactedAt: number[] = [];
    for (let more = true; more;) {
      more = await pruner.step();
      const prefixes = take();
      if (prefixes.length === 0) continue;
      compactedAt.push(readTail(store).height);
      assert.deepEqual(prefixes, SPACES.map(({ prefix }) => prefix).sort());
    }
    // 192 dropped when 138 are kept; 64 more are not enough; 128 more are.
    assert.deepEqual(compactedAt, [193, 321]);
    assert.deepEqual(readTail(store), { height: 321, compacted: 321 });
  });

  test('does so again where a crash came between', async () => {
    let again = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const disk = new FaultyDisk(createPrng(seed));
      let store = await disk.open();
      const options = { minCompactionHeights: 15 };
      const retention: Retention = { mode: 'pruned', blocks: 10 };
      const batches = await batchesOf(31);
      for (const batch of batches.slice(0, 30)) await store.write(batch);
      disk.plan('process-dies', 2);
      await assert.rejects(() => new Pruner(store, retention, options).step(), Crash);
      store = await disk.open();
      const { height, compacted } = readTail(store);
      assert.equal(height, 21);
      await store.write(batches[30] ?? []);
      const { observed, take } = observeCompactions(store);
      await new Pruner(observed, retention, options).step();
      assert.equal(take().length > 0, compacted === 1);
      assert.deepEqual(readTail(store), { height: 22, compacted: compacted === 1 ? 22 : 21 });
      if (compacted === 1) again++;
    }
    assert.ok(again > 3 && again < 20, `${again} of 20`);
  });

  test('meets damage with an error and leaves everything as it is', async () => {
    const store = new MemoryStore();
    const model = new Model(store, 3);
    for (let height = 1; height <= 5; height++) await model.grow(store, height);
    await store.write([{ key: NODE_KEYS.block.encode(2), value: undefined }]);
    const keys = await pastKeysIn(store);
    const pruner = new Pruner(store, { mode: 'pruned', blocks: 1 });
    await assert.rejects(() => pruner.step(), { code: 'STORE_CORRUPT', data: { height: 2 } });
    assert.deepEqual(await pastKeysIn(store), keys);
    assert.equal(readTail(store).height, 1);
  });
});

describe('a crash at any write, of a block or of pruning', () => {
  const FAULTS: readonly Fault[] = ['disk-full', 'process-dies', 'power-fails'];
  for (const fault of FAULTS) {
    test(`leaves whole heights, and pruning goes on: ${fault}`, async () => {
      const tails = new Set<number>();
      for (let crashAt = 1; crashAt <= 36; crashAt++) {
        const disk = new FaultyDisk(createPrng(crashAt));
        let store = await disk.open();
        // The blocks come from a twin that never crashes.
        const twin = new MemoryStore();
        const model = new Model(twin, 7);
        disk.plan(fault, crashAt);
        const retention: Retention = { mode: 'pruned', blocks: 4 };
        for (let height = 1; height <= 24; height++) {
          const batch = await model.grow(twin, height);
          for (const attempt of [0, 1]) {
            try {
              if ((readHead(store)?.height ?? 0) < height) await store.write(batch);
              await new Pruner(store, retention).step();
              break;
            } catch (error) {
              assert.equal(attempt, 0, 'one fault a run');
              assert.ok(fault === 'disk-full' || error instanceof Crash);
              if (fault === 'disk-full') await store.close();
              store = await disk.open();
              tails.add(readTail(store).height);
              const { lowest, highest } = readWindow(store);
              await model.check(
                store,
                [lowest - 1, lowest, highest].filter((h) => h >= 0),
              );
            }
          }
        }
        await model.check(store, [19, 20, 21, 24]);
        assert.deepEqual(readWindow(store), { lowest: 20, highest: 24 });
      }
      assert.ok(tails.size > 5, 'the crash came at many heights');
    });
  }
});

test('on a real disk, what is stored stops growing when the state does', () =>
  withFolder(async (folder) => {
    const path = join(folder, 'db');
    const { store } = await openDatabase({ path, identity: IDENTITY, writeBufferBytes: 256 * 1024 });
    const chain = new LongChain(store, { seed: 1, keys: 500, transactionsPerBlock: 2, changesPerBlock: 4 });
    const pruner = new Pruner(store, { mode: 'pruned', blocks: 100 }, { minCompactionHeights: 300 });
    const sizes: number[] = [];
    let written = 0;
    for (let height = 1; height <= 4_000; height++) {
      const batch = chain.batch(height);
      for (const { key, value } of batch) written += key.length + (value?.length ?? 0);
      await store.write(batch, { sync: false });
      await pruner.step();
      if (height % 50 === 0) sizes.push(storedBytes(path));
    }
    await store.close();
    // A compaction in progress holds what it reads and what it writes: single sizes say little.
    const middle = (from: number, to: number): number => median(sizes.slice(from, to));
    assert.ok(middle(50, 80) < 1.25 * middle(20, 50), `sizes ${sizes.join(' ')}`);
    const largest = Math.max(...sizes);
    assert.ok(largest < written / 4, `${largest} of ${written} bytes written`);
  }));

function median(sizes: readonly number[]): number {
  return sizes.toSorted((a, b) => a - b)[Math.floor(sizes.length / 2)] ?? 0;
}

/** Tables and write-ahead logs; not the notes that LevelDB takes about its own work until it is opened again. */
function storedBytes(path: string): number {
  const names = readdirSync(path).filter((name) => /[.](ldb|log)$/.test(name));
  const sizes = names.map((name) => statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0);
  return sizes.reduce((sum, size) => sum + size, 0);
}
