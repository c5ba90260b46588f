/**
 * CRC-32 of IEEE 802.3, as in zlib: finds what rots or tears on a disk, not what somebody forges.
 *
 * @param previous checksum of what comes before `bytes`
 */
export function crc32(bytes: Uint8Array, previous = 0): number {
  let crc = ~previous;
  const whole = bytes.length - (bytes.length % 8);
  let at = 0;
  for (; at < whole; at += 8) {
    const low =
      crc ^
      (byte(bytes, at) |
        (byte(bytes, at + 1) << 8) |
        (byte(bytes, at + 2) << 16) |
        (byte(bytes, at + 3) << 24));
    crc =
      entry(7, low & 0xff) ^
      entry(6, (low >>> 8) & 0xff) ^
      entry(5, (low >>> 16) & 0xff) ^
      entry(4, low >>> 24) ^
      entry(3, byte(bytes, at + 4)) ^
      entry(2, byte(bytes, at + 5)) ^
      entry(1, byte(bytes, at + 6)) ^
      entry(0, byte(bytes, at + 7));
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ entry(0, (crc ^ byte(bytes, at)) & 0xff);
  return ~crc >>> 0;
}

const REVERSED_POLYNOMIAL = 0xedb88320;

/** Table k, of 256 entries, is what a byte does to the checksum k bytes later: eight bytes at a time ("slicing by 8"). */
const TABLES = makeTables();

function makeTables(): Uint32Array {
  const tables = new Uint32Array(8 * 256);
  for (let value = 0; value < 256; value++) {
    let crc = value;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? REVERSED_POLYNOMIAL : 0);
    tables[value] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const earlier = tables[i - 256] ?? 0;
    tables[i] = (earlier >>> 8) ^ (tables[earlier & 0xff] ?? 0);
  }
  return tables;
}

function entry(table: number, value: number): number {
  return TABLES[table * 256 + value] ?? 0;
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}
