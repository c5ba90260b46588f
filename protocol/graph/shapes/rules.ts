import type { Report } from '../faults.js';
import { MAX_CHANNELS, MAX_WINDOW } from '../limits.js';
import type { Attributes, OperandsAs, OperatorName, OutputStage, WindowAttributes } from '../operators.js';
import { contains, lastSize, sizeAt, TYPE_RANGES, type DataType, type TensorType } from '../tensors.js';

/**
 * The tensor that an operator makes of operands of these types. Reports everything that forbids it, and returns undefined where no type
 * can be told.
 */
export type ShapeRule<Op extends OperatorName> = (
  operands: OperandsAs<Op, TensorType>,
  attributes: Attributes<Op>,
  report: Report,
) => TensorType | undefined;

/** Types whose products can be summed. */
export const NARROW_TYPES: readonly DataType[] = ['int8', 'uint8', 'int16'];

export function checkType(
  name: string,
  { type }: TensorType,
  allowed: readonly DataType[],
  report: Report,
): void {
  if (!allowed.includes(type))
    report('TYPE_UNSUPPORTED', `${name} is ${type}, not one of ${allowed.join(', ')}`);
}

export function checkSameType(names: string, a: TensorType, b: TensorType, report: Report): void {
  if (a.type !== b.type) report('TYPE_MISMATCH', `${names} are ${a.type} and ${b.type}`);
}

export function checkRank(name: string, { shape }: TensorType, rank: number, report: Report): boolean {
  if (shape.length === rank) return true;
  report('SHAPE_MISMATCH', `${name} has ${shape.length} dimensions, not ${rank}`);
  return false;
}

export function checkShape(
  name: string,
  { shape }: TensorType,
  expected: readonly number[],
  report: Report,
): void {
  if (shape.join() !== expected.join())
    report('SHAPE_MISMATCH', `${name} is ${shape.join('×')}, not ${expected.join('×')}`);
}

export function checkAxis(axis: number, { shape }: TensorType, report: Report): boolean {
  if (axis < shape.length) return true;
  report('SHAPE_MISMATCH', `axis ${axis} is not one of ${shape.length} dimensions`);
  return false;
}

export function checkLimit(what: string, value: number, limit: number, report: Report): void {
  if (value > limit) report('LIMIT_EXCEEDED', `${what} ${value} exceeds ${limit}`);
}

export function checkVector(
  name: string,
  vector: readonly number[],
  length: number,
  report: Report,
): boolean {
  if (vector.length === length) return true;
  report('ATTRIBUTE_COUNT', `${name} has ${vector.length} integers, not ${length}`);
  return false;
}

/** A zero point is a value of its tensor's type; of int32 tensors it is 0. */
export function checkZero(name: string, zero: number, type: DataType, report: Report): void {
  const range = type === 'int32' ? { min: 0, max: 0 } : TYPE_RANGES[type];
  if (zero < range.min || zero > range.max)
    report('ZERO_POINT_INVALID', `${name} ${zero} is not within ${range.min} and ${range.max}`);
}

/**
 * How an accumulator becomes an element of `shape`.
 *
 * @param scale rows of one multiplier or of two (the second for negative accumulators): a row for all, or one for each channel
 */
export function checkOutput(
  shape: readonly number[],
  stage: OutputStage,
  scale: TensorType | undefined,
  report: Report,
): TensorType {
  checkClamp(stage, stage.outType, report);
  checkZero('zeroY', stage.zeroY, stage.outType, report);
  if (scale !== undefined) {
    checkType('scale', scale, ['int32'], report);
    checkLimit('rows of scale', sizeAt(scale.shape, 0), MAX_CHANNELS, report);
    const [rows = 0, columns = 0] = scale.shape;
    const channels = lastSize(shape);
    if (scale.shape.length !== 2 || (rows !== 1 && rows !== channels) || (columns !== 2 && columns !== 4))
      report('SHAPE_MISMATCH', `scale is ${scale.shape.join('×')}, not 1 or ${channels} rows of 2 or 4`);
  }
  return { type: stage.outType, shape };
}

export function checkClamp(
  { low, high }: { readonly low: number; readonly high: number },
  type: DataType,
  report: Report,
): void {
  if (low > high || !contains(TYPE_RANGES[type], { min: low, max: high }))
    report('CLAMP_INVALID', `${low} to ${high} is not a range of ${type}`);
}

/**
 * Places of a window along one dimension.
 *
 * @param reach elements from the first to the last tap, dilation included
 */
export function windowCount(
  size: number,
  reach: number,
  stride: number,
  before: number,
  after: number,
): number {
  return Math.floor((size + before + after - reach) / stride) + 1;
}

/** Height and width of what windows over an image make; undefined where none fits. */
export function windowSizes(
  [, height = 0, width = 0]: readonly number[],
  [reachHeight, reachWidth]: readonly [number, number],
  window: WindowAttributes,
  report: Report,
): readonly [number, number] | undefined {
  const { strideHeight, strideWidth, padTop, padBottom, padLeft, padRight } = window;
  const largest = Math.max(strideHeight, strideWidth, padTop, padBottom, padLeft, padRight);
  checkLimit('stride or padding', largest, MAX_WINDOW, report);
  const rows = windowCount(height, reachHeight, strideHeight, padTop, padBottom);
  const columns = windowCount(width, reachWidth, strideWidth, padLeft, padRight);
  if (rows >= 1 && columns >= 1) return [rows, columns];
  report('WINDOW_INVALID', `no window of ${reachHeight}×${reachWidth} fits ${height}×${width}`);
  return undefined;
}
