import type { Report } from '../faults.js';
import type { GraphNode, OperandsAs, OperatorName } from '../operators.js';
import type { Range } from '../tensors.js';
import { add, cast, clamp, compare, gather, lookup, mul, requantise, select, sub } from './elementwise.js';
import { conv2d, depthwiseConv2d, matmul } from './linear.js';
import { argmax, layerNorm, reduceSum, softmax } from './rows.js';
import { union, type Known, type RangeRule } from './rules.js';

/** Elements are moved, or means of elements rounded to the nearest: none is less than the least or more than the greatest. */
const unchanged = ({ x }: { readonly x: Known }): Range => x.range;

const RULES: { readonly [Op in OperatorName]: RangeRule<Op> } = {
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
  concat: ({ parts }) => union(parts.map(({ range }) => range)),
  slice: unchanged,
  pad: ({ x }, { mode, value }) =>
    mode === 'constant' ? union([x.range, { min: value, max: value }]) : x.range,
  transpose: unchanged,
  reshape: unchanged,
  resize: unchanged,
  depthToSpace: unchanged,
  spaceToDepth: unchanged,
  maxPool: unchanged,
  averagePool: ({ x }, { countPadding, zeroX }) =>
    countPadding ? union([x.range, { min: zeroX, max: zeroX }]) : x.range,
  reduceSum,
  reduceMax: unchanged,
  argmax,
  softmax,
  layerNorm,
};

/** The range of what a node makes. */
export function inferRange(
  { op, attributes }: GraphNode,
  operands: OperandsAs<OperatorName, Known>,
  report: Report,
): Range {
  const rule = RULES[op] as RangeRule<OperatorName>;
  return rule(operands, attributes, report);
}
