import { HASH_LENGTH } from '../../../protocol/crypto/hash.js';

/** A stretch of key hashes, both ends included. */
export interface HashRange {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/** The key hashes whose first `segmentBits` bits, at most 8, are those of `segment`. */
export function segmentRange(segment: number, segmentBits: number): HashRange {
  const from = new Uint8Array(HASH_LENGTH);
  const to = new Uint8Array(HASH_LENGTH).fill(0xff);
  const shift = 8 - segmentBits;
  from[0] = segment << shift;
  to[0] = (segment << shift) | ((1 << shift) - 1);
  return { from, to };
}

/** The next hash; of the last one, the first. */
export function hashAfter(hash: Uint8Array): Uint8Array {
  const next = hash.slice();
  for (let at = next.length - 1; at >= 0; at--) {
    const byte = ((next[at] ?? 0) + 1) & 0xff;
    next[at] = byte;
    if (byte !== 0) break;
  }
  return next;
}
