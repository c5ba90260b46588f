import { HASH_LENGTH, sha256 } from '../../protocol/crypto/hash.js';
import { TreeError } from './errors.js';

/** Bits of a key hash, so the greatest depth of a leaf. */
export const MAX_DEPTH = 256;

export const MAX_KEY_BYTES = 128;
export const MAX_VALUE_BYTES = 65_536;

const LEAF_PREFIX = 0x00;

/** One entry of the state as the tree sees it: SHA-256 of its key and of its value. */
export interface Leaf {
  readonly keyHash: Uint8Array;
  readonly valueHash: Uint8Array;
}

/** Where `key` (1 to 128 bytes) lives in the tree. @throws TreeError KEY_LENGTH */
export function hashKey(key: Uint8Array): Uint8Array {
  if (key.length < 1 || key.length > MAX_KEY_BYTES) {
    throw new TreeError('KEY_LENGTH', `a key has 1 to ${MAX_KEY_BYTES} bytes`, { length: key.length });
  }
  return sha256(key);
}

/**
 * SHA-256 of `value` (1 to 65,536 bytes). No value is empty: an absent entry is one that is not in the tree.
 *
 * @throws TreeError VALUE_LENGTH
 */
export function hashValue(value: Uint8Array): Uint8Array {
  if (value.length < 1 || value.length > MAX_VALUE_BYTES) {
    throw new TreeError('VALUE_LENGTH', `a value has 1 to ${MAX_VALUE_BYTES} bytes`, {
      length: value.length,
    });
  }
  return sha256(value);
}

/**
 * Commits to an entry: SHA-256(0x00 ‖ keyHash ‖ valueHash). The preimage has 65 bytes and that of a branch 64, so neither
 * passes for the other.
 */
export function hashLeaf({ keyHash, valueHash }: Leaf): Uint8Array {
  LEAF_PREIMAGE.set(keyHash, 1);
  LEAF_PREIMAGE.set(valueHash, 1 + HASH_LENGTH);
  return sha256(LEAF_PREIMAGE);
}

/** Used by one call after the other: what it holds but for the prefix is overwritten. */
const LEAF_PREIMAGE = Uint8Array.of(LEAF_PREFIX, ...new Uint8Array(2 * HASH_LENGTH));

/** Bit `depth` of a hash, most significant first. */
export function bitAt(hash: Uint8Array, depth: number): 0 | 1 {
  return (((hash[depth >> 3] ?? 0) >> (7 - (depth & 7))) & 1) === 1 ? 1 : 0;
}

/** @throws TreeError HASH_LENGTH */
export function requireHash(hash: Uint8Array): void {
  if (hash.length !== HASH_LENGTH) {
    throw new TreeError('HASH_LENGTH', `a hash has ${HASH_LENGTH} bytes`, { length: hash.length });
  }
}
