import { encodeRlp, rlpHeaderLength, writeRlpListHeader } from '../../../protocol/transactions/rlp-encode.js';
import { decodeRlp, type RlpItem } from '../../../protocol/transactions/rlp.js';
import { concatBytes } from '../../../protocol/bytes.js';
import type { Prng } from '../../support/prng.js';

export const SECP256K1_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** An envelope taken apart: every field is its encoded bytes, which a mutation may replace by anything. */
interface Parts {
  readonly typeByte: number | undefined;
  readonly fields: Uint8Array[];
}

type ByteMutation = (bytes: Uint8Array, prng: Prng) => Uint8Array;
type PartsMutation = (parts: Parts, prng: Prng) => void;

const BYTE_MUTATIONS: Readonly<Record<string, ByteMutation>> = {
  flipBit: (bytes, prng) => {
    const flipped = Uint8Array.from(bytes);
    const index = prng.below(bytes.length);
    flipped[index] = (flipped[index] ?? 0) ^ (1 << prng.below(8));
    return flipped;
  },
  replaceByte: (bytes, prng) => {
    const replaced = Uint8Array.from(bytes);
    replaced[prng.below(bytes.length)] = prng.below(256);
    return replaced;
  },
  insertByte: (bytes, prng) => {
    const at = prng.below(bytes.length + 1);
    return concatBytes(bytes.subarray(0, at), prng.bytes(1), bytes.subarray(at));
  },
  deleteByte: (bytes, prng) => {
    const at = prng.below(bytes.length);
    return concatBytes(bytes.subarray(0, at), bytes.subarray(at + 1));
  },
  truncate: (bytes, prng) => bytes.slice(0, prng.below(bytes.length)),
  pad: (bytes, prng) =>
    concatBytes(bytes, prng.chance(1, 2) ? prng.bytes(1 + prng.below(40)) : new Uint8Array(1)),
  wrapEnvelopeInString: (bytes) => encodeRlp(bytes),
  wrapEnvelopeInList: (bytes) => concatBytes(listHeader(bytes.length), bytes),
  changeType: (bytes, prng) =>
    concatBytes(Uint8Array.of(prng.below(6)), bytes.subarray((bytes[0] ?? 0) < 0xc0 ? 1 : 0)),
  dropType: (bytes) => bytes.subarray(1),
};

const PARTS_MUTATIONS: Readonly<Record<string, PartsMutation>> = {
  swapFields: ({ fields }, prng) => {
    const a = prng.below(fields.length);
    const b = prng.below(fields.length);
    [fields[a], fields[b]] = [field(fields, b), field(fields, a)];
  },
  duplicateField: ({ fields }, prng) => {
    const at = prng.below(fields.length);
    fields.splice(at, 0, field(fields, at));
  },
  dropField: ({ fields }, prng) => {
    fields.splice(prng.below(fields.length), 1);
  },
  dropSignature: ({ fields }) => {
    fields.splice(-3);
  },
  unsignedEip155: ({ typeByte, fields }, prng) => {
    const chainId = prng.chance(1, 2) ? 1234n : BigInt(prng.below(80));
    if (typeByte === undefined) fields.splice(-3, 3, encodeRlp(chainId), encodeRlp(0n), encodeRlp(0n));
    else fields.splice(-3);
  },
  leadingZero: ({ fields }, prng) => {
    const at = prng.below(fields.length);
    const item = decodeRlp(field(fields, at));
    if (item instanceof Uint8Array) fields[at] = encodeRlp(concatBytes(new Uint8Array(1), item));
  },
  wrapFieldInList: ({ fields }, prng) => {
    const at = prng.below(fields.length);
    const encoded = field(fields, at);
    fields[at] = concatBytes(listHeader(encoded.length), encoded);
  },
  emptyList: ({ fields }, prng) => {
    fields[prng.below(fields.length)] = Uint8Array.of(0xc0);
  },
  emptyString: ({ fields }, prng) => {
    fields[prng.below(fields.length)] = Uint8Array.of(0x80);
  },
  longForm: ({ fields }, prng) => {
    const at = prng.below(fields.length);
    fields[at] = withLongLength(field(fields, at), prng.below(3));
  },
  prefixedByte: ({ fields }, prng) => {
    fields[prng.below(fields.length)] = Uint8Array.of(0x81, prng.below(0x80));
  },
  giantLength: ({ fields }, prng) => {
    const prefix = prng.pick([0xb8, 0xbb, 0xbf, 0xf8, 0xfb, 0xff]);
    fields[prng.below(fields.length)] = concatBytes(Uint8Array.of(prefix), prng.bytes(8));
  },
  integer: ({ fields }, prng) => {
    const exponent = BigInt(prng.pick([0, 1, 7, 8, 53, 63, 64, 128, 255, 256, 264]));
    fields[prng.below(fields.length)] = encodeRlp(2n ** exponent - BigInt(prng.below(2)));
  },
  tip: ({ typeByte, fields }) => {
    if (typeByte === 2) [fields[2], fields[3]] = [field(fields, 3), field(fields, 2)];
  },
  addressLength: ({ typeByte, fields }, prng) => {
    const at = typeByte === undefined ? 3 : typeByte + 3;
    fields[at] = encodeRlp(prng.bytes(prng.pick([1, 19, 21, 32])));
  },
  accessList: ({ typeByte, fields }, prng) => {
    if (typeByte !== undefined) fields[fields.length - 4] = encodeRlp([oddAccessListEntry(prng)]);
  },
  parity: ({ fields }, prng) => {
    const v = prng.pick([0, 1, 2, 26, 27, 28, 29, 34, 35, 36, 37, 38, 2502, 2503, 2504, 2505]);
    fields[fields.length - 3] = encodeRlp(BigInt(v));
  },
  highS: ({ typeByte, fields }) => {
    const s = uintOf(field(fields, fields.length - 1));
    const v = uintOf(field(fields, fields.length - 3));
    fields[fields.length - 1] = encodeRlp(SECP256K1_ORDER - s);
    const flipped = typeByte === undefined ? (v % 2n === 1n ? v + 1n : v - 1n) : 1n - v;
    fields[fields.length - 3] = encodeRlp(flipped);
  },
  scalarRange: ({ fields }, prng) => {
    const scalar = prng.pick([
      0n,
      1n,
      SECP256K1_ORDER - 1n,
      SECP256K1_ORDER,
      SECP256K1_ORDER + 1n,
      2n ** 256n - 1n,
    ]);
    fields[fields.length - 1 - prng.below(2)] = encodeRlp(scalar);
  },
};

