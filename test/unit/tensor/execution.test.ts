import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { executeProgram } from '../../../compute/reference/execute.js';
import { toHex } from '../../../protocol/bytes.js';
import {
  buildGraph,
  outputStage,
  windowOf,
  type GraphBuilder,
  type TensorRef,
} from '../../../protocol/graph/builder.js';
import { openProgram } from '../../../protocol/graph/check.js';
import { stateIdOf } from '../../../protocol/audit/commitment.js';
import { proveProgram, type ProvenProgram } from '../../../protocol/graph/prove.js';
import { tensorToBytes } from '../../../protocol/graph/tensor-data.js';
import { codeOf } from '../../support/error-code.js';
import { createPrng } from '../../support/prng.js';

function proven(build: (graph: GraphBuilder) => TensorRef[]): ProvenProgram {
  const graph = buildGraph();
  const { graph: made, weights } = graph.finish(build(graph));
  return proveProgram(openProgram(made), weights);
}

function scaleOf(graph: GraphBuilder, ...numbers: number[]): TensorRef {
  return graph.constant({ type: 'int32', shape: [1, numbers.length] }, Int32Array.from(numbers));
}

describe('a segment', () => {
  const program = proven((graph) => {
    const x = graph.input({ type: 'int8', shape: [2] }, { min: -3, max: 3 });
    const same = graph.input({ type: 'int16', shape: [1] });
    return [graph.node('clamp', { x }, { low: 0, high: 2 }), same];
  });

  test('is refused inputs that the program does not take', () => {
    const run = (...inputs: Parameters<typeof executeProgram>[1]): string =>
      codeOf(() => executeProgram(program, inputs));
    assert.equal(run(Int8Array.of(-3, 3), Int16Array.of(1)), 'none');
    assert.equal(run(Int8Array.of(-3, 3)), 'INPUT_COUNT');
    assert.equal(run(Uint8Array.of(3, 3), Int16Array.of(1)), 'INPUT_TYPE');
    assert.equal(run(Int8Array.of(3), Int16Array.of(1)), 'INPUT_LENGTH');
    assert.equal(run(Int8Array.of(-3, 4), Int16Array.of(1)), 'INPUT_OUT_OF_RANGE');
    assert.equal(run(Int8Array.of(-4, 3), Int16Array.of(1)), 'INPUT_OUT_OF_RANGE');
  });

  test('leaves its inputs as they were, and may hand one on', () => {
    const inputs = [Int8Array.of(-3, 3), Int16Array.of(5)];
    assert.deepEqual(executeProgram(program, inputs), [Int8Array.of(0, 2), Int16Array.of(5)]);
    assert.deepEqual(inputs, [Int8Array.of(-3, 3), Int16Array.of(5)]);
  });
});

describe('the meter', () => {
  test('sums work, bytes and dispatches, and knows what is alive at once', () => {
    const { work } = proven((graph) => {
      const x = graph.input({ type: 'int8', shape: [1, 64, 64, 32] });
      const weights = graph.constant({ type: 'int8', shape: [32, 5, 5, 32] }, new Int8Array(25_600));
      const bias = graph.constant({ type: 'int32', shape: [32] }, new Int32Array(32));
      const scale = scaleOf(graph, 2 ** 30, 40);
      const window = windowOf({ padTop: 2, padBottom: 2, padLeft: 2, padRight: 2 });
      const kernel = { dilationHeight: 1, dilationWidth: 1, groups: 1, zeroX: 0, zeroWeights: 0 };
      const attributes = { ...window, ...kernel, ...outputStage('int8') };
      const first = graph.node('conv2d', { x, weights, bias, scale }, attributes);
      const second = graph.node('conv2d', { x: first, weights, bias, scale }, attributes);
      const both = graph.node('concat', { parts: [second, second] }, { axis: 3 });
      return [graph.node('reshape', { x: both }, { shape: [262_144] })];
    });
    const image = 64 * 64 * 32;
    const constants = 25_600 + 128 + 8;
    assert.deepEqual(work, {
      macs: 2 * image * 800,
      steps: 2 * image + 2 * image,
      bytes: 2 * (2 * image + constants) + 4 * image,
      dispatches: 1 + 1 + 2,
      memoryBytes: constants + 4 * image,
      weightBytes: constants,
      inputBytes: image,
      outputBytes: 2 * image,
    });
  });

  test('cuts long work', () => {
    const { work } = proven((graph) => {
      const a = graph.input({ type: 'int8', shape: [1024, 1024] });
      const b = graph.input({ type: 'int8', shape: [1024, 1024] });
      const product = { transposeA: false, transposeB: true, zeroA: 0, zeroB: 0, ...outputStage('int32') };
      return [graph.node('matmul', { a, b }, product)];
    });
    assert.equal(work.macs, 2 ** 30);
    assert.equal(work.dispatches, Math.ceil((2 ** 30 + 4 * 2 ** 20) / 2 ** 28));
  });
});

/**
 * One step of integer gradient descent on a network of one hidden layer: from 4 letters by their numbers to scores of the next. Weights are
 * 32-bit states with 16 bits after the point; a step sees them in 8 bits.
 */
