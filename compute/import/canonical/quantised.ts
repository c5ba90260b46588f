import type { DataType } from '../../../protocol/graph/tensors.js';
import { malformed, unsupported } from '../model-error.js';
import type { QuantisedConstant, ValueId } from '../network/network.js';
import type { NodeContext, Rule } from './context.js';
import { alike, binary } from './elementwise.js';
import { convolve, multiply } from './linear.js';
import { plainValue, type Logical } from './logical.js';

/** What a scale and zero point say: one of each for all, or one for each channel. */
interface Grid {
  readonly scales: readonly number[];
  readonly zeros: readonly number[];
  readonly type: DataType;
}

function gridOf(node: NodeContext, scalePlace: number | undefined, zeroPlace: number): Grid {
  const scales = scalePlace === undefined ? [1] : node.numbers(scalePlace, 'a scale');
  const zeros = node.optionalNumbers(zeroPlace, 'a zero point') ?? [0];
  const type = node.typeOf(zeroPlace) ?? 'uint8';
  if (type !== 'int8' && type !== 'uint8' && type !== 'int16' && type !== 'int32')
    throw unsupported(node.where, `whole numbers of ${type}`);
  if (!scales.every((scale) => Number.isFinite(scale) && scale > 0))
    throw malformed(node.where, 'a scale of none');
  return { scales, zeros, type };
}

function single(
  node: NodeContext,
  { scales, zeros, type }: Grid,
): { scale: number; zero: number; type: DataType } {
  const [scale = 1] = scales;
  const [zero = 0] = zeros;
  if (scales.some((each) => each !== scale) || zeros.some((each) => each !== zero))
    throw unsupported(node.where, 'activations with a scale for each channel');
  return { scale, zero, type };
}

function quantise(node: NodeContext, x: Logical, grid: Grid): Logical {
  const { scale, zero, type } = single(node, grid);
  return alike(node, x, (id) => node.add('quantise', [id], { scale, zero, type }));
}

/** The fractions that whole numbers stand for: of a constant, with these numbers kept. */
function dequantise(node: NodeContext, x: Logical, grid: Grid, axis: number): Logical {
  const constant = node.constant(x);
  if (constant === undefined) {
    const { scale, zero } = single(node, grid);
    return alike(node, x, (id) => node.add('dequantise', [id], { scale, zero }));
  }
  const { scales, zeros } = grid;
  const count = Math.max(scales.length, zeros.length);
  if (count !== 1 && count !== x.shape[axis])
    throw malformed(node.where, `${count} scales for ${x.shape.join('×')}`);
  const inner = x.shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const channel = (i: number): number => (count === 1 ? 0 : Math.floor(i / inner) % count);
  const at = (list: readonly number[], i: number): number => list[list.length === 1 ? 0 : channel(i)] ?? 0;
  const whole = Float64Array.from(constant.data, (element, i) => element - at(zeros, i));
  const quantised: QuantisedConstant = { data: whole, scales, axis };
  const data = Float64Array.from(whole, (element, i) => element * at(scales, i));
  const { shape } = constant;
  return plainValue(node.builder, node.builder.constant({ shape, data, quantised }, node.where));
}

export const quantizeLinear: Rule = (node) => {
  if (node.number('block_size', 0) !== 0) throw unsupported(node.where, 'scales for blocks');
  return quantise(node, node.input(0), gridOf(node, 1, 2));
};

export const dequantizeLinear: Rule = (node) => {
  if (node.number('block_size', 0) !== 0) throw unsupported(node.where, 'scales for blocks');
  const x = node.input(0);
  const grid = gridOf(node, 1, 2);
  return dequantise(node, x, grid, grid.scales.length === 1 ? 0 : node.axis(node.number('axis', 1), x.rank));
};

/** x, its scale and zero, the kernel, its, those of the result, bias? */
export const qLinearConv: Rule = (node) => {
  const x = dequantise(node, node.input(0), gridOf(node, 1, 2), 0);
  const kernel = gridOf(node, 4, 5);
  const weights = dequantise(node, node.input(3), kernel, 0);
  const bias = node.optional(8);
  const scale = node.numbers(1, 'a scale')[0] ?? 1;
  const scales = kernel.scales.map((each) => each * scale);
  const offset =
    bias === undefined
      ? undefined
      : node.plain(dequantise(node, bias, { scales, zeros: [0], type: 'int32' }, 0));
  return quantise(node, convolve(node, x, weights, offset, false), gridOf(node, 6, 7));
};

export const qLinearMatMul: Rule = (node) => {
  const a = dequantise(node, node.input(0), gridOf(node, 1, 2), 0);
  const grid = gridOf(node, 4, 5);
  const b = dequantise(node, node.input(3), grid, grid.scales.length === 1 ? 0 : node.input(3).rank - 1);
  const y = multiply(node, node.plain(a), node.plain(b), false);
  return quantise(node, plainValue(node.builder, y), gridOf(node, 6, 7));
};

/** Sums of whole numbers, which stay such. */
export const matMulInteger: Rule = (node) => {
  const a = dequantise(node, node.input(0), gridOf(node, undefined, 2), 0);
  const b = dequantise(node, node.input(1), gridOf(node, undefined, 3), node.input(1).rank - 1);
  return plainValue(node.builder, multiply(node, node.plain(a), node.plain(b), true));
};

export const convInteger: Rule = (node) => {
  const x = dequantise(node, node.input(0), gridOf(node, undefined, 2), 0);
  const weights = dequantise(node, node.input(1), gridOf(node, undefined, 3), 0);
  return convolve(node, x, weights, undefined, true);
};

/** a, its scale and zero, b, its, those of the result. */
export function qLinearPair(kind: 'add' | 'mul'): Rule {
  return (node) => {
    const a = dequantise(node, node.input(0), gridOf(node, 1, 2), 0);
    const b = dequantise(node, node.input(3), gridOf(node, 4, 5), 0);
    const y = binary(node, a, b, (left: ValueId, right: ValueId) => node.add(kind, [left, right], {}));
    return quantise(node, y, gridOf(node, 6, 7));
  };
}
