import { lastSize, sizeAt, TYPE_RANGES, type Range } from '../tensors.js';
import {
  accumulators,
  checkScale,
  moved,
  outputRange,
  productOf,
  sumOf,
  times,
  type RangeRule,
} from './rules.js';

export const reduceSum: RangeRule<'reduceSum'> = ({ x, scale }, attributes, report) => {
  const { axis, zeroX } = attributes;
  const sum = times(moved(x.range, -zeroX), sizeAt(x.tensor.shape, axis));
  return outputRange(accumulators([sum], report), attributes, scale, report);
};

export const argmax: RangeRule<'argmax'> = ({ x }, { axis }) => ({
  min: 0,
  max: sizeAt(x.tensor.shape, axis) - 1,
});

/** Shares of each type: of 256, moved for int8; of 32,768. */
export const softmax: RangeRule<'softmax'> = ({ x, scale }, { outType }, report) => {
  accumulators([{ min: 0, max: x.range.max - x.range.min }], report);
  if (scale.data instanceof Int32Array) checkScale(scale.data, report, 0);
  const { min, max } = TYPE_RANGES[outType];
  return { min: outType === 'int16' ? 0 : min, max };
};

/** A normalised element is a 16-bit number. */
export const layerNorm: RangeRule<'layerNorm'> = ({ x, gamma, beta, scale }, attributes, report) => {
  const channels = gamma.data === undefined && beta.data === undefined ? 1 : lastSize(x.tensor.shape);
  const at = (values: ArrayLike<number> | undefined, channel: number, range: Range): Range => {
    const value = values?.[channel];
    return value === undefined ? range : { min: value, max: value };
  };
  const sums = Array.from({ length: channels }, (_, channel) => {
    const product = productOf(TYPE_RANGES.int16, at(gamma.data, channel, gamma.range));
    return sumOf(product, at(beta.data, channel, beta.range));
  });
  return outputRange(accumulators(sums, report), attributes, scale, report);
};
