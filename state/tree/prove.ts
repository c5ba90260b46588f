import { bytesEqual, compareBytes, concatBytes, toHex } from '../../protocol/bytes.js';
import { HASH_LENGTH } from '../../protocol/crypto/hash.js';
import { invariant } from '../../protocol/invariant.js';
import { TreeError } from './errors.js';
import { HEAP_ROOT, heapHash, KIND, type Heaps } from './fold.js';
import { bitAt, requireHash, type Leaf } from './leaf.js';
import {
  branchMaskOf,
  checkNode,
  childOffset,
  createNode,
  LEAF_HASH_OFFSET,
  leafMaskOf,
  MAX_PATH_NIBBLES,
  nibbleAt,
  readNode,
  SLOTS,
  VALUE_HASH_OFFSET,
  type NodeBytes,
  type NodeReader,
} from './node.js';
import { MAX_RANGE_ITEMS, PROOF_TAG } from './proof.js';
import { expandNode } from './root.js';
import { Slab } from './slab.js';

/** What `verifyRangeProof` takes: `items` are all entries in [from, `to`]. */
export interface RangeProof {
  /** Ascending by key hash. */
  readonly items: readonly Leaf[];
  /** As asked for or, if the limit was reached first, the key hash of the last item. */
  readonly to: Uint8Array;
  readonly proof: Uint8Array;
}

/**
 * Proof of what the tree holds under one key hash, be it a leaf or nothing: see `verifyKeyProof`.
 *
 * @throws TreeError HASH_LENGTH, and NODE_* for a damaged store
 */
export function proveKey(reader: NodeReader, keyHash: Uint8Array): Uint8Array {
  requireHash(keyHash);
  return proveBoundary(reader, keyHash, keyHash);
}

/**
 * The first `limit` leaves with key hashes in [`from`, `to`], both included, and the proof that there are no others. To
 * read on, ask from the key hash after `to` of the answer. Stored nodes off the boundary are read but their hashes not
 * checked: a proof made over a damaged store does not verify.
 *
 * @param limit 1 to `MAX_RANGE_ITEMS`
 * @throws TreeError HASH_LENGTH | RANGE_REVERSED | RANGE_LIMIT, and NODE_* for a damaged store
 */
export function proveRange(reader: NodeReader, from: Uint8Array, to: Uint8Array, limit: number): RangeProof {
  requireHash(from);
  requireHash(to);
  if (compareBytes(from, to) > 0) throw new TreeError('RANGE_REVERSED', 'the range ends before it begins');
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_RANGE_ITEMS) {
    throw new TreeError('RANGE_LIMIT', `a range proof covers 1 to ${MAX_RANGE_ITEMS} items`, { limit });
  }
  const items: Leaf[] = [];
  const path = new Uint8Array(MAX_PATH_NIBBLES);
  collect({ reader, from, to, limit, items, path }, 0, readRoot(reader));
  const end = (items.length === limit ? items.at(-1)?.keyHash : undefined) ?? to;
  return { items, to: end, proof: proveBoundary(reader, from, end) };
}

interface Collection {
  readonly reader: NodeReader;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly limit: number;
  readonly items: Leaf[];
  readonly path: Uint8Array;
}

/** Adds the leaves under `node` that are in the range, in order, up to the limit. */
function collect(collection: Collection, depth: number, node: NodeBytes): void {
  const { reader, from, to, limit, items, path } = collection;
  for (let slot = 0; slot < SLOTS && items.length < limit; slot++) {
    path[depth] = slot;
    if ((branchMaskOf(node) >> slot) & 1) {
      if (comparePrefix(path, from, depth + 1) < 0 || comparePrefix(path, to, depth + 1) > 0) continue;
      collect(collection, depth + 1, readNode(reader, path, depth + 1));
    } else if ((leafMaskOf(node) >> slot) & 1) {
      const leaf = leafAt(node, slot);
      if (compareBytes(leaf.keyHash, from) >= 0 && compareBytes(leaf.keyHash, to) <= 0) items.push(leaf);
    }
  }
}

function comparePrefix(path: Uint8Array, hash: Uint8Array, nibbles: number): number {
  for (let depth = 0; depth < nibbles; depth++) {
    const difference = (path[depth] ?? 0) - nibbleAt(hash, depth);
    if (difference !== 0) return difference;
  }
  return 0;
}

interface Boundary {
  readonly reader: NodeReader;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly path: Uint8Array;
  readonly parts: Uint8Array[];
}

/** A place in the binary tree: entry `index` of the heap of a stored node that is `nibbles` deep. */
interface Place {
  readonly node: NodeBytes;
  readonly heap: Heaps;
  readonly nibbles: number;
  readonly index: number;
}

