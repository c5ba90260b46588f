import { hasher } from '@chainsafe/persistent-merkle-tree';
import { HASH_LENGTH } from '../../protocol/crypto/hash.js';
import { invariant } from '../../protocol/invariant.js';
import '../../protocol/ssz/hasher.js';
import {
  BRANCH_BYTES,
  branchMaskOf,
  copyBytes,
  HEADER_BYTES,
  LEAF_BYTES,
  LEAF_HASH_OFFSET,
  leafMaskOf,
  SLOTS,
  type NodeBytes,
} from './node.js';

/** What a subtree is: nothing, one leaf (lifted to where it is alone), or a hash of two halves. */
export const KIND = { empty: 0, leaf: 1, branch: 2 } as const;

/** Each node is a binary heap: 1 is the node itself, 2i and 2i + 1 are the halves of i, 16 to 31 are its slots. */
export const HEAP_SIZE = 2 * SLOTS;
export const HEAP_ROOT = 1;

const WORDS_PER_HASH = 8;
const WORDS_PER_PAIR = 2 * WORDS_PER_HASH;

/** The binary levels inside `capacity` nodes, and room to hash one level of all of them in one call. */
export interface Heaps {
  readonly capacity: number;
  /** `KIND` of heap entry i of node n at n · HEAP_SIZE + i. */
  readonly kinds: Uint8Array;
  /** Its hash, 32 bytes, at 32 times that; zeros where it is empty. */
  readonly hashes: Uint8Array;
  readonly words: Uint32Array;
  readonly blocks: Uint8Array;
  readonly blockWords: Uint32Array;
  readonly digests: Uint8Array;
  readonly digestWords: Uint32Array;
  /** Entry each block's digest belongs to. */
  readonly targets: Uint32Array;
}

export function createHeaps(capacity: number): Heaps {
  const hashes = new Uint8Array(capacity * HEAP_SIZE * HASH_LENGTH);
  const mostPairs = capacity * (SLOTS >> 1);
  const blocks = new Uint8Array(mostPairs * 2 * HASH_LENGTH);
  const digests = new Uint8Array(mostPairs * HASH_LENGTH);
  return {
    capacity,
    kinds: new Uint8Array(capacity * HEAP_SIZE),
    hashes,
    words: new Uint32Array(hashes.buffer),
    blocks,
    blockWords: new Uint32Array(blocks.buffer),
    digests,
    digestWords: new Uint32Array(digests.buffer),
    targets: new Uint32Array(mostPairs),
  };
}

/** Puts the children of a node into heap `index`. */
export function loadHeap(heaps: Heaps, index: number, node: NodeBytes): void {
  invariant(index < heaps.capacity, 'a heap is inside its buffers');
  const leafMask = leafMaskOf(node);
  const branchMask = branchMaskOf(node);
  let entry = index * HEAP_SIZE + SLOTS;
  let offset = HEADER_BYTES;
  for (let slot = 0; slot < SLOTS; slot++, entry++) {
    if ((leafMask >> slot) & 1) {
      heaps.kinds[entry] = KIND.leaf;
      copyBytes(node, offset + LEAF_HASH_OFFSET, heaps.hashes, entry * HASH_LENGTH, HASH_LENGTH);
      offset += LEAF_BYTES;
    } else if ((branchMask >> slot) & 1) {
      heaps.kinds[entry] = KIND.branch;
      copyBytes(node, offset, heaps.hashes, entry * HASH_LENGTH, HASH_LENGTH);
      offset += BRANCH_BYTES;
    } else setEmpty(heaps, entry);
  }
}

/** Computes the heaps 0 to `count` − 1 from their slots up: one call of the hasher for each of the four levels. */
export function foldHeaps(heaps: Heaps, count: number): void {
  invariant(count <= heaps.capacity, 'heaps are inside their buffers');
  for (let width = SLOTS >> 1; width >= 1; width >>= 1) {
    let pairs = 0;
    for (let heap = 0; heap < count; heap++) {
      const base = heap * HEAP_SIZE;
      for (let i = width; i < 2 * width; i++) {
        if (!liftChild(heaps, base + i, base + 2 * i)) {
          copyWords(
            heaps.words,
            (base + 2 * i) * WORDS_PER_HASH,
            heaps.blockWords,
            pairs * WORDS_PER_PAIR,
            WORDS_PER_PAIR,
          );
          heaps.kinds[base + i] = KIND.branch;
          heaps.targets[pairs++] = base + i;
        }
      }
    }
    hashPairs(heaps, pairs);
  }
}

/** Hash of heap entry `entry`: a view, valid until the heaps are used again. */
export function heapHash(heaps: Heaps, entry: number): Uint8Array {
  return heaps.hashes.subarray(entry * HASH_LENGTH, (entry + 1) * HASH_LENGTH);
}

/** True if `parent` holds one leaf or none, and so needs no hashing. */
function liftChild(heaps: Heaps, parent: number, left: number): boolean {
  const { kinds, words } = heaps;
  const leftKind = kinds[left];
  const rightKind = kinds[left + 1];
  if (leftKind === KIND.empty && rightKind === KIND.empty) {
    setEmpty(heaps, parent);
    return true;
  }
  const lifted = leftKind === KIND.empty ? left + 1 : left;
  if ((leftKind !== KIND.empty && rightKind !== KIND.empty) || kinds[lifted] !== KIND.leaf) return false;
  kinds[parent] = KIND.leaf;
  copyWords(words, lifted * WORDS_PER_HASH, words, parent * WORDS_PER_HASH, WORDS_PER_HASH);
  return true;
}

function hashPairs(heaps: Heaps, pairs: number): void {
  if (pairs === 0) return;
  hasher.hashInto(
    heaps.blocks.subarray(0, pairs * 2 * HASH_LENGTH),
    heaps.digests.subarray(0, pairs * HASH_LENGTH),
  );
  for (let pair = 0; pair < pairs; pair++) {
    const target = (heaps.targets[pair] ?? 0) * WORDS_PER_HASH;
    copyWords(heaps.digestWords, pair * WORDS_PER_HASH, heaps.words, target, WORDS_PER_HASH);
  }
}

function setEmpty(heaps: Heaps, entry: number): void {
  heaps.kinds[entry] = KIND.empty;
  const first = entry * WORDS_PER_HASH;
  for (let i = 0; i < WORDS_PER_HASH; i++) heaps.words[first + i] = 0;
}

function copyWords(
  from: Uint32Array,
  fromOffset: number,
  to: Uint32Array,
  toOffset: number,
  length: number,
): void {
  for (let i = 0; i < length; i++) to[toOffset + i] = from[fromOffset + i] ?? 0;
}
