import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../../protocol/bytes.js';
import { ENTRY_HEADER_BYTES, ReadCache } from '../../../state/store/cache.js';
import { createPrng } from '../../support/prng.js';

const key = (i: number): Uint8Array => Uint8Array.of(i >> 16, (i >> 8) & 0xff, i & 0xff);
const never = (): never => {
  throw new Error('should have been held');
};
const four = (n: number): Uint8Array => new Uint8Array(4).fill(n);

test('holds what was read, absence too', () => {
  const cache = new ReadCache(100_000);
  cache.get(key(1), () => four(1));
  cache.get(key(2), () => undefined);
  cache.get(key(3), () => new Uint8Array(0));
  assert.deepEqual(
    [1, 2, 3].map((i) => cache.get(key(i), never)),
    [four(1), undefined, new Uint8Array(0)],
  );
  const { hits, misses, evictions, entries, bytes } = cache.statistics();
  assert.deepEqual(
    { hits, misses, evictions, entries, bytes },
    { hits: 3, misses: 3, evictions: 0, entries: 3, bytes: 3 * (ENTRY_HEADER_BYTES + 3) + 4 },
  );
});

test('keeps what is read again and again while more than it can hold passes through', () => {
  const cache = new ReadCache(300_000);
  const loads = new Map<number, number>();
  const read = (i: number): void => {
    cache.get(key(i), () => (loads.set(i, (loads.get(i) ?? 0) + 1), new Uint8Array(200)));
  };
  for (let i = 0; i < 50_000; i++) {
    read(100 + i);
    read(i % 100);
  }
  const reloadsOfHot = [...loads].filter(([i, count]) => i < 100 && count > 1);
  assert.deepEqual(reloadsOfHot, []);
  const { evictions, entries } = cache.statistics();
  assert.equal(entries + evictions, 50_100);
  assert.ok(entries > 1000, `${entries}`);
});

test('a batch updates what is held and adds nothing', () => {
  const cache = new ReadCache(100_000);
  cache.get(key(1), () => four(1));
  cache.get(key(2), () => four(2));
  cache.get(key(3), () => undefined);
  cache.get(key(5), () => four(5));
  cache.update([
    { key: key(1), value: four(9) },
    { key: key(2), value: undefined },
    { key: key(3), value: four(3) },
    { key: key(4), value: four(4) },
    { key: key(5), value: new Uint8Array(5) },
    { key: key(1), value: four(8) },
  ]);
  assert.deepEqual(
    [1, 2, 3, 5].map((i) => cache.get(key(i), never)),
    [four(8), undefined, four(3), new Uint8Array(5)],
  );
  assert.equal(cache.statistics().entries, 4);
  assert.equal(cache.statistics().bytes, 4 * (3 + ENTRY_HEADER_BYTES) + 4 + 4 + 5);
});

test('a value handed out stays as it was when its entry is written over', () => {
  const cache = new ReadCache(100_000);
  const loaded = cache.get(key(1), () => four(1));
  const held = cache.get(key(1), never);
  cache.update([{ key: key(1), value: four(2) }]);
  assert.deepEqual([loaded, held, cache.get(key(1), never)], [four(1), four(1), four(2)]);
});

test('forgets a range', () => {
  const cache = new ReadCache(100_000);
  for (let i = 0; i < 10; i++) cache.get(key(i), () => four(i));
  cache.forgetRange({ gte: key(3), lt: key(7) });
  const reloaded: number[] = [];
  for (let i = 0; i < 10; i++) cache.get(key(i), () => (reloaded.push(i), four(i)));
  assert.deepEqual(reloaded, [3, 4, 5, 6]);
});

test('does not hold a value that would push out much else, nor memory of a larger buffer', () => {
  const cache = new ReadCache(100_000);
  cache.get(key(1), () => new Uint8Array(50_000));
  assert.equal(cache.statistics().entries, 0);
  const slice = new Uint8Array(10_000).subarray(0, 4);
  cache.get(key(2), () => slice);
  assert.equal(cache.get(key(2), never)?.buffer.byteLength, 4);
});

for (const maxBytes of [0, 1, 500, 700]) {
  test(`of ${maxBytes} bytes, still reads`, () => {
    const cache = new ReadCache(maxBytes);
    for (const n of [1, 3]) {
      assert.deepEqual(
        cache.get(key(1), () => four(n)),
        four(n),
      );
      cache.update([{ key: key(1), value: four(2) }]);
    }
    assert.equal(cache.statistics().bytes, 0);
  });
}

test('keys whose hashes collide take room from each other and from nobody else', () => {
  const cache = new ReadCache(1000);
  const keys = Array.from({ length: 500 }, (_, i) => Uint8Array.of(i & 0xff, i >> 8));
  for (let round = 0; round < 3; round++)
    for (const [i, k] of keys.entries())
      assert.deepEqual(
        cache.get(k, () => undefined),
        undefined,
        `${i}`,
      );
  assert.ok(cache.statistics().entries <= 8, 'there are eight slots in all');
});

test('is a transparent window on what is below, within its bound, whatever is read, written and forgotten', () => {
  const prng = createPrng(3);
  const maxBytes = 100_000;
  const cache = new ReadCache(maxBytes);
  const below = new Map<string, Uint8Array>();
  let loads = 0;
  const random = (): Uint8Array | undefined =>
    prng.chance(1, 4) ? undefined : prng.bytes(prng.pick([0, 10, 300, 1000, 1480, 2500]));
  const write = (k: Uint8Array, value: Uint8Array | undefined): void => {
    if (value === undefined) below.delete(toHex(k));
    else below.set(toHex(k), value);
  };
  for (let i = 0; i < 20_000; i++) {
    const k = key(prng.below(400));
    if (prng.chance(1, 4)) {
      const value = prng.chance(1, 2) ? below.get(toHex(k))?.map(() => prng.below(256)) : random();
      write(k, value);
      cache.update([{ key: k, value }]);
    } else if (prng.chance(1, 500)) {
      const [gte, lt] = [key(prng.below(200)), key(200 + prng.below(200))];
      for (const text of [...below.keys()]) if (text >= toHex(gte) && text < toHex(lt)) below.delete(text);
      cache.forgetRange({ gte, lt });
    } else {
      const value = cache.get(k, () => (loads++, below.get(toHex(k))));
      assert.deepEqual(value, below.get(toHex(k)));
    }
    assert.ok(cache.statistics().bytes <= maxBytes);
  }
  const { hits, misses, evictions, entries } = cache.statistics();
  assert.equal(misses, loads);
  assert.ok(hits > 2000 && evictions > 1000 && entries > 20, JSON.stringify(cache.statistics()));
});
