import { sizeAt, stridesOf } from '../../protocol/graph/tensors.js';
import { copyStrided, type View } from './strided.js';
import type { Kernel, Tensor } from './tensor.js';

export const concat: Kernel<'concat'> = ({ parts }, { axis }, y) => {
  const strides = stridesOf(y.shape);
  let offset = 0;
  for (const { data, shape } of parts) {
    copyStrided(shape, { data, offset: 0, strides: stridesOf(shape) }, { data: y.data, offset, strides });
    offset += sizeAt(shape, axis) * sizeAt(strides, axis);
  }
};

export const slice: Kernel<'slice'> = ({ x }, { begin, size, step }, y) => {
  const strides = stridesOf(x.shape);
  const offset = begin.reduce((sum, first, axis) => sum + first * sizeAt(strides, axis), 0);
  const steps = strides.map((stride, axis) => stride * sizeAt(step, axis));
  copyStrided(size, { data: x.data, offset, strides: steps }, whole(y));
};

/** Along each dimension a list says which element of x stands where; −1 is the value to pad with. */
export const pad: Kernel<'pad'> = ({ x }, { mode, value, before }, y) => {
  const sources = x.shape.map((size, axis) =>
    Int32Array.from({ length: sizeAt(y.shape, axis) }, (_, at) =>
      paddedIndex(at - (before[axis] ?? 0), size, mode),
    ),
  );
  const strides = stridesOf(x.shape);
  let at = 0;
  const fill = (axis: number, from: number): void => {
    for (const source of sources[axis] ?? []) {
      const next = from < 0 || source < 0 ? -1 : from + source * sizeAt(strides, axis);
      if (axis < sources.length - 1) fill(axis + 1, next);
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

export const transpose: Kernel<'transpose'> = ({ x }, { permutation }, y) => {
  const strides = stridesOf(x.shape);
  const permuted = permutation.map((axis) => sizeAt(strides, axis));
  copyStrided(y.shape, { data: x.data, offset: 0, strides: permuted }, whole(y));
};

export const reshape: Kernel<'reshape'> = ({ x }, _, y) => {
  y.data.set(x.data);
};

/** [batch, height, width, block, block, channels] or [.., channels, block, block] → [batch, height, block, width, block, channels] */
export const depthToSpace: Kernel<'depthToSpace'> = ({ x }, { block, order }, y) => {
  const [batch = 0, height = 0, width = 0] = x.shape;
  const channels = sizeAt(y.shape, 3);
  const sizes = [batch, height, block, width, block, channels];
  copyStrided(sizes, blocksOf(x, block, channels, order), { ...whole(y), strides: stridesOf(sizes) });
};

export const spaceToDepth: Kernel<'spaceToDepth'> = ({ x }, { block, order }, y) => {
  const [batch = 0, height = 0, width = 0] = y.shape;
  const channels = sizeAt(x.shape, 3);
  const sizes = [batch, height, block, width, block, channels];
  copyStrided(sizes, { ...whole(x), strides: stridesOf(sizes) }, blocksOf(y, block, channels, order));
};

/** A tensor whose channels hold blocks of pixels, seen as [batch, height, block, width, block, channels]. */
function blocksOf(
  { data, shape }: Tensor,
  block: number,
  channels: number,
  order: 'blockFirst' | 'channelFirst',
): View {
  const [batch = 0, height = 0, width = 0] = shape;
  const isBlockFirst = order === 'blockFirst';
  const inner = isBlockFirst ? [block, block, channels] : [channels, block, block];
  const strides = stridesOf([batch, height, width, ...inner]);
  const axes = isBlockFirst ? [0, 1, 3, 2, 4, 5] : [0, 1, 4, 2, 5, 3];
  return { data, offset: 0, strides: axes.map((axis) => sizeAt(strides, axis)) };
}

function whole({ data, shape }: Tensor): View {
  return { data, offset: 0, strides: stridesOf(shape) };
}