/**
 * The proof of a range whose entries are at hand: see `verifyRangeProof`.
 *
 * @throws TreeError HASH_LENGTH | RANGE_REVERSED, and NODE_* for a damaged store
 */
export function proveStretch(reader: NodeReader, from: Uint8Array, to: Uint8Array): Uint8Array {
  requireHash(from);
  requireHash(to);
  if (compareBytes(from, to) > 0) throw new TreeError('RANGE_REVERSED', 'the range ends before it begins');
  return proveBoundary(reader, from, to);
}

function proveBoundary(reader: NodeReader, from: Uint8Array, to: Uint8Array): Uint8Array {
  const boundary: Boundary = { reader, from, to, path: new Uint8Array(MAX_PATH_NIBBLES), parts: [] };
  const node = readRoot(reader);
  addBoundary(boundary, { node, heap: expandNode(node), nibbles: 0, index: HEAP_ROOT }, true, true);
  return concatBytes(...boundary.parts);
}

/** Appends what a subtree holds whose path is a prefix of `from` (`onFrom`), of `to` (`onTo`), or of both. */
function addBoundary(boundary: Boundary, place: Place, onFrom: boolean, onTo: boolean): void {
  const { from, to, parts } = boundary;
  const kind = place.heap.kinds[place.index];
  if (kind === KIND.empty) {
    parts.push(Uint8Array.of(PROOF_TAG.empty));
    return;
  }
  if (kind === KIND.leaf) {
    const { keyHash, valueHash } = leafUnder(place);
    const inside = compareBytes(keyHash, from) >= 0 && compareBytes(keyHash, to) <= 0;
    if (inside) parts.push(Uint8Array.of(PROOF_TAG.item));
    else parts.push(Uint8Array.of(PROOF_TAG.outsideLeaf), keyHash, valueHash);
    return;
  }
  const { node, heap, nibbles, index } = descend(boundary, place);
  const depth = 4 * nibbles + (31 - Math.clz32(index));
  const left: Place = { node, heap, nibbles, index: 2 * index };
  const right: Place = { node, heap, nibbles, index: 2 * index + 1 };
  const [fromBit, toBit] = [bitAt(from, depth), bitAt(to, depth)];
  parts.push(Uint8Array.of(PROOF_TAG.branch));
  if (onFrom && fromBit === 1) parts.push(heapHash(heap, left.index));
  if (onTo && toBit === 0) parts.push(heapHash(heap, right.index));
  const [leftOnFrom, leftOnTo] = [onFrom && fromBit === 0, onTo && toBit === 0];
  const [rightOnFrom, rightOnTo] = [onFrom && fromBit === 1, onTo && toBit === 1];
  if (leftOnFrom || leftOnTo) addBoundary(boundary, left, leftOnFrom, leftOnTo);
  if (rightOnFrom || rightOnTo) addBoundary(boundary, right, rightOnFrom, rightOnTo);
}

/** The same place, from a slot into the node that is stored for it. @throws TreeError NODE_HASH_MISMATCH */
function descend(boundary: Boundary, place: Place): Place {
  if (place.index < SLOTS) return place;
  const nibbles = place.nibbles + 1;
  boundary.path[place.nibbles] = place.index - SLOTS;
  const node = readNode(boundary.reader, boundary.path, nibbles);
  const heap = expandNode(node);
  if (!bytesEqual(heapHash(heap, HEAP_ROOT), heapHash(place.heap, place.index))) {
    throw new TreeError('NODE_HASH_MISMATCH', 'a stored node is not the one its parent commits to', {
      path: toHex(boundary.path.subarray(0, nibbles)),
    });
  }
  return { node, heap, nibbles, index: HEAP_ROOT };
}

/** The one leaf of a subtree inside a node. */
function leafUnder({ node, heap, index }: Place): Leaf {
  let entry = index;
  while (entry < SLOTS) entry = heap.kinds[2 * entry] === KIND.empty ? 2 * entry + 1 : 2 * entry;
  invariant(heap.kinds[entry] === KIND.leaf, 'a lifted leaf comes from a slot');
  return leafAt(node, entry - SLOTS);
}

function leafAt(node: NodeBytes, slot: number): Leaf {
  const offset = childOffset(node, slot);
  return {
    keyHash: node.slice(offset, offset + HASH_LENGTH),
    valueHash: node.slice(offset + VALUE_HASH_OFFSET, offset + LEAF_HASH_OFFSET),
  };
}

/** The root node, or, where none is stored, one without children. */
function readRoot(reader: NodeReader): NodeBytes {
  const path = new Uint8Array(0);
  const node = reader.getNode(path);
  if (node === undefined) return createNode(new Slab(), 0, 0);
  checkNode(node, path);
  return node;
}
