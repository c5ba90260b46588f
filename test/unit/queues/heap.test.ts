import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compareBytes, fromHex, toHex } from '../../../protocol/bytes.js';
import { InvariantError } from '../../../protocol/invariant.js';
import { createHeap, MAX_SUBJECT_BYTES, type HeapItem } from '../../../state/queues/heap.js';
import { STATE_KEYS } from '../../../state/store/keys.js';
import { Overlay } from '../../../state/store/overlay.js';
import type { Reader } from '../../../state/store/store.js';
import { CountedState } from '../../support/counted-state.js';
import { createPrng, type Prng } from '../../support/prng.js';

const EMPTY: Reader = { get: () => undefined };
const overlayOn = (base: Reader): Overlay => new Overlay(base, { maxBytes: 2 ** 30 });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const item = (priority: number, subject: string): HeapItem => ({
  priority: Uint8Array.of(priority),
  subject: bytes(subject),
});
const shown = ({ priority, subject }: HeapItem): string => `${toHex(priority)} ${toHex(subject)}`;
const show = (items: readonly HeapItem[]): string[] => items.map(shown);

/** A heap as one would wish it were: a sorted array. */
class SortedArray {
  readonly items: HeapItem[];

  constructor(items: readonly HeapItem[] = []) {
    this.items = [...items];
  }

  put(added: HeapItem): void {
    this.remove(added.subject);
    this.items.push(added);
    this.items.sort((a, b) => compareBytes(a.priority, b.priority) || compareBytes(a.subject, b.subject));
  }

  remove(subject: Uint8Array): boolean {
    const at = this.items.findIndex((held) => compareBytes(held.subject, subject) === 0);
    if (at >= 0) this.items.splice(at, 1);
    return at >= 0;
  }

  find(subject: Uint8Array): HeapItem | undefined {
    return this.items.find((held) => compareBytes(held.subject, subject) === 0);
  }
}

/** Looks at every entry a heap named `x` should have: parents before children, and the index naming each place. */
function assertSound(state: Reader, size: number): void {
  const at = (place: number): Uint8Array => {
    const value = state.get(STATE_KEYS.heapItem.encode('x', place));
    assert.ok(value, `place ${place}`);
    return value;
  };
  for (let place = 0; place < size; place++) {
    const subject = at(place).subarray(1);
    const index = state.get(STATE_KEYS.heapPlace.encode('x', subject));
    assert.deepEqual(index, fromHex(`0x${place.toString(16).padStart(8, '0')}`));
    if (place > 0) assert.ok(compareBytes(at(Math.floor((place - 1) / 8)), at(place)) < 0);
  }
  assert.equal(state.get(STATE_KEYS.heapItem.encode('x', size)), undefined);
}

