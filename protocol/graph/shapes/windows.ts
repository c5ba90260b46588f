import type { Report } from '../faults.js';
import { MAX_AVERAGE_AREA, MAX_RESIZE, MAX_WINDOW } from '../limits.js';
import type { Attributes } from '../operators.js';
import { sizeAt, type TensorType } from '../tensors.js';
import {
  checkLimit,
  checkRank,
  checkType,
  checkZero,
  NARROW_TYPES,
  windowSizes,
  type ShapeRule,
} from './rules.js';

export const maxPool: ShapeRule<'maxPool'> = ({ x }, attributes, report) => poolShape(x, attributes, report);

export const averagePool: ShapeRule<'averagePool'> = ({ x }, attributes, report) => {
  checkType('x', x, NARROW_TYPES, report);
  checkZero('zeroX', attributes.zeroX, x.type, report);
  const area = attributes.kernelHeight * attributes.kernelWidth;
  checkLimit('window of', area, MAX_AVERAGE_AREA, report);
  return poolShape(x, attributes, report);
};

export const resize: ShapeRule<'resize'> = ({ x }, { height, width, mode }, report) => {
  if (!checkRank('x', x, 4, report)) return undefined;
  if (mode === 'bilinear') checkType('x', x, NARROW_TYPES, report);
  const largest = Math.max(height, width, sizeAt(x.shape, 1), sizeAt(x.shape, 2));
  checkLimit('height or width', largest, MAX_RESIZE, report);
  return { type: x.type, shape: [sizeAt(x.shape, 0), height, width, sizeAt(x.shape, 3)] };
};

/** Padding is narrower than the kernel, so that every window holds an element. */
function poolShape(x: TensorType, attributes: Attributes<'maxPool'>, report: Report): TensorType | undefined {
  if (!checkRank('x', x, 4, report)) return undefined;
  const { kernelHeight, kernelWidth, padTop, padBottom, padLeft, padRight } = attributes;
  checkLimit('kernel', Math.max(kernelHeight, kernelWidth), MAX_WINDOW, report);
  if (Math.max(padTop, padBottom) >= kernelHeight || Math.max(padLeft, padRight) >= kernelWidth)
    report('WINDOW_INVALID', `padding is not narrower than the kernel of ${kernelHeight}×${kernelWidth}`);
  const sizes = windowSizes(x.shape, [kernelHeight, kernelWidth], attributes, report);
  return sizes && { type: x.type, shape: [sizeAt(x.shape, 0), ...sizes, sizeAt(x.shape, 3)] };
}
