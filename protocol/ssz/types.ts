import './hasher.js';
import {
  BitListType,
  ByteListType,
  ByteVectorType,
  ListBasicType,
  ListCompositeType,
  UintBigintType,
  UintNumberType,
  UnionType,
  type BasicType,
  type BitArray,
  type ByteViews,
  type CompositeType,
  type CompositeTypeAny,
  type CompositeView,
  type CompositeViewDU,
  type ValueOf,
} from '@chainsafe/ssz';
import { OgpuError } from '../errors.js';

export { BitArray, ContainerType, type ValueOf } from '@chainsafe/ssz';

/**
 * The SSZ building blocks of this project. The library leaves three holes, closed here so that no value has two encodings and
 * no encoding has two values:
 *
 * - `uint64` as a number loses precision above 2^53: refused on decoding;
 * - numbers out of range wrap around on encoding: refused;
 * - byte strings and lists of the wrong length encode into something else: refused.
 */
export class SszError extends OgpuError<
  'SSZ_TOO_LONG' | 'SSZ_MALFORMED' | 'SSZ_UNSAFE_INTEGER' | 'SSZ_VALUE_RANGE' | 'SSZ_VALUE_LENGTH'
> {}

class CheckedUint extends UintNumberType {
  readonly #max: number;

  constructor(byteLength: 1 | 2 | 4 | 8) {
    super(byteLength);
    this.#max = byteLength === 8 ? Number.MAX_SAFE_INTEGER : 2 ** (8 * byteLength) - 1;
  }

  override value_serializeToBytes(output: ByteViews, offset: number, value: number): number {
    if (!Number.isInteger(value) || value < 0 || value > this.#max || Object.is(value, -0)) {
      throw new SszError('SSZ_VALUE_RANGE', `${value} is not a ${this.typeName}`, {
        value,
        type: this.typeName,
      });
    }
    return super.value_serializeToBytes(output, offset, value);
  }

  override value_deserializeFromBytes(data: ByteViews, start: number, end: number): number {
    const value = super.value_deserializeFromBytes(data, start, end);
    if (value > this.#max) {
      throw new SszError('SSZ_UNSAFE_INTEGER', 'integer above 2^53 - 1', { type: this.typeName });
    }
    return value;
  }
}

class CheckedBigUint extends UintBigintType {
  override value_serializeToBytes(output: ByteViews, offset: number, value: bigint): number {
    if (value < 0n || BigInt.asUintN(8 * this.byteLength, value) !== value) {
      throw new SszError('SSZ_VALUE_RANGE', `${value.toString()} is not a ${this.typeName}`, {
        value,
        type: this.typeName,
      });
    }
    return super.value_serializeToBytes(output, offset, value);
  }
}

function assertLength(actual: number, holds: boolean, type: string): void {
  if (!holds)
    throw new SszError('SSZ_VALUE_LENGTH', `length ${actual} does not fit ${type}`, { actual, type });
}

class CheckedByteVector extends ByteVectorType {
  override value_serializeToBytes(output: ByteViews, offset: number, value: Uint8Array): number {
    assertLength(value.length, value.length === this.lengthBytes, this.typeName);
    return super.value_serializeToBytes(output, offset, value);
  }

  override hashTreeRootInto(value: Uint8Array, output: Uint8Array, offset: number): void {
    assertLength(value.length, value.length === this.lengthBytes, this.typeName);
    super.hashTreeRootInto(value, output, offset);
  }
}

class CheckedByteList extends ByteListType {
  override value_serializedSize(value: Uint8Array): number {
    assertLength(value.length, value.length <= this.limitBytes, this.typeName);
    return super.value_serializedSize(value);
  }

  override hashTreeRootInto(value: Uint8Array, output: Uint8Array, offset: number): void {
    assertLength(value.length, value.length <= this.limitBytes, this.typeName);
    super.hashTreeRootInto(value, output, offset);
  }
}

class CheckedBitList extends BitListType {
  override value_serializedSize(value: BitArray): number {
    this.#assertWellFormed(value);
    return super.value_serializedSize(value);
  }

  override hashTreeRootInto(value: BitArray, output: Uint8Array, offset: number): void {
    this.#assertWellFormed(value);
    super.hashTreeRootInto(value, output, offset);
  }

