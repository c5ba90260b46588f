import { MAX_SHIFT, MIN_SHIFT, outputElement } from '../fixed-point.js';
import type { Report } from '../faults.js';
import type { Attributes, OperandsAs, OperatorName, OutputStage } from '../operators.js';
import type { TensorData } from '../tensor-data.js';
import { contains, TYPE_RANGES, type Range, type TensorType } from '../tensors.js';

/** What is known of a tensor while ranges are proved. */
export interface Known {
  readonly tensor: TensorType;
  /** Every element is within. */
  readonly range: Range;
  /** The elements themselves: of constants, when weights are at hand. */
  readonly data: TensorData | undefined;
}

/** The range of what an operator makes. Reports sums that may overflow, indices that may miss and multipliers that mean nothing. */
export type RangeRule<Op extends OperatorName> = (
  operands: OperandsAs<Op, Known>,
  attributes: Attributes<Op>,
  report: Report,
) => Range;

const INT32 = TYPE_RANGES.int32;

export function moved({ min, max }: Range, by: number): Range {
  return { min: min + by, max: max + by };
}

export function union(ranges: readonly Range[]): Range {
  return {
    min: ranges.reduce((least, { min }) => Math.min(least, min), Number.POSITIVE_INFINITY),
    max: ranges.reduce((most, { max }) => Math.max(most, max), Number.NEGATIVE_INFINITY),
  };
}

export function clamped({ min, max }: Range, to: Range): Range {
  const into = (value: number): number => Math.min(Math.max(value, to.min), to.max);
  return { min: into(min), max: into(max) };
}

export function sumOf(a: Range, b: Range): Range {
  return { min: a.min + b.min, max: a.max + b.max };
}

export function times({ min, max }: Range, count: number): Range {
  return { min: min * count, max: max * count };
}

/** All products of one of `a` and one of `b`. */
export function productOf(a: Range, b: Range): Range {
  const products = [a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max];
  return { min: Math.min(...products), max: Math.max(...products) };
}

/** Reports, once, accumulators that do not fit 32 bits; gives what fits of each. */
export function accumulators(ranges: readonly Range[], report: Report): Range[] {
  const channel = ranges.findIndex((range) => !contains(INT32, range));
  const first = ranges[channel];
  if (first !== undefined) {
    const where = ranges.length > 1 ? ` in channel ${channel}` : '';
    report('ACCUMULATOR_OVERFLOW', `sums from ${first.min} to ${first.max}${where} do not fit 32 bits`);
  }
  return ranges.map((range) => clamped(range, INT32));
}

/**
 * Range of the elements that accumulators become.
 *
 * @param sums one range for all channels, or one for each
 */
export function outputRange(
  sums: readonly Range[],
  stage: OutputStage,
  scale: Known | undefined,
  report: Report,
): Range {
  const clamp: Range = { min: stage.low, max: stage.high };
  if (scale === undefined) return clamped(moved(union(sums), stage.zeroY), clamp);
  const { data, tensor } = scale;
  if (!(data instanceof Int32Array)) return clamp;
  const [rows = 1, columns = 2] = tensor.shape;
  if (!checkScale(data, report)) return clamp;
  const ranges = Array.from({ length: Math.max(rows, sums.length) }, (_, channel) => {
    const { min, max } = sums[channel % sums.length] ?? INT32;
    const turns = [-1, 0].filter((turn) => min < turn && turn < max);
    const values = [min, max, ...turns].map((value) =>
      outputElement(value, stage, data, columns, (channel % rows) * columns),
    );
    return { min: Math.min(...values), max: Math.max(...values) };
  });
  return union(ranges);
}

/** Whether pairs of multiplier and shift are ones; reports the first that is not. */
export function checkScale(pairs: Int32Array, report: Report, least = -INT32.max): boolean {
  for (let i = 0; i < pairs.length; i += 2) {
    const [multiplier = 0, shift = 0] = pairs.subarray(i, i + 2);
    if (multiplier >= least && shift >= MIN_SHIFT && shift <= MAX_SHIFT) continue;
    report('SCALE_INVALID', `multiplier ${multiplier} and shift ${shift} are not a scale`);
    return false;
  }
  return true;
}
