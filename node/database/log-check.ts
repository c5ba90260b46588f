import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { corrupt, readError } from './errors.js';

/**
 * Refuses a write-ahead log that is damaged before its end. LevelDB skips such a place without a word, and acknowledged
 * batches are gone while later ones are there. A broken end is what a crash leaves and is no fault.
 *
 * This runs before LevelDB takes its lock. A log that another process is appending to can look torn, not damaged.
 *
 * Source: LevelDB doc/log_format.md.
 *
 * @throws StoreError STORE_CORRUPT | STORE_READ_FAILED
 */
export async function checkLogs(path: string): Promise<void> {
  for (const name of (await readdir(path)).filter((name) => /^\d+\.log$/.test(name)).sort()) {
    const file = join(path, name);
    const hole = await findHoleInFile(file).catch((cause: unknown) => {
      throw readError(file, cause);
    });
    if (hole !== undefined) throw corrupt(path, `${name} is broken at byte ${hole}, and batches follow`);
  }
}

/** A log is a sequence of blocks; records never cross their ends, so that reading can resume at the next one. */
const BLOCK_BYTES = 32_768;

/** `checksum u32 ‖ length u16 ‖ type u8`, little-endian. */
const HEADER_BYTES = 7;

/** Parts of a batch: all of it, the first, one in between, the last. Type 0 fills the end of a block. */
const [FULL, FIRST, LAST] = [1, 2, 4];

/** Feeds a log block by block; what it returns is where the log is broken with a whole batch beginning after it. */
export function createHoleFinder(): (block: Uint8Array) => number | undefined {
  let offset = 0;
  let broken: number | undefined;
  return (block) => {
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
    for (let at = 0; at + HEADER_BYTES <= block.length;) {
      const length = view.getUint16(at + 4, true);
      const type = view.getUint8(at + 6);
      const end = at + HEADER_BYTES + length;
      if (type === 0 && length === 0) break;
      if (end > block.length || type > LAST) {
        broken ??= offset + at;
        break;
      }
      if (view.getUint32(at, true) !== maskedCrc32c(block.subarray(at + 6, end))) broken ??= offset + at;
      else if (broken !== undefined && (type === FULL || type === FIRST)) return broken;
      at = end;
    }
    offset += block.length;
    return undefined;
  };
}

async function findHoleInFile(path: string): Promise<number | undefined> {
  const file = await open(path, 'r');
  try {
    const findHole = createHoleFinder();
    const block = new Uint8Array(BLOCK_BYTES);
    for (;;) {
      const length = await fill(file, block);
      const hole = findHole(block.subarray(0, length));
      if (hole !== undefined || length < BLOCK_BYTES) return hole;
    }
  } finally {
    await file.close();
  }
}

/** Reads on until the block is full or the file ends. */
async function fill(file: FileHandle, block: Uint8Array): Promise<number> {
  let length = 0;
  while (length < block.length) {
    const { bytesRead } = await file.read(block, length, block.length - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}

/** CRC-32C (RFC 3720, B.4) as LevelDB stores it: rotated by 15 bits, plus a constant. */
export function maskedCrc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  return crc;
});
