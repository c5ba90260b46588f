import type { Report } from '../faults.js';
import { scaleRoundTerm } from '../fixed-point.js';
import { sizeAt, TYPE_RANGES, type Range } from '../tensors.js';
import { rangeOfData } from '../weights.js';
import {
  accumulators,
  checkScale,
  clamped,
  moved,
  outputRange,
  productOf,
  sumOf,
  union,
  type Known,
  type RangeRule,
} from './rules.js';

export const add: RangeRule<'add'> = ({ a, b, scale }, attributes, report) => {
  const { zeroA, zeroB } = attributes;
  return sumRange(moved(a.range, -zeroA), moved(b.range, -zeroB), 1, attributes, scale, report);
};

export const sub: RangeRule<'sub'> = ({ a, b, scale }, attributes, report) => {
  const { zeroA, zeroB } = attributes;
  return sumRange(moved(a.range, -zeroA), moved(b.range, -zeroB), -1, attributes, scale, report);
};

export const mul: RangeRule<'mul'> = ({ a, b, scale }, attributes, report) => {
  const product = productOf(moved(a.range, -attributes.zeroA), moved(b.range, -attributes.zeroB));
  return outputRange(accumulators([product], report), attributes, scale, report);
};

export const requantise: RangeRule<'requantise'> = ({ x, scale }, attributes, report) =>
  outputRange([moved(x.range, -attributes.zeroX)], attributes, scale, report);

export const clamp: RangeRule<'clamp'> = ({ x }, { low, high }) => clamped(x.range, { min: low, max: high });

export const cast: RangeRule<'cast'> = ({ x }, { outType }) => clamped(x.range, TYPE_RANGES[outType]);

/** The entries that x can reach, of every channel's table. */
export const lookup: RangeRule<'lookup'> = ({ x, table }) => {
  const { data } = table;
  if (data === undefined) return table.range;
  const { min, max } = moved(x.range, -TYPE_RANGES[x.tensor.type].min);
  const entries = sizeAt(table.tensor.shape, table.tensor.shape.length - 1);
  const tables = Array.from({ length: Math.floor(data.length / entries) }, (_, row) =>
    rangeOfData(data, row * entries + min, row * entries + max + 1),
  );
  return union(tables);
};

export const compare: RangeRule<'compare'> = () => ({ min: 0, max: 1 });

export const select: RangeRule<'select'> = ({ a, b }) => union([a.range, b.range]);

export const gather: RangeRule<'gather'> = ({ data, indices }, _, report) => {
  const rows = sizeAt(data.tensor.shape, 0);
  const { min, max } = indices.range;
  if (min < 0 || max >= rows) report('INDEX_OUT_OF_RANGE', `indices from ${min} to ${max} miss ${rows} rows`);
  return data.range;
};

function sumRange(
  a: Range,
  b: Range,
  sign: 1 | -1,
  stage: Parameters<typeof outputRange>[1],
  scale: Known | undefined,
  report: Report,
): Range {
  if (scale === undefined)
    return outputRange(accumulators([sumOf(a, signed(b, sign))], report), stage, undefined, report);
  const { data } = scale;
  if (!(data instanceof Int32Array) || !checkScale(data, report)) return { min: stage.low, max: stage.high };
  const sum = sumOf(termRange(a, data, 0), signed(termRange(b, data, 2), sign));
  const last: Known = {
    tensor: { type: 'int32', shape: [1, 2] },
    range: scale.range,
    data: data.subarray(4),
  };
  return outputRange([sum], stage, last, report);
}

function termRange({ min, max }: Range, scale: Int32Array, at: number): Range {
  const [multiplier = 0, shift = 1] = scale.subarray(at, at + 2);
  const ends = [scaleRoundTerm(min, multiplier, shift), scaleRoundTerm(max, multiplier, shift)];
  return { min: Math.min(...ends), max: Math.max(...ends) };
}

function signed({ min, max }: Range, sign: 1 | -1): Range {
  return sign === 1 ? { min, max } : { min: -max, max: -min };
}
