import { toHex } from '../../protocol/bytes.js';
import { HASH_LENGTH } from '../../protocol/crypto/hash.js';
import { TreeError } from './errors.js';
import type { Slab } from './slab.js';

/**
 * Reads a stored node by its path: one nibble (0 to 15) per byte, none for the root. The path is valid during the call only;
 * nobody changes the bytes returned.
 */
export interface NodeReader {
  getNode(path: Uint8Array): Uint8Array | undefined;
}

/** A node to store under `path`, or, where `bytes` is undefined, to delete. */
export interface NodeWrite {
  readonly path: Uint8Array;
  readonly bytes: Uint8Array | undefined;
}

/** Children of a node. */
export const SLOTS = 16;

/** Nibbles of a key hash: no node is deeper than 63, as below that there is one key at most. */
export const MAX_PATH_NIBBLES = 2 * HASH_LENGTH;

export const HEADER_BYTES = 4;
export const BRANCH_BYTES = HASH_LENGTH;
export const LEAF_BYTES = 3 * HASH_LENGTH;
/** Of the leaf's parts. The leaf hash follows from the others: it is kept because hashing it again would cost most of an update. */
export const VALUE_HASH_OFFSET = HASH_LENGTH;
export const LEAF_HASH_OFFSET = 2 * HASH_LENGTH;

/**
 * A stored node, in its encoding:
 *
 *     leaf mask (2 bytes, big-endian, bit i for slot i) ‖ branch mask (likewise) ‖ for each occupied slot in ascending
 *     order: keyHash ‖ valueHash ‖ leafHash of a leaf, or the hash of a branch
 */
export type NodeBytes = Uint8Array;

export function leafMaskOf(node: NodeBytes): number {
  return ((node[0] ?? 0) << 8) | (node[1] ?? 0);
}

export function branchMaskOf(node: NodeBytes): number {
  return ((node[2] ?? 0) << 8) | (node[3] ?? 0);
}

/** Bytes of a node with these children. */
export function nodeLength(leafMask: number, branchMask: number): number {
  return HEADER_BYTES + LEAF_BYTES * popCount(leafMask) + BRANCH_BYTES * popCount(branchMask);
}

/** A node of that many bytes, out of `slab`, with its masks set and its children still zero. */
export function createNode(slab: Slab, leafMask: number, branchMask: number): NodeBytes {
  const node = slab.allocate(nodeLength(leafMask, branchMask));
  node[0] = leafMask >> 8;
  node[1] = leafMask & 0xff;
  node[2] = branchMask >> 8;
  node[3] = branchMask & 0xff;
  return node;
}

/** Offset of the child in `slot`, or of where it would be. */
export function childOffset(node: NodeBytes, slot: number): number {
  const below = (1 << slot) - 1;
  return nodeLength(leafMaskOf(node) & below, branchMaskOf(node) & below);
}

/**
 * The node stored under the first `depth` nibbles of `path`, checked.
 *
 * @throws TreeError NODE_MISSING and what `checkNode` throws
 */
export function readNode(reader: NodeReader, path: Uint8Array, depth: number): NodeBytes {
  const key = path.subarray(0, depth);
  const node = reader.getNode(key);
  if (node === undefined) {
    throw new TreeError('NODE_MISSING', 'a node that its parent names is not stored', { path: toHex(key) });
  }
  checkNode(node, key);
  return node;
}

/**
 * Checks everything about a stored node but its hashes.
 *
 * @throws TreeError NODE_LENGTH | NODE_CHILD_KINDS | NODE_NOT_NEEDED | NODE_LEAF_MISPLACED
 */
export function checkNode(node: NodeBytes, path: Uint8Array): void {
  const leafMask = leafMaskOf(node);
  const branchMask = branchMaskOf(node);
  if (node.length < HEADER_BYTES || node.length !== nodeLength(leafMask, branchMask)) {
    throw damaged('NODE_LENGTH', 'a node has another length than its masks say', path);
  }
  const deepest = path.length === MAX_PATH_NIBBLES - 1;
  if (path.length >= MAX_PATH_NIBBLES || (leafMask & branchMask) !== 0 || (deepest && branchMask !== 0)) {
    throw damaged('NODE_CHILD_KINDS', 'a child is both leaf and branch, or too deep', path);
  }
  if (branchMask === 0 && popCount(leafMask) < (path.length === 0 ? 1 : 2)) {
    throw damaged('NODE_NOT_NEEDED', 'a node is stored that holds too little to exist', path);
  }
  let offset = HEADER_BYTES;
  for (let slot = 0; slot < SLOTS; slot++) {
    if ((leafMask >> slot) & 1) {
      if (!isUnder(node, offset, path, slot))
        throw damaged('NODE_LEAF_MISPLACED', 'a leaf is in the wrong node', path);
      offset += LEAF_BYTES;
    } else if ((branchMask >> slot) & 1) offset += BRANCH_BYTES;
  }
}

/** Nibble `depth` of a hash, most significant first. */
export function nibbleAt(hash: Uint8Array, depth: number, offset = 0): number {
  const byte = hash[offset + (depth >> 1)] ?? 0;
  return (depth & 1) === 0 ? byte >> 4 : byte & 15;
}

/** Faster than `set(subarray)` at this size. */
export function copyBytes(
  from: Uint8Array,
  fromOffset: number,
  to: Uint8Array,
  toOffset: number,
  length: number,
): void {
  for (let i = 0; i < length; i++) to[toOffset + i] = from[fromOffset + i] ?? 0;
}

function isUnder(node: NodeBytes, offset: number, path: Uint8Array, slot: number): boolean {
  for (let depth = 0; depth < path.length; depth++) {
    if (nibbleAt(node, depth, offset) !== path[depth]) return false;
  }
  return nibbleAt(node, path.length, offset) === slot;
}

/** Bits set among the low 16. */
export function popCount(mask: number): number {
  const pairs = mask - ((mask >> 1) & 0x5555);
  const nibbles = (pairs & 0x3333) + ((pairs >> 2) & 0x3333);
  const bytes = (nibbles + (nibbles >> 4)) & 0x0f0f;
  return (bytes + (bytes >> 8)) & 0x1f;
}

function damaged(code: TreeError['code'], message: string, path: Uint8Array): TreeError {
  return new TreeError(code, message, { path: toHex(path) });
}
