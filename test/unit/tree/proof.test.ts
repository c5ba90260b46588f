import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hashKey, hashValue, type Leaf } from '../../../state/tree/leaf.js';
import {
  MAX_PROOF_BYTES,
  MAX_RANGE_ITEMS,
  ProofError,
  verifyKeyProof,
  verifyRangeProof,
} from '../../../state/tree/proof.js';
import { proveKey, proveRange } from '../../../state/tree/prove.js';
import { compareBytes } from '../../../protocol/bytes.js';
import { createPrng, type Prng } from '../../support/prng.js';
import { naiveRangeProof } from './naive.js';
import { bytesOf, hex, hostileKeyHash, hostileKeyHashes, MapStore } from './support.js';

const LOWEST = new Uint8Array(32);
const HIGHEST = new Uint8Array(32).fill(0xff);

interface World {
  readonly store: MapStore;
  readonly state: ReadonlyMap<string, string>;
  readonly leaves: readonly Leaf[];
  readonly root: Uint8Array;
}

function hostileWorld(prng: Prng, count: number): World {
  const leaves = hostileKeyHashes(prng, count)
    .map((keyHash) => ({ keyHash, valueHash: prng.bytes(32) }))
    .sort((a, b) => compareBytes(a.keyHash, b.keyHash));
  const store = new MapStore();
  const root = store.update(leaves);
  return {
    store,
    root,
    leaves,
    state: new Map(leaves.map((leaf) => [hex(leaf.keyHash), hex(leaf.valueHash)])),
  };
}

function honestWorld(count: number): World & { readonly keys: readonly Uint8Array[] } {
  const keys = Array.from({ length: count }, (_, i) => Uint8Array.of(i >> 8, i & 255));
  const leaves = keys.map((key) => ({
    keyHash: hashKey(key),
    valueHash: hashValue(valueOf(key)),
  }));
  const store = new MapStore();
  return { store, root: store.update(leaves), leaves, state: new Map(), keys };
}

function valueOf(key: Uint8Array): Uint8Array {
  return Uint8Array.of(...key, 7);
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

/** Random range whose ends often are, or are next to, a leaf. */
function randomRange(prng: Prng, { leaves }: World): [Uint8Array, Uint8Array] {
  const keyHashes = leaves.map(({ keyHash }) => keyHash);
  const end = (): Uint8Array =>
    prng.pick([
      LOWEST,
      HIGHEST,
      prng.bytes(32),
      hostileKeyHash(prng, keyHashes),
      prng.pick([LOWEST, ...keyHashes]),
    ]);
  const [a, b] = [end(), end()];
  return compareBytes(a, b) <= 0 ? [a, b] : [b, a];
}

function refused(run: () => void): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof ProofError, String(error));
    return error.code;
  }
  return assert.fail('a false claim was accepted');
}

