import {
  buildGraph,
  outputStage,
  windowOf,
  type GraphBuilder,
  type TensorRef,
} from '../../../protocol/graph/builder.js';
import type { Graph } from '../../../protocol/graph/graph.js';
import type { OperatorName, OutputStage, WindowAttributes } from '../../../protocol/graph/operators.js';
import { allocateTensor, type TensorData } from '../../../protocol/graph/tensor-data.js';
import {
  elementCount,
  TYPE_RANGES,
  type DataType,
  type Range,
  type TensorType,
} from '../../../protocol/graph/tensors.js';
import type { Prng } from '../prng.js';

/** One operator on random data: shapes, windows, zero points and scales drawn, elements often extreme. */
export interface TensorCase {
  readonly graph: Graph;
  readonly weights: Uint8Array;
  readonly constants: readonly TensorData[];
  readonly inputs: readonly TensorData[];
}

interface Draw {
  readonly prng: Prng;
  readonly graph: GraphBuilder;
  readonly inputs: TensorData[];
}

const NARROW: readonly DataType[] = ['int8', 'uint8', 'int16'];
const ALL: readonly DataType[] = ['int8', 'uint8', 'int16', 'int32'];
const EIGHT: readonly DataType[] = ['int8', 'uint8'];

/** A random graph of one node; it may be one whose sums are not proved to fit. */
export function randomCase(op: OperatorName, prng: Prng): TensorCase {
  const draw: Draw = { prng, graph: buildGraph(), inputs: [] };
  const y = MAKERS[op](draw);
  return { ...draw.graph.finish([y]), inputs: draw.inputs };
}

export function between(prng: Prng, min: number, max: number): number {
  return min + prng.below(max - min + 1);
}

/** Elements of a tensor within a range: ends and zero more often than chance would have it, sometimes nothing but one end. */
export function randomData(
  prng: Prng,
  { type, shape }: TensorType,
  range: Range = TYPE_RANGES[type],
): TensorData {
  const data = allocateTensor(type, elementCount(shape));
  const { min, max } = range;
  const kind = prng.below(6);
  for (let i = 0; i < data.length; i++) {
    if (kind === 0) data[i] = min;
    else if (kind === 1) data[i] = max;
    else if (prng.chance(1, 6)) data[i] = prng.pick([min, max, Math.min(Math.max(0, min), max)]);
    else data[i] = min + prng.below(max - min + 1);
  }
  return data;
}

function input(
  { prng, graph, inputs }: Draw,
  type: DataType,
  shape: readonly number[],
  range = TYPE_RANGES[type],
): TensorRef {
  inputs.push(randomData(prng, { type, shape }, range));
  return graph.input({ type, shape }, range);
}

function constant(
  { prng, graph }: Draw,
  type: DataType,
  shape: readonly number[],
  range = TYPE_RANGES[type],
): TensorRef {
  return graph.constant({ type, shape }, randomData(prng, { type, shape }, range));
}

/** An operand that is known when sums are proved, or is not. */
function operand(draw: Draw, type: DataType, shape: readonly number[], range?: Range): TensorRef {
  return (draw.prng.chance(1, 2) ? input : constant)(draw, type, shape, range);
}

/** Multipliers and shifts: mostly such as keep sums inside the type, sometimes any. */
function scaleRows({ prng, graph }: Draw, shape: readonly [number, number]): TensorRef {
  const data = new Int32Array(shape[0] * shape[1]);
  for (let i = 0; i < data.length; i += 2) {
    const isUsual = prng.chance(4, 5);
    const multiplier = isUsual ? between(prng, 2 ** 30, 2 ** 31 - 1) : prng.u32() | 0;
    data[i] = multiplier === -(2 ** 31) ? 0 : prng.chance(1, 8) ? -multiplier : multiplier;
    data[i + 1] = isUsual ? between(prng, 30, 46) : between(prng, 1, 62);
  }
  return graph.constant({ type: 'int32', shape }, data);
}

function maybeScale(draw: Draw, channels: number): { scale?: TensorRef } {
  const { prng } = draw;
  if (prng.chance(1, 4)) return {};
  return { scale: scaleRows(draw, [prng.chance(1, 2) ? 1 : channels, prng.pick([2, 4])]) };
}

