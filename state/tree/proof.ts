import { bytesEqual, compareBytes } from '../../protocol/bytes.js';
import { HASH_LENGTH, sha256 } from '../../protocol/crypto/hash.js';
import { OgpuError } from '../../protocol/errors.js';
import { bitAt, hashKey, hashLeaf, hashValue, MAX_DEPTH, requireHash, type Leaf } from './leaf.js';

/** Why a proof does not prove what was claimed. */
export class ProofError extends OgpuError<
  | 'PROOF_LENGTH'
  | 'PROOF_TRUNCATED'
  | 'PROOF_TAG'
  | 'PROOF_TOO_DEEP'
  | 'PROOF_LEAF_MISPLACED'
  | 'PROOF_TRAILING_BYTES'
  | 'PROOF_ITEMS_DIFFER'
  | 'PROOF_ROOT_MISMATCH'
  | 'PROOF_RANGE_REVERSED'
  | 'PROOF_TOO_MANY_ITEMS'
  | 'PROOF_ITEM_OUTSIDE'
  | 'PROOF_ITEMS_UNSORTED'
> {}

/** What a boundary node of a proof holds: the first byte of each step. */
export const PROOF_TAG = { empty: 0, outsideLeaf: 1, item: 2, branch: 3 } as const;

/** Items one range proof may cover: bounds the work a hostile proof can ask for (256 hashes for each item). */
export const MAX_RANGE_ITEMS = 4096;

const BRANCH_BYTES = 1 + HASH_LENGTH;
const LEAF_BYTES = 1 + 2 * HASH_LENGTH;

/** Longest proof: two paths of branches down to the last bit, each ending in a leaf outside the range. */
export const MAX_PROOF_BYTES = 2 * (MAX_DEPTH * BRANCH_BYTES + LEAF_BYTES);

const EMPTY_ROOT = new Uint8Array(HASH_LENGTH);

/**
 * Checks that the state with `root` holds `value` under `key`, or nothing there when `value` is undefined. Returns only
 * if it does. A proof of a key is a range proof of its hash alone.
 *
 * @throws ProofError any code, and TreeError KEY_LENGTH | VALUE_LENGTH | HASH_LENGTH
 */
export function verifyKeyProof(
  root: Uint8Array,
  key: Uint8Array,
  value: Uint8Array | undefined,
  proof: Uint8Array,
): void {
  const keyHash = hashKey(key);
  const items = value === undefined ? [] : [{ keyHash, valueHash: hashValue(value) }];
  verifyRangeProof(root, keyHash, keyHash, items, proof);
}

/**
 * Checks that `items` are all the entries of the state with `root` whose key hash is in [`from`, `to`], both included.
 * Returns only if they are. There is one proof for each root and range.
 *
 * @param items in ascending order of key hash, at most `MAX_RANGE_ITEMS`
 * @throws ProofError any code, and TreeError HASH_LENGTH
 */
export function verifyRangeProof(
  root: Uint8Array,
  from: Uint8Array,
  to: Uint8Array,
  items: readonly Leaf[],
  proof: Uint8Array,
): void {
  requireHash(root);
  checkRange(from, to);
  checkItems(from, to, items);
  if (proof.length > MAX_PROOF_BYTES) {
    throw new ProofError('PROOF_LENGTH', `a proof has at most ${MAX_PROOF_BYTES} bytes`, {
      length: proof.length,
    });
  }
  const check: Check = { from, to, items, proof, at: 0 };
  const computed = boundaryRoot(check, { depth: 0, onFrom: true, onTo: true, first: 0, end: items.length });
  if (check.at !== proof.length) throw faultAt(check, 'PROOF_TRAILING_BYTES', 'bytes after the proof');
  if (!bytesEqual(computed, root)) {
    throw new ProofError('PROOF_ROOT_MISMATCH', 'the proof belongs to another root or other items');
  }
}

interface Check {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly items: readonly Leaf[];
  readonly proof: Uint8Array;
  /** Offset of the next byte of the proof. */
  at: number;
}

/** A subtree on the boundary: its path is the first `depth` bits of `from`, of `to`, or of both. Its items are [first, end). */
interface Boundary {
  readonly depth: number;
  readonly onFrom: boolean;
  readonly onTo: boolean;
  readonly first: number;
  readonly end: number;
}

/** Root of a boundary subtree, read from the proof. */
function boundaryRoot(check: Check, node: Boundary): Uint8Array {
  const [tag] = take(check, 1);
  const count = node.end - node.first;
  switch (tag) {
    case PROOF_TAG.empty:
      if (count !== 0) throw faultAt(check, 'PROOF_ITEMS_DIFFER', 'items where the proof has nothing');
      return EMPTY_ROOT;
    case PROOF_TAG.outsideLeaf:
      if (count !== 0) throw faultAt(check, 'PROOF_ITEMS_DIFFER', 'items where the proof has another leaf');
      return outsideLeaf(check, node);
    case PROOF_TAG.item:
      if (count !== 1) throw faultAt(check, 'PROOF_ITEMS_DIFFER', `${count} items where the proof has one`);
      return itemsRoot(check.items, node.first, node.end, node.depth);
    case PROOF_TAG.branch:
      if (node.depth === MAX_DEPTH) throw faultAt(check, 'PROOF_TOO_DEEP', 'a branch below the last bit');
      return branchRoot(check, node);
    default:
      throw faultAt(check, 'PROOF_TAG', `unknown tag ${tag ?? 'none'}`);
  }
}

