import { MAX_SHIFT, MIN_SHIFT } from '../../../protocol/graph/fixed-point.js';
import { TYPE_RANGES, type DataType, type Range } from '../../../protocol/graph/tensors.js';

/** What whole numbers of a tensor stand for: real = scale · (q − zero). */
export interface Grid {
  readonly type: DataType;
  readonly scale: number;
  readonly zero: number;
}

/** Ends of an interval of fractions. */
export interface Interval {
  readonly min: number;
  readonly max: number;
}

/** Less than this is nothing: a scale of a tensor that is always zero. */
const LEAST_SCALE = 2 ** -30;

/**
 * The finest grid of a type that reaches over an interval and has zero on it. Narrow types use all their numbers; wider ones lie evenly
 * around zero, so that no zero point is ever subtracted.
 */
export function gridOver({ min, max }: Interval, type: DataType): Grid {
  const [low, high] = [Math.min(min, 0), Math.max(max, 0)];
  const { min: least, max: most } = TYPE_RANGES[type];
  if (type === 'int16' || type === 'int32') return symmetricGrid(Math.max(-low, high), type);
  const scale = Math.max((high - low) / (most - least), LEAST_SCALE);
  return { type, scale, zero: Math.min(Math.max(Math.round(least - low / scale), least), most) };
}

export function symmetricGrid(largest: number, type: DataType, most = TYPE_RANGES[type].max): Grid {
  return { type, scale: Math.max(largest / most, LEAST_SCALE), zero: 0 };
}

/** Elements of a type that an interval of fractions becomes. */
export function rangeOn({ type, scale, zero }: Grid, { min, max }: Interval): Range {
  return { min: elementOn({ type, scale, zero }, min), max: elementOn({ type, scale, zero }, max) };
}

/** The element nearest to a fraction. */
export function elementOn({ type, scale, zero }: Grid, value: number): number {
  const { min, max } = TYPE_RANGES[type];
  if (Number.isNaN(value)) return min;
  return Math.min(Math.max(Math.round(value / scale) + zero, min), max);
}

export function sameGrid(a: Grid, b: Grid): boolean {
  return a.type === b.type && a.zero === b.zero && Math.abs(a.scale / b.scale - 1) < 1e-7;
}

/** The multiplier and shift nearest to a factor: 31 bits of it where it is not tiny. A factor beyond 2³⁰ saturates. */
export function multiplierOf(factor: number): [multiplier: number, shift: number] {
  if (factor === 0) return [0, MIN_SHIFT];
  const size = Math.abs(factor);
  const shift = Math.min(Math.max(30 - Math.floor(Math.log2(size)), MIN_SHIFT), MAX_SHIFT);
  const multiplier = Math.round(size * 2 ** shift);
  if (multiplier === 2 ** 31 && shift > MIN_SHIFT) return [Math.sign(factor) * 2 ** 30, shift - 1];
  return [Math.sign(factor) * Math.min(multiplier, 2 ** 31 - 1), shift];
}

/** The greatest magnitude in a list; 0 of an empty one. */
export function largestOf(list: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < list.length; i++) largest = Math.max(largest, Math.abs(list[i] ?? 0));
  return largest;
}