describe('a heap in the state', () => {
  const heap = createHeap('x', 1);

  test('gives items by priority, then by subject, and looking changes nothing', () => {
    const state = overlayOn(EMPTY);
    for (const [priority, subject] of [
      [5, 'e'],
      [2, 'ab'],
      [2, 'b'],
      [2, 'a'],
      [0, 'z'],
    ] as const)
      heap.put(state, item(priority, subject));
    const before = state.changes();
    const order = [item(0, 'z'), item(2, 'a'), item(2, 'ab'), item(2, 'b'), item(5, 'e')];
    for (let count = 0; count <= 6; count++) {
      assert.deepEqual(heap.first(state, count), order.slice(0, count));
    }
    assert.deepEqual(heap.peek(state), item(0, 'z'));
    assert.deepEqual(heap.find(state, bytes('ab')), item(2, 'ab'));
    assert.equal(heap.find(state, bytes('abc')), undefined);
    assert.equal(heap.size(state), 5);
    assert.deepEqual(state.changes(), before);
  });

  test('moves the item about a subject that is there', () => {
    const state = overlayOn(EMPTY);
    for (const [priority, subject] of [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
      [9, 'a'],
      [0, 'c'],
      [2, 'b'],
    ] as const)
      heap.put(state, item(priority, subject));
    assert.deepEqual(heap.first(state, 9), [item(0, 'c'), item(2, 'b'), item(9, 'a')]);
  });

  test('empty: nothing to see, nothing to remove, no entry', () => {
    const state = overlayOn(EMPTY);
    assert.equal(heap.peek(state), undefined);
    assert.deepEqual(heap.first(state, 3), []);
    assert.equal(heap.remove(state, bytes('a')), false);
    heap.put(state, item(1, 'a'));
    assert.equal(heap.remove(state, bytes('a')), true);
    assert.equal(heap.size(state), 0);
    assert.deepEqual(state.changes(), []);
  });

  test('heaps do not see each other', () => {
    const state = overlayOn(EMPTY);
    const [a, ab] = [createHeap('a', 1), createHeap('ab', 1)];
    a.put(state, item(1, 'b'));
    ab.put(state, item(2, 'b'));
    assert.equal(a.remove(state, bytes('b')), true);
    assert.deepEqual(ab.first(state, 9), [item(2, 'b')]);
    assert.equal(a.size(state), 0);
  });

  test('keeps the entries of the specification', () => {
    const state = new CountedState();
    state.block((overlay) => {
      heap.put(overlay, { priority: Uint8Array.of(7), subject: Uint8Array.of(0xaa) });
      heap.put(overlay, { priority: Uint8Array.of(5), subject: Uint8Array.of(0xbb, 0xcc) });
    });
    const [heapPrefix, placePrefix] = ['0x686561702f0178', '0x68706c632f0178'];
    assert.deepEqual(state.dump(), [
      `${heapPrefix}00000000 = 0x05bbcc`,
      `${heapPrefix}00000001 = 0x07aa`,
      `${placePrefix}00 = 0x00000002`,
      `${placePrefix}01aa = 0x00000001`,
      `${placePrefix}02bbcc = 0x00000000`,
    ]);
  });

  test('takes the longest name and subject, and refuses what it could not keep', () => {
    const state = overlayOn(EMPTY);
    const long = createHeap('x'.repeat(32), 2);
    const priority = Uint8Array.of(1, 2);
    const longest = { priority, subject: new Uint8Array(MAX_SUBJECT_BYTES) };
    long.put(state, longest);
    assert.deepEqual(long.peek(state), longest);
    assert.ok(state.changes().every(({ key }) => key.length <= 128));
    for (const subject of [new Uint8Array(0), new Uint8Array(MAX_SUBJECT_BYTES + 1)]) {
      assert.throws(() => long.put(state, { priority, subject }), InvariantError);
      assert.throws(() => long.remove(state, subject), InvariantError);
      assert.throws(() => long.find(state, subject), InvariantError);
    }
    for (const length of [1, 3]) {
      const wrong = { priority: new Uint8Array(length), subject: bytes('a') };
      assert.throws(() => long.put(state, wrong), InvariantError);
    }
    assert.throws(() => long.first(state, -1), InvariantError);
    assert.equal(long.size(state), 1);
  });
});