describe('key proofs', () => {
  for (const count of [0, 1, 2, 3, 17, 400]) {
    test(`${count} entries: each present and absent key is proved, and nothing else`, () => {
      const { store, root, keys } = honestWorld(count);
      for (const key of keys) {
        const proof = proveKey(store, hashKey(key));
        verifyKeyProof(root, key, valueOf(key), proof);
        assert.equal(
          refused(() => verifyKeyProof(root, key, undefined, proof)),
          'PROOF_ITEMS_DIFFER',
        );
        assert.equal(
          refused(() => verifyKeyProof(root, key, key, proof)),
          'PROOF_ROOT_MISMATCH',
        );
        refused(() => verifyKeyProof(root, Uint8Array.of(9, 9, 9), valueOf(key), proof));
      }
      for (let i = 0; i < 50; i++) {
        const absent = Uint8Array.of(200, 1, i);
        const proof = proveKey(store, hashKey(absent));
        verifyKeyProof(root, absent, undefined, proof);
        assert.equal(
          refused(() => verifyKeyProof(root, absent, Uint8Array.of(1), proof)),
          'PROOF_ITEMS_DIFFER',
        );
      }
    });
  }

  test('every flipped bit of proof, root, key or value is noticed', () => {
    const { store, root, keys } = honestWorld(40);
    const present = keys[17] ?? LOWEST;
    const claims: [Uint8Array, Uint8Array | undefined][] = [[present, valueOf(present)]];
    for (let i = 0; i < 6; i++) claims.push([Uint8Array.of(77, 77, i), undefined]);
    for (const [key, value] of claims) {
      const proof = proveKey(store, hashKey(key));
      verifyKeyProof(root, key, value, proof);
      for (let bit = 0; bit < 8 * proof.length; bit++)
        refused(() => verifyKeyProof(root, key, value, flipped(proof, bit)));
      for (let bit = 0; bit < 256; bit++)
        refused(() => verifyKeyProof(flipped(root, bit), key, value, proof));
      if (value === undefined) continue;
      for (let bit = 0; bit < 8 * key.length; bit++)
        refused(() => verifyKeyProof(root, flipped(key, bit), value, proof));
      for (let bit = 0; bit < 8 * value.length; bit++)
        refused(() => verifyKeyProof(root, key, flipped(value, bit), proof));
    }
  });

  test('a step dropped, repeated, moved or added is noticed', () => {
    const { store, root, keys } = honestWorld(40);
    for (const key of keys) {
      const proof = [...proveKey(store, hashKey(key))];
      const claim = (bytes: readonly number[]): string =>
        refused(() => verifyKeyProof(root, key, valueOf(key), Uint8Array.from(bytes)));
      for (let at = 0; at + 33 < proof.length; at += 33) {
        const step = proof.slice(at, at + 33);
        claim(proof.toSpliced(at, 33));
        claim(proof.toSpliced(at, 0, ...step));
        claim(proof.toSpliced(at, 0, 3, ...LOWEST));
        if (at > 0) claim([...proof.toSpliced(at, 33).toSpliced(0, 0, ...step)]);
      }
      for (let length = 0; length < proof.length; length++) claim(proof.slice(0, length));
      claim([...proof, 0]);
    }
  });

  test('a terminal of another kind is noticed', () => {
    const { store, root, leaves, keys } = honestWorld(40);
    for (const key of keys) {
      const proof = proveKey(store, hashKey(key));
      const steps = proof.subarray(0, proof.length - 1);
      const own = leaves.find(({ keyHash }) => compareBytes(keyHash, hashKey(key)) === 0);
      const near = Uint8Array.from(hashKey(key));
      near[31] = (near[31] ?? 0) ^ 1;
      const absent = (...terminal: readonly number[]): string =>
        refused(() => verifyKeyProof(root, key, undefined, Uint8Array.of(...steps, ...terminal)));
      assert.equal(absent(0), 'PROOF_ROOT_MISMATCH');
      // Its own leaf, shown as that of a neighbour: only hashing the leaf anew gives this away.
      assert.equal(absent(1, ...near, ...(own?.valueHash ?? [])), 'PROOF_ROOT_MISMATCH');
      assert.equal(absent(1, ...(own?.keyHash ?? []), ...(own?.valueHash ?? [])), 'PROOF_LEAF_MISPLACED');
      assert.equal(absent(1, ...flipped(near, 7), ...(own?.valueHash ?? [])), 'PROOF_LEAF_MISPLACED');
    }
  });

  test('a proof belongs to one root', () => {
    const { store, root, keys } = honestWorld(40);
    const key = Uint8Array.of(1, 2, 3);
    const before = proveKey(store, hashKey(key));
    const changed = keys[3] ?? key;
    const next = store.update([{ keyHash: hashKey(changed), valueHash: hashValue(key) }]);
    verifyKeyProof(root, key, undefined, before);
    verifyKeyProof(next, key, undefined, proveKey(store, hashKey(key)));
    assert.equal(
      refused(() => verifyKeyProof(next, key, undefined, before)),
      'PROOF_ROOT_MISMATCH',
    );
  });
});

