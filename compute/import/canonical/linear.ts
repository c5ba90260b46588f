import type { WindowAttributes } from '../../../protocol/graph/operators.js';
import { malformed, unsupported } from '../model-error.js';
import type { FloatTensor, LayerAttributes, ValueId } from '../network/network.js';
import type { NodeContext, Rule } from './context.js';
import type { Logical } from './logical.js';
import { reshaped, transposed } from './logical.js';

export const conv: Rule = (node) => {
  const bias = node.optional(2);
  return convolve(node, node.input(0), node.input(1), bias && node.plain(bias), false);
};

/** @param weights [outputs, channels of a group, kernel height, kernel width], constant */
export function convolve(
  node: NodeContext,
  x: Logical,
  weights: Logical,
  bias: ValueId | undefined,
  isExact: boolean,
): Logical {
  const image = node.spatial(x);
  if (node.constant(weights) === undefined) throw unsupported(node.where, 'a kernel that is not a constant');
  const [outputs = 1, channels = 1, ...kernel] = weights.shape;
  const [kernelHeight = 1, kernelWidth = 1] = kernel.length === 1 ? [1, ...kernel] : kernel;
  const square = reshaped(node.builder, node.where, node.plain(weights), [
    outputs,
    channels,
    kernelHeight,
    kernelWidth,
  ]);
  const [dilationHeight, dilationWidth] = pairOf(node, 'dilations', x.rank);
  const reach = [(kernelHeight - 1) * dilationHeight + 1, (kernelWidth - 1) * dilationWidth + 1] as const;
  const attributes = {
    ...windowsOf(node, node.builder.shapeOf(image), reach, x.rank),
    dilationHeight,
    dilationWidth,
    groups: node.number('group', 1),
    isExact,
  };
  const turned = transposed(node.builder, node.where, square, [0, 2, 3, 1]);
  const operands = bias === undefined ? [image, turned] : [image, turned, bias];
  return node.fromSpatial(node.add('conv', operands, attributes), x.rank);
}

export const maxPool: Rule = (node) => pool(node, 'maxPool');

export const averagePool: Rule = (node) => pool(node, 'averagePool');

function pool(node: NodeContext, kind: 'maxPool' | 'averagePool'): Logical {
  const x = node.input(0);
  const image = node.spatial(x);
  if (node.list('dilations')?.some((dilation) => dilation !== 1) === true)
    throw unsupported(node.where, 'a pool with dilations');
  const [kernelHeight, kernelWidth] = pairOf(node, 'kernel_shape', x.rank);
  const shape = node.builder.shapeOf(image);
  const window = windowsOf(
    node,
    shape,
    [kernelHeight, kernelWidth],
    x.rank,
    node.number('ceil_mode', 0) === 1,
  );
  const attributes = { ...window, kernelHeight, kernelWidth };
  const countPadding = node.number('count_include_pad', 0) === 1;
  if (countPadding && node.number('ceil_mode', 0) === 1)
    throw unsupported(node.where, 'ceil_mode with padding counted');
  const id =
    kind === 'maxPool'
      ? node.add('maxPool', [image], attributes)
      : node.add('averagePool', [image], { ...attributes, countPadding });
  return node.fromSpatial(id, x.rank);
}

/** A window as large as the image. */
export function globalPool(kind: 'maxPool' | 'averagePool'): Rule {
  return (node) => {
    const x = node.input(0);
    const image = node.spatial(x);
    const [, kernelHeight = 1, kernelWidth = 1] = node.builder.shapeOf(image);
    const attributes: LayerAttributes['maxPool'] = { ...PLAIN_WINDOW, kernelHeight, kernelWidth };
    const id =
      kind === 'maxPool'
        ? node.add('maxPool', [image], attributes)
        : node.add('averagePool', [image], { ...attributes, countPadding: false });
    return node.fromSpatial(id, x.rank);
  };
}

const PLAIN_WINDOW = { strideHeight: 1, strideWidth: 1, padTop: 0, padBottom: 0, padLeft: 0, padRight: 0 };

/** Two numbers of an attribute: of a line, the second. */
function pairOf(node: NodeContext, name: string, rank: number): [number, number] {
  const list = node.list(name) ?? [1, 1].slice(4 - rank);
  const [height = 1, width = 1] = rank === 3 ? [1, ...list] : list;
  if (list.length !== rank - 2 || ![height, width].every((size) => Number.isInteger(size) && size >= 1))
    throw malformed(node.where, `${name} of ${list.join(', ')}`);
  return [height, width];
}

