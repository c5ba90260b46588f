import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { treeRoot } from '../../../state/tree/root.js';
import { updateTree, type LeafChange } from '../../../state/tree/update.js';
import { createPrng, type Prng } from '../../support/prng.js';
import { naiveNodes, naiveRoot } from './naive.js';
import { bytesOf, hex, hostileKeyHashes, MapStore, shuffle } from './support.js';

const ZERO = '00'.repeat(32);

/** Changes for random keys of `pool`, each key once: new leaves, other leaves, the same leaf again, deletions. */
function randomChanges(
  prng: Prng,
  pool: readonly Uint8Array[],
  state: ReadonlyMap<string, string>,
): LeafChange[] {
  const most = prng.pick([1, 2, 5, pool.length]);
  return shuffle(prng, pool)
    .slice(0, 1 + prng.below(most))
    .map((keyHash) => {
      const current = state.get(hex(keyHash));
      if (prng.chance(2, 5)) return { keyHash, valueHash: undefined };
      if (current !== undefined && prng.chance(1, 5)) return { keyHash, valueHash: bytesOf(current) };
      return { keyHash, valueHash: prng.bytes(32) };
    });
}

function applyTo(state: Map<string, string>, changes: readonly LeafChange[]): void {
  for (const { keyHash, valueHash } of changes) {
    if (valueHash === undefined) state.delete(hex(keyHash));
    else state.set(hex(keyHash), hex(valueHash));
  }
}

function nodesOf(store: MapStore): Map<string, string> {
  return new Map([...store.nodes].map(([path, bytes]) => [path, hex(bytes)]));
}

function sorted(nodes: ReadonlyMap<string, string>): [string, string][] {
  return [...nodes].sort(([a], [b]) => (a < b ? -1 : 1));
}

describe('random histories agree with the definition in root and in every stored node', () => {
  for (const [keys, steps] of [
    [3, 60],
    [12, 60],
    [40, 40],
    [120, 10],
  ] as const) {
    for (let seed = 0; seed < 5; seed++) {
      test(`${keys} keys, seed ${seed}`, () => {
        const prng = createPrng(1000 * keys + seed);
        const pool = hostileKeyHashes(prng, keys);
        const store = new MapStore();
        const state = new Map<string, string>();
        for (let step = 0; step < steps; step++) {
          const changes = randomChanges(prng, pool, state);
          const before = nodesOf(store);
          const { root, writes } = updateTree(store, changes);
          assert.deepEqual(nodesOf(store), before, 'the store was changed by reading');
          store.apply(writes);
          applyTo(state, changes);
          assert.equal(hex(root), naiveRoot(state), `step ${step}`);
          assert.deepEqual(sorted(nodesOf(store)), sorted(naiveNodes(state)), `step ${step}`);
          assert.equal(hex(treeRoot(store)), hex(root));
          for (const { path, bytes } of writes) {
            const stored = before.get([...path].map((nibble) => nibble.toString(16)).join(''));
            assert.notEqual(bytes && hex(bytes), stored, 'a write that changes nothing');
          }
        }
        const all = pool.map((keyHash) => ({ keyHash, valueHash: undefined }));
        assert.equal(hex(store.update(all)), ZERO);
        assert.equal(store.nodes.size, 0, 'nothing is left when everything is deleted');
      });
    }
  }
});

describe('order and grouping of changes do not matter', () => {
  for (let seed = 0; seed < 6; seed++) {
    test(`seed ${seed}`, () => {
      const prng = createPrng(seed);
      const pool = hostileKeyHashes(prng, 50);
      const base = pool.slice(0, 30).map((keyHash) => ({ keyHash, valueHash: prng.bytes(32) }));
      const changes = randomChanges(prng, pool, new Map());
      const atOnce = new MapStore();
      atOnce.update(base);
      const root = atOnce.update(changes);
      for (const size of [1, 7]) {
        const store = new MapStore();
        store.update(shuffle(prng, base));
        const order = shuffle(prng, changes);
        for (let i = 0; i < order.length; i += size) store.update(order.slice(i, i + size));
        assert.equal(hex(treeRoot(store)), hex(root));
        assert.deepEqual(sorted(nodesOf(store)), sorted(nodesOf(atOnce)));
      }
    });
  }
});

test('thousands of honest keys, in one call and in chunks', () => {
  const prng = createPrng(7);
  const changes = Array.from({ length: 20_000 }, () => ({
    keyHash: prng.bytes(32),
    valueHash: prng.bytes(32),
  }));
  const atOnce = new MapStore();
  const root = atOnce.update(changes);
  const state = new Map(changes.map(({ keyHash, valueHash }) => [hex(keyHash), hex(valueHash)]));
  const chunked = new MapStore();
  for (let i = 0; i < changes.length; i += 3000) chunked.update(changes.slice(i, i + 3000));
  assert.equal(hex(treeRoot(chunked)), hex(root));
  assert.equal(chunked.nodes.size, atOnce.nodes.size);
  assert.equal(hex(root), naiveRoot(state));
});

test('what changes nothing writes nothing', () => {
  const prng = createPrng(3);
  const leaves = hostileKeyHashes(prng, 20).map((keyHash) => ({ keyHash, valueHash: prng.bytes(32) }));
  const store = new MapStore();
  const root = store.update(leaves);
  const absent = { keyHash: prng.bytes(32), valueHash: undefined };
  assert.deepEqual(updateTree(store, []), { root, writes: [] });
  assert.deepEqual(updateTree(store, [...leaves, absent]), { root, writes: [] });
  assert.deepEqual(updateTree(new MapStore(), [absent]), { root: new Uint8Array(32), writes: [] });
});

test('a change is not kept by reference', () => {
  const prng = createPrng(4);
  const change = { keyHash: prng.bytes(32), valueHash: prng.bytes(32) };
  const store = new MapStore();
  const root = hex(store.update([change]));
  change.keyHash.fill(1);
  change.valueHash.fill(1);
  assert.equal(hex(treeRoot(store)), root);
});

describe('refused changes', () => {
  const keyHash = new Uint8Array(32).fill(1);
  const valueHash = new Uint8Array(32).fill(2);
  const cases: [string, LeafChange[]][] = [
    ['HASH_LENGTH', [{ keyHash: keyHash.subarray(1), valueHash }]],
    ['HASH_LENGTH', [{ keyHash, valueHash: new Uint8Array(33) }]],
    [
      'DUPLICATE_KEY',
      [
        { keyHash, valueHash },
        { keyHash: keyHash.slice(), valueHash: undefined },
      ],
    ],
  ];
  for (const [code, changes] of cases) {
    test(code, () => {
      assert.throws(() => updateTree(new MapStore(), changes), { name: 'TreeError', code });
    });
  }
});
