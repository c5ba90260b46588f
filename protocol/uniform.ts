import { invariant } from './invariant.js';

const WORD_RANGE = 2 ** 53;

/** A word is refused with a chance below 1/400 for bounds up to the supply in µOGPU: so many in a row are beyond all hash functions. */
const MAX_ATTEMPTS = 64;

/**
 * Uniform in [0, bound): words beyond the last whole multiple of `bound` are refused, for they would favour low results.
 *
 * @param wordOf 53 random bits for each attempt, counted from 0
 */
export function uniformBelow(bound: number, wordOf: (attempt: number) => number): number {
  invariant(Number.isSafeInteger(bound) && bound > 0, 'a draw is among something');
  const limit = WORD_RANGE - (WORD_RANGE % bound);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const candidate = wordOf(attempt);
    if (candidate < limit) return candidate % bound;
  }
  invariant(false, 'a draw ends');
}

/** 53 bits of a digest: the low ones of its first eight bytes, little-endian. */
export function wordOfDigest(digest: Uint8Array): number {
  const words = new DataView(digest.buffer, digest.byteOffset);
  return (words.getUint32(4, true) & 0x1f_ffff) * 2 ** 32 + words.getUint32(0, true);
}
