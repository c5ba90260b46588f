import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { measureAccuracy } from '../../../../compute/import/accuracy.js';
import { importModel } from '../../../../compute/import/import-model.js';
import type { Model } from '../../../../compute/import/model.js';
import type { FloatData } from '../../../../compute/import/network/network.js';
import { parseOnnx } from '../../../../compute/import/onnx/parse.js';
import * as onnx from '../../../support/onnx-writer.js';
import { createPrng, type Prng } from '../../../support/prng.js';

const [WORDS, LENGTH, WIDTH, HEADS, HIDDEN] = [40, 12, 32, 2, 64];
const DEPTH = WIDTH / HEADS;

/** Sums of twelve uniform numbers: near to a normal distribution. */
function normal(random: Prng): number {
  return Array.from({ length: 12 }, () => random.u32() / 2 ** 32).reduce((sum, each) => sum + each, -6);
}

function matrix(random: Prng, name: string, rows: number, columns: number, size: number): onnx.OnnxTensor {
  return {
    name,
    shape: [rows, columns],
    values: Array.from({ length: rows * columns }, () => size * normal(random)),
  };
}

function constantsOf(random: Prng): onnx.OnnxTensor[] {
  const row = (name: string, around: number, size: number): onnx.OnnxTensor => ({
    ...matrix(random, name, 1, WIDTH, 0),
    shape: [WIDTH],
    values: Array.from({ length: WIDTH }, () => around + size * normal(random)),
  });
  const spread = 1 / Math.sqrt(WIDTH);
  return [
    matrix(random, 'words', WORDS, WIDTH, 1),
    matrix(random, 'places', LENGTH, WIDTH, 0.3),
    ...['wq', 'wk', 'wv', 'wo'].map((name) => matrix(random, name, WIDTH, WIDTH, spread)),
    matrix(random, 'w1', WIDTH, HIDDEN, spread),
    matrix(random, 'w2', HIDDEN, WIDTH, 1 / Math.sqrt(HIDDEN)),
    ...['g1', 'g2'].map((name) => row(name, 1, 0.2)),
    ...['b1', 'b2', 'bq'].map((name) => row(name, 0, 0.2)),
    { name: 'heads', shape: [4], values: [1, LENGTH, HEADS, DEPTH], type: 7 },
    { name: 'whole', shape: [3], values: [1, LENGTH, WIDTH], type: 7 },
    { name: 'root', shape: [], values: [Math.sqrt(DEPTH)] },
  ];
}

/** Embedding, attention and a perceptron, each with a sum and a norm after it, as PyTorch writes it. */
function encoder(random: Prng): Model {
  const node = (
    operator: string,
    inputs: readonly string[],
    output: string,
    attributes: NonNullable<onnx.OnnxNode['attributes']> = {},
  ): onnx.OnnxNode => ({ operator, inputs, outputs: [output], attributes });
  const heads = (from: string, weights: string, to: string, perm: readonly number[]): onnx.OnnxNode[] => [
    node('MatMul', [from, weights], `${to}0`),
    node('Reshape', [`${to}0`, 'heads'], `${to}1`),
    node('Transpose', [`${to}1`], to, { perm }),
  ];
  const nodes = [
    node('Gather', ['words', 'ids'], 'e'),
    node('Add', ['e', 'places'], 'x'),
    ...heads('x', 'wq', 'q', [0, 2, 1, 3]),
    ...heads('x', 'wk', 'k', [0, 2, 3, 1]),
    ...heads('x', 'wv', 'v', [0, 2, 1, 3]),
    node('MatMul', ['q', 'k'], 's'),
    node('Div', ['s', 'root'], 'sd'),
    node('Softmax', ['sd'], 'p', { axis: -1 }),
    node('MatMul', ['p', 'v'], 'a'),
    node('Transpose', ['a'], 'at', { perm: [0, 2, 1, 3] }),
    node('Reshape', ['at', 'whole'], 'ar'),
    node('MatMul', ['ar', 'wo'], 'o0'),
    node('Add', ['o0', 'bq'], 'o'),
    node('Add', ['x', 'o'], 'r1'),
    node('LayerNormalization', ['r1', 'g1', 'b1'], 'n1'),
    node('MatMul', ['n1', 'w1'], 'h'),
    node('Gelu', ['h'], 'hg'),
    node('MatMul', ['hg', 'w2'], 'f'),
    node('Add', ['n1', 'f'], 'r2'),
    node('LayerNormalization', ['r2', 'g2', 'b2'], 'y'),
  ];
  const graph = {
    nodes,
    constants: constantsOf(random),
    inputs: [['ids', [1, LENGTH]]] as const,
    outputs: ['y'],
    opset: 20,
  };
  const model = parseOnnx(onnx.onnxFile(graph));
  return { ...model, inputs: [{ name: 'ids', dtype: 'int64', shape: [1, LENGTH] }] };
}

function sentences(random: Prng, count: number): FloatData[][] {
  return Array.from({ length: count }, () => [
    Float64Array.from({ length: LENGTH }, () => random.below(WORDS)),
  ]);
}

describe('an encoder', () => {
  for (const [precision, cosine] of [
    ['int8', 0.98],
    ['mixed', 0.995],
    ['int16', 0.998],
  ] as const)
    test(`in whole numbers is as in fractions, with ${precision}`, () => {
      for (let seed = 0; seed < 4; seed++) {
        const random = createPrng(seed);
        const model = encoder(random);
        const samples = sentences(random, 8);
        const imported = importModel(model, { samples: () => samples, precision });
        const [ids] = imported.program.graph.inputs;
        assert.deepEqual([ids?.min, ids?.max], [0, WORDS - 1]);
        const [accuracy] = measureAccuracy(imported, sentences(random, 8));
        assert.ok(
          accuracy !== undefined && accuracy.cosine > cosine,
          `seed ${seed}: ${accuracy?.cosine ?? NaN}`,
        );
      }
    });
});
