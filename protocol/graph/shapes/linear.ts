import type { Report } from '../faults.js';
import { MAX_CHANNELS, MAX_TERMS, MAX_WINDOW } from '../limits.js';
import type { Attributes } from '../operators.js';
import { lastSize, sizeAt, type TensorType } from '../tensors.js';
import {
  checkLimit,
  checkOutput,
  checkRank,
  checkShape,
  checkType,
  checkZero,
  NARROW_TYPES,
  windowSizes,
  type ShapeRule,
} from './rules.js';

/** x [batch, height, width, channels], weights [outputs, kernel height, kernel width, channels of a group] */
export const conv2d: ShapeRule<'conv2d'> = ({ x, weights, bias, scale }, attributes, report) => {
  if (!checkRank('x', x, 4, report) || !checkRank('weights', weights, 4, report)) return undefined;
  const [batch = 0, , , channels = 0] = x.shape;
  const [outputs = 0, kernelHeight = 0, kernelWidth = 0, groupChannels = 0] = weights.shape;
  const { groups } = attributes;
  if (groupChannels * groups !== channels || outputs % groups !== 0)
    report(
      'SHAPE_MISMATCH',
      `${groups} groups of ${groupChannels} channels do not make ${channels} channels and ${outputs} outputs`,
    );
  checkLimit('terms of a sum', kernelHeight * kernelWidth * groupChannels, MAX_TERMS, report);
  checkProduct({ x, weights, bias }, attributes, outputs, report);
  const sizes = kernelWindows(x.shape, kernelHeight, kernelWidth, attributes, report);
  return sizes && checkOutput([batch, ...sizes, outputs], attributes, scale, report);
};

/** x [batch, height, width, channels], weights [kernel height, kernel width, channels × multiplier] */
export const depthwiseConv2d: ShapeRule<'depthwiseConv2d'> = (
  { x, weights, bias, scale },
  attributes,
  report,
) => {
  if (!checkRank('x', x, 4, report) || !checkRank('weights', weights, 3, report)) return undefined;
  const [batch = 0, , , channels = 0] = x.shape;
  const [kernelHeight = 0, kernelWidth = 0, outputs = 0] = weights.shape;
  if (outputs % channels !== 0)
    report('SHAPE_MISMATCH', `${outputs} outputs are not a multiple of ${channels} channels`);
  checkLimit('terms of a sum', kernelHeight * kernelWidth, MAX_TERMS, report);
  checkProduct({ x, weights, bias }, attributes, outputs, report);
  const sizes = kernelWindows(x.shape, kernelHeight, kernelWidth, attributes, report);
  return sizes && checkOutput([batch, ...sizes, outputs], attributes, scale, report);
};

/** a [batch…, rows, terms] by b [batch…, terms, columns], each with its last two dimensions swapped where transposed; b may lack the batch */
export const matmul: ShapeRule<'matmul'> = ({ a, b, bias, scale }, attributes, report) => {
  const rank = a.shape.length;
  if (rank < 2 || (b.shape.length !== rank && b.shape.length !== 2)) {
    report('SHAPE_MISMATCH', `a of ${rank} dimensions by b of ${b.shape.length}`);
    return undefined;
  }
  const [rows, terms] = lastTwo(a.shape, attributes.transposeA);
  const [termsOfB, columns] = lastTwo(b.shape, attributes.transposeB);
  const batch = a.shape.slice(0, -2);
  if (terms !== termsOfB) report('SHAPE_MISMATCH', `a has ${terms} terms, b ${termsOfB}`);
  if (b.shape.length > 2 && b.shape.slice(0, -2).join() !== batch.join())
    report('SHAPE_MISMATCH', `batch ${batch.join('×')} by ${b.shape.slice(0, -2).join('×')}`);
  checkLimit('terms of a sum', terms, MAX_TERMS, report);
  checkType('a', a, NARROW_TYPES, report);
  checkType('b', b, NARROW_TYPES, report);
  checkZero('zeroA', attributes.zeroA, a.type, report);
  checkZero('zeroB', attributes.zeroB, b.type, report);
  checkChannels(bias, columns, report);
  return checkOutput([...batch, rows, columns], attributes, scale, report);
};

/** Rows and columns of the matrices that a tensor's last two dimensions hold. */
export function lastTwo(shape: readonly number[], transposed: boolean): [number, number] {
  const [rows, columns] = [sizeAt(shape, shape.length - 2), lastSize(shape)];
  return transposed ? [columns, rows] : [rows, columns];
}

function checkProduct(
  { x, weights, bias }: { x: TensorType; weights: TensorType; bias: TensorType | undefined },
  { zeroX, zeroWeights }: { readonly zeroX: number; readonly zeroWeights: number },
  outputs: number,
  report: Report,
): void {
  checkType('x', x, NARROW_TYPES, report);
  checkType('weights', weights, NARROW_TYPES, report);
  checkZero('zeroX', zeroX, x.type, report);
  checkZero('zeroWeights', zeroWeights, weights.type, report);
  checkChannels(bias, outputs, report);
}

/** Channels of sums, and the bias that has one number for each. */
function checkChannels(bias: TensorType | undefined, outputs: number, report: Report): void {
  checkLimit('outputs', outputs, MAX_CHANNELS, report);
  if (bias === undefined) return;
  checkType('bias', bias, ['int32'], report);
  checkShape('bias', bias, [outputs], report);
}

function kernelWindows(
  shape: readonly number[],
  kernelHeight: number,
  kernelWidth: number,
  attributes: Attributes<'depthwiseConv2d'>,
  report: Report,
): readonly [number, number] | undefined {
  const { dilationHeight, dilationWidth } = attributes;
  const largest = Math.max(kernelHeight, kernelWidth, dilationHeight, dilationWidth);
  checkLimit('kernel or dilation', largest, MAX_WINDOW, report);
  const reach = [(kernelHeight - 1) * dilationHeight + 1, (kernelWidth - 1) * dilationWidth + 1] as const;
  return windowSizes(shape, reach, attributes, report);
}
