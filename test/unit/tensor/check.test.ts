import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  buildGraph,
  outputStage,
  windowOf,
  type GraphBuilder,
  type TensorRef,
} from '../../../protocol/graph/builder.js';
import { checkGraph, openProgram } from '../../../protocol/graph/check.js';
import { describeFault, GraphError, type GraphFaultCode } from '../../../protocol/graph/faults.js';
import type { Graph } from '../../../protocol/graph/graph.js';
import type { Attributes, GraphNode, OperandsAs, OperatorName } from '../../../protocol/graph/operators.js';
import { allocateTensor } from '../../../protocol/graph/tensor-data.js';
import { elementCount, type DataType } from '../../../protocol/graph/tensors.js';

const CONVOLUTION: Attributes<'conv2d'> = {
  ...windowOf(),
  dilationHeight: 1,
  dilationWidth: 1,
  groups: 1,
  zeroX: 0,
  zeroWeights: 0,
  ...outputStage('int32'),
};
const PRODUCT: Attributes<'matmul'> = {
  transposeA: false,
  transposeB: false,
  zeroA: 0,
  zeroB: 0,
  ...outputStage('int32'),
};
const PAIR: Attributes<'add'> = { zeroA: 0, zeroB: 0, ...outputStage('int32') };
const POOL: Attributes<'maxPool'> = { ...windowOf(), kernelHeight: 2, kernelWidth: 2 };
const WIDE = { low: 0, high: 0 };

function zeros(graph: GraphBuilder, type: DataType, shape: readonly number[]): TensorRef {
  return graph.constant({ type, shape }, allocateTensor(type, elementCount(shape)), { min: 0, max: 1 });
}

/** A graph of one node over inputs and constants (`=int32[1,2]`) of the given types. */
function one<Op extends OperatorName>(
  op: Op,
  operands: Readonly<Record<string, string | readonly string[]>>,
  attributes: Attributes<Op>,
): Graph {
  const graph = buildGraph();
  const refOf = (text: string): TensorRef => {
    const [, constant, type, sizes = ''] = /^(=?)(\w+)\[(.*)\]$/.exec(text) ?? [];
    const tensor = { type: type as DataType, shape: sizes.split(',').map(Number) };
    return constant === '=' ? zeros(graph, tensor.type, tensor.shape) : graph.input(tensor);
  };
  const refs = Object.fromEntries(
    Object.entries(operands).map(([name, text]) => [
      name,
      typeof text === 'string' ? refOf(text) : text.map(refOf),
    ]),
  ) as unknown as OperandsAs<Op, TensorRef>;
  return graph.finish([graph.node(op, refs, attributes)]).graph;
}

const X = 'int8[1,4,4,4]';