/** The one leaf of a boundary subtree, when it is not in the range. */
function outsideLeaf(check: Check, node: Boundary): Uint8Array {
  const keyHash = take(check, HASH_LENGTH);
  const valueHash = take(check, HASH_LENGTH);
  const path = node.onFrom ? check.from : check.to;
  if (!samePrefix(keyHash, path, node.depth) || isInside(check, keyHash)) {
    throw faultAt(check, 'PROOF_LEAF_MISPLACED', 'a leaf that cannot be where the proof has it');
  }
  return hashLeaf({ keyHash, valueHash });
}

/** At most one child of a boundary branch lies outside the range: its hash comes first, then what the boundary children hold. */
function branchRoot(check: Check, node: Boundary): Uint8Array {
  const { depth, onFrom, onTo } = node;
  const split = firstOne(check.items, node.first, node.end, depth);
  const leftOutside = onFrom && bitAt(check.from, depth) === 1;
  const rightOutside = onTo && bitAt(check.to, depth) === 0;
  const outside = leftOutside || rightOutside ? take(check, HASH_LENGTH) : EMPTY_ROOT;
  const left: Boundary = {
    depth: depth + 1,
    onFrom,
    onTo: onTo && bitAt(check.to, depth) === 0,
    first: node.first,
    end: split,
  };
  const right: Boundary = {
    depth: depth + 1,
    onFrom: onFrom && bitAt(check.from, depth) === 1,
    onTo,
    first: split,
    end: node.end,
  };
  const leftRoot = leftOutside ? outside : childRoot(check, left);
  const rightRoot = rightOutside ? outside : childRoot(check, right);
  return hashPair(leftRoot, rightRoot);
}

function childRoot(check: Check, node: Boundary): Uint8Array {
  if (node.onFrom || node.onTo) return boundaryRoot(check, node);
  return itemsRoot(check.items, node.first, node.end, node.depth);
}

/** Root of items [first, end), which agree in their first `depth` bits: the definition of the tree. */
function itemsRoot(items: readonly Leaf[], first: number, end: number, depth: number): Uint8Array {
  const item = items[first];
  if (first === end || item === undefined) return EMPTY_ROOT;
  if (end - first === 1) return hashLeaf(item);
  const split = firstOne(items, first, end, depth);
  return hashPair(itemsRoot(items, first, split, depth + 1), itemsRoot(items, split, end, depth + 1));
}

/** Index of the first of the sorted items whose bit `depth` is 1. */
function firstOne(items: readonly Leaf[], first: number, end: number, depth: number): number {
  let low = first;
  let high = end;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bitAt(items[middle]?.keyHash ?? EMPTY_ROOT, depth) === 1) high = middle;
    else low = middle + 1;
  }
  return low;
}

function checkRange(from: Uint8Array, to: Uint8Array): void {
  requireHash(from);
  requireHash(to);
  if (compareBytes(from, to) > 0) {
    throw new ProofError('PROOF_RANGE_REVERSED', 'the range ends before it begins');
  }
}

function checkItems(from: Uint8Array, to: Uint8Array, items: readonly Leaf[]): void {
  if (items.length > MAX_RANGE_ITEMS) {
    throw new ProofError('PROOF_TOO_MANY_ITEMS', `a range proof covers at most ${MAX_RANGE_ITEMS} items`, {
      count: items.length,
    });
  }
  let previous: Uint8Array | undefined;
  for (const [index, { keyHash, valueHash }] of items.entries()) {
    requireHash(keyHash);
    requireHash(valueHash);
    if (compareBytes(keyHash, from) < 0 || compareBytes(keyHash, to) > 0) {
      throw new ProofError('PROOF_ITEM_OUTSIDE', 'an item outside the range', { index });
    }
    if (previous !== undefined && compareBytes(previous, keyHash) >= 0) {
      throw new ProofError('PROOF_ITEMS_UNSORTED', 'items are not in ascending order', { index });
    }
    previous = keyHash;
  }
}

function isInside(check: Check, keyHash: Uint8Array): boolean {
  return compareBytes(keyHash, check.from) >= 0 && compareBytes(keyHash, check.to) <= 0;
}

function samePrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  for (let depth = 0; depth < bits; depth++) if (bitAt(a, depth) !== bitAt(b, depth)) return false;
  return true;
}

function hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  const block = new Uint8Array(2 * HASH_LENGTH);
  block.set(left);
  block.set(right, HASH_LENGTH);
  return sha256(block);
}

function take(check: Check, length: number): Uint8Array {
  const end = check.at + length;
  if (end > check.proof.length) throw faultAt(check, 'PROOF_TRUNCATED', 'the proof ends too early');
  const bytes = check.proof.subarray(check.at, end);
  check.at = end;
  return bytes;
}

function faultAt(check: Check, code: ProofError['code'], message: string): ProofError {
  return new ProofError(code, message, { offset: check.at });
}
