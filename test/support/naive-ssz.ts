import { createHash } from 'node:crypto';
import {
  BitListType,
  ByteListType,
  ByteVectorType,
  ContainerType,
  ListBasicType,
  ListCompositeType,
  UintBigintType,
  UintNumberType,
  UnionType,
  type BitArray,
} from '@chainsafe/ssz';

/**
 * SSZ straight from its specification, slow and obvious: an oracle for the library and for the checks on top of it. It takes
 * only the *description* of a type from the library.
 *
 * Source: ethereum/consensus-specs, ssz/simple-serialize.md.
 */
export function naiveSerialize(type: unknown, value: unknown): Buffer {
  if (type instanceof UintNumberType || type instanceof UintBigintType)
    return uint(value as number, type.byteLength);
  if (type instanceof ByteVectorType || type instanceof ByteListType) return Buffer.from(value as Uint8Array);
  if (type instanceof BitListType) {
    const bits = value as BitArray;
    const withEnd = [...bits.toBoolArray(), true];
    return packBits(withEnd);
  }
  if (type instanceof UnionType) {
    const { selector, value: inner } = value as { selector: number; value: unknown };
    return Buffer.concat([Buffer.from([selector]), naiveSerialize(memberOf(type, selector), inner)]);
  }
  return serializeParts(children(type, value));
}

export function naiveRoot(type: unknown, value: unknown): Buffer {
  if (type instanceof UintNumberType || type instanceof UintBigintType || type instanceof ByteVectorType) {
    return merkleize(chunks(naiveSerialize(type, value)));
  }
  if (type instanceof ByteListType) {
    const bytes = Buffer.from(value as Uint8Array);
    return mixIn(merkleize(chunks(bytes), Math.ceil(type.limitBytes / 32)), bytes.length);
  }
  if (type instanceof BitListType) {
    const bits = (value as BitArray).toBoolArray();
    return mixIn(merkleize(chunks(packBits(bits)), Math.ceil(type.limitBits / 256)), bits.length);
  }
  if (type instanceof UnionType) {
    const { selector, value: inner } = value as { selector: number; value: unknown };
    return mixIn(naiveRoot(memberOf(type, selector), inner), selector);
  }
  if (type instanceof ListBasicType) {
    const bytes = naiveSerialize(type, value);
    const limit = Math.ceil((type.limit * (type.elementType as UintNumberType).byteLength) / 32);
    return mixIn(merkleize(chunks(bytes), limit), (value as unknown[]).length);
  }
  const roots = children(type, value).map((child) => naiveRoot(child.type, child.value));
  return type instanceof ListCompositeType
    ? mixIn(merkleize(roots, type.limit), roots.length)
    : merkleize(roots);
}

function memberOf(type: { readonly types: unknown }, selector: number): unknown {
  return (type.types as readonly unknown[])[selector];
}

interface Child {
  readonly type: unknown;
  readonly value: unknown;
}

function children(type: unknown, value: unknown): Child[] {
  if (type instanceof ListCompositeType || type instanceof ListBasicType) {
    return (value as unknown[]).map((item) => ({ type: type.elementType as unknown, value: item }));
  }
  if (type instanceof ContainerType) {
    const record = value as Record<string, unknown>;
    return Object.entries(type.fields as Record<string, unknown>).map(([name, field]) => ({
      type: field,
      value: record[name],
    }));
  }
  throw new TypeError('type not known to the naive implementation');
}

function serializeParts(parts: readonly Child[]): Buffer {
  const encoded = parts.map((part) => ({
    bytes: naiveSerialize(part.type, part.value),
    fixed: (part.type as { fixedSize: number | null }).fixedSize !== null,
  }));
  const headLength = encoded.reduce((sum, part) => sum + (part.fixed ? part.bytes.length : 4), 0);
  let tailLength = 0;
  const heads: Buffer[] = [];
  for (const part of encoded) {
    heads.push(part.fixed ? part.bytes : uint(headLength + tailLength, 4));
    if (!part.fixed) tailLength += part.bytes.length;
  }
  return Buffer.concat([...heads, ...encoded.filter((part) => !part.fixed).map((part) => part.bytes)]);
}

function uint(value: number | bigint, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let rest = BigInt(value);
  for (let i = 0; i < length; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

function packBits(bits: readonly boolean[]): Buffer {
  const bytes = Buffer.alloc(Math.ceil(bits.length / 8));
  bits.forEach((bit, i) => {
    if (bit) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (1 << (i & 7));
  });
  return bytes;
}

function chunks(bytes: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / 32) }, (_, i) =>
    Buffer.concat([bytes.subarray(32 * i, 32 * i + 32), Buffer.alloc(32)], 32),
  );
}

function merkleize(leaves: readonly Buffer[], limit = leaves.length): Buffer {
  const depth = limit <= 1 ? 0 : Math.ceil(Math.log2(limit));
  let layer = [...leaves];
  let zero: Buffer = Buffer.alloc(32);
  for (let level = 0; level < depth; level++) {
    const next: Buffer[] = [];
    for (let i = 0; i < layer.length; i += 2) next.push(sha256(layer[i] ?? zero, layer[i + 1] ?? zero));
    zero = sha256(zero, zero);
    layer = next;
  }
  return layer[0] ?? zero;
}

function mixIn(root: Buffer, length: number): Buffer {
  return sha256(root, uint(length, 32));
}

function sha256(left: Buffer, right: Buffer): Buffer {
  return createHash('sha256').update(left).update(right).digest();
}
