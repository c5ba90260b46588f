import { HASH_LENGTH } from '../../protocol/crypto/hash.js';
import { createHeaps, foldHeaps, HEAP_ROOT, heapHash, loadHeap, type Heaps } from './fold.js';
import { checkNode, type NodeBytes, type NodeReader } from './node.js';

const ROOT_PATH = new Uint8Array(0);

/** Root of the stored tree; 32 zero bytes if there is none. @throws TreeError NODE_* */
export function treeRoot(reader: NodeReader): Uint8Array {
  const node = reader.getNode(ROOT_PATH);
  if (node === undefined) return new Uint8Array(HASH_LENGTH);
  checkNode(node, ROOT_PATH);
  return heapHash(expandNode(node), HEAP_ROOT);
}

/** The binary levels inside one node. */
export function expandNode(node: NodeBytes): Heaps {
  const heaps = createHeaps(1);
  loadHeap(heaps, 0, node);
  foldHeaps(heaps, 1);
  return heaps;
}
