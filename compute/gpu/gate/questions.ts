import { outputStage, windowOf, type TensorRef } from '../../../protocol/graph/builder.js';
import type { Attributes } from '../../../protocol/graph/operators.js';
import { DATA_TYPES, type DataType } from '../../../protocol/graph/tensors.js';
import { makeQuestion, type Material, type Question } from './material.js';

/** Every operator, element type and kernel, at the edges of what 32-bit integers do, on shapes that fill no word and no workgroup. */
export function gateQuestions(): readonly Question[] {
  const families: readonly (readonly [string, (material: Material) => TensorRef[]])[] = [
    ['scaling', askScaling],
    ['arithmetic', askArithmetic],
    ['matmul', askMatmul],
    ['convolution', askConvolution],
    ['choice', askChoice],
    ['layout', askLayout],
    ['windows', askWindows],
    ['rows', askRows],
  ];
  return families.map(([name, ask], index) => makeQuestion(name, index + 1, ask));
}

const EDGES = [1, 2, 3, 0x7fff, 0x8000, 0xffff, 0x10000, 0x10001, 0x4000_0000, 0x7fff_fffe, 0x7fff_ffff];

/** Every shift, with multipliers of both signs whose limbs carry; a pair for all, one for each channel, others below zero. */
function askScaling({ graph, input, given }: Material): TensorRef[] {
  const shifts = Array.from({ length: 62 }, (_, index) => index + 1);
  const pairs = (sign: number): number[][] =>
    shifts.map((shift) => [sign * (EDGES[shift % EDGES.length] ?? 1), shift]);
  const negative = pairs(-1).toReversed();
  const x = input('int32', [37, shifts.length]);
  const two = given([62, 2], Int32Array.from(pairs(1).flat()));
  const four = given(
    [62, 4],
    Int32Array.from(pairs(1).flatMap((pair, index) => [...pair, ...(negative[index] ?? [])])),
  );
  const one = (...row: number[]): TensorRef => given([1, row.length], Int32Array.from(row));
  const scaled = (scale: TensorRef, outType: DataType, zeroY = 0): TensorRef =>
    graph.node('requantise', { x, scale }, { zeroX: 0, ...outputStage(outType, { zeroY }) });
  return [
    scaled(two, 'int32'),
    scaled(four, 'int32'),
    scaled(four, 'int16', -32_768),
    scaled(one(0x7fff_ffff, 31), 'int32'),
    scaled(one(-0x7fff_ffff, 62), 'uint8', 255),
    scaled(one(0x4000_0001, 38, -0x7fff_ffff, 54), 'int8', -128),
  ];
}

function askArithmetic({ graph, input, given }: Material): TensorRef[] {
  const scale = given([1, 6], Int32Array.of(0x7fff_ffff, 32, -0x6000_0001, 31, 0x4000_0003, 30));
  const gain = given([1, 2], Int32Array.of(0x5555_5555, 44));
  const third = { min: -(2 ** 30), max: 2 ** 30 - 70_000 };
  const outputs = DATA_TYPES.flatMap((type, index): TensorRef[] => {
    const other = DATA_TYPES[(index + 1) % 4] ?? 'int8';
    const zero = (of: DataType): number => ({ int8: -7, uint8: 200, int16: -32_768, int32: 0 })[of];
    const a = input(type, [3, 5, 7]);
    const b = input(other, [5, 1]);
    const zeros = { zeroA: zero(type), zeroB: zero(other) };
    const small = (of: DataType): TensorRef => input(of, [3, 5, 7], of === 'int32' ? third : undefined);
    const half = (of: DataType): TensorRef =>
      input(of, [7], of === 'int32' || of === 'int16' ? { min: -15_000, max: 15_000 } : undefined);
    return [
      graph.node('sub', { a, b, scale }, { ...zeros, ...outputStage(type) }),
      graph.node('add', { a: small(type), b: small(other) }, { ...zeros, ...outputStage('int32') }),
      graph.node(
        'mul',
        {
          a: input(type, [9, 7], type === 'int32' ? { min: -40_000, max: 40_000 } : undefined),
          b: half(other),
          scale: gain,
        },
        { ...zeros, ...outputStage(other, { zeroY: zero(other) }) },
      ),
      graph.node('cast', { x: a }, { outType: other }),
    ];
  });
  return outputs.slice(0, 16);
}

