import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { TreeError } from '../../../state/tree/errors.js';
import { checkNode } from '../../../state/tree/node.js';
import { verifyKeyProof } from '../../../state/tree/proof.js';
import { proveKey } from '../../../state/tree/prove.js';
import { updateTree } from '../../../state/tree/update.js';
import { hashKey, hashValue } from '../../../state/tree/leaf.js';
import { createPrng } from '../../support/prng.js';
import { REPOSITORY_ROOT } from '../../support/vectors.js';
import { hex, hostileKeyHashes, MapStore } from './support.js';

describe('damaged nodes are refused by code', () => {
  const leaf = (first: number): number[] => [first, ...Array.from({ length: 95 }, () => 1)];
  const branch = leaf(1).slice(0, 32);
  const cases: [TreeError['code'], number[], number[]][] = [
    ['NODE_LENGTH', [], []],
    ['NODE_LENGTH', [], [0, 1, 0]],
    ['NODE_LENGTH', [], [0, 1, 0, 0, ...leaf(0), 0]],
    ['NODE_LENGTH', [], [0, 1, 0, 2, ...leaf(0)]],
    ['NODE_CHILD_KINDS', [], [0, 1, 0, 1, ...leaf(0), ...branch]],
    ['NODE_CHILD_KINDS', Array.from({ length: 63 }, () => 0), [0, 0, 0, 3, ...branch, ...branch]],
    ['NODE_NOT_NEEDED', [], [0, 0, 0, 0]],
    ['NODE_NOT_NEEDED', [0], [0, 2, 0, 0, ...leaf(1)]],
    ['NODE_LEAF_MISPLACED', [], [0, 1, 0, 0, ...leaf(0x10)]],
    ['NODE_LEAF_MISPLACED', [1], [0, 3, 0, 0, ...leaf(0x10), ...leaf(0x21)]],
  ];
  for (const [code, path, node] of cases) {
    test(`${code} at ${path.length} nibbles, ${node.length} bytes`, () => {
      assert.throws(() => checkNode(Uint8Array.from(node), Uint8Array.from(path)), {
        name: 'TreeError',
        code,
      });
    });
  }
});

test('a node lost or cut short stops every update and proof that needs it', () => {
  const prng = createPrng(1);
  const keyHashes = hostileKeyHashes(prng, 60);
  const store = new MapStore();
  store.update(keyHashes.map((keyHash) => ({ keyHash, valueHash: prng.bytes(32) })));
  for (const [path, bytes] of [...store.nodes].filter(([text]) => text !== '')) {
    const below = keyHashes.find((keyHash) => hex(keyHash).startsWith(path));
    assert.ok(below);
    for (const [code, damaged] of [
      ['NODE_MISSING', undefined],
      ['NODE_LENGTH', bytes.subarray(0, bytes.length - 1)],
    ] as const) {
      if (damaged) store.nodes.set(path, damaged);
      else store.nodes.delete(path);
      assert.throws(() => updateTree(store, [{ keyHash: below, valueHash: prng.bytes(32) }]), { code });
      assert.throws(() => proveKey(store, below), { code });
      store.nodes.set(path, bytes);
    }
  }
});

test('a proof over a flipped bit is either refused or does not verify', () => {
  const prng = createPrng(2);
  const keys = Array.from({ length: 200 }, (_, i) => Uint8Array.of(i));
  const value = Uint8Array.of(1);
  const store = new MapStore();
  const root = store.update(keys.map((key) => ({ keyHash: hashKey(key), valueHash: hashValue(value) })));
  const key = Uint8Array.of(3);
  const honest = proveKey(store, hashKey(key));
  let refused = 0;
  let harmless = 0;
  for (const [path, bytes] of [...store.nodes].filter(([text]) => hex(hashKey(key)).startsWith(text))) {
    for (let i = 0; i < 400; i++) {
      const damaged = Uint8Array.from(bytes);
      const bit = prng.below(8 * bytes.length);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      store.nodes.set(path, damaged);
      try {
        const proof = proveKey(store, hashKey(key));
        if (hex(proof) === hex(honest)) harmless++;
        else assert.throws(() => verifyKeyProof(root, key, value, proof), { name: 'ProofError' });
      } catch (error) {
        assert.ok(error instanceof TreeError, String(error));
        refused++;
      }
    }
    store.nodes.set(path, bytes);
  }
  assert.ok(refused > 50);
  // Only the key hash of some other leaf can change unnoticed: a proof of this key does not contain it.
  assert.ok(harmless < 600, `${harmless}`);
});

test('verification needs hashing and bytes, nothing of the store', () => {
  const allowed = new Set(['state/tree/errors.ts', 'state/tree/leaf.ts', 'state/tree/proof.ts']);
  const outside = new Set(['protocol/bytes.ts', 'protocol/crypto/hash.ts', 'protocol/errors.ts']);
  const seen = new Set<string>();
  const follow = (path: string): void => {
    if (seen.has(path) || outside.has(path)) return;
    seen.add(path);
    const text = readFileSync(join(REPOSITORY_ROOT, path), 'utf8');
    for (const [, specifier = ''] of text.matchAll(/from '([^']+)'/g)) {
      assert.ok(specifier.startsWith('.'), specifier);
      follow(join(dirname(path), specifier).replace(/\.js$/, '.ts'));
    }
  };
  follow('state/tree/proof.ts');
  assert.deepEqual(seen, allowed);
});