function windowsOf(
  node: NodeContext,
  [, height = 1, width = 1]: readonly number[],
  [reachHeight, reachWidth]: readonly [number, number],
  rank: number,
  isCeiling = false,
): WindowAttributes {
  const [strideHeight, strideWidth] = pairOf(node, 'strides', rank);
  const explicit = node.list('pads') ?? [];
  const [begin, end] = [explicit.slice(0, explicit.length / 2), explicit.slice(explicit.length / 2)];
  const mode = node.text('auto_pad', 'NOTSET');
  const along = (size: number, reach: number, stride: number, place: number): [number, number] => {
    if (mode === 'SAME_UPPER' || mode === 'SAME_LOWER') {
      const total = Math.max((Math.ceil(size / stride) - 1) * stride + reach - size, 0);
      const small = Math.floor(total / 2);
      return mode === 'SAME_UPPER' ? [small, total - small] : [total - small, small];
    }
    const [before = 0, after = 0] = mode === 'VALID' ? [] : [begin[place], end[place]];
    if (!isCeiling) return [before, after];
    const rest = (size + before + after - reach) % stride;
    const more = rest === 0 ? 0 : stride - rest;
    // A window that would begin beyond what is there and was padded is none.
    const last = size + before + after + more - reach;
    return last >= size + before ? [before, after] : [before, after + more];
  };
  const [padTop, padBottom] = rank === 3 ? [0, 0] : along(height, reachHeight, strideHeight, 0);
  const [padLeft, padRight] = along(width, reachWidth, strideWidth, rank === 3 ? 0 : 1);
  const pads = [padTop, padBottom, padLeft, padRight];
  if (!pads.every((pad) => Number.isInteger(pad) && pad >= 0))
    throw unsupported(node.where, `padding of ${pads.join(', ')}`);
  return { strideHeight, strideWidth, padTop, padBottom, padLeft, padRight };
}

export const matmul: Rule = (node) =>
  node.fromPlain(multiply(node, node.plain(node.input(0)), node.plain(node.input(1)), false));

/** a times b, the way NumPy multiplies. */
export function multiply(node: NodeContext, a: ValueId, b: ValueId, isExact: boolean): ValueId {
  const { builder, where } = node;
  const [shapeA, shapeB] = [builder.shapeOf(a), builder.shapeOf(b)];
  if (shapeA.length === 1) {
    const y = multiply(node, reshaped(builder, where, a, [1, ...shapeA]), b, isExact);
    return reshaped(builder, where, y, builder.shapeOf(y).toSpliced(-2, 1));
  }
  if (shapeB.length === 1) {
    const y = multiply(node, a, reshaped(builder, where, b, [...shapeB, 1]), isExact);
    return reshaped(builder, where, y, builder.shapeOf(y).slice(0, -1));
  }
  const batch = (shape: readonly number[]): string => shape.slice(0, -2).join();
  if (shapeB.length > 2 && batch(shapeA) !== batch(shapeB))
    throw unsupported(
      where,
      `a product of ${shapeA.join('×')} and ${shapeB.join('×')}, of which one repeats`,
    );
  return node.add('matmul', [a, b], { transposeB: false, isExact });
}

/** alpha·a·b + beta·c */
export const gemm: Rule = (node) => {
  const { builder, where } = node;
  const turn = (place: number, name: string): ValueId => {
    const id = node.plain(node.input(place));
    return node.number(name, 0) === 0 ? id : transposed(builder, where, id, [1, 0]);
  };
  const [alpha, beta] = [node.number('alpha', 1), node.number('beta', 1)];
  let y = multiply(node, turn(0, 'transA'), turn(1, 'transB'), false);
  if (alpha !== 1) y = node.add('mul', [y, node.scalar(alpha)], {});
  const c = node.optional(2);
  if (c === undefined) return node.fromPlain(y);
  const moved = beta === 1 ? node.plain(c) : node.add('mul', [node.plain(c), node.scalar(beta)], {});
  return node.fromPlain(node.add('add', [y, moved], {}));
};

/** (x − mean) / √(variance + epsilon) · gamma + beta, for each channel. */
export const batchNormalization: Rule = (node) => {
  if (node.number('training_mode', 0) === 1)
    throw unsupported(node.where, 'normalisation by the batch itself');
  const x = node.input(0);
  const vectors = [1, 2, 3, 4].map((place) => node.constant(node.input(place)));
  const [gamma, beta, mean, variance] = vectors as FloatTensor[];
  if (vectors.some((vector) => vector === undefined) || !gamma || !beta || !mean || !variance)
    throw unsupported(node.where, 'statistics that are not constants');
  const epsilon = node.number('epsilon', 1e-5);
  const factors = Float32Array.from(gamma.data, (g, i) => g / Math.sqrt((variance.data[i] ?? 0) + epsilon));
  const offsets = Float32Array.from(beta.data, (b, i) => b - (mean.data[i] ?? 0) * (factors[i] ?? 0));
  const isImage = x.rank === 4 || x.rank === 3;
  if (!isImage && x.rank !== 2) throw unsupported(node.where, `an operand of ${x.rank} dimensions`);
  const id = isImage ? node.spatial(x) : node.plain(x);
  const shape = [gamma.data.length];
  const scaled = node.add('mul', [id, node.builder.constant({ shape, data: factors })], {});
  const y = node.add('add', [scaled, node.builder.constant({ shape, data: offsets })], {});
  return isImage ? node.fromSpatial(y, x.rank) : node.fromPlain(y);
};
