import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toElements, toFractions } from '../../../../compute/import/accuracy.js';
import { canonicalise } from '../../../../compute/import/canonical/canonical.js';
import { runNetwork } from '../../../../compute/import/float/run.js';
import { importModel, type ImportedModel } from '../../../../compute/import/import-model.js';
import { multiplierOf } from '../../../../compute/import/integer/grid.js';
import type { Precision } from '../../../../compute/import/integer/lowering.js';
import { ModelError } from '../../../../compute/import/model-error.js';
import type { FloatData } from '../../../../compute/import/network/network.js';
import { parseOnnx } from '../../../../compute/import/onnx/parse.js';
import { executeProgram } from '../../../../compute/reference/execute.js';
import { createPrng, type Prng } from '../../../support/prng.js';
import * as onnx from '../../../support/onnx-writer.js';

function uniform(random: Prng): number {
  return (random.u32() / 2 ** 31 - 1) * 1.5;
}

function tensor(random: Prng, name: string, shape: readonly number[], size = 1): onnx.OnnxTensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return { name, shape, values: Array.from({ length: count }, () => size * uniform(random)) };
}

/** Convolution, norm, leaky rectifier, depthwise convolution, pool, product, sigmoid. */
function smallNet(random: Prng): onnx.OnnxGraph {
  return {
    inputs: [['x', [1, 3, 8, 8]]],
    outputs: ['y'],
    constants: [
      tensor(random, 'k', [4, 3, 3, 3]),
      tensor(random, 'b', [4]),
      tensor(random, 'gamma', [4]),
      tensor(random, 'beta', [4]),
      tensor(random, 'mean', [4]),
      { name: 'variance', shape: [4], values: [0.5, 1, 2, 0.1] },
      tensor(random, 'dk', [4, 1, 3, 3]),
      { name: 'slopes', shape: [4, 1, 1], values: [0.1, 0.5, -0.2, 2] },
      tensor(random, 'w', [64, 5], 0.02),
      tensor(random, 'wb', [5]),
    ],
    nodes: [
      { operator: 'Conv', inputs: ['x', 'k', 'b'], outputs: ['c'], attributes: { pads: [1, 1, 1, 1] } },
      { operator: 'BatchNormalization', inputs: ['c', 'gamma', 'beta', 'mean', 'variance'], outputs: ['n'] },
      { operator: 'PRelu', inputs: ['n', 'slopes'], outputs: ['p'] },
      { operator: 'Conv', inputs: ['p', 'dk'], outputs: ['d'], attributes: { pads: [1, 1, 1, 1], group: 4 } },
      { operator: 'Add', inputs: ['d', 'p'], outputs: ['s'] },
      {
        operator: 'MaxPool',
        inputs: ['s'],
        outputs: ['m'],
        attributes: { kernel_shape: [2, 2], strides: [2, 2] },
      },
      { operator: 'Flatten', inputs: ['m'], outputs: ['f'] },
      { operator: 'Gemm', inputs: ['f', 'w', 'wb'], outputs: ['g'] },
      { operator: 'Sigmoid', inputs: ['g'], outputs: ['y'] },
    ],
  };
}

function samplesOf(random: Prng, count: number, size: number): FloatData[][] {
  return Array.from({ length: count }, () => [Float32Array.from({ length: size }, () => uniform(random))]);
}

/** The largest difference of a program from its network, in parts of what the output reaches over. */
function largestError(model: ImportedModel, samples: readonly (readonly FloatData[])[]): number {
  let [error, reach] = [0, 0];
  for (const sample of samples) {
    const items = model.inputs.map((port, i) => toElements(port, sample[i] ?? new Float32Array()));
    const [port] = model.outputs;
    const [made] = executeProgram(model.program, items);
    const [expected] = runNetwork(model.network, sample);
    assert.ok(port !== undefined && made !== undefined && expected !== undefined);
    for (const [i, value] of toFractions(port, made).entries()) {
      error = Math.max(error, Math.abs(value - (expected.data[i] ?? NaN)));
      reach = Math.max(reach, Math.abs(expected.data[i] ?? NaN));
    }
  }
  return error / reach;
}

