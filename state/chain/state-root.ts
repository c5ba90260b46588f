import { NODE_KEYS } from '../store/keys.js';
import type { Change, Reader } from '../store/store.js';
import { hashKey, hashValue } from '../tree/leaf.js';
import type { NodeReader } from '../tree/node.js';
import { updateTree, type LeafChange } from '../tree/update.js';

/** The state root after some changes, and the tree nodes to store for it. */
export interface RootUpdate {
  readonly root: Uint8Array;
  readonly nodes: readonly Change[];
}

/**
 * Root of the state that `reader` holds, after `changes` of state entries.
 *
 * @throws TreeError when the stored tree is damaged
 */
export function updateStateRoot(reader: Reader, changes: readonly Change[]): RootUpdate {
  const leaves = changes.map(({ key, value }) => ({
    keyHash: hashKey(key),
    valueHash: value === undefined ? undefined : hashValue(value),
  }));
  return updateLeaves(reader, leaves);
}

/** As `updateStateRoot` for entries that are hashed already. Throws also as `updateTree` does. */
export function updateLeaves(reader: Reader, leaves: readonly LeafChange[]): RootUpdate {
  const { root, writes } = updateTree(treeNodes(reader), leaves);
  const nodes = writes.map(({ path, bytes }) => ({ key: NODE_KEYS.treeNode.encode(path), value: bytes }));
  return { root, nodes };
}

/** The tree as it lies in a store. */
export function treeNodes(reader: Reader): NodeReader {
  return { getNode: (path) => reader.get(NODE_KEYS.treeNode.encode(path)) };
}
