import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compareBytes, toHex } from '../../../protocol/bytes.js';
import { MAX_KEY_BYTES, MAX_VALUE_BYTES, PAGE_BYTES, PAGE_ENTRIES } from '../../../state/store/limits.js';
import type { Change, Entry, RangeQuery, Store } from '../../../state/store/store.js';
import { readAll, STORES } from '../../support/faulty-stores.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const put = (key: string, value: string): Change => ({ key: bytes(key), value: bytes(value) });
const remove = (key: string): Change => ({ key: bytes(key), value: undefined });
const texts = (entries: readonly Entry[]): string[] =>
  entries.map(({ key, value }) => `${new TextDecoder().decode(key)}=${new TextDecoder().decode(value)}`);
const between = (gte: string, lt: string, more: Partial<RangeQuery> = {}): RangeQuery => ({
  gte: bytes(gte),
  lt: bytes(lt),
  limit: 100,
  ...more,
});

for (const [name, withStore] of Object.entries(STORES)) {
  describe(name, () => {
    test('gives back what was written, bytes and absence alike', () =>
      withStore(async (store) => {
        const key = Uint8Array.of(1, 0, 255);
        await store.write([{ key, value: Uint8Array.of(0, 255) }, put('empty', '')]);
        assert.deepEqual(store.get(key), Uint8Array.of(0, 255));
        assert.deepEqual(store.get(bytes('empty')), new Uint8Array(0));
        assert.equal(store.get(Uint8Array.of(1, 0)), undefined);
        assert.deepEqual([store.has(bytes('empty')), store.has(bytes('absent'))], [true, false]);
        assert.deepEqual(store.getMany([bytes('absent'), key]), [undefined, Uint8Array.of(0, 255)]);
      }));

    test('applies the changes of a batch in order', () =>
      withStore(async (store) => {
        await store.write([
          put('a', '1'),
          put('a', '2'),
          remove('a'),
          put('b', '1'),
          remove('b'),
          put('b', '3'),
        ]);
        assert.deepEqual(texts(await readAll(store, between('a', 'c'))), ['b=3']);
      }));

    test('shows a batch to readers when it is acknowledged, not before, and whole', () =>
      withStore(async (store) => {
        const keys = Array.from({ length: 200 }, (_, i) => Uint8Array.of(5, i));
        const numbered = (number: number): Change[] =>
          keys.map((key) => ({ key, value: Uint8Array.of(number) }));
        await store.write(numbered(0));
        const acknowledged = { number: 0 };
        const writes = Array.from({ length: 40 }, async (_, i) => {
          await store.write(numbered(i + 1));
          acknowledged.number = i + 1;
        });
        const all = Promise.all(writes);
        while (acknowledged.number < 40) {
          const seen = new Set(store.getMany(keys).map((value) => value?.[0]));
          assert.deepEqual([...seen], [acknowledged.number]);
          await new Promise((resolve) => setImmediate(resolve));
        }
        await all;
        assert.deepEqual(store.get(Uint8Array.of(5, 7)), Uint8Array.of(40));
      }));

    test('shows all pages of a range as it was when it was asked for, also when that was during a write', () =>
      withStore(async (store) => {
        const keys = Array.from({ length: 3 * PAGE_ENTRIES }, (_, i) => Uint8Array.of(5, i >> 8, i & 0xff));
        const numbered = (number: number): Change[] =>
          keys.map((key) => ({ key, value: Uint8Array.of(number) }));
        await store.write(numbered(0));
        const write = store.write(numbered(1));
        // Enough for the write to have its turn, not for a disk to have written.
        for (let turn = 0; turn < 5; turn++) await Promise.resolve();
        const pages = store.range({ gte: Uint8Array.of(5), lt: Uint8Array.of(6), limit: 1_000_000 });
        const seen: Entry[] = [];
        for await (const page of pages) {
          seen.push(...page);
          await write;
          await store.write(numbered(2));
        }
        assert.equal(seen.length, keys.length);
        const numbers = new Set(seen.map(({ value }) => value[0]));
        assert.equal(numbers.size, 1, `numbers ${[...numbers].join()}`);
        assert.ok(!numbers.has(2));
      }));

    test('applies writes in the order of the calls', () =>
      withStore(async (store) => {
        await Promise.all(Array.from({ length: 50 }, (_, i) => store.write([put('a', String(i))])));
        assert.deepEqual(store.get(bytes('a')), bytes('49'));
      }));

    test('reads ranges both ways, bounded', () =>
      withStore(async (store) => {
        await store.write(['a', 'b', 'ba', 'c', 'd'].map((key) => put(key, key)));
        assert.deepEqual(texts(await readAll(store, between('b', 'd'))), ['b=b', 'ba=ba', 'c=c']);
        assert.deepEqual(texts(await readAll(store, between('b', 'd', { reverse: true, limit: 2 }))), [
          'c=c',
          'ba=ba',
        ]);
        assert.deepEqual(await readAll(store, between('b', 'd', { limit: 0 })), []);
        assert.deepEqual(await readAll(store, between('b', 'b')), []);
      }));

    test('pages are bounded in entries and bytes', () =>
      withStore(async (store) => {
        const key = (i: number): Uint8Array => Uint8Array.of(5, i >> 8, i & 0xff);
        await store.write(Array.from({ length: 2500 }, (_, i) => ({ key: key(i), value: Uint8Array.of(1) })));
        const sizes: number[] = [];
        for await (const page of store.range({ gte: key(0), lt: key(2400), limit: 9999 }))
          sizes.push(page.length);
        assert.deepEqual(sizes, [PAGE_ENTRIES, PAGE_ENTRIES, 400]);

        const large = new Uint8Array(PAGE_BYTES / 4);
        await store.write(Array.from({ length: 9 }, (_, i) => ({ key: Uint8Array.of(6, i), value: large })));
        for await (const page of store.range({ gte: Uint8Array.of(6), lt: Uint8Array.of(7), limit: 100 }))
          assert.ok(page.length <= 5, `${page.length} large values in a page`);
      }));

    test('a range shows one state, whatever is written meanwhile', () =>
      withStore(async (store) => {
        const key = (i: number): Uint8Array => Uint8Array.of(5, i >> 8, i & 0xff);
        const all = (value: number): Change[] =>
          Array.from({ length: 2000 }, (_, i) => ({ key: key(i), value: Uint8Array.of(value) }));
        await store.write(all(1));
        const values = new Set<number | undefined>();
        let count = 0;
        for await (const page of store.range({ gte: key(0), lt: key(2000), limit: 9999 })) {
          if (count === 0) await store.write(all(2));
          count += page.length;
          for (const { value } of page) values.add(value[0]);
        }
        assert.deepEqual([count, [...values]], [2000, [1]]);
      }));

    test('a range that begins while a write runs may be read with writes in between', () =>
      withStore(async (store) => {
        await store.write([put('a', '1')]);
        const pending = store.write([put('a', '2')]);
        const pages = store.range(between('a', 'b'))[Symbol.asyncIterator]();
        const first = pages.next();
        await pending;
        await store.write([put('a', '3')]);
        assert.equal((await first).done, false);
        await store.write([put('a', '4')]);
        assert.equal((await pages.next()).done, true);
        assert.deepEqual(store.get(bytes('a')), bytes('4'));
      }));

    test('clears a range and nothing beside it', () =>
      withStore(async (store) => {
        await store.write(['a', 'b', 'bb', 'c'].map((key) => put(key, key)));
        store.getMany([bytes('a'), bytes('b'), bytes('c')]);
        await store.clearRange({ gte: bytes('b'), lt: bytes('c') });
        await store.clearRange({ gte: bytes('c'), lt: bytes('c') });
        await store.compactRange({ gte: bytes('a'), lt: bytes('d') });
        assert.deepEqual(texts(await readAll(store, between('a', 'd'))), ['a=a', 'c=c']);
        assert.equal(store.get(bytes('b')), undefined);
      }));

    test('refuses what may not be stored, and stays usable', () =>
      withStore(async (store) => {
        const value = bytes('v');
        const attempts: [string, Change][] = [
          ['STORE_KEY_INVALID', { key: new Uint8Array(0), value }],
          ['STORE_KEY_INVALID', { key: new Uint8Array(MAX_KEY_BYTES + 1), value }],
          ['STORE_VALUE_TOO_LARGE', { key: bytes('a'), value: new Uint8Array(MAX_VALUE_BYTES + 1) }],
        ];
        for (const [code, change] of attempts) {
          await assert.rejects(store.write([put('good', '1'), change]), { name: 'StoreError', code });
        }
        const tooMuch = new Uint8Array(MAX_VALUE_BYTES);
        const nine = Array.from({ length: 9 }, (_, i) => ({ key: Uint8Array.of(i), value: tooMuch }));
        await assert.rejects(store.write(nine), { code: 'STORE_BATCH_TOO_LARGE' });
        await assert.rejects(readAll(store, between('b', 'a')), { code: 'STORE_RANGE_INVALID' });
        await assert.rejects(readAll(store, between('a', 'b', { limit: 0.5 })), {
          code: 'STORE_RANGE_INVALID',
        });
        await assert.rejects(store.clearRange(between('b', 'a')), { code: 'STORE_RANGE_INVALID' });
        assert.equal(store.get(bytes('good')), undefined);
        await store.write([put('good', '1')]);
        assert.deepEqual(store.get(bytes('good')), bytes('1'));
      }));

    test('refuses everything once closed, after finishing what it had taken', () =>
      withStore(async (store) => {
        await store.write([put('a', '1')]);
        store.get(bytes('a'));
        const taken = store.write([put('a', '2')]);
        const closing = store.close();
        const closed = { code: 'STORE_CLOSED' };
        assert.throws(() => store.get(bytes('a')), closed);
        await assert.rejects(store.write([put('a', '3')]), closed);
        await assert.rejects(readAll(store, between('a', 'b')), closed);
        await assert.rejects(store.clearRange(between('a', 'b')), closed);
        await assert.rejects(store.compactRange(between('a', 'b')), closed);
        await taken;
        await closing;
        await store.close();
      }));

    test('a range in progress ends with STORE_CLOSED when the store closes', () =>
      withStore(async (store) => {
        const key = (i: number): Uint8Array => Uint8Array.of(5, i >> 8, i & 0xff);
        await store.write(Array.from({ length: 2500 }, (_, i) => ({ key: key(i), value: Uint8Array.of(1) })));
        const pages = store.range({ gte: key(0), lt: key(2500), limit: 9999 })[Symbol.asyncIterator]();
        assert.equal((await pages.next()).done, false);
        await store.close();
        await assert.rejects(pages.next(), { code: 'STORE_CLOSED' });
      }));

    test('behaves as a sorted map does', () => fc.assert(property(withStore), { seed: 20, numRuns: 25 }));
  });
}