  /** No bits beyond the length, or the value would decode as another. */
  #assertWellFormed({ bitLen, uint8Array }: BitArray): void {
    const fits = bitLen <= this.limitBits && uint8Array.length === Math.ceil(bitLen / 8);
    const lastByte = uint8Array.at(-1) ?? 0;
    assertLength(bitLen, fits && (bitLen % 8 === 0 || lastByte >> (bitLen % 8) === 0), this.typeName);
  }
}

/** The member types of a union, by selector. */
type Members = ConstructorParameters<typeof UnionType>[0];

class CheckedUnion<Types extends Members> extends UnionType<Types> {
  override value_serializedSize(value: ValueOf<UnionType<Types>>): number {
    this.#assertSelector(value);
    return super.value_serializedSize(value);
  }

  override hashTreeRootInto(value: ValueOf<UnionType<Types>>, output: Uint8Array, offset: number): void {
    this.#assertSelector(value);
    super.hashTreeRootInto(value, output, offset);
  }

  #assertSelector({ selector }: { readonly selector: number }): void {
    if (this.types[selector] !== undefined) return;
    throw new SszError('SSZ_VALUE_RANGE', `no member ${selector} of ${this.typeName}`, { selector });
  }
}

/** The library's own constraint on the element type of a list; its types are invariant in the value, hence `any`. */
type ElementOf<Element extends CompositeTypeAny> = CompositeType<
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  any,
  CompositeView<Element>,
  CompositeViewDU<Element>
>;

class CheckedList<Element extends ElementOf<Element>> extends ListCompositeType<Element> {
  override value_serializedSize(value: ValueOf<Element>[]): number {
    assertLength(value.length, value.length <= this.limit, this.typeName);
    return super.value_serializedSize(value);
  }

  override hashTreeRootInto(
    value: ValueOf<Element>[],
    output: Uint8Array,
    offset: number,
    safeCache?: boolean,
  ): void {
    assertLength(value.length, value.length <= this.limit, this.typeName);
    super.hashTreeRootInto(value, output, offset, safeCache);
  }
}

class CheckedBasicList<Element extends BasicType<unknown>> extends ListBasicType<Element> {
  override value_serializedSize(value: ValueOf<Element>[]): number {
    assertLength(value.length, value.length <= this.limit, this.typeName);
    return super.value_serializedSize(value);
  }

  override hashTreeRootInto(value: ValueOf<Element>[], output: Uint8Array, offset: number): void {
    assertLength(value.length, value.length <= this.limit, this.typeName);
    super.hashTreeRootInto(value, output, offset);
  }
}

export const uint8: UintNumberType = new CheckedUint(1);
export const uint16: UintNumberType = new CheckedUint(2);
export const uint32: UintNumberType = new CheckedUint(4);

/** 64 bits on the wire, a safe integer (≤ 2^53 − 1) in memory. */
export const uint64: UintNumberType = new CheckedUint(8);
export const uint128: UintBigintType = new CheckedBigUint(16);
export const uint256: UintBigintType = new CheckedBigUint(32);

export const bytes12: ByteVectorType = new CheckedByteVector(12);
export const bytes20: ByteVectorType = new CheckedByteVector(20);
export const bytes32: ByteVectorType = new CheckedByteVector(32);
export const bytes48: ByteVectorType = new CheckedByteVector(48);
export const bytes96: ByteVectorType = new CheckedByteVector(96);
export const bytes256: ByteVectorType = new CheckedByteVector(256);

export function byteList(limitBytes: number): ByteListType {
  return new CheckedByteList(limitBytes);
}

export function bitList(limitBits: number): BitListType {
  return new CheckedBitList(limitBits);
}

export function listOf<Element extends ElementOf<Element>>(
  element: Element,
  limit: number,
): ListCompositeType<Element> {
  return new CheckedList<Element>(element, limit);
}

/** A list of numbers. */
export function numbersOf(element: UintNumberType, limit: number): ListBasicType<UintNumberType> {
  return new CheckedBasicList(element, limit);
}

export function unionOf<Types extends Members>(types: Types): UnionType<Types> {
  return new CheckedUnion<Types>(types);
}