const REFUSED: readonly [string, GraphFaultCode, Graph][] = [
  [
    'image of 3 dimensions',
    'SHAPE_MISMATCH',
    one('conv2d', { x: 'int8[4,4,4]', weights: 'int8[2,1,1,4]' }, CONVOLUTION),
  ],
  [
    '32-bit factors',
    'TYPE_UNSUPPORTED',
    one('conv2d', { x: 'int32[1,4,4,4]', weights: 'int8[2,1,1,4]' }, CONVOLUTION),
  ],
  ['channels of weights', 'SHAPE_MISMATCH', one('conv2d', { x: X, weights: 'int8[2,1,1,3]' }, CONVOLUTION)],
  [
    'groups',
    'SHAPE_MISMATCH',
    one('conv2d', { x: X, weights: 'int8[3,1,1,2]' }, { ...CONVOLUTION, groups: 2 }),
  ],
  [
    'kernel beyond the image',
    'WINDOW_INVALID',
    one('conv2d', { x: X, weights: 'int8[2,5,1,4]' }, CONVOLUTION),
  ],
  [
    'stride',
    'LIMIT_EXCEEDED',
    one('conv2d', { x: X, weights: 'int8[2,1,1,4]' }, { ...CONVOLUTION, strideWidth: 1025 }),
  ],
  [
    'dilation',
    'LIMIT_EXCEEDED',
    one('conv2d', { x: X, weights: 'int8[2,1,1,4]' }, { ...CONVOLUTION, dilationWidth: 1025 }),
  ],
  [
    'bias of 16 bits',
    'TYPE_UNSUPPORTED',
    one('conv2d', { x: X, weights: 'int8[2,1,1,4]', bias: 'int16[2]' }, CONVOLUTION),
  ],
  [
    'bias of another length',
    'SHAPE_MISMATCH',
    one('conv2d', { x: X, weights: 'int8[2,1,1,4]', bias: 'int32[3]' }, CONVOLUTION),
  ],
  [
    'scale that is computed',
    'OPERAND_NOT_CONSTANT',
    one('conv2d', { x: X, weights: 'int8[2,1,1,4]', scale: 'int32[1,2]' }, CONVOLUTION),
  ],
  [
    'scale of 3 rows for 2',
    'SHAPE_MISMATCH',
    one('conv2d', { x: X, weights: 'int8[2,1,1,4]', scale: '=int32[3,2]' }, CONVOLUTION),
  ],
  [
    'zero point beyond its type',
    'ZERO_POINT_INVALID',
    one('conv2d', { x: X, weights: 'int8[2,1,1,4]' }, { ...CONVOLUTION, zeroX: 128 }),
  ],
  [
    'zero point of 32 bits',
    'ZERO_POINT_INVALID',
    one('requantise', { x: 'int32[4]', scale: '=int32[1,2]' }, { zeroX: 1, ...outputStage('int8') }),
  ],
  [
    'clamp beyond its type',
    'CLAMP_INVALID',
    one(
      'conv2d',
      { x: X, weights: 'int8[2,1,1,4]' },
      { ...CONVOLUTION, ...outputStage('int8', { high: 128 }) },
    ),
  ],
  ['clamp upside down', 'CLAMP_INVALID', one('clamp', { x: X }, { low: 1, high: 0 })],
  [
    'no stride',
    'ATTRIBUTE_INVALID',
    one('conv2d', { x: X, weights: 'int8[2,1,1,4]' }, { ...CONVOLUTION, strideWidth: 0 }),
  ],
  ['a fraction', 'ATTRIBUTE_INVALID', one('clamp', { x: X }, { low: 0.5, high: 1 })],
  [
    'depthwise outputs',
    'SHAPE_MISMATCH',
    one('depthwiseConv2d', { x: X, weights: 'int8[1,1,6]' }, CONVOLUTION),
  ],
  ['terms', 'SHAPE_MISMATCH', one('matmul', { a: 'int8[2,3]', b: 'int8[4,2]' }, PRODUCT)],
  ['too many columns', 'LIMIT_EXCEEDED', one('matmul', { a: 'int8[1,1]', b: 'int8[1,262145]' }, PRODUCT)],
  [
    'too many rows of a scale',
    'LIMIT_EXCEEDED',
    one('requantise', { x: 'int8[262145]', scale: '=int32[262145,2]' }, { zeroX: 0, ...outputStage('int8') }),
  ],
  [
    'too many terms',
    'LIMIT_EXCEEDED',
    one('matmul', { a: 'int8[1,1048577]', b: 'int8[1048577,1]' }, PRODUCT),
  ],
  [
    'a batch of another size',
    'SHAPE_MISMATCH',
    one('matmul', { a: 'int8[2,3,3]', b: 'int8[3,3,3]' }, PRODUCT),
  ],
  ['a vector', 'SHAPE_MISMATCH', one('matmul', { a: 'int8[3]', b: 'int8[3,3]' }, PRODUCT)],
  ['b that does not repeat', 'SHAPE_MISMATCH', one('add', { a: 'int8[4,6]', b: 'int8[3]' }, PAIR)],
  ['b larger than a', 'SHAPE_MISMATCH', one('mul', { a: 'int8[6]', b: 'int8[4,6]' }, PAIR)],
  [
    'scale of a sum',
    'SHAPE_MISMATCH',
    one('sub', { a: 'int8[6]', b: 'int8[6]', scale: '=int32[1,2]' }, PAIR),
  ],
  ['table of 255', 'SHAPE_MISMATCH', one('lookup', { x: X, table: '=int8[255]' }, {})],
  ['lookup of 32 bits', 'TYPE_UNSUPPORTED', one('lookup', { x: 'int32[4]', table: '=int8[256]' }, {})],
  ['table that is computed', 'OPERAND_NOT_CONSTANT', one('lookup', { x: X, table: 'int8[256]' }, {})],
  ['compared types', 'TYPE_MISMATCH', one('compare', { a: 'int8[2]', b: 'uint8[2]' }, { relation: 'less' })],
  [
    'condition of 8 signed bits',
    'TYPE_UNSUPPORTED',
    one('select', { condition: 'int8[2]', a: 'int8[2]', b: 'int8[2]' }, {}),
  ],
  [
    'too many dimensions',
    'SHAPE_INVALID',
    one('gather', { data: 'int8[1,1,1,1]', indices: 'uint8[1,1,1,1]' }, {}),
  ],
  ['result too large', 'SHAPE_INVALID', one('gather', { data: 'int8[1,65536]', indices: 'uint8[4096]' }, {})],
  ['parts', 'SHAPE_MISMATCH', one('concat', { parts: ['int8[2,3]', 'int8[2,4]'] }, { axis: 0 })],
  ['axis', 'SHAPE_MISMATCH', one('reduceMax', { x: X }, { axis: 4 })],
  [
    'slice beyond the end',
    'SHAPE_MISMATCH',
    one('slice', { x: 'int8[5]' }, { begin: [1], size: [3], step: [2] }),
  ],
  [
    'slice of another rank',
    'ATTRIBUTE_COUNT',
    one('slice', { x: 'int8[5]' }, { begin: [1, 1], size: [3, 1], step: [2, 1] }),
  ],
  [
    'reflection',
    'SHAPE_MISMATCH',
    one('pad', { x: 'int8[3]' }, { mode: 'reflect', value: 0, before: [3], after: [0] }),
  ],
  [
    'value of a reflection',
    'ATTRIBUTE_INVALID',
    one('pad', { x: 'int8[3]' }, { mode: 'edge', value: 1, before: [1], after: [0] }),
  ],
  ['order of dimensions', 'ATTRIBUTE_INVALID', one('transpose', { x: 'int8[3,3]' }, { permutation: [0, 0] })],
  ['elements', 'SHAPE_MISMATCH', one('reshape', { x: 'int8[3,3]' }, { shape: [8] })],
  [
    'resize too large',
    'LIMIT_EXCEEDED',
    one('resize', { x: 'int8[1,1,1,1]' }, { height: 16_385, width: 1, mode: 'nearest', grid: 'halfPixel' }),
  ],
  [
    'blocks',
    'SHAPE_MISMATCH',
    one('depthToSpace', { x: 'int8[1,2,2,6]' }, { block: 2, order: 'blockFirst' }),
  ],
  [
    'blocks of space',
    'SHAPE_MISMATCH',
    one('spaceToDepth', { x: 'int8[1,2,3,6]' }, { block: 2, order: 'blockFirst' }),
  ],
  ['padding as wide as the kernel', 'WINDOW_INVALID', one('maxPool', { x: X }, { ...POOL, padTop: 2 })],
  [
    'average of 32 bits',
    'TYPE_UNSUPPORTED',
    one('averagePool', { x: 'int32[1,4,4,4]' }, { ...POOL, countPadding: false, zeroX: 0 }),
  ],
  [
    'row of softmax',
    'LIMIT_EXCEEDED',
    one('softmax', { x: 'int8[1,32769]', scale: '=int32[1,2]' }, { outType: 'uint8' }),
  ],
  [
    'softmax of 32 bits',
    'TYPE_UNSUPPORTED',
    one('softmax', { x: 'int8[1,3]', scale: '=int32[1,2]' }, { outType: 'int32' }),
  ],
  [
    'gamma',
    'SHAPE_MISMATCH',
    one(
      'layerNorm',
      { x: 'int8[1,3]', gamma: '=int16[2]', beta: '=int32[3]', scale: '=int32[1,2]' },
      { epsilon: 1, ...outputStage('int8') },
    ),
  ],
  [
    'epsilon',
    'LIMIT_EXCEEDED',
    one(
      'layerNorm',
      { x: 'int8[1,3]', gamma: '=int16[3]', beta: '=int32[3]', scale: '=int32[1,2]' },
      { epsilon: 65_537, ...outputStage('int8') },
    ),
  ],
];