/** Words of four and of two terms, whole and in parts of two, in tiles and word by word, with every zero point. */
function askMatmul({ graph, input, constant, given }: Material): TensorRef[] {
  const per = (channels: number): TensorRef =>
    given(
      [channels, 2],
      Int32Array.from({ length: 2 * channels }, (_, i) => (i % 2 === 0 ? 0x4000_0000 + i : 38)),
    );
  const multiply = (
    a: TensorRef,
    b: TensorRef,
    zeros: { zeroA: number; zeroB: number },
    transposed: string,
    outType: DataType,
    scale?: TensorRef,
  ): TensorRef =>
    graph.node(
      'matmul',
      { a, b, ...(scale !== undefined && { scale }) },
      {
        ...zeros,
        transposeA: transposed.includes('a'),
        transposeB: transposed.includes('b'),
        ...outputStage(outType, { zeroY: outType === 'uint8' ? 3 : 0 }),
      },
    );
  const narrow = { min: -4000, max: 4000 };
  return [
    multiply(
      input('int8', [70, 64]),
      constant('int8', [16, 64]),
      { zeroA: 5, zeroB: 0 },
      'b',
      'int8',
      per(16),
    ),
    multiply(
      input('uint8', [9, 37]),
      constant('int8', [37, 12]),
      { zeroA: 255, zeroB: -3 },
      '',
      'uint8',
      per(12),
    ),
    multiply(input('int8', [37, 9]), input('uint8', [5, 37]), { zeroA: -128, zeroB: 9 }, 'ab', 'int32'),
    multiply(input('uint8', [130, 6]), constant('uint8', [8, 6]), { zeroA: 0, zeroB: 255 }, 'b', 'int32'),
    multiply(
      input('int16', [2, 5, 7], narrow),
      input('int16', [2, 7, 4], narrow),
      { zeroA: 1, zeroB: -1 },
      '',
      'int32',
    ),
    multiply(
      input('int16', [5, 10], narrow),
      constant('uint8', [6, 10]),
      { zeroA: 0, zeroB: 128 },
      'b',
      'int16',
      per(6),
    ),
    multiply(
      input('int8', [5, 11]),
      constant('int16', [4, 11], narrow),
      { zeroA: 0, zeroB: 0 },
      'b',
      'int16',
      per(4),
    ),
  ];
}

function askConvolution({ graph, input, constant, given }: Material): TensorRef[] {
  const scale = given([1, 4], Int32Array.of(0x7000_0001, 43, 0x5000_0000, 45));
  const padded = windowOf({ strideHeight: 2, padTop: 1, padBottom: 2, padLeft: 2, padRight: 1 });
  const convolve = (
    [x, weights]: readonly [TensorRef, TensorRef],
    outputs: number,
    attributes: Partial<Attributes<'conv2d'>>,
    outType: DataType,
  ): TensorRef => {
    const bias = constant('int32', [outputs], { min: -100_000, max: 100_000 });
    const usual = { dilationHeight: 1, dilationWidth: 1, groups: 1, zeroX: 0, zeroWeights: 0 };
    const stage = outputStage(outType);
    return graph.node(
      'conv2d',
      { x, weights, bias, scale },
      { ...windowOf(), ...usual, ...stage, ...attributes },
    );
  };
  const small = { min: -2000, max: 2000 };
  const deep = { x: input('uint8', [2, 6, 5, 6]), weights: constant('int8', [3, 2, 12]) };
  return [
    convolve(
      [input('int8', [1, 9, 9, 8]), constant('int8', [8, 3, 3, 8])],
      8,
      { ...padded, zeroX: 4 },
      'int8',
    ),
    convolve(
      [input('uint8', [1, 8, 7, 3]), constant('uint8', [12, 3, 2, 3])],
      12,
      { ...padded, zeroX: 9, zeroWeights: 130 },
      'uint8',
    ),
    convolve(
      [input('uint8', [2, 5, 4, 6]), constant('int8', [3, 2, 3, 6])],
      3,
      { ...padded, zeroX: 255 },
      'int16',
    ),
    convolve(
      [input('int8', [1, 6, 6, 6]), constant('int8', [8, 2, 2, 3])],
      8,
      { groups: 2, dilationWidth: 2 },
      'int32',
    ),
    convolve(
      [input('int16', [1, 5, 5, 3], small), constant('int8', [4, 3, 3, 3])],
      4,
      { ...padded, zeroX: -50 },
      'int16',
    ),
    graph.node(
      'depthwiseConv2d',
      { ...deep, scale },
      { ...padded, dilationHeight: 2, dilationWidth: 1, zeroX: 77, zeroWeights: -3, ...outputStage('int8') },
    ),
  ];
}

