import type { Report } from '../faults.js';
import type { GraphNode, OperandsAs, OperatorName } from '../operators.js';
import { tensorFault, type TensorType } from '../tensors.js';
import { addOrSub, cast, clamp, compare, gather, lookup, mul, requantise, select } from './elementwise.js';
import { concat, depthToSpace, pad, reshape, slice, spaceToDepth, transpose } from './layout.js';
import { conv2d, depthwiseConv2d, matmul } from './linear.js';
import { argmax, layerNorm, reduceMax, reduceSum, softmax } from './rows.js';
import type { ShapeRule } from './rules.js';
import { averagePool, maxPool, resize } from './windows.js';

const RULES: { readonly [Op in OperatorName]: ShapeRule<Op> } = {
  conv2d,
  depthwiseConv2d,
  matmul,
  add: addOrSub,
  sub: addOrSub,
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
  reshape,
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

/** The tensor a node makes. Reports all that forbids it; undefined where no type can be told. */
export function inferTensor(
  { op, attributes }: GraphNode,
  operands: OperandsAs<OperatorName, TensorType>,
  report: Report,
): TensorType | undefined {
  const rule = RULES[op] as ShapeRule<OperatorName>;
  const tensor = rule(operands, attributes, report);
  const fault = tensor && tensorFault(tensor);
  if (fault === undefined) return tensor;
  report('SHAPE_INVALID', `makes ${fault}`);
  return undefined;
}