function trainingStep(letters: number, batch: number, width: number): ProvenProgram {
  return proven((graph) => {
    const range = { min: -(2 ** 23), max: 2 ** 23 };
    const embedding = graph.input({ type: 'int32', shape: [letters, width] }, range, 'state');
    const dense = graph.input({ type: 'int32', shape: [width, letters] }, range, 'state');
    const text = graph.input({ type: 'uint8', shape: [batch, 1] }, { min: 0, max: letters - 1 });
    const next = graph.input({ type: 'uint8', shape: [batch, 1] }, { min: 0, max: letters - 1 });
    const numbers = Uint8Array.from({ length: batch * letters }, (_, i) => i % letters);
    const alphabet = graph.constant({ type: 'uint8', shape: [batch, letters] }, numbers);
    const shrink = (x: TensorRef, bits: number, outType: 'int8' | 'int16'): TensorRef =>
      graph.node('requantise', { x, scale: scaleOf(graph, 1, bits) }, { zeroX: 0, ...outputStage(outType) });
    const multiply = (
      a: TensorRef,
      b: TensorRef,
      transposeA: boolean,
      transposeB: boolean,
      stage = outputStage('int32'),
    ): TensorRef => graph.node('matmul', { a, b }, { transposeA, transposeB, zeroA: 0, zeroB: 0, ...stage });
    const oneHot = (x: TensorRef): TensorRef =>
      graph.node('compare', { a: alphabet, b: x }, { relation: 'equal' });
    const [rows, weights] = [shrink(embedding, 16, 'int8'), shrink(dense, 16, 'int8')];
    const [seen, wanted] = [oneHot(text), oneHot(next)];
    const hidden = graph.node(
      'reshape',
      { x: graph.node('gather', { data: rows, indices: text }, {}) },
      { shape: [batch, width] },
    );
    const scores = multiply(hidden, weights, false, false);
    const guess = graph.node(
      'softmax',
      { x: scores, scale: scaleOf(graph, 2 ** 30, 30) },
      { outType: 'int16' },
    );
    const target = graph.node(
      'requantise',
      { x: wanted, scale: scaleOf(graph, 2 ** 16, 1) },
      { zeroX: 0, ...outputStage('int16') },
    );
    const wrong = graph.node(
      'sub',
      { a: guess, b: target, scale: scaleOf(graph, 1, 1, 1, 1, 1, 7) },
      { zeroA: 0, zeroB: 0, ...outputStage('int16', { low: -255, high: 255 }) },
    );
    const denseGradient = multiply(hidden, wrong, true, false);
    const hiddenGradient = graph.node(
      'matmul',
      { a: wrong, b: weights, scale: scaleOf(graph, 1, 6) },
      {
        transposeA: false,
        transposeB: true,
        zeroA: 0,
        zeroB: 0,
        ...outputStage('int16', { low: -2047, high: 2047 }),
      },
    );
    const embeddingGradient = multiply(seen, hiddenGradient, true, false);
    const descend = (state: TensorRef, gradient: TensorRef, gain: number): TensorRef =>
      graph.node(
        'sub',
        { a: state, b: gradient, scale: scaleOf(graph, 2, 1, gain, 1, 2, 1) },
        { zeroA: 0, zeroB: 0, ...outputStage('int32', { low: range.min, high: range.max }) },
      );
    return [descend(embedding, embeddingGradient, 16), descend(dense, denseGradient, 8)];
  });
}

describe('a chain of training steps', () => {
  const [letters, batch, width] = [8, 16, 12];
  const step = trainingStep(letters, batch, width);
  /** The letter after each: a fixed order that the network has to learn. */
  const after = [3, 6, 1, 7, 0, 2, 5, 4];
  const run = (steps: number): { weights: Int32Array[]; hash: string } => {
    const random = createPrng(12);
    const small = (length: number): Int32Array =>
      Int32Array.from({ length }, () => (random.below(41) - 20) * 65_536);
    let state = [small(letters * width), small(width * letters)];
    for (let i = 0; i < steps; i++) {
      const text = Uint8Array.from({ length: batch }, () => random.below(letters));
      const next = text.map((letter) => after[letter] ?? 0);
      state = executeProgram(step, [...state, text, next]) as Int32Array[];
    }
    return { weights: state, hash: toHex(stateIdOf(tensorToBytes(state[1] ?? new Int8Array()))) };
  };

  test('learns, in whole numbers, and the same again', () => {
    const right = ({ weights: [rows, dense] }: { weights: Int32Array[] }): number => {
      const scores = (letter: number): number[] =>
        Array.from({ length: letters }, (_, to) =>
          Array.from(
            { length: width },
            (__, i) =>
              Math.round((rows?.[letter * width + i] ?? 0) / 65_536) *
              Math.round((dense?.[i * letters + to] ?? 0) / 65_536),
          ).reduce((p, q) => p + q),
        );
      return after.filter((to, letter) => scores(letter).indexOf(Math.max(...scores(letter))) === to).length;
    };
    assert.ok(right(run(0)) < 5);
    assert.equal(right(run(400)), letters);
    assert.equal(run(40).hash, run(40).hash);
  });
});
