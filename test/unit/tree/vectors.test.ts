import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { hashKey, hashValue } from '../../../state/tree/leaf.js';
import { verifyKeyProof, verifyRangeProof } from '../../../state/tree/proof.js';
import { proveKey, proveRange } from '../../../state/tree/prove.js';
import { readVector, REPOSITORY_ROOT } from '../../support/vectors.js';
import { naiveNodes, naiveRangeProof, naiveRoot } from './naive.js';
import { bytesOf, hex, MapStore } from './support.js';

interface TreeVector {
  readonly name: string;
  /** Key and value, in hex. */
  readonly entries: readonly (readonly [key: string, value: string])[];
  readonly root: string;
  /** By path in hex digits, the root's being empty. */
  readonly nodes: Readonly<Record<string, string>>;
  /** `value` is null where the key is absent. */
  readonly keyProofs: readonly {
    readonly key: string;
    readonly value: string | null;
    readonly proof: string;
  }[];
  readonly rangeProofs: readonly {
    readonly from: string;
    readonly to: string;
    /** keyHash, valueHash */
    readonly items: readonly (readonly [string, string])[];
    readonly proof: string;
  }[];
}

interface Vectors {
  readonly source: string;
  readonly vectors: readonly TreeVector[];
}

const FILE = 'state-tree.json';
const RANGES: readonly (readonly [string, string])[] = [
  ['00'.repeat(32), 'ff'.repeat(32)],
  [`40${'00'.repeat(31)}`, `bf${'ff'.repeat(31)}`],
  ['80'.repeat(32), '80'.repeat(32)],
];

/** The vectors, by the naive implementation alone. */
function vectorOf(count: number): TreeVector {
  const text = (word: string): string => Buffer.from(word).toString('hex');
  const entries = Array.from({ length: count }, (_, i) => [text(`key ${i}`), text(`value ${i}`)] as const);
  const state = new Map(
    entries.map(([key, value]) => [hex(hashKey(bytesOf(key))), hex(hashValue(bytesOf(value)))]),
  );
  const absent = ['absent', 'nothing', 'void'].map((word) => [text(word), null] as const);
  return {
    name: `${count} entries`,
    entries,
    root: naiveRoot(state),
    nodes: Object.fromEntries(naiveNodes(state)),
    keyProofs: [...entries.slice(0, 3), ...absent].map(([key, value]) => {
      const keyHash = hex(hashKey(bytesOf(key)));
      return { key, value, proof: naiveRangeProof(state, keyHash, keyHash).proof };
    }),
    rangeProofs: RANGES.map(([from, to]) => ({ from, to, ...naiveRangeProof(state, from, to) })),
  };
}

const current: Vectors = {
  source: 'written by test/unit/tree/naive.ts from the definition in docs/spec/state-tree.md',
  vectors: [0, 1, 2, 3, 7, 20].map(vectorOf),
};

test('the vectors are what they were: changing the tree or its proofs is an explicit act', () => {
  if (process.env['OGPU_UPDATE_FIXTURES'] === '1') {
    writeFileSync(join(REPOSITORY_ROOT, 'test', 'vectors', FILE), `${JSON.stringify(current, null, 1)}\n`);
  }
  assert.deepEqual(JSON.parse(JSON.stringify(current)), readVector(FILE));
});

describe('the vectors hold', () => {
  for (const vector of readVector<Vectors>(FILE).vectors) {
    test(vector.name, () => {
      const store = new MapStore();
      const changes = vector.entries.map(([key, value]) => ({
        keyHash: hashKey(bytesOf(key)),
        valueHash: hashValue(bytesOf(value)),
      }));
      const root = store.update(changes);
      assert.equal(hex(root), vector.root);
      const nodes = [...store.nodes].map(([path, bytes]) => [path, hex(bytes)]);
      assert.deepEqual(Object.fromEntries(nodes), vector.nodes);
      for (const { key, value, proof } of vector.keyProofs) {
        assert.equal(hex(proveKey(store, hashKey(bytesOf(key)))), proof);
        verifyKeyProof(root, bytesOf(key), value === null ? undefined : bytesOf(value), bytesOf(proof));
      }
      for (const { from, to, items, proof } of vector.rangeProofs) {
        const proved = proveRange(store, bytesOf(from), bytesOf(to), 100);
        assert.equal(hex(proved.proof), proof);
        const leaves = items.map(([keyHash, valueHash]) => ({
          keyHash: bytesOf(keyHash),
          valueHash: bytesOf(valueHash),
        }));
        assert.deepEqual(proved.items, leaves);
        verifyRangeProof(root, bytesOf(from), bytesOf(to), leaves, bytesOf(proof));
      }
    });
  }
});
