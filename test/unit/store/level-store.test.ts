import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Level } from 'level';
import { LevelStore } from '../../../node/database/level-store.js';
import { StoreError } from '../../../state/store/errors.js';
import { MAX_WAITING_WRITES } from '../../../state/store/limits.js';
import { withFolder } from '../../support/faulty-stores.js';

const key = Uint8Array.of(1);
const other = Uint8Array.of(2);
const value = (number: number): Uint8Array => Uint8Array.of(number);

interface Disk {
  /** Whether batches are applied and then reported as failed, as by a disk that loses the answer. */
  losesAnswers: boolean;
}

function withStore(
  use: (store: LevelStore, level: Level<Uint8Array, Uint8Array>, disk: Disk) => Promise<void>,
): Promise<void> {
  return withFolder(async (folder) => {
    const level = new Level<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' });
    const disk: Disk = { losesAnswers: false };
    const makeBatch = level.batch.bind(level);
    Object.defineProperty(level, 'batch', {
      value: () => {
        const batch = makeBatch();
        const write = batch.write.bind(batch);
        batch.write = async () => {
          await write();
          if (disk.losesAnswers) throw new Error('EIO');
        };
        return batch;
      },
    });
    await level.open();
    await use(new LevelStore(level, { readCacheBytes: 100_000 }), level, disk);
  });
}

test('after a failed write no other is acknowledged, and readers keep the last acknowledged state', () =>
  withStore(async (store, _level, disk) => {
    await store.write([
      { key, value: value(1) },
      { key: other, value: value(1) },
    ]);
    assert.deepEqual(store.get(key), value(1));
    disk.losesAnswers = true;
    const failing = store.write([
      { key, value: value(2) },
      { key: other, value: value(2) },
    ]);
    const waiting = store.write([{ key, value: value(3) }]);
    await assert.rejects(failing, (error) => {
      assert.ok(error instanceof StoreError);
      assert.equal(error.code, 'STORE_WRITE_FAILED');
      assert.equal(typeof error.data['cure'], 'string');
      return true;
    });
    const poisoned = { code: 'STORE_POISONED' };
    await assert.rejects(waiting, poisoned);
    disk.losesAnswers = false;
    await assert.rejects(store.write([{ key, value: value(4) }]), poisoned);
    await assert.rejects(store.clearRange({ gte: key, lt: other }), poisoned);
    await assert.rejects(store.compactRange({ gte: key, lt: other }), poisoned);
    // `key` is in the cache, `other` is not: both show what was acknowledged.
    assert.deepEqual(store.getMany([key, other]), [value(1), value(1)]);
    await store.close();
  }));

test('refuses more writes than may wait, and does those it has taken', () =>
  withStore(async (store) => {
    const results = await Promise.allSettled(
      Array.from({ length: MAX_WAITING_WRITES + 2 }, (_, i) => store.write([{ key, value: value(i) }])),
    );
    const refused = results.filter((result) => result.status === 'rejected');
    assert.equal(refused.length, 2);
    assert.ok(refused.every(({ reason }) => reason instanceof StoreError && reason.code === 'STORE_BUSY'));
    assert.deepEqual(store.get(key), value(MAX_WAITING_WRITES - 1));
    await store.write([{ key, value: value(99) }]);
    await store.close();
  }));

test('a value that somebody else wrote is not read as data', () =>
  withStore(async (store, level) => {
    await level.put(key, Uint8Array.of(1, 2, 3, 4, 5));
    await level.put(other, Uint8Array.of(1));
    for (const wrong of [key, other]) assert.throws(() => store.get(wrong), { code: 'STORE_CORRUPT' });
    await store.close();
  }));

test('a value under another key is not read as data', () =>
  withStore(async (store, level) => {
    await store.write([{ key, value: value(1) }]);
    await level.put(other, await level.get(key));
    assert.throws(() => store.get(other), { code: 'STORE_CORRUPT' });
    await store.close();
  }));

test('a snapshot shows the last acknowledged state, also one opened during a write, until it is closed', () =>
  withStore(async (store) => {
    await store.write([
      { key, value: value(1) },
      { key: other, value: value(1) },
    ]);
    const before = store.openSnapshot();
    const write = store.write([
      { key, value: value(2) },
      { key: other, value: undefined },
    ]);
    // Enough for the write to have its turn, not for a disk to have written.
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    const during = store.openSnapshot();
    await write;
    await store.write([{ key, value: value(3) }]);
    for (const snapshot of [before, during]) {
      assert.deepEqual(snapshot.get(key), value(1));
      const entries = [];
      const all = { gte: Uint8Array.of(0), lt: Uint8Array.of(9), limit: 10 };
      for await (const page of snapshot.range(all)) entries.push(...page.map((entry) => entry.value[0]));
      assert.deepEqual(entries, [1, 1]);
    }
    assert.deepEqual(store.get(key), value(3));
    await before.close();
    await before.close();
    assert.deepEqual(during.get(other), value(1));
    await during.close();
    await store.close();
    assert.throws(() => store.openSnapshot(), { code: 'STORE_CLOSED' });
  }));
