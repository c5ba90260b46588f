import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../../protocol/bytes.js';
import { ITEM_OVERHEAD_BYTES, ReadCache, VALUE_OVERHEAD_BYTES } from '../../../state/store/cache.js';
import { createPrng } from '../../support/prng.js';

const key = (i: number): Uint8Array => Uint8Array.of(i >> 8, i & 0xff);
const never = (): never => {
  throw new Error('should have been held');
};
/** Room for `count` entries of two-byte keys and four-byte values. */
const room = (count: number): number => count * (2 + 4 + ITEM_OVERHEAD_BYTES + VALUE_OVERHEAD_BYTES);
const four = (n: number): Uint8Array => new Uint8Array(4).fill(n);

test('holds what was read, absence too, and drops the least recently used', () => {
  const cache = new ReadCache(room(20));
  for (let i = 0; i < 20; i++)
    assert.deepEqual(
      cache.get(key(i), () => four(i)),
      four(i),
    );
  cache.get(key(0), never);
  cache.get(key(20), () => four(20));
  cache.get(key(0), never);
  let loaded = false;
  cache.get(key(1), () => ((loaded = true), undefined));
  assert.ok(loaded, 'key 1 was the least recently used');
  assert.equal(cache.get(key(1), never), undefined);
  const { hits, misses, evictions, entries } = cache.statistics();
  assert.deepEqual({ hits, misses, evictions, entries }, { hits: 3, misses: 22, evictions: 2, entries: 20 });
});

test('a batch updates what is held and adds nothing', () => {
  const cache = new ReadCache(room(100));
  cache.get(key(1), () => four(1));
  cache.get(key(2), () => four(2));
  cache.get(key(3), () => undefined);
  cache.update([
    { key: key(1), value: four(9) },
    { key: key(2), value: undefined },
    { key: key(3), value: four(3) },
    { key: key(4), value: four(4) },
  ]);
  assert.deepEqual(
    [1, 2, 3].map((i) => cache.get(key(i), never)),
    [four(9), undefined, four(3)],
  );
  assert.equal(cache.statistics().entries, 3);
  assert.equal(cache.statistics().bytes, 3 * (2 + ITEM_OVERHEAD_BYTES) + 2 * (4 + VALUE_OVERHEAD_BYTES));
});

test('forgets a range', () => {
  const cache = new ReadCache(room(100));
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

test('of no size, holds nothing and still reads', () => {
  const cache = new ReadCache(0);
  assert.deepEqual(
    cache.get(key(1), () => four(1)),
    four(1),
  );
  cache.update([{ key: key(1), value: four(2) }]);
  assert.deepEqual(
    cache.get(key(1), () => four(3)),
    four(3),
  );
  assert.equal(cache.statistics().bytes, 0);
});

test('agrees with a list kept in order of use, entry for entry and byte for byte', () => {
  const prng = createPrng(3);
  const maxBytes = 30_000;
  const cache = new ReadCache(maxBytes);
  const below = new Map<string, Uint8Array | undefined>();
  let order: { text: string; cost: number }[] = [];
  const cost = (value: Uint8Array | undefined): number =>
    2 + ITEM_OVERHEAD_BYTES + (value === undefined ? 0 : value.length + VALUE_OVERHEAD_BYTES);
  const use = (text: string, value: Uint8Array | undefined): void => {
    order = order.filter((item) => item.text !== text);
    if (cost(value) * 16 <= maxBytes) order.push({ text, cost: cost(value) });
    while (order.reduce((sum, item) => sum + item.cost, 0) > maxBytes) order.shift();
  };
  const random = (): Uint8Array | undefined =>
    prng.chance(1, 4) ? undefined : prng.bytes(prng.pick([0, 10, 300, 1500, 2500]));
  for (let i = 0; i < 6000; i++) {
    const k = key(prng.below(150));
    const text = toHex(k);
    if (prng.chance(1, 3)) {
      const value = random();
      below.set(text, value);
      const held = order.some((item) => item.text === text);
      cache.update([{ key: k, value }]);
      if (held) use(text, value);
    } else {
      const held = order.some((item) => item.text === text);
      let loaded = false;
      const value = cache.get(k, () => ((loaded = true), below.get(text)));
      assert.deepEqual(value, below.get(text));
      assert.equal(loaded, !held);
      use(text, value);
    }
    const { bytes, entries } = cache.statistics();
    assert.equal(entries, order.length);
    assert.equal(
      bytes,
      order.reduce((sum, item) => sum + item.cost, 0),
    );
    assert.ok(bytes <= maxBytes);
  }
  assert.ok(cache.statistics().evictions > 100);
});
