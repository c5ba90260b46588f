import { EXPONENT_BITS, EXPONENT_END, POWERS_OF_TWO } from '../../protocol/graph/exponential.js';
import { scaleRound } from '../../protocol/graph/fixed-point.js';
import { elementCount, lastSize, sizeAt, TYPE_RANGES } from '../../protocol/graph/tensors.js';
import { outputOf, writeAll } from './output.js';
import type { Kernel, Tensor } from './tensor.js';
import { divideRounded } from './windows.js';

export const reduceSum: Kernel<'reduceSum'> = ({ x, scale }, attributes, y) => {
  const { axis, zeroX } = attributes;
  const sums = new Int32Array(y.data.length);
  eachLine(x, axis, (first, stride, length, at) => {
    let sum = 0;
    for (let i = 0; i < length; i++) sum = (sum + (x.data[first + i * stride] ?? 0) - zeroX) | 0;
    sums[at] = sum;
  });
  writeAll(outputOf(attributes, scale), sums, y);
};

export const reduceMax: Kernel<'reduceMax'> = ({ x }, { axis }, y) => {
  eachLine(x, axis, (first, stride, length, at) => {
    y.data[at] = x.data[first + stride * greatest(x, first, stride, length)] ?? 0;
  });
};

/** The first of equals. */
export const argmax: Kernel<'argmax'> = ({ x }, { axis }, y) => {
  eachLine(x, axis, (first, stride, length, at) => {
    y.data[at] = greatest(x, first, stride, length);
  });
};

/** Shares of powers of two of what each element falls short of the greatest in its row. */
export const softmax: Kernel<'softmax'> = ({ x, scale }, { outType }, y) => {
  const length = lastSize(x.shape);
  const [multiplier = 0, shift = 1] = scale.data;
  const bits = outType === 'int16' ? 15 : 8;
  const zero = outType === 'int8' ? -128 : 0;
  const { max } = TYPE_RANGES[outType];
  const powers = new Uint32Array(length);
  for (let row = 0; row < x.data.length; row += length) {
    const most = x.data[row + greatest(x, row, 1, length)] ?? 0;
    let sum = 0;
    for (let i = 0; i < length; i++) {
      powers[i] = powerOfTwo(scaleRound(most - (x.data[row + i] ?? 0), multiplier, shift));
      sum += powers[i] ?? 0;
    }
    for (let i = 0; i < length; i++) {
      const share = Math.floor(((powers[i] ?? 0) * 2 ** bits + Math.floor(sum / 2)) / sum);
      y.data[row + i] = Math.min(share + zero, max);
    }
  }
};

/** 2^16 · 2^(−exponent/256), rounded to the nearest for exponents below 256, from there on by halving and rounding down. */
function powerOfTwo(exponent: number): number {
  if (exponent >= EXPONENT_END) return 0;
  return (POWERS_OF_TWO[exponent & (2 ** EXPONENT_BITS - 1)] ?? 0) >>> (exponent >> EXPONENT_BITS);
}

/** Bits after the point of a normalised element. */
const NORMAL_BITS = 11;

/** Each row less its mean, over its standard deviation, times gamma plus beta. */
export const layerNorm: Kernel<'layerNorm'> = ({ x, gamma, beta, scale }, attributes, y) => {
  const length = lastSize(x.shape);
  const sums = new Int32Array(x.data.length);
  const centred = new Int32Array(length);
  for (let row = 0; row < x.data.length; row += length) {
    const variance = centreRow(x, row, centred) + attributes.epsilon;
    const { root, doublings } = normalisedRoot(variance);
    const inverse = Math.floor(0xffff_ffff / root);
    for (let i = 0; i < length; i++) {
      const value = (centred[i] ?? 0) * 2 ** doublings;
      const normal = scaleRound(value, inverse, 32 - NORMAL_BITS);
      const held = Math.min(Math.max(normal, -0x8000), 0x7fff);
      sums[row + i] = Math.imul(held, gamma.data[i] ?? 0) + (beta.data[i] ?? 0);
    }
  }
  writeAll(outputOf(attributes, scale), sums, y);
};

/** Fills `centred` with a row less its mean, with 8 more bits than 8-bit elements have; gives the mean of their squares, rounded down. */
function centreRow(x: Tensor, row: number, centred: Int32Array): number {
  const { length } = centred;
  const unit = x.data.BYTES_PER_ELEMENT === 1 ? 256 : 1;
  let sum = 0;
  for (let i = 0; i < length; i++) sum += x.data[row + i] ?? 0;
  const mean = divideRounded(sum * unit, length);
  let squares = 0;
  for (let i = 0; i < length; i++) {
    const difference = (x.data[row + i] ?? 0) * unit - mean;
    centred[i] = difference;
    squares += difference * difference;
  }
  return Math.floor(squares / length);
}

/** ⌊√(variance · 4^doublings)⌋ with the most doublings that keep the radicand below 2^32, so that the root has 16 bits. */
export function normalisedRoot(variance: number): { root: number; doublings: number } {
  let doublings = 0;
  let radicand = variance;
  while (radicand < 2 ** 30) {
    radicand *= 4;
    doublings++;
  }
  return { root: Math.floor(Math.sqrt(radicand)), doublings };
}

/** Visits every line of x along an axis, in the order of the elements that remain. */
function eachLine(
  x: Tensor,
  axis: number,
  visit: (first: number, stride: number, length: number, at: number) => void,
): void {
  const length = sizeAt(x.shape, axis);
  const stride = elementCount(x.shape.slice(axis + 1));
  for (let at = 0; at * length < x.data.length; at++)
    visit(Math.floor(at / stride) * stride * length + (at % stride), stride, length, at);
}

/** Place of the first greatest element of a line. */
function greatest({ data }: Tensor, first: number, stride: number, length: number): number {
  let most = 0;
  for (let i = 1; i < length; i++)
    if ((data[first + i * stride] ?? 0) > (data[first + most * stride] ?? 0)) most = i;
  return most;
}
