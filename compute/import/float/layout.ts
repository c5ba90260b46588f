import { stridesOf } from '../../../protocol/graph/tensors.js';
import { elementCount } from '../model.js';
import type { FloatData, FloatTensor } from '../network/network.js';
import { operand, type FloatKernel } from './tensor.js';

interface View {
  readonly data: FloatData;
  readonly offset: number;
  readonly strides: readonly number[];
}

function copyStrided(sizes: readonly number[], source: View, target: View): void {
  const copy = (axis: number, from: number, to: number): void => {
    const [size, step, stride] = [sizes[axis] ?? 1, source.strides[axis] ?? 1, target.strides[axis] ?? 1];
    for (let i = 0; i < size; i++)
      if (axis >= sizes.length - 1) target.data[to + i * stride] = source.data[from + i * step] ?? 0;
      else copy(axis + 1, from + i * step, to + i * stride);
  };
  if (elementCount(sizes) > 0) copy(0, source.offset, target.offset);
}

function whole({ data, shape }: FloatTensor): View {
  return { data, offset: 0, strides: stridesOf(shape) };
}

export const concat: FloatKernel<'concat'> = (inputs, { axis }, y) => {
  const { strides } = whole(y);
  let offset = 0;
  for (const part of inputs) {
    copyStrided(part.shape, whole(part), { data: y.data, offset, strides });
    offset += (part.shape[axis] ?? 1) * (strides[axis] ?? 1);
  }
};

export const slice: FloatKernel<'slice'> = (inputs, { begin, size, step }, y) => {
  const { data, strides } = whole(operand(inputs, 0));
  const offset = begin.reduce((sum, first, axis) => sum + first * (strides[axis] ?? 1), 0);
  const steps = strides.map((stride, axis) => stride * (step[axis] ?? 1));
  copyStrided(size, { data, offset, strides: steps }, whole(y));
};

export const transpose: FloatKernel<'transpose'> = (inputs, { permutation }, y) => {
  const { data, strides } = whole(operand(inputs, 0));
  copyStrided(y.shape, { data, offset: 0, strides: permutation.map((axis) => strides[axis] ?? 1) }, whole(y));
};

export const reshape: FloatKernel<'reshape'> = (inputs, _, y) => {
  y.data.set(operand(inputs, 0).data);
};

export const pad: FloatKernel<'pad'> = (inputs, { mode, value, before }, y) => {
  const x = operand(inputs, 0);
  const { strides } = whole(x);
  let at = 0;
  const fill = (axis: number, from: number): void => {
    for (let i = 0; i < (y.shape[axis] ?? 1); i++) {
      const source = paddedIndex(i - (before[axis] ?? 0), x.shape[axis] ?? 1, mode);
      const next = from < 0 || source < 0 ? -1 : from + source * (strides[axis] ?? 1);
      if (axis < y.shape.length - 1) fill(axis + 1, next);
      else y.data[at++] = next < 0 ? value : (x.data[next] ?? 0);
    }
  };
  fill(0, 0);
};

function paddedIndex(index: number, size: number, mode: 'constant' | 'edge' | 'reflect'): number {
  if (index >= 0 && index < size) return index;
  if (mode === 'constant') return -1;
  if (mode === 'edge') return index < 0 ? 0 : size - 1;
  return index < 0 ? -index : 2 * (size - 1) - index;
}

export const depthToSpace: FloatKernel<'depthToSpace'> = (inputs, { block, order }, y) => {
  const x = operand(inputs, 0);
  const [batch = 0, height = 0, width = 0] = x.shape;
  const sizes = [batch, height, block, width, block, y.shape[3] ?? 1];
  copyStrided(sizes, blocksOf(x, block, y.shape[3] ?? 1, order), { ...whole(y), strides: stridesOf(sizes) });
};

export const spaceToDepth: FloatKernel<'spaceToDepth'> = (inputs, { block, order }, y) => {
  const x = operand(inputs, 0);
  const [batch = 0, height = 0, width = 0] = y.shape;
  const sizes = [batch, height, block, width, block, x.shape[3] ?? 1];
  copyStrided(sizes, { ...whole(x), strides: stridesOf(sizes) }, blocksOf(y, block, x.shape[3] ?? 1, order));
};

function blocksOf(
  { data, shape: [batch = 0, height = 0, width = 0] }: FloatTensor,
  block: number,
  channels: number,
  order: 'blockFirst' | 'channelFirst',
): View {
  const isBlockFirst = order === 'blockFirst';
  const inner = isBlockFirst ? [block, block, channels] : [channels, block, block];
  const strides = stridesOf([batch, height, width, ...inner]);
  const axes = isBlockFirst ? [0, 1, 3, 2, 4, 5] : [0, 1, 4, 2, 5, 3];
  return { data, offset: 0, strides: axes.map((axis) => strides[axis] ?? 1) };
}
