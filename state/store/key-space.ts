import { toHex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { StoreError } from './errors.js';
import { MAX_KEY_BYTES } from './limits.js';
import type { KeyRange } from './store.js';

/**
 * All keys that share a prefix, each the prefix followed by the fields in order. Numbers are big-endian, so the order of
 * keys is the order of the fields, first field first.
 */
export interface KeySpace<Fields extends readonly unknown[]> {
  /** ASCII, ending in the only `/` it has: no space is inside another's range. */
  readonly prefix: string;

  /** @throws StoreError STORE_KEY_INVALID for a value that its field cannot hold */
  encode(...fields: Fields): Uint8Array;

  /** @throws StoreError STORE_KEY_INVALID for bytes that `encode` does not make */
  decode(key: Uint8Array): Fields;

  /** Every key that begins with these fields, and no other: `range()` is the whole space. Throws as `encode` does. */
  range(...leading: Leading<Fields>): KeyRange;
}

/** How many bytes of a key a value takes and what they are. */
export interface KeyField<Value> {
  readonly name: string;
  /** Bytes of a value; those of one field are as many for each value, or said by their first byte. */
  size(value: Value): number;
  write(value: Value, into: Uint8Array, at: number): void;
  /** The value at `at` and where it ends, or undefined where there is none. */
  read(from: Uint8Array, at: number): { readonly value: Value; readonly end: number } | undefined;
}

/** The first few of a list of fields. */
export type Leading<Fields extends readonly unknown[]> = Fields extends readonly [
  infer First,
  ...infer Rest extends readonly unknown[],
]
  ? [] | [First, ...Leading<Rest>]
  : [];

type FieldsOf<Values extends readonly unknown[]> = {
  readonly [Index in keyof Values]: KeyField<Values[Index]>;
};

export function keySpace<Values extends readonly unknown[]>(
  prefix: string,
  ...fields: FieldsOf<Values>
): KeySpace<Values> {
  invariant(/^[a-z]+\/$/.test(prefix), 'a prefix is lower-case letters and a slash');
  const prefixBytes = new TextEncoder().encode(prefix);

  // Plain loops: a hundred thousand keys a block come from here, and must leave no garbage but themselves.
  const join = (values: readonly unknown[]): Uint8Array => {
    let length = prefixBytes.length;
    for (let i = 0; i < values.length; i++) length += fields[i]?.size(values[i]) ?? 0;
    if (length > MAX_KEY_BYTES) throw keyError(prefix, 'the key would be too long', { length });
    const key = new Uint8Array(length);
    copyInto(key, 0, prefixBytes);
    let at = prefixBytes.length;
    for (let i = 0; i < values.length; i++) {
      const field = fields[i];
      field?.write(values[i], key, at);
      at += field?.size(values[i]) ?? 0;
    }
    return key;
  };

  const decode = (key: Uint8Array): unknown[] => {
    const values: unknown[] = [];
    let at = prefixBytes.length;
    if (!prefixBytes.every((byte, i) => key[i] === byte))
      throw keyError(prefix, 'not a key of this space', { key });
    for (const field of fields) {
      const read = field.read(key, at);
      if (read === undefined) throw keyError(prefix, `no ${field.name} at byte ${at}`, { key });
      values.push(read.value);
      at = read.end;
    }
    if (at !== key.length) throw keyError(prefix, 'bytes follow the last field', { key });
    return values;
  };

  return {
    prefix,
    encode: (...values) => join(values),
    decode: (key) => decode(key) as unknown as Values,
    range: (...leading) => {
      const gte = join(leading);
      return { gte, lt: successor(gte) };
    },
  };
}

/** The smallest key above all keys that begin with `prefix`. */
function successor(prefix: Uint8Array): Uint8Array {
  let length = prefix.length;
  while (prefix[length - 1] === 0xff) length--;
  invariant(length > 0, 'a prefix begins with a letter');
  const next = prefix.slice(0, length);
  next[length - 1] = (next[length - 1] ?? 0) + 1;
  return next;
}

/** Unsigned integer of 1, 4 or 8 bytes, big-endian; of 8 bytes only what a JavaScript number holds exactly. */
export function uint(name: string, width: 1 | 4 | 8): KeyField<number> {
  const max = width === 8 ? Number.MAX_SAFE_INTEGER : 2 ** (8 * width) - 1;
  return {
    name,
    size: () => width,
    write: (value, into, at) => {
      if (!Number.isInteger(value) || value < 0 || value > max)
        throw keyError(name, `not a number from 0 to ${max}`, { value });
      let rest = value;
      for (let i = width - 1; i >= 0; i--) {
        into[at + i] = rest % 256;
        rest = Math.floor(rest / 256);
      }
    },
    read: (from, at) => {
      if (at + width > from.length) return undefined;
      let value = 0;
      for (let i = 0; i < width; i++) value = value * 256 + (from[at + i] ?? 0);
      return value > max ? undefined : { value, end: at + width };
    },
  };
}

/** Exactly `width` bytes. */
export function bytes(name: string, width: number): KeyField<Uint8Array> {
  return {
    name,
    size: () => width,
    write: (value, into, at) => {
      if (value.length !== width) throw keyError(name, `not ${width} bytes`, { length: value.length });
      copyInto(into, at, value);
    },
    read: (from, at) =>
      at + width > from.length ? undefined : { value: from.slice(at, at + width), end: at + width },
  };
}

/** Up to 255 bytes behind their number: keys sort by length first, and no value is the beginning of another. */
export function sizedBytes(name: string): KeyField<Uint8Array> {
  return {
    name,
    size: (value) => 1 + value.length,
    write: (value, into, at) => {
      if (value.length > 255) throw keyError(name, 'more than 255 bytes', { length: value.length });
      into[at] = value.length;
      copyInto(into, at + 1, value);
    },
    read: (from, at) => {
      const end = at + 1 + (from[at] ?? 0);
      return at >= from.length || end > from.length ? undefined : { value: from.slice(at + 1, end), end };
    },
  };
}

/** Nibbles (0–15, at most 64) behind their number, two in a byte: paths sort by depth, then by nibbles. */
export function nibblePath(name: string): KeyField<Uint8Array> {
  const width = (nibbles: number): number => 1 + Math.ceil(nibbles / 2);
  return {
    name,
    size: (path) => width(path.length),
    write: (path, into, at) => {
      if (path.length > MAX_NIBBLES) throw keyError(name, `not at most ${MAX_NIBBLES} nibbles`, { path });
      into[at] = path.length;
      for (let i = 0; i < path.length; i++) {
        const nibble = path[i] ?? 0;
        if (nibble > 15) throw keyError(name, 'a nibble is at most 15', { path });
        const byte = at + 1 + (i >> 1);
        into[byte] = i % 2 === 0 ? nibble << 4 : (into[byte] ?? 0) | nibble;
      }
    },
    read: (from, at) => {
      const length = from[at] ?? MAX_NIBBLES + 1;
      const end = at + width(length);
      if (length > MAX_NIBBLES || end > from.length) return undefined;
      const path = Uint8Array.from({ length }, (_, i) => {
        const byte = from[at + 1 + (i >> 1)] ?? 0;
        return i % 2 === 0 ? byte >> 4 : byte & 15;
      });
      const padded = length % 2 === 1 && ((from[end - 1] ?? 0) & 15) !== 0;
      return padded ? undefined : { value: path, end };
    },
  };
}

/** Nibbles of a SHA-256. */
const MAX_NIBBLES = 64;

/** A name of ASCII letters, behind its length. */
export function word(name: string): KeyField<string> {
  const sized = sizedBytes(name);
  return {
    name,
    size: (text) => 1 + text.length,
    write: (text, into, at) => {
      if (!WORD.test(text))
        throw keyError(name, 'not a word of 1 to 32 letters', { text: text.slice(0, 64) });
      into[at] = text.length;
      // Many times faster than a TextEncoder for a few letters.
      for (let i = 0; i < text.length; i++) into[at + 1 + i] = text.charCodeAt(i);
    },
    read: (from, at) => {
      const read = sized.read(from, at);
      if (read === undefined) return undefined;
      const text = new TextDecoder().decode(read.value);
      return WORD.test(text) ? { value: text, end: read.end } : undefined;
    },
  };
}

const WORD = /^[a-zA-Z]{1,32}$/;

/** Faster than `set` at the size of a field. */
function copyInto(key: Uint8Array, at: number, bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) key[at + i] = bytes[i] ?? 0;
}

function keyError(where: string, message: string, data: Readonly<Record<string, unknown>>): StoreError {
  const shown = Object.entries(data).map(([name, value]): [string, unknown] => [
    name,
    value instanceof Uint8Array ? toHex(value.subarray(0, 64)) : value,
  ]);
  return new StoreError('STORE_KEY_INVALID', `${where}: ${message}`, Object.fromEntries(shown));
}
