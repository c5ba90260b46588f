import { scaleRoundTerm, outputElement } from '../../protocol/graph/fixed-point.js';
import { lastSize, sizeAt, TYPE_RANGES } from '../../protocol/graph/tensors.js';
import type { Attributes, OperandsAs } from '../../protocol/graph/operators.js';
import { outputOf, writeAll } from './output.js';
import { centred } from './products.js';
import { repeated } from './strided.js';
import type { Kernel, Tensor } from './tensor.js';

export const add: Kernel<'add'> = (operands, attributes, y) => sumOrDifference(operands, attributes, y, 1);

export const sub: Kernel<'sub'> = (operands, attributes, y) => sumOrDifference(operands, attributes, y, -1);

export const mul: Kernel<'mul'> = ({ a, b, scale }, attributes, y) => {
  const left = centred(a.data, attributes.zeroA);
  const right = centred(repeatedLike(b, a), attributes.zeroB);
  for (let i = 0; i < left.length; i++) left[i] = Math.imul(left[i] ?? 0, right[i] ?? 0);
  writeAll(outputOf(attributes, scale), left, y);
};

export const requantise: Kernel<'requantise'> = ({ x, scale }, attributes, y) => {
  writeAll(outputOf(attributes, scale), centred(x.data, attributes.zeroX), y);
};

export const clamp: Kernel<'clamp'> = ({ x }, { low, high }, y) => {
  copyClamped(x, low, high, y);
};

export const cast: Kernel<'cast'> = ({ x }, { outType }, y) => {
  const { min, max } = TYPE_RANGES[outType];
  copyClamped(x, min, max, y);
};

export const lookup: Kernel<'lookup'> = ({ x, table }, _, y) => {
  const channels = lastSize(x.shape);
  const entries = lastSize(table.shape);
  const tableStride = table.shape.length === 2 ? entries : 0;
  const { min } = TYPE_RANGES[x.type];
  for (let i = 0; i < x.data.length; i++)
    y.data[i] = table.data[(i % channels) * tableStride + (x.data[i] ?? 0) - min] ?? 0;
};

export const compare: Kernel<'compare'> = ({ a, b }, { relation }, y) => {
  const right = repeatedLike(b, a);
  const holds = RELATIONS[relation];
  for (let i = 0; i < y.data.length; i++) y.data[i] = holds(a.data[i] ?? 0, right[i] ?? 0) ? 1 : 0;
};

const RELATIONS: Readonly<Record<Attributes<'compare'>['relation'], (a: number, b: number) => boolean>> = {
  equal: (a, b) => a === b,
  notEqual: (a, b) => a !== b,
  less: (a, b) => a < b,
  lessOrEqual: (a, b) => a <= b,
  greater: (a, b) => a > b,
  greaterOrEqual: (a, b) => a >= b,
};

export const select: Kernel<'select'> = ({ condition, a, b }, _, y) => {
  const isFirst = repeatedLike(condition, a);
  const second = repeatedLike(b, a);
  for (let i = 0; i < y.data.length; i++) y.data[i] = (isFirst[i] === 0 ? second[i] : a.data[i]) ?? 0;
};

export const gather: Kernel<'gather'> = ({ data, indices }, _, y) => {
  const length = Math.floor(data.data.length / sizeAt(data.shape, 0));
  for (let i = 0; i < indices.data.length; i++) {
    const from = (indices.data[i] ?? 0) * length;
    y.data.set(data.data.subarray(from, from + length), i * length);
  }
};

function sumOrDifference(
  { a, b, scale }: OperandsAs<'add', Tensor>,
  attributes: Attributes<'add'>,
  y: Tensor,
  sign: 1 | -1,
): void {
  const left = centred(a.data, attributes.zeroA);
  const right = centred(repeatedLike(b, a), attributes.zeroB);
  if (scale === undefined) {
    for (let i = 0; i < left.length; i++) left[i] = ((left[i] ?? 0) + sign * (right[i] ?? 0)) | 0;
    writeAll(outputOf(attributes, undefined), left, y);
    return;
  }
  const [scaleA = 0, shiftA = 1, scaleB = 0, shiftB = 1] = scale.data;
  const last = Int32Array.from(scale.data.subarray(4, 6));
  for (let i = 0; i < left.length; i++) {
    const sum =
      scaleRoundTerm(left[i] ?? 0, scaleA, shiftA) + sign * scaleRoundTerm(right[i] ?? 0, scaleB, shiftB);
    y.data[i] = outputElement(sum, attributes, last);
  }
}

function copyClamped(x: Tensor, low: number, high: number, y: Tensor): void {
  for (let i = 0; i < x.data.length; i++) y.data[i] = Math.min(Math.max(x.data[i] ?? 0, low), high);
}

function repeatedLike(small: Tensor, large: Tensor): Tensor['data'] {
  return repeated(small, large.shape);
}
