import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { HASH_LENGTH } from '../../protocol/crypto/hash.js';
import { TreeError } from './errors.js';
import { HEAP_ROOT, heapHash, type Heaps } from './fold.js';
import { hashLeaf, type Leaf } from './leaf.js';
import {
  branchMaskOf,
  checkNode,
  childOffset,
  LEAF_HASH_OFFSET,
  leafMaskOf,
  SLOTS,
  VALUE_HASH_OFFSET,
  type NodeBytes,
  type NodeReader,
} from './node.js';
import { expandNode } from './root.js';

/**
 * Every leaf of the tree with this root, ascending by key hash. Each stored node is checked on the way, hashes included: what was walked
 * to its end is sound.
 *
 * @throws TreeError NODE_* at the first node that is not what the root commits to
 */
export function* walkTree(reader: NodeReader, root: Uint8Array): Generator<Leaf, void, undefined> {
  const path = new Uint8Array(0);
  if (reader.getNode(path) === undefined && bytesEqual(root, EMPTY_ROOT)) return;
  yield* walkNode(reader, path, root);
}

const EMPTY_ROOT = new Uint8Array(HASH_LENGTH);

/** Depth is bounded by `checkNode`. */
function* walkNode(reader: NodeReader, path: Uint8Array, hash: Uint8Array): Generator<Leaf, void, undefined> {
  const { node, heap } = readSound(reader, path, hash);
  for (let slot = 0; slot < SLOTS; slot++) {
    if ((leafMaskOf(node) >> slot) & 1) yield leafAt(node, heap, path, slot);
    if ((branchMaskOf(node) >> slot) & 1)
      yield* walkNode(reader, Uint8Array.of(...path, slot), heapHash(heap, SLOTS + slot));
  }
}

function readSound(
  reader: NodeReader,
  path: Uint8Array,
  hash: Uint8Array,
): { readonly node: NodeBytes; readonly heap: Heaps } {
  const node = reader.getNode(path);
  if (node === undefined) throw damaged('NODE_MISSING', 'a node of the tree is not stored', path);
  checkNode(node, path);
  const heap = expandNode(node);
  if (!bytesEqual(heapHash(heap, HEAP_ROOT), hash))
    throw damaged('NODE_HASH_MISMATCH', 'a stored node is not the one its parent commits to', path);
  return { node, heap };
}

/** The leaf hash is what the node commits to; it must be that of the other two. */
function leafAt(node: NodeBytes, heap: Heaps, path: Uint8Array, slot: number): Leaf {
  const offset = childOffset(node, slot);
  const leaf = {
    keyHash: node.slice(offset, offset + HASH_LENGTH),
    valueHash: node.slice(offset + VALUE_HASH_OFFSET, offset + LEAF_HASH_OFFSET),
  };
  if (!bytesEqual(hashLeaf(leaf), heapHash(heap, SLOTS + slot)))
    throw damaged('NODE_HASH_MISMATCH', 'a stored leaf is not the one its node commits to', path);
  return leaf;
}

function damaged(code: TreeError['code'], message: string, path: Uint8Array): TreeError {
  return new TreeError(code, message, { path: toHex(path) });
}