function randomStage(prng: Prng): OutputStage {
  const outType = prng.pick(ALL);
  const { min, max } = TYPE_RANGES[outType];
  const ends = [between(prng, min, max), between(prng, min, max)].sort((a, b) => a - b);
  const [low = min, high = max] = prng.chance(1, 3) ? ends : [min, max];
  return outputStage(outType, { zeroY: zeroOf(prng, outType), low, high });
}

function zeroOf(prng: Prng, type: DataType): number {
  if (type === 'int32' || prng.chance(1, 3)) return 0;
  const { min, max } = TYPE_RANGES[type];
  return prng.chance(1, 3) ? prng.pick([min, max]) : between(prng, min, max);
}

function randomWindow(prng: Prng, kernelHeight: number, kernelWidth: number): WindowAttributes {
  const padding = (kernel: number): number => (prng.chance(1, 2) ? prng.below(kernel) : 0);
  return windowOf({
    strideHeight: between(prng, 1, 3),
    strideWidth: between(prng, 1, 3),
    padTop: padding(kernelHeight),
    padBottom: padding(kernelHeight),
    padLeft: padding(kernelWidth),
    padRight: padding(kernelWidth),
  });
}

function randomShape(prng: Prng, rank = between(prng, 1, 5)): number[] {
  return Array.from({ length: rank }, () => between(prng, 1, rank > 3 ? 3 : 6));
}

/** A shape that repeats to fill `shape`. */
function repeating(prng: Prng, shape: readonly number[]): number[] {
  const kept = shape.slice(prng.below(shape.length));
  return kept.map((size) => (prng.chance(1, 3) ? 1 : size));
}

function image(prng: Prng, channels = between(prng, 1, 5)): number[] {
  return [between(prng, 1, 2), between(prng, 3, 7), between(prng, 3, 7), channels];
}

function makeConvolution(draw: Draw, isDepthwise: boolean): TensorRef {
  const { prng, graph } = draw;
  const groups = between(prng, 1, 3);
  const perGroup = between(prng, 1, 5);
  const channels = isDepthwise ? perGroup : groups * perGroup;
  const outputs = isDepthwise ? channels * between(prng, 1, 3) : groups * between(prng, 1, 5);
  const [kernelHeight, kernelWidth] = [between(prng, 1, 3), between(prng, 1, 3)];
  const [type, weightType] = [prng.pick(NARROW), prng.pick(NARROW)];
  const shape = isDepthwise
    ? [kernelHeight, kernelWidth, outputs]
    : [outputs, kernelHeight, kernelWidth, perGroup];
  const operands = {
    x: input(draw, type, image(prng, channels), halved(type)),
    weights: operand(draw, weightType, shape, halved(weightType)),
    ...maybeBias(draw, outputs),
    ...maybeScale(draw, outputs),
  };
  const attributes = {
    ...randomWindow(prng, kernelHeight, kernelWidth),
    dilationHeight: kernelHeight === 1 ? 1 : between(prng, 1, Math.floor(2 / (kernelHeight - 1))),
    dilationWidth: kernelWidth === 1 ? 1 : between(prng, 1, Math.floor(2 / (kernelWidth - 1))),
    zeroX: smallZero(prng, type),
    zeroWeights: smallZero(prng, weightType),
    ...randomStage(prng),
  };
  return isDepthwise
    ? graph.node('depthwiseConv2d', operands, attributes)
    : graph.node('conv2d', operands, { ...attributes, groups });
}

/** 16-bit factors are kept to 12 bits, so that some sums of their products can be proved to fit. */
function halved(type: DataType): Range {
  return type === 'int16' ? { min: -2048, max: 2047 } : TYPE_RANGES[type];
}

function smallZero(prng: Prng, type: DataType): number {
  return type === 'int16' ? between(prng, -99, 99) : zeroOf(prng, type);
}

function maybeBias(draw: Draw, outputs: number): { bias?: TensorRef } {
  if (draw.prng.chance(1, 3)) return {};
  return { bias: operand(draw, 'int32', [outputs], { min: -(2 ** 29), max: 2 ** 29 }) };
}