/** Random batches, reads, ranges and clears over few short keys, compared with a plain Map after every step. */
function property(
  withStore: (use: (store: Store) => Promise<void>) => Promise<void>,
): fc.IAsyncProperty<[Step[]]> {
  return fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) =>
    withStore(async (store) => {
      const model = new Map<string, Entry>();
      for (const item of steps) await perform(store, model, item);
      const everything = { gte: Uint8Array.of(0), lt: Uint8Array.of(4, 0), limit: 1_000_000 };
      assert.deepEqual(await readAll(store, everything), expected(model, everything));
    }),
  );
}

const shortKey = fc
  .array(fc.constantFrom(0, 1, 2, 3), { minLength: 1, maxLength: 3 })
  .map((list) => Uint8Array.from(list));
const change = fc.record({
  key: shortKey,
  value: fc.option(
    fc.uint8Array({ maxLength: 40 }).map((value) => Uint8Array.from(value)),
    { nil: undefined },
  ),
});
const ends = fc
  .tuple(shortKey, shortKey)
  .map(([a, b]) => (compareBytes(a, b) <= 0 ? { gte: a, lt: b } : { gte: b, lt: a }));
const step = fc.oneof(
  fc.record({
    kind: fc.constant('write' as const),
    batch: fc.array(change, { maxLength: 12 }),
    sync: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('get' as const), keys: fc.array(shortKey, { maxLength: 5 }) }),
  fc.record({
    kind: fc.constant('range' as const),
    ends,
    reverse: fc.boolean(),
    limit: fc.integer({ min: 0, max: 10 }),
  }),
  fc.record({ kind: fc.constant('clear' as const), ends }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

async function perform(store: Store, model: Map<string, Entry>, item: Step): Promise<void> {
  switch (item.kind) {
    case 'write':
      await store.write(item.batch, { sync: item.sync });
      for (const { key, value } of item.batch) {
        if (value === undefined) model.delete(toHex(key));
        else model.set(toHex(key), { key, value });
      }
      return;
    case 'get':
      assert.deepEqual(
        store.getMany(item.keys),
        item.keys.map((key) => model.get(toHex(key))?.value),
      );
      return;
    case 'range': {
      const query = { ...item.ends, reverse: item.reverse, limit: item.limit };
      assert.deepEqual(await readAll(store, query), expected(model, query));
      return;
    }
    case 'clear':
      await store.clearRange(item.ends);
      for (const { key } of expected(model, { ...item.ends, limit: Infinity })) model.delete(toHex(key));
  }
}

function expected(
  model: ReadonlyMap<string, Entry>,
  { gte, lt, reverse = false, limit }: RangeQuery,
): Entry[] {
  const sorted = [...model.values()]
    .filter(({ key }) => compareBytes(key, gte) >= 0 && compareBytes(key, lt) < 0)
    .sort((a, b) => compareBytes(a.key, b.key));
  return (reverse ? sorted.reverse() : sorted).slice(0, limit);
}
