import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { halfToFloat } from '../../../../compute/import/half.js';
import { ModelError } from '../../../../compute/import/model-error.js';
import { parseOnnx } from '../../../../compute/import/onnx/parse.js';
import * as onnx from '../../../support/onnx-writer.js';
import { createPrng } from '../../../support/prng.js';

const PERCEPTRON: onnx.OnnxGraph = {
  inputs: [['x', ['batch', 2]]],
  outputs: ['y'],
  constants: [
    { name: 'w', shape: [2, 2], values: [1, -2, 0.5, 4] },
    { name: 'shape', shape: [2], values: [-1, 2], type: 7 },
    { name: 'q', shape: [3], values: [-128, 0, 127], type: 3 },
  ],
  nodes: [
    { operator: 'Reshape', inputs: ['x', 'shape'], outputs: ['r'] },
    {
      operator: 'Gemm',
      inputs: ['r', 'w', ''],
      outputs: ['g'],
      attributes: { alpha: 0.5, transB: 1, perm: [1, -1] },
    },
    { operator: 'Relu', inputs: ['g'], outputs: ['y'] },
  ],
};

function refusal(file: Uint8Array): string {
  try {
    parseOnnx(file);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return error.message;
  }
  return 'none';
}

describe('an ONNX file', () => {
  test('is read as it was written', () => {
    const model = parseOnnx(onnx.onnxFile(PERCEPTRON));
    assert.deepEqual(model.inputs, [{ name: 'x', dtype: 'float32', shape: [null, 2] }]);
    assert.deepEqual(
      model.nodes.map(({ operator, inputs }) => [operator, inputs]),
      [
        ['Reshape', ['x', 'shape']],
        ['Gemm', ['r', 'w', '']],
        ['Relu', ['g']],
      ],
    );
    assert.deepEqual(Object.fromEntries(model.nodes[1]?.attributes ?? []), {
      alpha: 0.5,
      transB: 1,
      perm: [1, -1],
    });
    assert.deepEqual(model.constants.get('w')?.data, Float32Array.of(1, -2, 0.5, 4));
    assert.deepEqual(model.constants.get('shape')?.data, Float64Array.of(-1, 2));
    assert.deepEqual(model.constants.get('q')?.data, Int8Array.of(-128, 0, 127));
  });

  test('numbers beyond what is exact mean the end', () => {
    const max = { name: 'ends', shape: [2], values: [2 ** 63 - 1024, -(2 ** 63)], type: 7 };
    const model = parseOnnx(
      onnx.onnxFile({ ...PERCEPTRON, constants: [...(PERCEPTRON.constants ?? []), max] }),
    );
    assert.deepEqual(model.constants.get('ends')?.data, Float64Array.of(2 ** 53, -(2 ** 53)));
  });

  test('halves', () => {
    const cases = [0, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00].map(halfToFloat);
    assert.deepEqual(cases, [0, 1, -2, 65504, 2 ** -24, Infinity]);
  });
});

describe('refused, by name', () => {
  const base = onnx.onnxFile(PERCEPTRON);
  const graph = (parts: number[]): Uint8Array =>
    Uint8Array.from([
      ...onnx.bytes(8, onnx.whole(2, 17)),
      ...onnx.bytes(7, [...parts, ...onnx.bytes(12, onnx.value('y', []))]),
    ]);
  const external = onnx.bytes(5, [
    ...onnx.whole(1, 1),
    ...onnx.whole(2, 1),
    ...onnx.text(8, 'w'),
    ...onnx.whole(14, 1),
  ]);
  const cases: [string, Uint8Array, RegExp][] = [
    ['an empty file', new Uint8Array(0), /no graph/],
    ['text', new TextEncoder().encode('<html>'), /file: /],
    ['an old set of operators', onnx.onnxFile({ ...PERCEPTRON, opset: 3 }), /version 3 of the operators/],
    ['data in another file', graph(external), /constant 0 w|w: data outside the file/],
    [
      'more elements than bytes',
      graph(onnx.bytes(5, [...onnx.whole(1, 2 ** 27), ...onnx.whole(2, 1), ...onnx.text(8, 'w')])),
      /fewer values than its 134217728 elements/,
    ],
    [
      'a shape beyond everything',
      graph(
        onnx.bytes(5, [
          ...[1, 1, 1].flatMap(() => onnx.whole(1, 2 ** 40)),
          ...onnx.whole(2, 1),
          ...onnx.text(8, 'w'),
        ]),
      ),
      /constant 0 w: more than 268435456 elements/,
    ],
    [
      'a graph inside a node',
      graph(
        onnx.bytes(1, [
          ...onnx.text(2, 'y'),
          ...onnx.text(4, 'If'),
          ...onnx.bytes(5, [...onnx.text(1, 'then'), ...onnx.bytes(6, [])]),
        ]),
      ),
      /node 0 If: a graph inside a node/,
    ],
    [
      'an operator of somebody’s own',
      graph(onnx.bytes(1, [...onnx.text(2, 'y'), ...onnx.text(4, 'Magic'), ...onnx.text(7, 'acme')])),
      /node 0 Magic: the operator acme.Magic/,
    ],
    [
      'a name without end',
      graph(onnx.bytes(1, onnx.text(4, 'x'.repeat(513)))),
      /a name of more than 512 bytes/,
    ],
    [
      'a value used before it is made',
      onnx.onnxFile({ ...PERCEPTRON, nodes: PERCEPTRON.nodes.toReversed() }),
      /node 0 Relu: nothing before it makes g/,
    ],
    [
      'an output nobody makes',
      onnx.onnxFile({ ...PERCEPTRON, outputs: ['z'] }),
      /z: nothing makes this output/,
    ],
    ['a file cut off', base.subarray(0, base.length - 3), /outside its message/],
  ];
  for (const [what, file, reason] of cases) test(what, () => assert.match(refusal(file), reason));

  test('nodes without end', () => {
    const one = Uint8Array.from(
      onnx.bytes(1, onnx.node({ operator: 'Relu', inputs: ['x'], outputs: ['a'] })),
    );
    const many = Buffer.concat(Array<Uint8Array>(16_385).fill(one));
    const head = Uint8Array.from([...onnx.bytes(8, onnx.whole(2, 17)), 58, ...onnx.varint(many.length)]);
    assert.match(refusal(Buffer.concat([head, many])), /more than 16384 nodes/);
  });
});

test('files changed at random are read or refused, and nothing else', () => {
  const random = createPrng(20_261);
  const base = onnx.onnxFile(PERCEPTRON);
  let refused = 0;
  for (let i = 0; i < 3000; i++) {
    const file = base.slice(0, random.below(4) === 0 ? random.below(base.length) : base.length);
    for (let change = random.below(6); change >= 0; change--)
      file[random.below(base.length)] = random.below(256);
    if (refusal(file) !== 'none') refused++;
  }
  assert.ok(refused > 1500 && refused < 3000, String(refused));
});