describe('a heap against a sorted array', () => {
  const heap = createHeap('x', 1);

  /** Few priorities and few, short subjects: ties, moves and subjects that begin others are common. */
  const randomItem = (prng: Prng): HeapItem => ({
    priority: Uint8Array.of(prng.below(6)),
    subject: Uint8Array.from({ length: 1 + prng.below(3) }, () => prng.below(7)),
  });

  for (let seed = 1; seed <= 12; seed++) {
    test(`seed ${seed}`, () => {
      const prng = createPrng(seed);
      const state = new CountedState();
      let model = new SortedArray();
      for (let block = 0; block < 40; block++) {
        const growing = prng.chance(1, 2);
        state.block((overlay) => {
          const outer: SortedArray[] = [];
          for (let step = 0; step < 50; step++) {
            const dice = prng.below(20);
            if (dice === 0) {
              overlay.checkpoint();
              outer.push(new SortedArray(model.items));
            } else if (dice === 1 && outer.length > 0) {
              overlay.rollback();
              model = outer.pop() ?? model;
            } else if (dice === 2 && outer.length > 0) {
              overlay.commit();
              outer.pop();
            } else if (dice < (growing ? 14 : 7)) {
              const added = randomItem(prng);
              heap.put(overlay, added);
              model.put(added);
            } else if (dice < 17) {
              const [first] = model.items;
              assert.deepEqual(heap.peek(overlay), first);
              if (first !== undefined)
                assert.equal(heap.remove(overlay, first.subject), model.remove(first.subject));
            } else {
              const { subject } =
                prng.chance(1, 2) && model.items.length > 0 ? prng.pick(model.items) : randomItem(prng);
              assert.deepEqual(heap.find(overlay, subject), model.find(subject));
              assert.equal(heap.remove(overlay, subject), model.remove(subject));
            }
          }
          while (outer.length > 0) {
            overlay.commit();
            outer.pop();
          }
        });
        const { length } = model.items;
        assert.equal(heap.size(state), length);
        assert.deepEqual(show(heap.first(state, length + 1)), show(model.items));
        const count = prng.below(length + 1);
        assert.deepEqual(show(heap.first(state, count)), show(model.items.slice(0, count)));
        assertSound(state, length);
        assert.equal(state.size, length === 0 ? 0 : 2 * length + 1);
      }
    });
  }

  test('the same changes leave the same entries, whatever blocks they came in and whatever was rolled back', () => {
    const run = (stepsPerBlock: number, detours: boolean): string[] => {
      const prng = createPrng(99);
      const detour = createPrng(5);
      const state = new CountedState();
      for (let done = 0; done < 600; done += stepsPerBlock) {
        state.block((overlay) => {
          for (let step = 0; step < stepsPerBlock; step++) {
            if (detours) {
              overlay.checkpoint();
              for (let i = 0; i < 5; i++) heap.put(overlay, randomItem(detour));
              heap.remove(overlay, heap.peek(overlay)?.subject ?? bytes('-'));
              overlay.rollback();
            }
            const next = randomItem(prng);
            if (prng.chance(2, 3)) heap.put(overlay, next);
            else heap.remove(overlay, next.subject);
          }
        });
      }
      return state.dump();
    };
    const expected = run(1, false);
    assert.ok(expected.length > 50);
    assert.deepEqual(run(600, false), expected);
    assert.deepEqual(run(25, true), expected);
  });
});

describe('what a heap costs', () => {
  /** Levels of a heap of n items, eight children a place. */
  const levelsOf = (n: number): number => {
    let levels = 0;
    for (let places = 0; places < n; levels++) places = 8 * places + 1;
    return levels;
  };
  const heap = createHeap('x', 16);
  const randomItem = (prng: Prng): HeapItem => ({ priority: prng.bytes(16), subject: prng.bytes(32) });

  function filled(prng: Prng, n: number): { state: CountedState; subjects: Uint8Array[] } {
    const state = new CountedState();
    const subjects: Uint8Array[] = [];
    state.block((overlay) => {
      for (let i = 0; i < n; i++) {
        const added = randomItem(prng);
        heap.put(overlay, added);
        subjects.push(added.subject);
      }
    });
    return { state, subjects };
  }

  for (const [n, levels] of [
    [100, 4],
    [10_000, 6],
    [100_000, 7],
  ] as const) {
    test(`with ${n} items grows with its ${levels} levels`, () => {
      assert.equal(levelsOf(n), levels);
      const prng = createPrng(n);
      const { state, subjects } = filled(prng, n);
      const within = (run: (overlay: Overlay) => void): void => {
        const { reads, writes } = state.block(run);
        assert.ok(writes <= 2 * levels + 3, `${writes} writes`);
        assert.ok(reads <= 9 * levels + 9, `${reads} reads`);
      };
      for (let i = 0; i < 100; i++) {
        within((overlay) => heap.put(overlay, randomItem(prng)));
        within((overlay) => heap.put(overlay, { ...randomItem(prng), priority: new Uint8Array(16) }));
        within((overlay) => heap.put(overlay, { ...randomItem(prng), subject: subjects[i] ?? bytes('?') }));
        within((overlay) => {
          const subject = heap.peek(overlay)?.subject;
          assert.ok(subject && heap.remove(overlay, subject));
        });
        within((overlay) => assert.ok(heap.remove(overlay, subjects[i] ?? bytes('?'))));
      }
      for (const count of [0, 1, 10, 64]) {
        assert.ok(state.countReads(() => heap.first(state, count)) <= 8 * count + 1);
      }
      const missing = prng.bytes(32);
      assert.equal(state.block((overlay) => heap.remove(overlay, missing)).writes, 0);
      const [held] = heap.first(state, 1);
      assert.ok(held);
      assert.equal(state.block((overlay) => heap.put(overlay, held)).writes, 0);
    });
  }
});