function askChoice({ graph, input, constant }: Material): TensorRef[] {
  const relations = ['equal', 'notEqual', 'less', 'lessOrEqual', 'greater', 'greaterOrEqual'] as const;
  const near = { min: 0, max: 2 };
  const compared = relations.map((relation, index) => {
    const type = DATA_TYPES[index % 4] ?? 'int8';
    const range = index < 4 ? near : undefined;
    return graph.node(
      'compare',
      { a: input(type, [5, 3], range), b: input(type, [5, 1], range) },
      { relation },
    );
  });
  const chosen = (['uint8', 'int16'] as const).map((type) =>
    graph.node(
      'select',
      { condition: input('uint8', [1, 7], near), a: input(type, [5, 7]), b: input(type, [7]) },
      {},
    ),
  );
  const indices = { min: 0, max: 4 };
  return [
    ...compared,
    ...chosen,
    graph.node('lookup', { x: input('int8', [7, 3]), table: constant('int16', [3, 256]) }, {}),
    graph.node('lookup', { x: input('uint8', [21]), table: constant('int8', [256]) }, {}),
    graph.node('lookup', { x: input('int16', [33]), table: constant('uint8', [65_536]) }, {}),
    graph.node('gather', { data: constant('int8', [5, 3]), indices: input('int32', [2, 3], indices) }, {}),
    graph.node('gather', { data: constant('int32', [5]), indices: input('uint8', [9], indices) }, {}),
    graph.node('clamp', { x: input('int32', [11]) }, { low: -(2 ** 31) + 1, high: 77 }),
  ];
}

function askLayout({ graph, input }: Material): TensorRef[] {
  const bytes = (type: DataType, widths: readonly number[]): TensorRef =>
    graph.node('concat', { parts: widths.map((width) => input(type, [3, width, 2])) }, { axis: 1 });
  const padWidths = { before: [2, 0, 1], after: [1, 3, 2] };
  const padOf = (type: DataType, mode: 'constant' | 'edge' | 'reflect', value = 0): TensorRef =>
    graph.node('pad', { x: input(type, [3, 4, 5]) }, { mode, value, ...padWidths });
  const blocks = (op: 'depthToSpace' | 'spaceToDepth', order: 'blockFirst' | 'channelFirst'): TensorRef => {
    const shape = op === 'depthToSpace' ? [1, 2, 3, 12] : [1, 4, 6, 3];
    return graph.node(
      op,
      { x: input(order === 'blockFirst' ? 'int8' : 'int16', shape) },
      { block: 2, order },
    );
  };
  return [
    bytes('int8', [1, 2, 3, 1, 1, 2, 1, 4, 3]),
    bytes('uint8', [2, 4]),
    bytes('int16', [1, 3]),
    graph.node(
      'slice',
      { x: input('int8', [5, 9, 7]) },
      { begin: [1, 2, 0], size: [2, 3, 3], step: [2, 1, 3] },
    ),
    graph.node('slice', { x: input('int16', [4, 8]) }, { begin: [1, 2], size: [3, 4], step: [1, 1] }),
    padOf('int8', 'constant', -128),
    padOf('int16', 'edge'),
    padOf('int32', 'reflect'),
    graph.node('transpose', { x: input('uint8', [2, 3, 1, 2, 2, 3]) }, { permutation: [5, 0, 3, 2, 4, 1] }),
    graph.node('transpose', { x: input('int16', [4, 3, 2]) }, { permutation: [1, 0, 2] }),
    blocks('depthToSpace', 'blockFirst'),
    blocks('depthToSpace', 'channelFirst'),
    blocks('spaceToDepth', 'blockFirst'),
    blocks('spaceToDepth', 'channelFirst'),
    graph.node('reshape', { x: input('int8', [3, 5]) }, { shape: [15] }),
  ];
}

