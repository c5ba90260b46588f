import { OgpuError } from './errors.js';

/** `0x`-prefixed, lower-case unless it is an EIP-55 address. */
export type Hex = `0x${string}`;

export class HexError extends OgpuError<'HEX_INVALID' | 'HEX_LENGTH'> {}

const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
/** Value of each digit by its character code. */
const DIGIT_VALUES = new Uint8Array(128);
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  DIGIT_VALUES[digit.charCodeAt(0)] = value;
  DIGIT_VALUES[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Lower-case `0x` hex of `bytes`. */
export function toHex(bytes: Uint8Array): Hex {
  let text = '';
  for (const byte of bytes) text += HEX_OF_BYTE[byte] ?? '';
  return `0x${text}`;
}

/**
 * Bytes of a `0x` hex string with an even number of digits of either case.
 *
 * @param expectedLength exact number of bytes required, when known
 * @throws HexError HEX_INVALID | HEX_LENGTH
 */
export function fromHex(text: string, expectedLength?: number): Uint8Array {
  if (!/^0x(?:[0-9a-fA-F]{2})*$/.test(text)) {
    throw new HexError('HEX_INVALID', 'expected 0x followed by an even number of hex digits', {
      received: text.slice(0, 80),
    });
  }
  const length = (text.length - 2) >> 1;
  if (expectedLength !== undefined && length !== expectedLength) {
    throw new HexError('HEX_LENGTH', `expected ${expectedLength} bytes, got ${length}`, {
      expectedLength,
      length,
    });
  }
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const high = DIGIT_VALUES[text.charCodeAt(2 + 2 * i)] ?? 0;
    const low = DIGIT_VALUES[text.charCodeAt(3 + 2 * i)] ?? 0;
    bytes[i] = (high << 4) | low;
  }
  return bytes;
}

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Lexicographic order, shorter first on a common prefix: negative, zero or positive as in `Array.sort`. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** `value`, at least 0, as `length` bytes, most significant first; higher bits are dropped. */
export function bigEndianBytes(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * (length - 1 - i))) & 0xffn));
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  return joinBytes(parts);
}

/** As `concatBytes`, for lists too long to be arguments. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const joined = new Uint8Array(total);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
