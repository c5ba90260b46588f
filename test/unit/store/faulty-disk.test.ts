import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NODE_KEYS } from '../../../state/store/keys.js';
import type { Change, Store } from '../../../state/store/store.js';
import { Crash, FaultyDisk, type Fault } from '../../support/faulty-disk.js';
import { createPrng } from '../../support/prng.js';

const KEYS = Array.from({ length: 5 }, (_, i) => NODE_KEYS.block.encode(i));
const FAULTS: readonly Fault[] = ['disk-full', 'process-dies', 'power-fails'];

const batch = (number: number): Change[] =>
  KEYS.map((key) => ({ key, value: Uint8Array.of(number >> 8, number) }));
/** The number that all keys agree on; 0 for none. */
function numberIn(store: Store): number {
  const numbers = store.getMany(KEYS).map((value) => ((value?.[0] ?? 0) << 8) | (value?.[1] ?? 0));
  assert.equal(new Set(numbers).size, 1, `keys of different batches: ${numbers.join()}`);
  return numbers[0] ?? 0;
}

describe('a synced batch', () => {
  for (const fault of FAULTS) {
    test(`is there or not there after ${fault}, and what was acknowledged is there`, async () => {
      const outcomes = new Set<number>();
      for (let seed = 1; seed <= 150; seed++) {
        const disk = new FaultyDisk(createPrng(seed));
        const store = await disk.open();
        disk.plan(fault, 4);
        for (let number = 1; number <= 3; number++) await store.write(batch(number));
        const expected = fault === 'disk-full' ? { code: 'STORE_WRITE_FAILED' } : Crash;
        await assert.rejects(store.write(batch(4)), expected);
        await assert.rejects(
          store.write(batch(5)),
          fault === 'disk-full' ? { code: 'STORE_POISONED' } : Crash,
        );
        if (fault === 'disk-full') {
          assert.equal(numberIn(store), 3);
          await store.close();
        }
        const reopened = await disk.open();
        outcomes.add(numberIn(reopened));
        await reopened.write(batch(6));
        assert.equal(numberIn(reopened), 6);
      }
      assert.deepEqual([...outcomes].sort(), [3, 4], 'both outcomes came up');
    });
  }
});

test('unsynced batches survive the death of the process, and each is whole or gone after a loss of power', async () => {
  let lost = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const disk = new FaultyDisk(createPrng(seed));
    const store = await disk.open();
    await store.write(batch(1));
    for (let number = 2; number <= 6; number++) await store.write(batch(number), { sync: false });
    disk.killProcess();
    assert.throws(() => store.get(Uint8Array.of(1)), Crash);
    const again = await disk.open();
    assert.equal(numberIn(again), 6);
    for (let number = 7; number <= 11; number++) await again.write(batch(number), { sync: false });
    disk.failPower();
    const left = numberIn(await disk.open());
    assert.ok(left >= 6 && left <= 11);
    if (left < 11) lost++;
  }
  assert.ok(lost > 20, `${lost} of 100 lost something`);
});

test('the same seed leaves the same disk', async () => {
  const run = async (): Promise<number[]> => {
    const prng = createPrng(11);
    const disk = new FaultyDisk(prng);
    const seen: number[] = [];
    let number = 1;
    for (let round = 0; round < 30; round++) {
      const store = await disk.open();
      seen.push(numberIn(store));
      disk.plan(prng.pick(FAULTS), 1 + prng.below(4));
      for (let failed = false; !failed; number++) {
        failed = await store.write(batch(number), { sync: prng.chance(1, 2) }).then(
          () => false,
          () => true,
        );
      }
      disk.failPower();
    }
    return seen;
  };
  const first = await run();
  assert.deepEqual(await run(), first);
  assert.ok(new Set(first).size > 5);
});

test('a disk has one user at a time', async () => {
  const disk = new FaultyDisk(createPrng(1));
  const store = await disk.open();
  await assert.rejects(disk.open(), { code: 'STORE_LOCKED' });
  await store.close();
  await disk.open();
});