function makePair(draw: Draw, op: 'add' | 'sub' | 'mul'): TensorRef {
  const { prng, graph } = draw;
  const [typeA, typeB] = [prng.pick(ALL), prng.pick(ALL)];
  const isScaled = prng.chance(1, 2);
  const range = (type: DataType): Range => {
    if (op === 'mul')
      return { min: Math.max(-20_000, TYPE_RANGES[type].min), max: Math.min(20_000, TYPE_RANGES[type].max) };
    return isScaled || type !== 'int32' ? TYPE_RANGES[type] : { min: -(2 ** 30), max: 2 ** 30 - 70_000 };
  };
  const shape = randomShape(prng);
  const operands = {
    a: input(draw, typeA, shape, range(typeA)),
    b: operand(draw, typeB, repeating(prng, shape), range(typeB)),
  };
  const zeros = { zeroA: zeroOf(prng, typeA), zeroB: zeroOf(prng, typeB) };
  const attributes = { ...zeros, ...randomStage(prng) };
  if (op === 'mul') {
    const scale = maybeScale(draw, shape.at(-1) ?? 1);
    return graph.node(op, { ...operands, ...scale }, attributes);
  }
  if (!isScaled) return graph.node(op, operands, attributes);
  return graph.node(op, { ...operands, scale: scaleRows(draw, [1, 6]) }, attributes);
}

function makePool(draw: Draw, op: 'maxPool' | 'averagePool'): TensorRef {
  const { prng, graph } = draw;
  const type = prng.pick(op === 'maxPool' ? ALL : NARROW);
  const kernel = { kernelHeight: between(prng, 1, 3), kernelWidth: between(prng, 1, 3) };
  const attributes = { ...kernel, ...randomWindow(prng, kernel.kernelHeight, kernel.kernelWidth) };
  const x = input(draw, type, image(prng));
  if (op === 'maxPool') return graph.node(op, { x }, attributes);
  return graph.node(op, { x }, { ...attributes, countPadding: prng.chance(1, 2), zeroX: zeroOf(prng, type) });
}

function makeBlocks(draw: Draw, op: 'depthToSpace' | 'spaceToDepth'): TensorRef {
  const { prng, graph } = draw;
  const block = between(prng, 1, 3);
  const [height, width, channels] = [between(prng, 1, 3), between(prng, 1, 3), between(prng, 1, 3)];
  const shape =
    op === 'depthToSpace'
      ? [2, height, width, channels * block ** 2]
      : [2, height * block, width * block, channels];
  const order = prng.pick(['blockFirst', 'channelFirst'] as const);
  return graph.node(op, { x: input(draw, prng.pick(ALL), shape) }, { block, order });
}

