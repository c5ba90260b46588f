import { TYPE_RANGES } from '../../../protocol/graph/tensors.js';
import { CURVES, roundToEven } from './curves.js';
import { operand, repeatedTo, type FloatKernel } from './tensor.js';

type Pair = 'add' | 'sub' | 'mul' | 'div' | 'prelu';

function pairwise<Kind extends Pair>(combine: (a: number, b: number) => number): FloatKernel<Kind> {
  return (inputs, _, y) => {
    const [a, b] = [repeatedTo(operand(inputs, 0), y.shape), repeatedTo(operand(inputs, 1), y.shape)];
    for (let i = 0; i < y.data.length; i++) y.data[i] = combine(a[i] ?? 0, b[i] ?? 0);
  };
}

export const add = pairwise<'add'>((a, b) => a + b);
export const sub = pairwise<'sub'>((a, b) => a - b);
export const mul = pairwise<'mul'>((a, b) => a * b);
export const prelu = pairwise<'prelu'>((x, slope) => (x < 0 ? x * slope : x));

/** Whole numbers, which lie in doubles, are divided as whole numbers. */
export const div: FloatKernel<'div'> = (inputs, attributes, y) => {
  const isWhole = inputs.every(({ data }) => data instanceof Float64Array);
  pairwise<'div'>(isWhole ? (a, b) => Math.trunc(a / b) : (a, b) => a / b)(inputs, attributes, y);
};

export const clip: FloatKernel<'clip'> = (inputs, { low, high }, y) => {
  const { data } = operand(inputs, 0);
  for (let i = 0; i < data.length; i++) y.data[i] = Math.min(Math.max(data[i] ?? 0, low), high);
};

export const curve: FloatKernel<'curve'> = (inputs, { curve: name, alpha, beta }, y) => {
  const { data } = operand(inputs, 0);
  const f = CURVES[name];
  for (let i = 0; i < data.length; i++) y.data[i] = f(data[i] ?? 0, alpha, beta);
};

export const quantise: FloatKernel<'quantise'> = (inputs, { scale, zero, type }, y) => {
  const { data } = operand(inputs, 0);
  const { min, max } = TYPE_RANGES[type];
  for (let i = 0; i < data.length; i++)
    y.data[i] = Math.min(Math.max(roundToEven(Math.fround((data[i] ?? 0) / scale)) + zero, min), max);
};

export const dequantise: FloatKernel<'dequantise'> = (inputs, { scale, zero }, y) => {
  const { data } = operand(inputs, 0);
  for (let i = 0; i < data.length; i++) y.data[i] = ((data[i] ?? 0) - zero) * scale;
};

export const gather: FloatKernel<'gather'> = (inputs, _, y) => {
  const [data, indices] = [operand(inputs, 0), operand(inputs, 1)];
  const rows = data.shape[0] ?? 1;
  const length = data.data.length / rows;
  for (let i = 0; i < indices.data.length; i++) {
    const index = indices.data[i] ?? 0;
    const row = index < 0 ? index + rows : index;
    y.data.set(data.data.subarray(row * length, (row + 1) * length), i * length);
  }
};
