import type { TensorData } from '../../protocol/graph/tensor-data.js';
import { allocateTensor } from '../../protocol/graph/tensor-data.js';
import {
  broadcastStrides,
  elementCount,
  sameShape,
  sizeAt,
  stridesOf,
} from '../../protocol/graph/tensors.js';
import type { Tensor } from './tensor.js';

/** A tensor seen from an offset, with a step along each dimension. */
export interface View {
  readonly data: TensorData;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Copies a block of the given sizes from one view to another. */
export function copyStrided(sizes: readonly number[], source: View, target: View): void {
  copyFrom(0, sizes, source, source.offset, target, target.offset);
}

function copyFrom(
  axis: number,
  sizes: readonly number[],
  source: View,
  from: number,
  target: View,
  to: number,
): void {
  const size = sizeAt(sizes, axis);
  const [sourceStride, targetStride] = [sizeAt(source.strides, axis), sizeAt(target.strides, axis)];
  if (axis === sizes.length - 1) {
    const { data } = target;
    for (let i = 0; i < size; i++) data[to + i * targetStride] = source.data[from + i * sourceStride] ?? 0;
    return;
  }
  for (let i = 0; i < size; i++)
    copyFrom(axis + 1, sizes, source, from + i * sourceStride, target, to + i * targetStride);
}

/** The elements of a tensor repeated to fill `shape`. */
export function repeated(tensor: Tensor, shape: readonly number[]): TensorData {
  if (sameShape(tensor.shape, shape)) return tensor.data;
  const data = allocateTensor(tensor.type, elementCount(shape));
  const source = { data: tensor.data, offset: 0, strides: broadcastStrides(tensor.shape, shape) };
  copyStrided(shape, source, { data, offset: 0, strides: stridesOf(shape) });
  return data;
}