describe('a graph is refused', () => {
  for (const [what, code, graph] of REFUSED) {
    test(`${what}: ${code}`, () => {
      const { faults } = checkGraph(graph);
      const [fault] = faults;
      assert.deepEqual(
        [...new Set(faults.map((one) => one.code))],
        [code],
        faults.map(describeFault).join('\n'),
      );
      assert.equal(fault?.node, 0);
      assert.equal(fault.operator, graph.nodes[0]?.op);
      assert.equal(fault.path, 'nodes[0]');
    });
  }

  const good = one('clamp', { x: X }, WIDE);
  const node = (x: number): GraphNode => ({ op: 'clamp', operands: { x }, attributes: WIDE });
  const input = { role: 'item', type: 'int8', shape: [4], min: 0, max: 1 } as const;
  const whole: readonly [string, GraphFaultCode, string, Graph][] = [
    ['another version', 'VERSION_UNKNOWN', '$', { ...good, version: 2 }],
    ['no input', 'NO_INPUT', '$', { ...good, inputs: [] }],
    ['no output', 'NO_OUTPUT', '$', { ...good, outputs: [] }],
    [
      'too many nodes',
      'LIMIT_EXCEEDED',
      '$',
      { ...good, nodes: Array.from({ length: 2049 }, () => node(0)) },
    ],
    ['an output of nothing', 'OPERAND_UNKNOWN', 'outputs[1]', { ...good, outputs: [1, 2] }],
    ['a node that reads itself', 'OPERAND_UNKNOWN', 'nodes[0]', { ...good, nodes: [node(1)] }],
    ['a node for nothing', 'UNUSED', 'nodes[1]', { ...good, nodes: [node(0), node(0)] }],
    [
      'an input for nothing',
      'UNUSED',
      'inputs[1]',
      { ...good, inputs: [input, input], nodes: [node(0)], outputs: [2] },
    ],
    ['a range upside down', 'RANGE_INVALID', 'inputs[0]', { ...good, inputs: [{ ...input, min: 2 }] }],
    ['a range beyond its type', 'RANGE_INVALID', 'inputs[0]', { ...good, inputs: [{ ...input, max: 128 }] }],
    ['a dimension of nothing', 'SHAPE_INVALID', 'inputs[0]', { ...good, inputs: [{ ...input, shape: [0] }] }],
    [
      'rows wider than a binding',
      'SHAPE_INVALID',
      'inputs[0]',
      { ...good, inputs: [{ ...input, shape: [2 ** 25 + 1, 1] }] },
    ],
    ['a short hash', 'WEIGHTS_HASH', 'weights', { ...good, weightsHash: new Uint8Array(31) }],
    [
      'a state not renewed',
      'STATE_MISMATCH',
      '$',
      { ...good, inputs: [{ ...input, role: 'state' }], outputs: [1, 0] },
    ],
    [
      'a state of another type',
      'STATE_MISMATCH',
      'outputs[0]',
      {
        ...good,
        inputs: [{ ...input, role: 'state' }],
        nodes: [{ op: 'cast', operands: { x: 0 }, attributes: { outType: 'int16' } }],
      },
    ],
  ];
  for (const [what, code, path, graph] of whole) {
    test(`${what}: ${code}`, () => {
      const found = checkGraph(graph).faults.find((fault) => fault.code === code && fault.path === path);
      assert.ok(found, checkGraph(graph).faults.map(describeFault).join('\n'));
    });
  }

  test('work of a segment', () => {
    const graph = one(
      'conv2d',
      { x: 'int8[1,512,512,128]', weights: 'int8[256,15,15,128]' },
      {
        ...CONVOLUTION,
        ...windowOf({ padTop: 7, padBottom: 7, padLeft: 7, padRight: 7 }),
        ...outputStage('int8'),
      },
    );
    assert.deepEqual(
      checkGraph(graph).faults.map(({ code }) => code),
      ['LIMIT_EXCEEDED'],
    );
  });
});

test('all faults are reported at once, each at its place, and none for what follows from another', () => {
  const graph = buildGraph();
  const x = graph.input({ type: 'int8', shape: [1, 4, 4, 4] });
  const wrong = graph.node('reshape', { x }, { shape: [63] });
  const after = graph.node('clamp', { x: wrong }, WIDE);
  const other = graph.node('transpose', { x }, { permutation: [0] });
  const { faults } = checkGraph(graph.finish([after, other]).graph);
  assert.deepEqual(faults.map(describeFault), [
    'nodes[0] reshape: 1×4×4×4 does not reshape to 63 [SHAPE_MISMATCH]',
    'nodes[2] transpose: 0 does not order 4 dimensions [ATTRIBUTE_INVALID]',
  ]);
  assert.throws(
    () => openProgram(graph.finish([after, other]).graph),
    (error) => error instanceof GraphError && error.faults.length === 2,
  );
});
