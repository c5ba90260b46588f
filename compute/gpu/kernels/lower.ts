import type { Attributes, GraphNode, OperandsAs, OperatorName } from '../../../protocol/graph/operators.js';
import { depthwiseConv2d } from './depthwise.js';
import { add, cast, clamp, compare, gather, lookup, mul, requantise, select, sub } from './elementwise.js';
import type { DeviceTensor, Lowering } from './kernel.js';
import { concat, depthToSpace, pad, slice, spaceToDepth, transpose } from './layout.js';
import { conv2d, matmul } from './products.js';
import { argmax, layerNorm, reduceMax, reduceSum, softmax } from './rows.js';
import { averagePool, maxPool, resize } from './windows.js';

/** What an operator is on a device: kernels that fill `y`, in order. */
export type Lower<Op extends OperatorName> = (
  operands: OperandsAs<Op, DeviceTensor>,
  attributes: Attributes<Op>,
  y: DeviceTensor,
  make: Lowering,
) => void;

/** Reshape has none: its tensor is that of its operand. */
const LOWER: { readonly [Op in Exclude<OperatorName, 'reshape'>]: Lower<Op> } = {
  conv2d,
  depthwiseConv2d,
  matmul,
  add,
  sub,
  mul,
  requantise,
  clamp,
  lookup,
  cast,
  compare,
  select,
  gather,
  concat,
  slice,
  pad,
  transpose,
  resize,
  depthToSpace,
  spaceToDepth,
  maxPool,
  averagePool,
  reduceSum,
  reduceMax,
  argmax,
  softmax,
  layerNorm,
};

export function lowerNode(
  { op, attributes }: Exclude<GraphNode, { op: 'reshape' }>,
  operands: OperandsAs<OperatorName, DeviceTensor>,
  y: DeviceTensor,
  make: Lowering,
): void {
  const lower = LOWER[op] as Lower<OperatorName>;
  lower(operands, attributes, y, make);
}
