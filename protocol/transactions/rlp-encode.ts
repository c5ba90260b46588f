import { invariant } from '../invariant.js';
import { DEFAULT_RLP_LIMITS, LONGEST_SHORT_FORM, RlpError } from './rlp.js';

/** What the encoder takes: an RLP item, and non-negative integers, written big-endian without leading zeros. */
export type RlpInput = Uint8Array | bigint | readonly RlpInput[];

/**
 * The canonical RLP encoding, in one allocation of the exact size.
 *
 * @param typeByte written before the item, as in an EIP-2718 envelope
 * @throws RlpError RLP_INTEGER_NEGATIVE | RLP_TOO_DEEP
 */
export function encodeRlp(input: RlpInput, typeByte?: number): Uint8Array {
  const listLengths: number[] = [];
  const length = measure(input, listLengths, DEFAULT_RLP_LIMITS.maxDepth);
  const headLength = typeByte === undefined ? 0 : 1;
  const out = new Uint8Array(headLength + length);
  if (typeByte !== undefined) out[0] = typeByte;
  const cursor = { out, position: headLength, listLengths, nextList: 0 };
  write(cursor, input);
  invariant(cursor.position === out.length, 'RLP writes what it measured');
  return out;
}

/** Bytes taken by the header of a string or list whose payload has `length` bytes. */
export function rlpHeaderLength(length: number): number {
  return length <= LONGEST_SHORT_FORM ? 1 : 1 + uintByteLength(length);
}

/** Writes a list header at `offset`; returns where the payload starts. */
export function writeRlpListHeader(out: Uint8Array, offset: number, length: number): number {
  return writeHeader(out, offset, length, 0xc0);
}

/** Encoded length of `input`; appends the payload length of every list, in pre-order, so that none is measured twice. */
function measure(input: RlpInput, listLengths: number[], depthLeft: number): number {
  if (typeof input === 'bigint') {
    const length = bigintByteLength(input);
    return length === 1 && input < 0x80n ? 1 : rlpHeaderLength(length) + length;
  }
  if (input instanceof Uint8Array) {
    return input.length === 1 && (input[0] ?? 0) < 0x80 ? 1 : rlpHeaderLength(input.length) + input.length;
  }
  if (depthLeft === 0) throw new RlpError('RLP_TOO_DEEP', 'lists nest too deep');
  const slot = listLengths.push(0) - 1;
  let length = 0;
  for (const item of input) length += measure(item, listLengths, depthLeft - 1);
  listLengths[slot] = length;
  return rlpHeaderLength(length) + length;
}

interface WriteCursor {
  readonly out: Uint8Array;
  position: number;
  readonly listLengths: readonly number[];
  nextList: number;
}

function write(cursor: WriteCursor, input: RlpInput): void {
  if (typeof input === 'bigint') {
    writeBigint(cursor, input);
  } else if (input instanceof Uint8Array) {
    const bare = input.length === 1 && (input[0] ?? 0) < 0x80;
    if (!bare) cursor.position = writeHeader(cursor.out, cursor.position, input.length, 0x80);
    cursor.out.set(input, cursor.position);
    cursor.position += input.length;
  } else {
    const length = cursor.listLengths[cursor.nextList++] ?? 0;
    cursor.position = writeHeader(cursor.out, cursor.position, length, 0xc0);
    for (const item of input) write(cursor, item);
  }
}

function writeBigint(cursor: WriteCursor, value: bigint): void {
  const length = bigintByteLength(value);
  if (length !== 1 || value >= 0x80n) {
    cursor.position = writeHeader(cursor.out, cursor.position, length, 0x80);
  }
  const start = cursor.position;
  cursor.position += length;
  let rest = value;
  for (let end = cursor.position; end > start; end -= 6, rest >>= 48n) {
    let chunk = Number(BigInt.asUintN(48, rest));
    for (let i = end - 1; i >= start && i >= end - 6; i--) {
      cursor.out[i] = chunk & 0xff;
      chunk = Math.floor(chunk / 256);
    }
  }
}

function writeHeader(out: Uint8Array, offset: number, length: number, base: 0x80 | 0xc0): number {
  if (length <= LONGEST_SHORT_FORM) {
    out[offset] = base + length;
    return offset + 1;
  }
  const lengthBytes = uintByteLength(length);
  out[offset] = base + LONGEST_SHORT_FORM + lengthBytes;
  for (let i = 0; i < lengthBytes; i++) out[offset + 1 + i] = (length >>> (8 * (lengthBytes - 1 - i))) & 0xff;
  return offset + 1 + lengthBytes;
}

function uintByteLength(value: number): number {
  return (39 - Math.clz32(value)) >>> 3;
}

function bigintByteLength(value: bigint): number {
  if (value < 0n) throw new RlpError('RLP_INTEGER_NEGATIVE', 'RLP has no negative integers', { value });
  return value <= 0xffff_ffffn ? uintByteLength(Number(value)) : (value.toString(16).length + 1) >>> 1;
}