describe('a small network becomes a program', () => {
  const LIMITS: readonly (readonly [Precision, number])[] = [
    ['int8', 0.12],
    ['mixed', 0.1],
    ['int16', 0.04],
  ];
  for (const [precision, limit] of LIMITS)
    test(`near to it in fractions, with ${precision}`, () => {
      for (let seed = 0; seed < 8; seed++) {
        const random = createPrng(seed);
        const model = parseOnnx(onnx.onnxFile(smallNet(random)));
        const samples = samplesOf(random, 6, 192);
        const imported = importModel(model, { samples: () => samples, precision });
        const error = largestError(imported, samples);
        assert.ok(error < limit, `seed ${seed}: ${error}`);
      }
    });

  test('with norms and rectifiers inside convolutions', () => {
    const random = createPrng(1);
    const samples = samplesOf(random, 2, 192);
    const model = parseOnnx(onnx.onnxFile(smallNet(random)));
    const { program } = importModel(model, { samples: () => samples });
    assert.deepEqual(
      program.graph.nodes.map(({ op }) => op),
      ['conv2d', 'depthwiseConv2d', 'add', 'maxPool', 'transpose', 'reshape', 'matmul', 'lookup'],
    );
  });
});

test('sums that would not fit 32 bits cost activations bits, not the proof', () => {
  const random = createPrng(5);
  const terms = 4096;
  const graph: onnx.OnnxGraph = {
    inputs: [['x', [1, terms]]],
    outputs: ['y'],
    constants: [{ name: 'w', shape: [terms, 2], values: Array.from({ length: 2 * terms }, () => 1) }],
    nodes: [{ operator: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
  };
  const samples = samplesOf(random, 2, terms);
  const imported = importModel(parseOnnx(onnx.onnxFile(graph)), {
    samples: () => samples,
    precision: 'int16',
  });
  assert.deepEqual(
    imported.program.graph.nodes.map(({ op }) => op),
    ['requantise', 'matmul'],
  );
  assert.ok(largestError(imported, samples) < 0.01);
});

test('a model’s own whole numbers are kept to the last bit', () => {
  const graph: onnx.OnnxGraph = {
    inputs: [['x', [1, 3]]],
    outputs: ['y'],
    constants: [
      { name: 'sx', shape: [], values: [0.05] },
      { name: 'zx', shape: [], values: [3], type: 3 },
      { name: 'w', shape: [3, 2], values: [5, -7, 100, 9, -128, 127], type: 3 },
      { name: 'sw', shape: [], values: [0.01] },
      { name: 'zw', shape: [], values: [0], type: 3 },
      { name: 'sy', shape: [], values: [0.125] },
      { name: 'zy', shape: [], values: [-4], type: 3 },
    ],
    nodes: [
      { operator: 'QuantizeLinear', inputs: ['x', 'sx', 'zx'], outputs: ['xq'] },
      { operator: 'DequantizeLinear', inputs: ['xq', 'sx', 'zx'], outputs: ['xd'] },
      { operator: 'DequantizeLinear', inputs: ['w', 'sw', 'zw'], outputs: ['wd'] },
      { operator: 'MatMul', inputs: ['xd', 'wd'], outputs: ['m'] },
      { operator: 'Relu', inputs: ['m'], outputs: ['r'] },
      { operator: 'QuantizeLinear', inputs: ['r', 'sy', 'zy'], outputs: ['y'] },
    ],
  };
  const samples = [[Float32Array.of(1, -2, 3)]];
  const grids = new Map([['x', { type: 'int8', scale: Math.fround(0.05), zero: 3 } as const]]);
  const { program } = importModel(parseOnnx(onnx.onnxFile(graph)), { samples: () => samples, grids });
  assert.deepEqual(
    program.graph.nodes.map(({ op }) => op),
    ['matmul'],
  );
  const random = createPrng(2);
  for (let i = 0; i < 200; i++) {
    const x = Int8Array.from({ length: 3 }, () => random.below(256) - 128);
    const [made] = executeProgram(program, [x]);
    const w = [5, -7, 100, 9, -128, 127];
    const expected = [0, 1].map((column) => {
      const sum = [0, 1, 2].reduce((total, t) => total + ((x[t] ?? 0) - 3) * (w[2 * t + column] ?? 0), 0);
      const scaled = (Math.max(sum, 0) * Math.fround(0.05) * Math.fround(0.01)) / 0.125;
      return Math.min(Math.floor(scaled + 0.5) - 4, 127);
    });
    assert.deepEqual(Array.from(made ?? []), expected);
  }
});

test('multipliers have 31 bits where a factor is not tiny', () => {
  const random = createPrng(4);
  for (let i = 0; i < 1000; i++) {
    const factor =
      2 ** (random.below(58) - 29) * (1 + random.u32() / 2 ** 32) * (random.chance(1, 2) ? 1 : -1);
    const [multiplier, shift] = multiplierOf(factor);
    assert.ok(Math.abs(multiplier) < 2 ** 31 && shift >= 1 && shift <= 62);
    assert.ok(Math.abs(multiplier / 2 ** shift / factor - 1) < 2 ** -30, String(factor));
  }
  assert.deepEqual(multiplierOf(0), [0, 1]);
  assert.deepEqual(multiplierOf(1 - 2 ** -40), [2 ** 30, 30]);
});

describe('refused', () => {
  const graph = (nodes: onnx.OnnxGraph['nodes']): onnx.OnnxGraph => ({
    inputs: [['x', [1, 4]]],
    outputs: ['y'],
    nodes,
  });

  test('all that is not imported at once, with what could stand there', () => {
    const model = parseOnnx(
      onnx.onnxFile(
        graph([
          { operator: 'LSTM', inputs: ['x'], outputs: ['a'] },
          { operator: 'Relu', inputs: ['a'], outputs: ['b'] },
          { operator: 'NonZero', inputs: ['x'], outputs: ['c'] },
          { operator: 'DynamicQuantizeLinear', inputs: ['x'], outputs: ['y', 's', 'z'] },
        ]),
      ),
    );
    assert.throws(
      () => canonicalise(model),
      (error: unknown) => {
        assert.ok(error instanceof ModelError);
        assert.equal(error.code, 'MODEL_UNSUPPORTED');
        assert.equal(error.data['count'], 3);
        assert.match(
          error.message,
          /LSTM is not imported \(nearest form: a step.*NonZero.*DynamicQuantizeLinear.*static/,
        );
        return true;
      },
    );
  });

  test('sizes that nobody says, and shapes that do not fit', () => {
    const open = {
      ...graph([{ operator: 'Relu', inputs: ['x'], outputs: ['y'] }]),
      inputs: [['x', [1, 'n']]] as const,
    };
    const model = parseOnnx(onnx.onnxFile(open));
    assert.throws(() => canonicalise(model), { code: 'MODEL_SHAPE_OPEN' });
    assert.throws(() => canonicalise(model, new Map([['x', [2, 3]]])), { code: 'MODEL_MALFORMED' });
    assert.equal(canonicalise(model, new Map([['x', [1, 3]]])).values.length, 2);
  });

  test('no samples, and samples without numbers', () => {
    const model = parseOnnx(onnx.onnxFile(graph([{ operator: 'Log', inputs: ['x'], outputs: ['y'] }])));
    assert.throws(() => importModel(model, { samples: () => [] }), { code: 'MODEL_CALIBRATION' });
    const samples = [[Float32Array.of(1, 2, -1, 4)]];
    assert.throws(() => importModel(model, { samples: () => samples }), { code: 'MODEL_CALIBRATION' });
  });
});
