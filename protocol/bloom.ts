import { keccak256 } from './crypto/hash.js';
import type { Log } from './types/receipt.js';

export const BLOOM_BYTES = 256;

/** Ethereum's 2048-bit filter over the address and topics of logs (Yellow Paper, §4.3.1, M3:2048). */
export function bloomOf(logs: Iterable<Log>): Uint8Array {
  const bloom = new Uint8Array(BLOOM_BYTES);
  for (const { address, topics } of logs) {
    addToBloom(bloom, address);
    for (const topic of topics) addToBloom(bloom, topic);
  }
  return bloom;
}

/** False when no log of the block has `item` as address or topic; true when one may have. */
export function bloomMayContain(bloom: Uint8Array, item: Uint8Array): boolean {
  return bitsOf(item).every((bit) => ((bloom[byteOf(bit)] ?? 0) & maskOf(bit)) !== 0);
}

function addToBloom(bloom: Uint8Array, item: Uint8Array): void {
  for (const bit of bitsOf(item)) bloom[byteOf(bit)] = (bloom[byteOf(bit)] ?? 0) | maskOf(bit);
}

/** Three bits, from the low eleven bits of each of the first three 16-bit words of the hash. */
function bitsOf(item: Uint8Array): readonly number[] {
  const hash = keccak256(item);
  return [0, 2, 4].map((at) => (((hash[at] ?? 0) << 8) | (hash[at + 1] ?? 0)) & 0x7ff);
}

/** Bit 0 is the lowest of the last byte. */
function byteOf(bit: number): number {
  return BLOOM_BYTES - 1 - (bit >> 3);
}

function maskOf(bit: number): number {
  return 1 << (bit & 7);
}