function askWindows({ graph, input }: Material): TensorRef[] {
  const window = windowOf({ strideHeight: 2, padTop: 1, padBottom: 1, padLeft: 2, padRight: 1 });
  const kernel = { kernelHeight: 2, kernelWidth: 3 };
  const pooled = (['int8', 'uint8', 'int16'] as const).flatMap((type, index) => {
    const zeroX = [-128, 255, 1000][index] ?? 0;
    const x = input(type, [2, 5, 6, 3]);
    return [graph.node('averagePool', { x }, { ...kernel, ...window, countPadding: index === 1, zeroX })];
  });
  const resized = (['asymmetric', 'halfPixel', 'alignCorners'] as const).flatMap((grid, index) => {
    const x = input((['int8', 'uint8', 'int16'] as const)[index] ?? 'int8', [1, 5, 4, 3]);
    return [
      graph.node('resize', { x }, { height: 7, width: 9, mode: 'bilinear', grid }),
      graph.node('resize', { x }, { height: 3, width: 10, mode: 'nearest', grid }),
    ];
  });
  return [
    graph.node('maxPool', { x: input('int32', [1, 5, 6, 2]) }, { ...kernel, ...window }),
    graph.node('maxPool', { x: input('int8', [1, 5, 6, 3]) }, { ...kernel, ...window }),
    ...pooled,
    ...resized,
  ];
}

function askRows({ graph, input, constant, given }: Material): TensorRef[] {
  const soft = (type: DataType, outType: 'int8' | 'uint8' | 'int16', shift: number): TensorRef => {
    const range = type === 'int32' ? { min: -(2 ** 30), max: 2 ** 30 - 1 } : undefined;
    const scale = given([1, 2], Int32Array.of(0x5c55_1d95, shift));
    return graph.node('softmax', { x: input(type, [5, 33], range), scale }, { outType });
  };
  const norm = (type: DataType, outType: DataType): TensorRef => {
    const operands = { x: input(type, [5, 19]), gamma: constant('int16', [19]) };
    const beta = constant('int32', [19], { min: -(2 ** 29), max: 2 ** 29 });
    const scale = given([1, 2], Int32Array.of(0x4100_0000, 44));
    return graph.node('layerNorm', { ...operands, beta, scale }, { epsilon: 1, ...outputStage(outType) });
  };
  const scale = given([1, 2], Int32Array.of(0x4000_0001, 34));
  return [
    soft('int8', 'uint8', 26),
    soft('uint8', 'int8', 27),
    soft('int32', 'int16', 50),
    norm('int8', 'int8'),
    norm('uint8', 'int32'),
    norm('int16', 'int16'),
    graph.node(
      'reduceSum',
      { x: input('uint8', [3, 5, 7]), scale },
      { axis: 1, zeroX: 255, ...outputStage('int8') },
    ),
    graph.node('reduceSum', { x: input('int16', [3, 41]) }, { axis: 1, zeroX: -1, ...outputStage('int32') }),
    graph.node('reduceMax', { x: input('int16', [3, 5, 2]) }, { axis: 1 }),
    graph.node('argmax', { x: input('int32', [4, 9], { min: 0, max: 2 }) }, { axis: 1 }),
    graph.node('argmax', { x: input('int8', [9, 3]) }, { axis: 0 }),
  ];
}