/** Bulky, so rare. */
const LARGE_MUTATIONS: Readonly<Record<string, PartsMutation>> = {
  initCode: ({ typeByte, fields }) => {
    const to = typeByte === undefined ? 3 : typeByte + 3;
    fields[to] = encodeRlp(0n);
    fields[to + 2] = encodeRlp(new Uint8Array(49_153));
  },
  tooLarge: ({ typeByte, fields }) => {
    fields[typeByte === undefined ? 5 : typeByte + 5] = encodeRlp(new Uint8Array(131_072));
  },
};

export interface Mutant {
  readonly mutation: string;
  readonly bytes: Uint8Array;
}

/** One or, at times, two mutations of a valid envelope. */
export function mutate(bytes: Uint8Array, prng: Prng): Mutant {
  const first = mutateOnce(bytes, prng);
  if (first.bytes.length === 0 || !prng.chance(1, 10)) return first;
  const name = prng.pick(Object.keys(BYTE_MUTATIONS));
  const second = BYTE_MUTATIONS[name]?.(first.bytes, prng) ?? first.bytes;
  return { mutation: `${first.mutation}+${name}`, bytes: second };
}

function mutateOnce(bytes: Uint8Array, prng: Prng): Mutant {
  const pool = prng.chance(1, 250) ? LARGE_MUTATIONS : { ...BYTE_MUTATIONS, ...PARTS_MUTATIONS };
  const mutation = prng.pick(Object.keys(pool));
  const onBytes = BYTE_MUTATIONS[mutation];
  if (onBytes !== undefined) return { mutation, bytes: onBytes(bytes, prng) };
  const parts = takeApart(bytes);
  (PARTS_MUTATIONS[mutation] ?? LARGE_MUTATIONS[mutation])?.(parts, prng);
  return { mutation, bytes: join(parts) };
}

function takeApart(bytes: Uint8Array): Parts {
  const first = bytes[0] ?? 0;
  const typeByte = first < 0xc0 ? first : undefined;
  const list = decodeRlp(typeByte === undefined ? bytes : bytes.subarray(1));
  if (list instanceof Uint8Array) throw new TypeError('an envelope holds a list');
  return { typeByte, fields: list.map((item) => encodeRlp(item)) };
}

function join({ typeByte, fields }: Parts): Uint8Array {
  const payload = concatBytes(...fields);
  const type = typeByte === undefined ? [] : [typeByte];
  return concatBytes(Uint8Array.from(type), listHeader(payload.length), payload);
}

function listHeader(length: number): Uint8Array {
  const header = new Uint8Array(rlpHeaderLength(length));
  writeRlpListHeader(header, 0, length);
  return header;
}

/** The same payload under a length of more bytes than needed. */
function withLongLength(encoded: Uint8Array, zeros: number): Uint8Array {
  const item: RlpItem = decodeRlp(encoded);
  const isList = !(item instanceof Uint8Array);
  const payload = isList ? concatBytes(...item.map((child) => encodeRlp(child))) : item;
  const length = [...new Uint8Array(zeros), payload.length >> 8, payload.length & 0xff];
  return concatBytes(Uint8Array.of((isList ? 0xf7 : 0xb7) + length.length, ...length), payload);
}

function oddAccessListEntry(prng: Prng): RlpItem {
  const address = prng.bytes(20);
  const key = prng.bytes(32);
  return prng.pick<RlpItem>([
    [prng.bytes(19), [key]],
    [prng.bytes(21), [key]],
    [address, [prng.bytes(31)]],
    [address, [concatBytes(new Uint8Array(1), key)]],
    [address, [key], key],
    [address],
    [[key], address],
    [address, key],
    address,
  ]);
}

function uintOf(encoded: Uint8Array): bigint {
  const item = decodeRlp(encoded);
  if (!(item instanceof Uint8Array)) throw new TypeError('an integer is a string');
  return item.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function field(fields: readonly Uint8Array[], index: number): Uint8Array {
  const found = fields[index];
  if (found === undefined) throw new RangeError(`no field ${index}`);
  return found;
}
