import { OgpuError } from '../errors.js';
import { invariant } from '../invariant.js';

/** What RLP carries: a byte string, or a list of items. */
export type RlpItem = Uint8Array | readonly RlpItem[];

export type RlpErrorCode =
  | 'RLP_ITEM_MISSING'
  | 'RLP_OVERRUN'
  | 'RLP_LENGTH_TOO_LARGE'
  | 'RLP_LENGTH_LEADING_ZERO'
  | 'RLP_LENGTH_NOT_SHORTEST'
  | 'RLP_SINGLE_BYTE_PREFIXED'
  | 'RLP_EXPECTED_STRING'
  | 'RLP_EXPECTED_LIST'
  | 'RLP_INTEGER_LEADING_ZERO'
  | 'RLP_INTEGER_TOO_WIDE'
  | 'RLP_INTEGER_NEGATIVE'
  | 'RLP_TRAILING_BYTES'
  | 'RLP_TOO_DEEP'
  | 'RLP_TOO_MANY_ITEMS';

/** Bytes that are not the one canonical RLP encoding of anything. `data.offset` is where, `data.field` what was read. */
export class RlpError extends OgpuError<RlpErrorCode> {}

export interface RlpLimits {
  /** Lists inside lists, the outermost counting as one. */
  readonly maxDepth: number;
  /** Strings and lists together, in the whole input. */
  readonly maxItems: number;
}

export const DEFAULT_RLP_LIMITS: RlpLimits = { maxDepth: 64, maxItems: 1 << 17 };

/** No input of ours comes near 4 GiB, so no length needs more bytes than this. */
const MAX_LENGTH_BYTES = 4;
/** Longest payload whose length fits in the prefix byte. */
export const LONGEST_SHORT_FORM = 55;

/**
 * Decodes exactly one item (Yellow Paper, appendix B), accepting only its canonical encoding. Strings are views into
 * `bytes`; nothing is allocated for a length before the bytes are known to be there.
 *
 * @throws RlpError
 */
export function decodeRlp(bytes: Uint8Array, limits: RlpLimits = DEFAULT_RLP_LIMITS): RlpItem {
  const reader = new RlpReader(bytes);
  const item = decodeNext(reader, limits.maxDepth, { items: limits.maxItems });
  reader.finish();
  return item;
}

function decodeNext(reader: RlpReader, depthLeft: number, left: { items: number }): RlpItem {
  if (left.items === 0)
    throw new RlpError('RLP_TOO_MANY_ITEMS', 'too many items', { offset: reader.position });
  left.items--;
  if (!reader.nextIsList) return reader.string('item');
  if (depthLeft === 0) throw new RlpError('RLP_TOO_DEEP', 'lists nest too deep', { offset: reader.position });
  const children = reader.list('item');
  const items: RlpItem[] = [];
  while (!children.done) items.push(decodeNext(children, depthLeft - 1, left));
  return items;
}

/**
 * Reads items in wire order from one list, or from a whole input. Every method takes the name of the field it reads, for
 * the error, and throws RlpError when the bytes there are not the canonical encoding of what was asked for.
 */
