import type { WindowAttributes } from '../../../protocol/graph/operators.js';
import { windowCount } from '../../../protocol/graph/shapes/rules.js';
import { checkShape } from '../limits.js';
import { malformed } from '../model-error.js';
import { elementCount } from '../model.js';
import type { LayerAttributes, LayerKind } from './network.js';

type Shape = readonly number[];

/** The shape that a layer makes of its inputs' shapes. @throws ModelError naming the layer where they do not fit */
type ShapeRule<Kind extends LayerKind> = (
  inputs: readonly Shape[],
  attributes: LayerAttributes[Kind],
  where: string,
) => Shape;

const same = ([x = []]: readonly Shape[]): Shape => x;

const RULES: { readonly [Kind in LayerKind]: ShapeRule<Kind> } = {
  conv: ([x = [], weights = [], bias], attributes, where) => {
    const [batch = 0, , , channels = 0] = image(x, where);
    const [outputs = 0, kernelHeight = 0, kernelWidth = 0, groupChannels = 0] = weights;
    const { groups, dilationHeight, dilationWidth } = attributes;
    if (weights.length !== 4 || groupChannels * groups !== channels || outputs % groups !== 0)
      throw misfit(where, x, weights);
    checkBias(bias, outputs, where);
    const reach = [(kernelHeight - 1) * dilationHeight + 1, (kernelWidth - 1) * dilationWidth + 1] as const;
    return [batch, ...windows(x, reach, attributes, where), outputs];
  },
  matmul: ([a = [], b = [], bias], { transposeB }, where) => {
    const [terms = 0, columns = 0] = transposeB ? b.slice(-2).reverse() : b.slice(-2);
    if (a.length < 2 || b.length < 2 || a.at(-1) !== terms) throw misfit(where, a, b);
    const [batchA, batchB] = [a.slice(0, -2), b.slice(0, -2)];
    if (batchB.length > 0 && batchA.join() !== batchB.join()) throw misfit(where, a, b);
    checkBias(bias, columns, where);
    return [...a.slice(0, -1), columns];
  },
  add: broadcast,
  sub: broadcast,
  mul: broadcast,
  div: broadcast,
  prelu: (inputs, attributes, where) => {
    const shape = broadcast(inputs, attributes, where);
    if (shape.join() !== inputs[0]?.join()) throw misfit(where, ...inputs);
    return shape;
  },
  clip: same,
  curve: same,
  softmax: same,
  layerNorm: ([x = [], gamma = [], beta = []], _, where) => {
    if (gamma.join() !== String(x.at(-1)) || beta.join() !== String(x.at(-1))) throw misfit(where, x, gamma);
    return x;
  },
  concat: (parts, { axis }, where) => {
    const [first = []] = parts;
    const rest = (shape: Shape): string => shape.with(axis, 0).join();
    if (
      axis >= first.length ||
      parts.some((part) => part.length !== first.length || rest(part) !== rest(first))
    )
      throw misfit(where, ...parts);
    return first.with(
      axis,
      parts.reduce((sum, part) => sum + (part[axis] ?? 0), 0),
    );
  },
  slice: (_, { size }) => size,
  pad: ([x = []], { mode, before, after }, where) =>
    x.map((size, axis) => {
      const [low, high] = [before[axis] ?? 0, after[axis] ?? 0];
      if (mode === 'reflect' && Math.max(low, high) >= size) throw malformed(where, 'a reflection too wide');
      return size + low + high;
    }),
  transpose: ([x = []], { permutation }, where) => {
    if (
      permutation.length !== x.length ||
      permutation.toSorted((a, b) => a - b).some((axis, i) => axis !== i)
    )
      throw malformed(where, `no permutation of ${x.length} dimensions`);
    return permutation.map((axis) => x[axis] ?? 0);
  },
  reshape: ([x = []], { shape }, where) => {
    if (elementCount(x) !== elementCount(shape)) throw misfit(where, x, shape);
    return shape;
  },
  resize: ([x = []], { height, width }, where) => {
    const [batch = 0, , , channels = 0] = image(x, where);
    return [batch, height, width, channels];
  },
  depthToSpace: ([x = []], { block }, where) => {
    const [batch = 0, height = 0, width = 0, channels = 0] = image(x, where);
    if (channels % block ** 2 !== 0)
      throw malformed(where, `${channels} channels are not blocks of ${block}`);
    return [batch, height * block, width * block, channels / block ** 2];
  },
  spaceToDepth: ([x = []], { block }, where) => {
    const [batch = 0, height = 0, width = 0, channels = 0] = image(x, where);
    if (height % block !== 0 || width % block !== 0)
      throw malformed(where, `${height}×${width} is not made of blocks of ${block}`);
    return [batch, height / block, width / block, channels * block ** 2];
  },
  maxPool: pooled,
  averagePool: pooled,
  reduce: ([x = []], { axis }) => x.with(axis, 1),
  argmax: ([x = []], { axis }) => x.with(axis, 1),
  gather: ([data = [], indices = []]) => [...indices, ...data.slice(1)],
  quantise: same,
  dequantise: same,
};

/** @throws ModelError */
export function shapeOfLayer<Kind extends LayerKind>(
  kind: Kind,
  inputs: readonly Shape[],
  attributes: LayerAttributes[Kind],
  where: string,
): Shape {
  const rule = RULES[kind] as ShapeRule<Kind>;
  return checkShape(where, rule(inputs, attributes, where));
}

/** The shape that tensors repeat to, aligned at their last dimensions. */
export function broadcast(inputs: readonly Shape[], _: unknown, where: string): Shape {
  const rank = Math.max(...inputs.map(({ length }) => length));
  return Array.from({ length: rank }, (__, axis) => {
    const sizes = inputs.map((shape) => shape[axis - rank + shape.length] ?? 1);
    const size = sizes.find((each) => each !== 1) ?? 1;
    if (sizes.some((each) => each !== 1 && each !== size)) throw misfit(where, ...inputs);
    return size;
  });
}

function pooled([x = []]: readonly Shape[], attributes: LayerAttributes['maxPool'], where: string): Shape {
  const [batch = 0, , , channels = 0] = image(x, where);
  const { kernelHeight, kernelWidth } = attributes;
  return [batch, ...windows(x, [kernelHeight, kernelWidth], attributes, where), channels];
}

function image(shape: Shape, where: string): Shape {
  if (shape.length !== 4) throw malformed(where, `${shape.length} dimensions are not an image`);
  return shape;
}

function windows(
  [, height = 0, width = 0]: Shape,
  [reachHeight, reachWidth]: readonly [number, number],
  { strideHeight, strideWidth, padTop, padBottom, padLeft, padRight }: WindowAttributes,
  where: string,
): [number, number] {
  const rows = windowCount(height, reachHeight, strideHeight, padTop, padBottom);
  const columns = windowCount(width, reachWidth, strideWidth, padLeft, padRight);
  if (rows < 1 || columns < 1)
    throw malformed(where, `no window of ${reachHeight}×${reachWidth} fits ${height}×${width}`);
  return [rows, columns];
}

function checkBias(bias: Shape | undefined, outputs: number, where: string): void {
  if (bias !== undefined && bias.join() !== String(outputs)) throw misfit(where, bias, [outputs]);
}

function misfit(where: string, ...shapes: readonly Shape[]): Error {
  return malformed(where, `shapes ${shapes.map((shape) => shape.join('×')).join(' and ')} do not fit`);
}