describe('range proofs', () => {
  for (const count of [0, 1, 2, 5, 30, 120]) {
    test(`${count} hostile key hashes: equal to the definition, verified, and nothing less accepted`, () => {
      const prng = createPrng(count);
      const world = hostileWorld(prng, count);
      for (let round = 0; round < (count > 50 ? 12 : 30); round++) {
        const [from, to] = randomRange(prng, world);
        const { items, to: end, proof } = proveRange(world.store, from, to, MAX_RANGE_ITEMS);
        const naive = naiveRangeProof(world.state, hex(from), hex(to));
        assert.equal(hex(end), hex(to));
        assert.deepEqual(
          items.map((leaf) => [hex(leaf.keyHash), hex(leaf.valueHash)]),
          naive.items,
        );
        assert.equal(hex(proof), naive.proof);
        assert.ok(proof.length <= MAX_PROOF_BYTES);
        verifyRangeProof(world.root, from, to, items, proof);
        forgeItems(prng, items, (forged) =>
          refused(() => verifyRangeProof(world.root, from, to, forged, proof)),
        );
        for (let i = 0; i < 30; i++) {
          const bit = prng.below(8 * proof.length);
          refused(() => verifyRangeProof(world.root, from, to, items, flipped(proof, bit)));
        }
      }
    });
  }

  /** Items missing, changed and added: always those at the edges, and some of the others. */
  function forgeItems(prng: Prng, items: readonly Leaf[], tryOut: (forged: readonly Leaf[]) => void): void {
    items.forEach((item, index) => {
      const atEdge = index === 0 || index === items.length - 1;
      if (!atEdge && !prng.chance(8, items.length + 8)) return;
      tryOut(items.toSpliced(index, 1));
      tryOut(items.with(index, { ...item, valueHash: flipped(item.valueHash, prng.below(256)) }));
      tryOut(items.with(index, { ...item, keyHash: flipped(item.keyHash, prng.below(256)) }));
    });
    for (let i = 0; i < 5; i++) {
      const keyHash = hostileKeyHash(
        prng,
        items.map((item) => item.keyHash),
      );
      if (items.some((item) => compareBytes(item.keyHash, keyHash) === 0)) continue;
      const added = [...items, { keyHash, valueHash: prng.bytes(32) }];
      tryOut(added.sort((a, b) => compareBytes(a.keyHash, b.keyHash)));
    }
  }

  test('a proof of one range is none of a wider one', () => {
    const prng = createPrng(9);
    const { store, root, leaves } = hostileWorld(prng, 60);
    for (let i = 1; i + 1 < leaves.length; i++) {
      const [before, here, after] = [leaves[i - 1], leaves[i], leaves[i + 1]];
      assert.ok(before && here && after);
      const { items, proof } = proveRange(store, here.keyHash, here.keyHash, 10);
      assert.deepEqual(items, [here]);
      refused(() => verifyRangeProof(root, before.keyHash, here.keyHash, items, proof));
      refused(() => verifyRangeProof(root, here.keyHash, after.keyHash, items, proof));
    }
  });

  test('a whole state in pages, each as long as the limit allows', () => {
    const prng = createPrng(10);
    const { store, root, leaves } = hostileWorld(prng, 100);
    for (const limit of [1, 7, 100, 101]) {
      const pages: Leaf[] = [];
      let from: Uint8Array = LOWEST;
      for (let page = 0; page <= leaves.length; page++) {
        const { items, to, proof } = proveRange(store, from, HIGHEST, limit);
        verifyRangeProof(root, from, to, items, proof);
        pages.push(...items);
        if (compareBytes(to, HIGHEST) === 0) break;
        from = bytesOf((BigInt(`0x${hex(to)}`) + 1n).toString(16).padStart(64, '0'));
      }
      assert.deepEqual(pages, leaves);
    }
  });

  test('its size grows with the depth of the tree, not with the items', () => {
    const { store, leaves } = honestWorld(4000);
    const sorted = [...leaves].sort((a, b) => compareBytes(a.keyHash, b.keyHash));
    const [from, to] = [sorted[100], sorted[3900]];
    assert.ok(from && to);
    const { items, proof } = proveRange(store, from.keyHash, to.keyHash, MAX_RANGE_ITEMS);
    assert.equal(items.length, 3801);
    assert.ok(proof.length < 2 * 24 * 33, `${proof.length} bytes`);
  });
});

