import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { calibrate } from '../../../compute/import/calibrate.js';
import { canonicalise } from '../../../compute/import/canonical/canonical.js';
import { runNetwork } from '../../../compute/import/float/run.js';
import { elementOn } from '../../../compute/import/integer/grid.js';
import { lowerNetwork, type Port } from '../../../compute/import/integer/lower.js';
import { ModelError } from '../../../compute/import/model-error.js';
import type { Model, ModelTensor, ModelType } from '../../../compute/import/model.js';
import { MODEL_ARRAYS } from '../../../compute/import/model.js';
import type { FloatData, Network } from '../../../compute/import/network/network.js';
import { simplify } from '../../../compute/import/network/simplify.js';
import { parseOnnx } from '../../../compute/import/onnx/parse.js';
import { executeProgram } from '../../../compute/reference/execute.js';
import { openProgram } from '../../../protocol/graph/check.js';
import { proveProgram } from '../../../protocol/graph/prove.js';
import { allocateTensor } from '../../../protocol/graph/tensor-data.js';
import { readVector } from '../../support/vectors.js';

/** Cases of ONNX's own test of back ends (Apache-2.0), made by its package for Python 1.23: a file with one node, inputs, outputs. */
interface Case {
  readonly model: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

interface Tensor {
  readonly type: ModelType;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** Of what a result reaches over: five steps of the 16-bit numbers between. */
const TOLERANCE = 1 / 6_000;

/** Where results are coarser, and why. */
function toleranceOf(name: string): number {
  // Weights are bytes.
  if (/^(gemm|matmul_[234]d)/.test(name)) return 1 / 80;
  // A normalised element has 11 bits after the point.
  if (name.startsWith('layer_norm')) return 1 / 800;
  // Fractions of a bilinear resize have 7 bits; exponents of a softmax have 8.
  if (/^(resize_.*linear|softmax)/.test(name)) return 1 / 250;
  return TOLERANCE;
}

/** A node of a kind that the machine does not have; refused, by name. */
const REFUSED = new Set([
  'resize_downsample_scales_linear',
  'resize_upsample_scales_linear_half_pixel_symmetric',
  'resize_upsample_sizes_nearest_ceil_half_pixel',
  'resize_upsample_sizes_nearest_floor_align_corners',
  'max_example',
]);

/** Inputs of these are no ones that a program takes: indices below zero; numbers of which 16 bits tell too few apart. */
const FRACTIONS_ONLY = new Set(['gather_negative_indices', 'softmax_large_number']);

/** The model with all inputs but the first `free` as constants, and what is left to feed. */
function bind(name: string, { model, inputs }: Case, free: number): { model: Model; fed: readonly Tensor[] } {
  const isTraining = /^(layer_norm|maxpool|batchnorm)/.test(name);
  const parsed = parseOnnx(Buffer.from(model, 'base64'));
  const constants = new Map(parsed.constants);
  for (const [index, { name }] of parsed.inputs.entries()) {
    const tensor = inputs[index];
    if (index < free || tensor === undefined) continue;
    constants.set(name, toConstant(tensor));
  }
  return {
    // Statistics of a norm, and indices of a pool, are for training.
    model: {
      ...parsed,
      constants,
      inputs: parsed.inputs.slice(0, free),
      outputs: parsed.outputs.slice(0, isTraining ? 1 : undefined),
    },
    fed: inputs.slice(0, free),
  };
}

function toConstant({ type, shape, values }: Tensor): ModelTensor {
  return { dtype: type, shape, data: MODEL_ARRAYS[type].from(values) };
}

const NOTHING: Tensor = { type: 'float32', shape: [], values: [] };

/** Elements in the order that a port has them: with channels last where it says so. */
function turned({ shape, values }: Tensor, isTurned: boolean): FloatData {
  if (!isTurned) return Float32Array.from(values);
  const [batch = 1, channels = 1, height = 1, width = 1] = shape;
  const result = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const pixel = i % (height * width);
    const channel = Math.floor(i / (height * width)) % channels;
    const image = Math.floor(i / (height * width * channels));
    result[(image * height * width + pixel) * channels + channel] = values[i] ?? 0;
  }
  assert.equal(result.length, batch * channels * height * width);
  return result;
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] ?? NaN) - (expected[i] ?? NaN));
    assert.ok(difference <= tolerance, `element ${i} is ${String(actual[i])}, not ${String(expected[i])}`);
  }
}

function reachOf(lists: readonly ArrayLike<number>[]): number {
  return Math.max(...lists.flatMap((list) => Array.from(list, Math.abs)), 1e-3);
}

/** Runs the integer program of a network; results as the fractions they stand for. */
function runIntegers(network: Network, fed: readonly FloatData[]): number[][] {
  const ranges = calibrate(network, [fed]);
  const { graph, weights, inputs, outputs } = lowerNetwork(network, ranges, { precision: 'int16' });
  const program = proveProgram(openProgram(graph), weights);
  const items = inputs.map((port: Port, index) => {
    const data = fed[index] ?? new Float32Array(0);
    const item = allocateTensor(port.type, data.length);
    for (let i = 0; i < data.length; i++) item[i] = elementOn(port, data[i] ?? 0);
    return item;
  });
  return executeProgram(program, items).map((data, index) => {
    const { scale, zero } = outputs[index] ?? { scale: 1, zero: 0 };
    return Array.from(data, (element) => scale * (element - zero));
  });
}

/** Nothing where operands that are free make a node the machine does not have. */
function integersUnless(isFree: boolean, network: Network, inputs: readonly FloatData[]): number[][] {
  try {
    return runIntegers(network, inputs);
  } catch (error) {
    if (isFree && isUnsupported(error)) return [];
    throw error;
  }
}

const cases = readVector<Record<string, Case>>('models/onnx-node.json');

function isUnsupported(error: unknown): boolean {
  return error instanceof ModelError && error.code === 'MODEL_UNSUPPORTED';
}

describe('ONNX’s own cases', () => {
  let freeRuns = 0;
  for (const [name, sample] of Object.entries(cases)) {
    test(name, () => {
      if (REFUSED.has(name)) {
        assert.throws(() => canonicalise(bind(name, sample, 1).model), isUnsupported);
        return;
      }
      for (const free of new Set([1, sample.inputs.length])) {
        const { model, fed } = bind(name, sample, free);
        let network;
        try {
          network = simplify(canonicalise(model));
        } catch (error) {
          if (free > 1 && isUnsupported(error)) continue;
          throw error;
        }
        if (free > 1) freeRuns++;
        const inputs = fed.map((tensor, index) => turned(tensor, network.inputs[index]?.isTurned ?? false));
        const expected = network.outputs
          .map((_, index) => sample.outputs[index] ?? NOTHING)
          .map((tensor, index) => turned(tensor, network.outputs[index]?.isTurned ?? false));
        const fractions = runNetwork(network, inputs).map(({ data }) => data);
        for (const [index, result] of fractions.entries())
          assertClose(result, expected[index] ?? [], 1e-5 * reachOf(expected));
        if (FRACTIONS_ONLY.has(name)) continue;
        const isWhole = name.startsWith('quantizelinear');
        const tolerance = isWhole ? 1 : toleranceOf(name) * reachOf([...expected, ...inputs.slice(1)]);
        for (const [index, result] of integersUnless(free > 1, network, inputs).entries())
          assertClose(result, expected[index] ?? [], tolerance);
      }
    });
  }
  test('operands that need not be constants were not', () => {
    assert.ok(freeRuns > 14, String(freeRuns));
  });
});
