import assert from 'node:assert/strict';
import { bytesEqual, compareBytes } from '../../protocol/bytes.js';
import { TreeError } from '../../state/tree/errors.js';
import { hashKey, hashValue, type Leaf } from '../../state/tree/leaf.js';
import { checkNode, type NodeReader } from '../../state/tree/node.js';
import { ProofError, verifyKeyProof, verifyRangeProof } from '../../state/tree/proof.js';
import { proveKey, proveRange } from '../../state/tree/prove.js';
import { updateTree } from '../../state/tree/update.js';
import type { Prng } from '../support/prng.js';
import { mutate, type FuzzTarget } from './target.js';

/** One tree for all cases: proofs and nodes of it are what gets mutated. */
const KEYS = Array.from({ length: 300 }, (_, i) => Uint8Array.of(i >> 8, i & 255));
const NODES = new Map<string, Uint8Array>();
const READER: NodeReader = { getNode: (path) => NODES.get(path.join()) };
const ROOT = grow();

/** Whatever the bytes: a typed refusal, or they are the one proof there is. */
export const treeTargets: readonly FuzzTarget[] = [
  { name: 'tree/key-proof', attack: attackKeyProof },
  { name: 'tree/range-proof', attack: attackRangeProof },
  { name: 'tree/node', attack: attackNode },
];

function attackKeyProof(prng: Prng): void {
  const isPresent = prng.chance(1, 2);
  const key = isPresent ? prng.pick(KEYS) : prng.bytes(1 + prng.below(40));
  const value = KEYS.some((other) => bytesEqual(other, key)) ? key : undefined;
  const honest = proveKey(READER, hashKey(key));
  const proof = prng.chance(1, 8) ? prng.bytes(prng.below(600)) : mutate(prng, honest);
  const claim = prng.chance(1, 8) ? prng.bytes(3) : value;
  if (!isAccepted(() => verifyKeyProof(ROOT, key, claim, proof))) return;
  assert.deepEqual(proof, honest, 'two proofs of one key');
  assert.deepEqual(claim, value, 'a false value was proved');
}

function attackRangeProof(prng: Prng): void {
  const [a, b] = [prng.bytes(32), prng.bytes(32)];
  const [from, to] = compareBytes(a, b) <= 0 ? [a, b] : [b, a];
  const honest = proveRange(READER, from, to, 1 + prng.below(50));
  const proof = prng.chance(1, 2) ? honest.proof : mutate(prng, honest.proof);
  const items = prng.chance(1, 2) ? honest.items : mutateItems(prng, honest.items);
  if (!isAccepted(() => verifyRangeProof(ROOT, from, honest.to, items, proof))) return;
  assert.deepEqual(proof, honest.proof, 'two proofs of one range');
  assert.deepEqual(items, honest.items, 'false items were proved');
}

function mutateItems(prng: Prng, items: readonly Leaf[]): readonly Leaf[] {
  const index = prng.below(items.length + 1);
  const item = items[index];
  if (item === undefined) return [...items, { keyHash: prng.bytes(32), valueHash: prng.bytes(32) }];
  return prng.pick([
    items.toSpliced(index, 1),
    items.toSpliced(index, 0, item),
    items.with(index, { ...item, keyHash: mutate(prng, item.keyHash) }),
    items.with(index, { ...item, valueHash: mutate(prng, item.valueHash) }),
  ]);
}

/** A damaged node is refused, or leads to a root like any other: never to an untyped error. */
function attackNode(prng: Prng): void {
  const [path, honest] = prng.pick([...NODES]);
  const node = prng.chance(1, 8) ? prng.bytes(prng.below(600)) : mutate(prng, honest);
  const nibbles = path === '' ? new Uint8Array() : Uint8Array.from(path.split(','), Number);
  isAccepted(() => checkNode(node, nibbles));
  const reader: NodeReader = {
    getNode: (asked) => (bytesEqual(asked, nibbles) ? node : READER.getNode(asked)),
  };
  const keyHash = Uint8Array.from(prng.bytes(32));
  nibbles.forEach((nibble, i) => {
    const byte = keyHash[i >> 1] ?? 0;
    keyHash[i >> 1] = i % 2 === 0 ? (nibble << 4) | (byte & 15) : (byte & 0xf0) | nibble;
  });
  isAccepted(() => {
    const { root } = updateTree(reader, [{ keyHash, valueHash: keyHash }]);
    assert.equal(root.length, 32);
  });
  isAccepted(() => proveKey(reader, keyHash));
}

function isAccepted(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch (error) {
    assert.ok(error instanceof ProofError || error instanceof TreeError, `untyped error: ${String(error)}`);
    return false;
  }
}

function grow(): Uint8Array {
  const changes = KEYS.map((key) => ({ keyHash: hashKey(key), valueHash: hashValue(key) }));
  const { root, writes } = updateTree({ getNode: () => undefined }, changes);
  for (const { path, bytes } of writes) if (bytes) NODES.set(path.join(), bytes);
  return root;
}
