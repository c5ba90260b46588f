import { crc32 } from 'node:zlib';
import { corrupt } from './errors.js';

/**
 * LevelDB checks what it reads only on demand, and its Node binding never asks: a rotten bit would be read as data. So each
 * value is stored with the CRC-32 (IEEE 802.3) of `value ‖ key` behind it, big-endian.
 *
 * @returns a view that the next call may overwrite
 */
export function seal(key: Uint8Array, value: Uint8Array): Uint8Array {
  const length = value.length + Math.max(key.length, SEAL_BYTES);
  const buffer = length <= SCRATCH.length ? SCRATCH : new Uint8Array(length);
  buffer.set(value);
  buffer.set(key, value.length);
  const checksum = crc32(buffer.subarray(0, value.length + key.length));
  new DataView(buffer.buffer).setUint32(value.length, checksum);
  return buffer.subarray(0, value.length + SEAL_BYTES);
}

/** Memory for each value by itself would cost more than its checksum. */
const SCRATCH = new Uint8Array(65_536);

/**
 * The value inside; no copy.
 *
 * @throws StoreError STORE_CORRUPT
 */
export function unseal(path: string, key: Uint8Array, sealed: Uint8Array): Uint8Array {
  const length = sealed.length - SEAL_BYTES;
  if (length < 0) throw corrupt(path, 'a value is too short for its checksum');
  // A plain view: `slice` of a Buffer shares memory where that of a Uint8Array copies.
  const value = new Uint8Array(sealed.buffer, sealed.byteOffset, length);
  const stored = new DataView(sealed.buffer, sealed.byteOffset + length).getUint32(0);
  // The key last: it is never empty, and zlib loses the running value over nothing.
  if (stored !== crc32(key, crc32(value))) throw corrupt(path, 'a value does not match its checksum');
  return value;
}

const SEAL_BYTES = 4;
