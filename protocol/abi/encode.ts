import { concatBytes, joinBytes } from '../bytes.js';
import { AbiError, headBytes, isDynamic, type AbiType, type AbiValue } from './types.js';

/**
 * The canonical ABI encoding of `values`, one for each of `types` (Solidity's "Contract ABI Specification", strict mode).
 *
 * @throws AbiError ABI_VALUE_TYPE | ABI_VALUE_RANGE | ABI_VALUE_COUNT
 */
export function encodeAbi(types: readonly AbiType[], values: readonly AbiValue[]): Uint8Array {
  if (values.length !== types.length) throw wrongCount(types.length, values.length);
  const headLength = types.reduce((sum, type) => sum + headBytes(type), 0);
  const heads: Uint8Array[] = [];
  const tails: Uint8Array[] = [];
  let tailOffset = headLength;
  types.forEach((type, index) => {
    const encoded = encodeValue(type, values[index] ?? false);
    if (!isDynamic(type)) {
      heads.push(encoded);
      return;
    }
    heads.push(word(BigInt(tailOffset)));
    tails.push(encoded);
    tailOffset += encoded.length;
  });
  return joinBytes(heads.concat(tails));
}

/** One 32-byte word, big-endian; negative numbers in two's complement. */
export function word(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  let rest = BigInt.asUintN(256, value);
  for (let i = 31; rest > 0n; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

/**
 * What stands inside a byte string or, as UTF-8, a text.
 *
 * @throws AbiError ABI_VALUE_TYPE
 */
export function contentBytes(kind: 'bytes' | 'string', value: AbiValue): Uint8Array {
  if (kind === 'bytes' && value instanceof Uint8Array) return value;
  if (kind === 'string' && typeof value === 'string' && isWellFormed(value)) {
    return new TextEncoder().encode(value);
  }
  throw wrongType(kind);
}

function encodeValue(type: AbiType, value: AbiValue): Uint8Array {
  switch (type.kind) {
    case 'uint':
      return word(inRange(type.kind, value, 0n, (1n << BigInt(type.bits)) - 1n));
    case 'int': {
      const half = 1n << BigInt(type.bits - 1);
      return word(inRange(type.kind, value, -half, half - 1n));
    }
    case 'bool':
      if (typeof value !== 'boolean') throw wrongType(type.kind);
      return word(value ? 1n : 0n);
    case 'address':
      return padLeft(ofLength(type.kind, value, 20));
    case 'fixedBytes':
      return padRight(ofLength(type.kind, value, type.length));
    case 'bytes':
    case 'string': {
      const content = contentBytes(type.kind, value);
      return concatBytes(word(BigInt(content.length)), padRight(content));
    }
    case 'array':
      return encodeArray(type, value);
    case 'tuple':
      return encodeAbi(type.members, listOf(type.kind, value));
  }
}

function encodeArray(type: AbiType & { kind: 'array' }, value: AbiValue): Uint8Array {
  const items = listOf(type.kind, value);
  if (type.length !== undefined && items.length !== type.length) throw wrongCount(type.length, items.length);
  const encoded = encodeAbi(
    items.map(() => type.element),
    items,
  );
  return type.length === undefined ? concatBytes(word(BigInt(items.length)), encoded) : encoded;
}

function inRange(kind: string, value: AbiValue, min: bigint, max: bigint): bigint {
  if (typeof value !== 'bigint') throw wrongType(kind);
  if (value < min || value > max) {
    throw new AbiError('ABI_VALUE_RANGE', `${kind} is out of range`, { value, min, max });
  }
  return value;
}

function ofLength(kind: string, value: AbiValue, length: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw wrongType(kind);
  if (value.length !== length) throw wrongCount(length, value.length);
  return value;
}

function listOf(kind: string, value: AbiValue): readonly AbiValue[] {
  if (!Array.isArray(value)) throw wrongType(kind);
  return value as readonly AbiValue[];
}

function padLeft(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(32);
  padded.set(bytes, 32 - bytes.length);
  return padded;
}

function padRight(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil(bytes.length / 32) * 32);
  padded.set(bytes);
  return padded;
}

/** UTF-16 without lone surrogates, which `TextEncoder` would silently replace. */
function isWellFormed(text: string): boolean {
  return !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
}

function wrongType(kind: string): AbiError {
  return new AbiError('ABI_VALUE_TYPE', `not a value of type ${kind}`, { kind });
}

function wrongCount(expected: number, received: number): AbiError {
  return new AbiError('ABI_VALUE_COUNT', `expected ${expected}, got ${received}`, { expected, received });
}