export class RlpReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  #position: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    invariant(0 <= start && start <= end && end <= bytes.length, 'reader stays inside its bytes');
    this.bytes = bytes;
    this.end = end;
    this.#position = start;
  }

  /** Offset in `bytes` of the next item. */
  get position(): number {
    return this.#position;
  }

  get done(): boolean {
    return this.#position === this.end;
  }

  get nextIsList(): boolean {
    return !this.done && (this.bytes[this.#position] ?? 0) >= 0xc0;
  }

  /** A view of the next string's bytes. */
  string(field: string): Uint8Array {
    const end = this.#enter(field, false);
    const start = this.#position;
    this.#position = end;
    return new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + start, end - start);
  }

  /** A reader of the next list's items. */
  list(field: string): RlpReader {
    const end = this.#enter(field, true);
    const items = new RlpReader(this.bytes, this.#position, end);
    this.#position = end;
    return items;
  }

  /** The next string as an unsigned integer of at most `maxBytes` bytes, without leading zeros (so 0 is empty). */
  uint(field: string, maxBytes = 32): bigint {
    const end = this.#enterInteger(field, maxBytes);
    const start = this.#position;
    this.#position = end;
    return bigEndianToBigint(this.bytes, start, end);
  }

  /** The next unsigned integer, right-aligned into the zero-filled `target[offset, offset + width)`. */
  uintInto(field: string, target: Uint8Array, offset: number, width: number): void {
    const end = this.#enterInteger(field, width);
    for (let from = end - 1, to = offset + width - 1; from >= this.#position; from--, to--) {
      target[to] = this.bytes[from] ?? 0;
    }
    this.#position = end;
  }

  /** Asserts that nothing is left. */
  finish(): void {
    if (!this.done) {
      const trailing = this.end - this.#position;
      throw new RlpError('RLP_TRAILING_BYTES', 'bytes after the item', { offset: this.#position, trailing });
    }
  }

  #enterInteger(field: string, maxBytes: number): number {
    const end = this.#enter(field, false);
    const length = end - this.#position;
    if (length > maxBytes) throw this.#error('RLP_INTEGER_TOO_WIDE', field, { length, maxBytes });
    if (length > 0 && this.bytes[this.#position] === 0) throw this.#error('RLP_INTEGER_LEADING_ZERO', field);
    return end;
  }

  /** Moves to the payload of the next item and returns where that payload ends. */
  #enter(field: string, wantList: boolean): number {
    const start = this.#position;
    if (start >= this.end) throw this.#error('RLP_ITEM_MISSING', field);
    const prefix = this.bytes[start] ?? 0;
    const isList = prefix >= 0xc0;
    if (isList !== wantList) throw this.#error(isList ? 'RLP_EXPECTED_STRING' : 'RLP_EXPECTED_LIST', field);
    if (prefix < 0x80) return start + 1;

    let length = prefix - (isList ? 0xc0 : 0x80);
    let payload = start + 1;
    if (length > LONGEST_SHORT_FORM) {
      const lengthBytes = length - LONGEST_SHORT_FORM;
      length = this.#longLength(field, payload, lengthBytes);
      payload += lengthBytes;
    }
    if (length > this.end - payload) {
      throw this.#error('RLP_OVERRUN', field, { claimed: length, available: this.end - payload });
    }
    if (length === 1 && !isList && (this.bytes[payload] ?? 0) < 0x80) {
      throw this.#error('RLP_SINGLE_BYTE_PREFIXED', field);
    }
    this.#position = payload;
    return payload + length;
  }

  #longLength(field: string, offset: number, lengthBytes: number): number {
    if (lengthBytes > this.end - offset) throw this.#error('RLP_OVERRUN', field, { claimed: lengthBytes });
    if (this.bytes[offset] === 0) throw this.#error('RLP_LENGTH_LEADING_ZERO', field);
    if (lengthBytes > MAX_LENGTH_BYTES) throw this.#error('RLP_LENGTH_TOO_LARGE', field, { lengthBytes });
    let length = 0;
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + (this.bytes[offset + i] ?? 0);
    if (length <= LONGEST_SHORT_FORM) throw this.#error('RLP_LENGTH_NOT_SHORTEST', field, { length });
    return length;
  }

  #error(code: RlpErrorCode, field: string, data: Readonly<Record<string, number>> = {}): RlpError {
    return new RlpError(code, `${field} is not canonical RLP`, { field, offset: this.#position, ...data });
  }
}

function bigEndianToBigint(bytes: Uint8Array, start: number, end: number): bigint {
  let value = 0n;
  let chunkEnd = start + ((end - start) % 6);
  for (let i = start; i < end; chunkEnd += 6) {
    let chunk = 0;
    for (; i < chunkEnd; i++) chunk = chunk * 256 + (bytes[i] ?? 0);
    value = value === 0n ? BigInt(chunk) : (value << 48n) | BigInt(chunk);
  }
  return value;
}
