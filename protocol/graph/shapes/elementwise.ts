import type { Report } from '../faults.js';
import type { Attributes, OperandsAs } from '../operators.js';
import { broadcasts, lastSize, sameShape, type TensorType } from '../tensors.js';
import { checkClamp, checkOutput, checkSameType, checkType, checkZero, type ShapeRule } from './rules.js';

/** Multipliers of a scaled sum: for a, for b, for both together. */
const SUM_SCALE = [1, 6] as const;

export const addOrSub: ShapeRule<'add' | 'sub'> = (operands, attributes, report) => {
  const { a, scale } = operands;
  checkPair(operands, attributes, report);
  if (scale !== undefined) {
    checkType('scale', scale, ['int32'], report);
    if (!sameShape(scale.shape, SUM_SCALE))
      report('SHAPE_MISMATCH', `scale is ${scale.shape.join('×')}, not ${SUM_SCALE.join('×')}`);
  }
  return checkOutput(a.shape, attributes, undefined, report);
};

export const mul: ShapeRule<'mul'> = (operands, attributes, report) => {
  checkPair(operands, attributes, report);
  return checkOutput(operands.a.shape, attributes, operands.scale, report);
};

export const requantise: ShapeRule<'requantise'> = ({ x, scale }, attributes, report) => {
  checkZero('zeroX', attributes.zeroX, x.type, report);
  return checkOutput(x.shape, attributes, scale, report);
};

export const clamp: ShapeRule<'clamp'> = ({ x }, attributes, report) => {
  checkClamp(attributes, x.type, report);
  return x;
};

export const cast: ShapeRule<'cast'> = ({ x }, { outType }) => ({ type: outType, shape: x.shape });

/** table [entries] or, for a table for each channel, [channels, entries] */
export const lookup: ShapeRule<'lookup'> = ({ x, table }, _, report) => {
  checkType('x', x, ['int8', 'uint8', 'int16'], report);
  const entries = tableEntries(x);
  const perChannel = [lastSize(x.shape), entries];
  if (!sameShape(table.shape, [entries]) && !sameShape(table.shape, perChannel))
    report('SHAPE_MISMATCH', `table is ${table.shape.join('×')}, not ${entries} or ${perChannel.join('×')}`);
  return { type: table.type, shape: x.shape };
};

/** One for each value of the type. */
export function tableEntries({ type }: TensorType): number {
  return type === 'int16' ? 65_536 : 256;
}

export const compare: ShapeRule<'compare'> = ({ a, b }, _, report) => {
  checkSameType('a and b', a, b, report);
  checkBroadcast('b', b, a, report);
  return { type: 'uint8', shape: a.shape };
};

export const select: ShapeRule<'select'> = ({ condition, a, b }, _, report) => {
  checkType('condition', condition, ['uint8'], report);
  checkSameType('a and b', a, b, report);
  checkBroadcast('condition', condition, a, report);
  checkBroadcast('b', b, a, report);
  return a;
};

export const gather: ShapeRule<'gather'> = ({ data, indices }) => ({
  type: data.type,
  shape: [...indices.shape, ...data.shape.slice(1)],
});

function checkPair(
  { a, b }: OperandsAs<'add', TensorType>,
  { zeroA, zeroB }: Attributes<'add'>,
  report: Report,
): void {
  checkBroadcast('b', b, a, report);
  checkZero('zeroA', zeroA, a.type, report);
  checkZero('zeroB', zeroB, b.type, report);
}

function checkBroadcast(name: string, small: TensorType, large: TensorType, report: Report): void {
  if (!broadcasts(small.shape, large.shape))
    report('SHAPE_MISMATCH', `${name} ${small.shape.join('×')} does not repeat to ${large.shape.join('×')}`);
}
