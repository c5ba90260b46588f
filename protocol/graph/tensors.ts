import { MAX_RANK, MAX_TENSOR_BYTES } from './limits.js';

/** Element types, by their code on the wire. Codes are never reused. */
export const DATA_TYPES = ['int8', 'uint8', 'int16', 'int32'] as const;

export type DataType = (typeof DATA_TYPES)[number];

/** What is known of a tensor before it is computed. Row-major, the last dimension innermost: images are [batch, height, width, channels]. */
export interface TensorType {
  readonly type: DataType;
  /** 1 to 6 dimensions, each at least 1. */
  readonly shape: readonly number[];
}

/** Closed interval of whole numbers. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

export const TYPE_BYTES: Readonly<Record<DataType, number>> = { int8: 1, uint8: 1, int16: 2, int32: 4 };

/** All that an element of each type can hold. */
export const TYPE_RANGES: Readonly<Record<DataType, Range>> = {
  int8: { min: -128, max: 127 },
  uint8: { min: 0, max: 255 },
  int16: { min: -32_768, max: 32_767 },
  int32: { min: -2_147_483_648, max: 2_147_483_647 },
};

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Bytes of a tensor where it is stored, sent or hashed: dense, little-endian. */
export function tensorBytes({ type, shape }: TensorType): number {
  return elementCount(shape) * TYPE_BYTES[type];
}

/** Bytes with each row (the last dimension) rounded up to whole 32-bit words, as a GPU may keep it. */
export function wordAlignedBytes({ type, shape }: TensorType): number {
  const row = lastSize(shape) * TYPE_BYTES[type];
  return Math.floor(elementCount(shape) / lastSize(shape)) * 4 * Math.ceil(row / 4);
}

/** Why `tensor` cannot be one, or undefined. */
export function tensorFault(tensor: TensorType): string | undefined {
  const { shape } = tensor;
  if (shape.length < 1 || shape.length > MAX_RANK)
    return `${shape.length} dimensions are not 1 to ${MAX_RANK}`;
  if (!shape.every((size) => Number.isInteger(size) && size >= 1))
    return `dimensions ${shape.join('×')} are not positive`;
  if (!(wordAlignedBytes(tensor) <= MAX_TENSOR_BYTES))
    return `${shape.join('×')} ${tensor.type} exceeds ${MAX_TENSOR_BYTES} bytes`;
  return undefined;
}

/** Size of dimension `axis`; 1 where the shape has none. */
export function sizeAt(shape: readonly number[], axis: number): number {
  return shape[axis] ?? 1;
}

/** Size of the innermost dimension. */
export function lastSize(shape: readonly number[]): number {
  return sizeAt(shape, shape.length - 1);
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** Whether `small` fits `shape` by repetition: aligned at the last dimension, each size equal or 1. */
export function broadcasts(small: readonly number[], shape: readonly number[]): boolean {
  const offset = shape.length - small.length;
  return offset >= 0 && small.every((size, axis) => size === 1 || size === shape[offset + axis]);
}

/** Elements between neighbours along each dimension. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--)
    strides[axis] = sizeAt(strides, axis + 1) * sizeAt(shape, axis + 1);
  return strides;
}

/** Strides by which `small` is read as if it had `shape`: 0 along every dimension it repeats in. */
export function broadcastStrides(small: readonly number[], shape: readonly number[]): number[] {
  const offset = shape.length - small.length;
  const strides = stridesOf(small);
  return shape.map((_, axis) =>
    axis < offset || small[axis - offset] === 1 ? 0 : sizeAt(strides, axis - offset),
  );
}

export function contains(outer: Range, inner: Range): boolean {
  return outer.min <= inner.min && inner.max <= outer.max;
}
