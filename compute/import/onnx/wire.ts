import { malformed } from '../model-error.js';
import { MAX_NAME_BYTES } from '../limits.js';

/**
 * One field of a protobuf message. Nothing is copied: bytes are views of the file, so that reading a file takes no more memory than the
 * file however it is built. (Libraries build an object for each field they meet, and generate code, which the sandbox forbids.)
 */
export interface Field {
  readonly number: number;
  /** The whole number of a varint field, cut to 64 bits, signed, and to ±2⁵³. */
  readonly value: number;
  /** The payload of any other field. */
  readonly bytes: Uint8Array;
  readonly type: 'varint' | 'fixed64' | 'bytes' | 'fixed32';
}

const NONE = new Uint8Array(0);

/** The fields of a message, in their order. @throws ModelError MODEL_MALFORMED */
export function* fields(where: string, message: Uint8Array): Generator<Field> {
  let at = 0;
  while (at < message.length) {
    const tag = readVarint(where, message, at);
    at = tag.next;
    const number = Math.floor(tag.value / 8);
    if (number < 1 || number > 536_870_911) throw malformed(where, 'a field of no number');
    switch (tag.value % 8) {
      case 0: {
        const { value, next } = readVarint(where, message, at);
        at = next;
        yield { number, value, bytes: NONE, type: 'varint' };
        break;
      }
      case 1:
        yield { number, value: 0, bytes: take(where, message, at, 8), type: 'fixed64' };
        at += 8;
        break;
      case 2: {
        const { value, next } = readVarint(where, message, at);
        yield { number, value: 0, bytes: take(where, message, next, value), type: 'bytes' };
        at = next + value;
        break;
      }
      case 5:
        yield { number, value: 0, bytes: take(where, message, at, 4), type: 'fixed32' };
        at += 4;
        break;
      default:
        throw malformed(where, 'a field of no known kind');
    }
  }
}

function take(where: string, message: Uint8Array, at: number, length: number): Uint8Array {
  if (length < 0 || at + length > message.length)
    throw malformed(where, 'a field that ends outside its message');
  return message.subarray(at, at + length);
}

const SATURATED = 2 ** 53;

function readVarint(
  where: string,
  message: Uint8Array,
  from: number,
): { readonly value: number; readonly next: number } {
  let [low, high] = [0, 0];
  for (let at = from; at < from + 10; at++) {
    const byte = message[at];
    if (byte === undefined) throw malformed(where, 'a number that is cut off');
    const shift = 7 * (at - from);
    if (shift < 28) low += (byte & 127) * 2 ** shift;
    else high += (byte & 127) * 2 ** (shift - 28);
    if (byte < 128) return { value: signed(low, high), next: at + 1 };
  }
  throw malformed(where, 'a number of more than ten bytes');
}

/** 28 bits and what is above them, as a signed number of 64 bits. */
function signed(low: number, high: number): number {
  const above = high % 2 ** 36;
  const value = above >= 2 ** 35 ? (above - 2 ** 36) * 2 ** 28 + low : above * 2 ** 28 + low;
  return Math.max(-SATURATED, Math.min(SATURATED, value));
}

/** A repeated number: packed, or one of many fields. Hands each to `push`. */
export function numbersOf(
  where: string,
  field: Field,
  kind: 'varint' | 'float' | 'double',
): readonly number[] {
  if (field.type === 'varint') {
    if (kind !== 'varint') throw malformed(where, 'a whole number where a fraction belongs');
    return [field.value];
  }
  const { bytes } = field;
  if (kind === 'varint') return varintsOf(where, bytes);
  const size = kind === 'float' ? 4 : 8;
  if (bytes.length % size !== 0) throw malformed(where, 'fractions that are cut off');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / size }, (_, i) =>
    kind === 'float' ? view.getFloat32(4 * i, true) : view.getFloat64(8 * i, true),
  );
}

function varintsOf(where: string, bytes: Uint8Array): readonly number[] {
  const found: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const { value, next } = readVarint(where, bytes, at);
    found.push(value);
    at = next;
  }
  return found;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Text of a bounded length. @throws ModelError */
export function textOf(where: string, { type, bytes }: Field): string {
  if (type !== 'bytes') throw malformed(where, 'a number where text belongs');
  if (bytes.length > MAX_NAME_BYTES) throw malformed(where, `a name of more than ${MAX_NAME_BYTES} bytes`);
  try {
    return decoder.decode(bytes);
  } catch {
    throw malformed(where, 'text that is not UTF-8');
  }
}