const MAKERS: Readonly<Record<OperatorName, (draw: Draw) => TensorRef>> = {
  conv2d: (draw) => makeConvolution(draw, false),
  depthwiseConv2d: (draw) => makeConvolution(draw, true),
  matmul: (draw) => {
    const { prng, graph } = draw;
    const [rows, terms, columns] = [between(prng, 1, 6), between(prng, 1, 12), between(prng, 1, 9)];
    const [typeA, typeB] = [prng.pick(NARROW), prng.pick(NARROW)];
    const [transposeA, transposeB] = [prng.chance(1, 2), prng.chance(1, 2)];
    const batch = randomShape(prng, prng.below(3)).map((size) => Math.min(size, 3));
    const left = [...batch, ...(transposeA ? [terms, rows] : [rows, terms])];
    const rightBatch = prng.chance(1, 2) ? [] : batch;
    const right = [...rightBatch, ...(transposeB ? [columns, terms] : [terms, columns])];
    const operands = {
      a: input(draw, typeA, left, halved(typeA)),
      b: operand(draw, typeB, right, halved(typeB)),
      ...maybeBias(draw, columns),
      ...maybeScale(draw, columns),
    };
    const zeros = { zeroA: smallZero(prng, typeA), zeroB: smallZero(prng, typeB) };
    return graph.node('matmul', operands, { transposeA, transposeB, ...zeros, ...randomStage(prng) });
  },
  add: (draw) => makePair(draw, 'add'),
  sub: (draw) => makePair(draw, 'sub'),
  mul: (draw) => makePair(draw, 'mul'),
  requantise: (draw) => {
    const { prng, graph } = draw;
    const [type, shape] = [prng.pick(ALL), randomShape(prng)];
    const rows = prng.chance(1, 2) ? 1 : (shape.at(-1) ?? 1);
    const operands = { x: input(draw, type, shape), scale: scaleRows(draw, [rows, prng.pick([2, 4])]) };
    return graph.node('requantise', operands, { zeroX: zeroOf(prng, type), ...randomStage(prng) });
  },
  clamp: (draw) => {
    const { prng, graph } = draw;
    const type = prng.pick(ALL);
    const { min, max } = TYPE_RANGES[type];
    const [low = min, high = max] = [between(prng, min, max), between(prng, min, max)].sort((a, b) => a - b);
    return graph.node('clamp', { x: input(draw, type, randomShape(prng)) }, { low, high });
  },
  lookup: (draw) => {
    const { prng, graph } = draw;
    const type = prng.chance(1, 8) ? 'int16' : prng.pick(EIGHT);
    const shape = randomShape(prng);
    const entries = type === 'int16' ? 65_536 : 256;
    const isPerChannel = prng.chance(1, 3);
    const tableShape = isPerChannel ? [shape.at(-1) ?? 1, entries] : [entries];
    const table = constant(draw, prng.pick(ALL), tableShape);
    return graph.node('lookup', { x: input(draw, type, shape), table }, {});
  },
  cast: (draw) => {
    const { prng, graph } = draw;
    return graph.node(
      'cast',
      { x: input(draw, prng.pick(ALL), randomShape(prng)) },
      { outType: prng.pick(ALL) },
    );
  },
  compare: (draw) => {
    const { prng, graph } = draw;
    const [type, shape] = [prng.pick(ALL), randomShape(prng)];
    const range = prng.chance(1, 2) ? { min: 0, max: 2 } : TYPE_RANGES[type];
    const relations = ['equal', 'notEqual', 'less', 'lessOrEqual', 'greater', 'greaterOrEqual'] as const;
    const operands = {
      a: input(draw, type, shape, range),
      b: operand(draw, type, repeating(prng, shape), range),
    };
    return graph.node('compare', operands, { relation: prng.pick(relations) });
  },
  select: (draw) => {
    const { prng, graph } = draw;
    const [type, shape] = [prng.pick(ALL), randomShape(prng)];
    const operands = {
      condition: operand(draw, 'uint8', repeating(prng, shape), { min: 0, max: prng.pick([1, 255]) }),
      a: input(draw, type, shape),
      b: operand(draw, type, repeating(prng, shape)),
    };
    return graph.node('select', operands, {});
  },
  gather: (draw) => {
    const { prng, graph } = draw;
    const [rows, type] = [between(prng, 1, 9), prng.pick(ALL)];
    const indices = input(draw, prng.pick(ALL), randomShape(prng, between(prng, 1, 2)), {
      min: 0,
      max: rows - 1,
    });
    const data = operand(draw, type, [rows, ...randomShape(prng, between(prng, 0, 2))]);
    return graph.node('gather', { data, indices }, {});
  },
  concat: (draw) => {
    const { prng, graph } = draw;
    const [type, shape] = [prng.pick(ALL), randomShape(prng)];
    const axis = prng.below(shape.length);
    const parts = Array.from({ length: between(prng, 1, 9) }, (_, part) =>
      (part === 0 ? input : operand)(draw, type, shape.with(axis, between(prng, 1, 4))),
    );
    return graph.node('concat', { parts }, { axis });
  },
  slice: (draw) => {
    const { prng, graph } = draw;
    const shape = randomShape(prng);
    const step = shape.map(() => between(prng, 1, 3));
    const begin = shape.map((size) => prng.below(size));
    const size = shape.map((length, axis) =>
      between(prng, 1, Math.ceil((length - (begin[axis] ?? 0)) / (step[axis] ?? 1))),
    );
    return graph.node('slice', { x: input(draw, prng.pick(ALL), shape) }, { begin, size, step });
  },
  pad: (draw) => {
    const { prng, graph } = draw;
    const [type, shape] = [prng.pick(ALL), randomShape(prng, between(prng, 1, 4))];
    const mode = prng.pick(['constant', 'edge', 'reflect'] as const);
    const widths = (): number[] => shape.map((size) => prng.below(mode === 'reflect' ? size : 4));
    const { min, max } = TYPE_RANGES[type];
    const value = mode === 'constant' ? prng.pick([0, min, max]) : 0;
    return graph.node(
      'pad',
      { x: input(draw, type, shape) },
      { mode, value, before: widths(), after: widths() },
    );
  },
  transpose: (draw) => {
    const { prng, graph } = draw;
    const shape = randomShape(prng, between(prng, 1, 6));
    const keys = shape.map(() => prng.u32());
    const permutation = [...shape.keys()].sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0));
    return graph.node('transpose', { x: input(draw, prng.pick(ALL), shape) }, { permutation });
  },
  reshape: (draw) => {
    const { prng, graph } = draw;
    const shape = randomShape(prng);
    const target = prng.chance(1, 2) ? [elementCount(shape)] : [1, ...shape];
    return graph.node('reshape', { x: input(draw, prng.pick(ALL), shape) }, { shape: target });
  },
  resize: (draw) => {
    const { prng, graph } = draw;
    const mode = prng.pick(['nearest', 'bilinear'] as const);
    const grid = prng.pick(['asymmetric', 'halfPixel', 'alignCorners'] as const);
    const size = { height: between(prng, 1, 12), width: between(prng, 1, 12) };
    const type = prng.pick(mode === 'nearest' ? ALL : NARROW);
    return graph.node(
      'resize',
      { x: input(draw, type, image(prng, between(prng, 1, 3))) },
      { ...size, mode, grid },
    );
  },
  depthToSpace: (draw) => makeBlocks(draw, 'depthToSpace'),
  spaceToDepth: (draw) => makeBlocks(draw, 'spaceToDepth'),
  maxPool: (draw) => makePool(draw, 'maxPool'),
  averagePool: (draw) => makePool(draw, 'averagePool'),
  reduceSum: (draw) => {
    const { prng, graph } = draw;
    const [type, shape] = [prng.pick(ALL), randomShape(prng)];
    const axis = prng.below(shape.length);
    const range = type === 'int32' ? { min: -(2 ** 28), max: 2 ** 28 } : TYPE_RANGES[type];
    const channels = shape.with(axis, 1).at(-1) ?? 1;
    const operands = { x: input(draw, type, shape, range), ...maybeScale(draw, channels) };
    return graph.node('reduceSum', operands, { axis, zeroX: zeroOf(prng, type), ...randomStage(prng) });
  },
  reduceMax: (draw) => {
    const shape = randomShape(draw.prng);
    const x = input(draw, draw.prng.pick(ALL), shape);
    return draw.graph.node('reduceMax', { x }, { axis: draw.prng.below(shape.length) });
  },
  argmax: (draw) => {
    const { prng, graph } = draw;
    const [type, shape] = [prng.pick(ALL), randomShape(prng)];
    const x = input(draw, type, shape, prng.chance(1, 2) ? { min: 0, max: 2 } : TYPE_RANGES[type]);
    return graph.node('argmax', { x }, { axis: prng.below(shape.length) });
  },
  softmax: (draw) => {
    const { prng, graph } = draw;
    const type = prng.pick(ALL);
    const range = type === 'int32' ? { min: -(2 ** 30), max: 2 ** 30 - 1 } : TYPE_RANGES[type];
    const x = input(draw, type, [between(prng, 1, 4), between(prng, 1, 20)], range);
    const pair = Int32Array.of(between(prng, 0, 2 ** 31 - 1), between(prng, type === 'int32' ? 30 : 20, 40));
    const scale = graph.constant({ type: 'int32', shape: [1, 2] }, pair);
    return graph.node('softmax', { x, scale }, { outType: prng.pick(NARROW) });
  },
  layerNorm: (draw) => {
    const { prng, graph } = draw;
    const [type, length] = [prng.pick(NARROW), between(prng, 1, 20)];
    const operands = {
      x: input(draw, type, [between(prng, 1, 4), length]),
      gamma: operand(draw, 'int16', [length]),
      beta: operand(draw, 'int32', [length], { min: -(2 ** 30), max: 2 ** 30 - 1 }),
      scale: scaleRows(draw, [prng.chance(1, 2) ? 1 : length, prng.pick([2, 4])]),
    };
    return graph.node('layerNorm', operands, { epsilon: prng.pick([1, 7, 65_536]), ...randomStage(prng) });
  },
};