describe('malformed claims have codes of their own', () => {
  const leaf = { keyHash: new Uint8Array(32).fill(5), valueHash: new Uint8Array(32).fill(6) };
  const items = (count: number): Leaf[] => Array.from({ length: count }, () => leaf);
  const cases: [ProofError['code'], Uint8Array, Uint8Array, readonly Leaf[], Uint8Array][] = [
    ['PROOF_RANGE_REVERSED', HIGHEST, LOWEST, [], Uint8Array.of(0)],
    ['PROOF_TOO_MANY_ITEMS', LOWEST, HIGHEST, items(MAX_RANGE_ITEMS + 1), Uint8Array.of(2)],
    ['PROOF_ITEM_OUTSIDE', LOWEST, LOWEST, items(1), Uint8Array.of(2)],
    ['PROOF_ITEMS_UNSORTED', LOWEST, HIGHEST, items(2), Uint8Array.of(2)],
    ['PROOF_LENGTH', LOWEST, HIGHEST, [], new Uint8Array(MAX_PROOF_BYTES + 1)],
    ['PROOF_TRUNCATED', LOWEST, HIGHEST, [], Uint8Array.of()],
    ['PROOF_TRUNCATED', LOWEST, LOWEST, [], Uint8Array.of(3, 1)],
    ['PROOF_TAG', LOWEST, HIGHEST, [], Uint8Array.of(4)],
    ['PROOF_TRAILING_BYTES', LOWEST, HIGHEST, [], Uint8Array.of(0, 0)],
    ['PROOF_ITEMS_DIFFER', LOWEST, HIGHEST, items(1), Uint8Array.of(0)],
    ['PROOF_ITEMS_DIFFER', LOWEST, HIGHEST, [], Uint8Array.of(2)],
    ['PROOF_LEAF_MISPLACED', LOWEST, HIGHEST, [], Uint8Array.of(1, ...leaf.keyHash, ...leaf.valueHash)],
    ['PROOF_ROOT_MISMATCH', LOWEST, HIGHEST, [], Uint8Array.of(0)],
    [
      'PROOF_TOO_DEEP',
      LOWEST,
      LOWEST,
      [],
      Uint8Array.from({ length: 257 * 33 }, (_, i) => (i % 33 === 0 ? 3 : 1)),
    ],
  ];
  for (const [code, from, to, claimed, proof] of cases) {
    test(code, () => {
      assert.equal(
        refused(() => verifyRangeProof(leaf.valueHash, from, to, claimed, proof)),
        code,
      );
    });
  }

  test('wrong lengths', () => {
    const short = LOWEST.subarray(1);
    const wrong = { name: 'TreeError', code: 'HASH_LENGTH' };
    assert.throws(() => verifyRangeProof(short, LOWEST, LOWEST, [], Uint8Array.of(0)), wrong);
    assert.throws(() => verifyRangeProof(LOWEST, short, LOWEST, [], Uint8Array.of(0)), wrong);
    assert.throws(() => proveKey(new MapStore(), short), wrong);
    assert.throws(() => hashKey(new Uint8Array(0)), { code: 'KEY_LENGTH' });
    assert.throws(() => hashKey(new Uint8Array(129)), { code: 'KEY_LENGTH' });
    assert.throws(() => hashValue(new Uint8Array(0)), { code: 'VALUE_LENGTH' });
    assert.throws(() => hashValue(new Uint8Array(65_537)), { code: 'VALUE_LENGTH' });
    assert.throws(() => proveRange(new MapStore(), LOWEST, HIGHEST, 0), { code: 'RANGE_LIMIT' });
    assert.throws(() => proveRange(new MapStore(), HIGHEST, LOWEST, 1), { code: 'RANGE_REVERSED' });
  });
});
