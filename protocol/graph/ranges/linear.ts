import type { Report } from '../faults.js';
import { lastTwo } from '../shapes/linear.js';
import { elementCount, sizeAt, type Range } from '../tensors.js';
import type { WindowAttributes } from '../operators.js';
import {
  accumulators,
  moved,
  outputRange,
  productOf,
  sumOf,
  times,
  union,
  type Known,
  type RangeRule,
} from './rules.js';

/** Where the weights of each output channel are: terms at `output·outputStride + term·termStride`. */
interface WeightLayout {
  readonly outputs: number;
  readonly terms: number;
  readonly outputStride: number;
  readonly termStride: number;
  /** Elements of all outputs together, after which another matrix of a batch begins. */
  readonly matrix: number;
}

export const conv2d: RangeRule<'conv2d'> = ({ x, weights, bias, scale }, attributes, report) => {
  const outputs = sizeAt(weights.tensor.shape, 0);
  const terms = elementCount(weights.tensor.shape.slice(1));
  const layout = { outputs, terms, outputStride: terms, termStride: 1, matrix: outputs * terms };
  const factor = paddedRange(moved(x.range, -attributes.zeroX), attributes);
  const sums = sumRanges(factor, weights, attributes.zeroWeights, layout, bias, report);
  return outputRange(sums, attributes, scale, report);
};

export const depthwiseConv2d: RangeRule<'depthwiseConv2d'> = (
  { x, weights, bias, scale },
  attributes,
  report,
) => {
  const outputs = sizeAt(weights.tensor.shape, 2);
  const terms = elementCount(weights.tensor.shape.slice(0, 2));
  const layout = { outputs, terms, outputStride: 1, termStride: outputs, matrix: outputs * terms };
  const factor = paddedRange(moved(x.range, -attributes.zeroX), attributes);
  const sums = sumRanges(factor, weights, attributes.zeroWeights, layout, bias, report);
  return outputRange(sums, attributes, scale, report);
};

export const matmul: RangeRule<'matmul'> = ({ a, b, bias, scale }, attributes, report) => {
  const { transposeB, zeroA, zeroB } = attributes;
  const [terms, outputs] = lastTwo(b.tensor.shape, transposeB);
  const [outputStride, termStride] = transposeB ? [terms, 1] : [1, outputs];
  const layout = { outputs, terms, outputStride, termStride, matrix: outputs * terms };
  const sums = sumRanges(moved(a.range, -zeroA), b, zeroB, layout, bias, report);
  return outputRange(sums, attributes, scale, report);
};

/** Taps beyond the edge add nothing. */
function paddedRange(range: Range, { padTop, padBottom, padLeft, padRight }: WindowAttributes): Range {
  const isPadded = padTop + padBottom + padLeft + padRight > 0;
  return isPadded ? union([range, { min: 0, max: 0 }]) : range;
}

/** Ranges of the sums of products, bias included: for each channel where weights are known, else one for all. */
function sumRanges(
  factor: Range,
  weights: Known,
  zero: number,
  layout: WeightLayout,
  bias: Known | undefined,
  report: Report,
): Range[] {
  const { data } = weights;
  if (data === undefined) {
    const products = times(productOf(factor, moved(weights.range, -zero)), layout.terms);
    return accumulators([bias === undefined ? products : sumOf(products, bias.range)], report);
  }
  const matrices = Math.floor(data.length / layout.matrix);
  const sums = Array.from({ length: layout.outputs }, (_, channel) => {
    const first = channel * layout.outputStride;
    const ofMatrices = Array.from({ length: matrices }, (__, matrix) =>
      sumRange(factor, data, zero, matrix * layout.matrix + first, layout),
    );
    return sumOf(union(ofMatrices), biasRange(bias, channel));
  });
  return accumulators(sums, report);
}

/** Each weight takes the end of `factor` that makes its product least, and greatest. */
function sumRange(
  factor: Range,
  weights: ArrayLike<number>,
  zero: number,
  first: number,
  { terms, termStride }: WeightLayout,
): Range {
  let positive = 0;
  let negative = 0;
  for (let term = 0; term < terms; term++) {
    const weight = (weights[first + term * termStride] ?? 0) - zero;
    if (weight > 0) positive += weight;
    else negative += weight;
  }
  return {
    min: positive * factor.min + negative * factor.max,
    max: positive * factor.max + negative * factor.min,
  };
}

function biasRange(bias: Known | undefined, channel: number): Range {
  if (bias === undefined) return { min: 0, max: 0 };
  if (bias.data === undefined) return bias.range;
  const value = bias.data[channel] ?? 0;
  return { min: value, max: value };
}