describe('a damaged heap is refused', () => {
  const heap = createHeap('x', 2);
  const subjects = ['a', 'b', 'c', 'd'].map(bytes);
  const [a = bytes('a'), b = bytes('b')] = subjects;
  const placeKey = (subject: Uint8Array): Uint8Array => STATE_KEYS.heapPlace.encode('x', subject);
  const itemKey = (place: number): Uint8Array => STATE_KEYS.heapItem.encode('x', place);
  const SIZE_KEY = placeKey(new Uint8Array(0));
  const sound = (): CountedState => {
    const state = new CountedState();
    state.block((overlay) => {
      subjects.forEach((subject, i) => heap.put(overlay, { priority: Uint8Array.of(0, i), subject }));
    });
    return state;
  };
  const put = (overlay: Overlay): void => heap.put(overlay, { priority: Uint8Array.of(0, 9), subject: a });
  const uses: Readonly<Record<string, (overlay: Overlay) => unknown>> = {
    size: (overlay) => heap.size(overlay),
    peek: (overlay) => heap.peek(overlay),
    first: (overlay) => heap.first(overlay, 4),
    find: (overlay) => heap.find(overlay, a),
    put,
    remove: (overlay) => heap.remove(overlay, a),
  };
  const damages: readonly [string, Uint8Array, Uint8Array | undefined, readonly string[]][] = [
    ['a size of 0', SIZE_KEY, fromHex('0x00000000'), Object.keys(uses)],
    ['a size of 3 bytes', SIZE_KEY, fromHex('0x000004'), Object.keys(uses)],
    ['a size that is too large', SIZE_KEY, fromHex('0x00000005'), ['first', 'put', 'remove']],
    ['a size that is gone', SIZE_KEY, undefined, ['find', 'put', 'remove']],
    ['the first item gone', itemKey(0), undefined, ['peek', 'first', 'find', 'put', 'remove']],
    ['the last item gone', itemKey(3), undefined, ['first', 'put', 'remove']],
    ['an item without a subject', itemKey(0), fromHex('0x0000'), ['peek', 'first', 'find', 'put', 'remove']],
    [
      'an item shorter than a priority',
      itemKey(0),
      fromHex('0x00'),
      ['peek', 'first', 'find', 'put', 'remove'],
    ],
    ['an item too long', itemKey(0), new Uint8Array(2 + 65), ['peek', 'first', 'find', 'put', 'remove']],
    ['a place of 5 bytes', placeKey(a), new Uint8Array(5), ['find', 'put', 'remove']],
    ['a place past the last', placeKey(a), fromHex('0x00000004'), ['find', 'put', 'remove']],
    ['the place of another', placeKey(a), fromHex('0x00000001'), ['find', 'put', 'remove']],
  ];
  for (const [name, key, value, meeting] of damages) {
    test(`${name}: ${meeting.join(', ')}`, () => {
      for (const use of meeting) {
        const state = sound();
        state.set(key, value);
        const run = uses[use];
        assert.ok(run);
        assert.throws(() => state.block((overlay) => void run(overlay)), {
          name: 'QueueError',
          code: 'QUEUE_CORRUPT',
        });
      }
    });
  }

  test('a sound one is not', () => {
    for (const run of Object.values(uses)) sound().block((overlay) => void run(overlay));
    assert.deepEqual(heap.find(sound(), b)?.subject, b);
  });
});
