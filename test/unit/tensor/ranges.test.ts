import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { executeProgram } from '../../../compute/reference/execute.js';
import {
  buildGraph,
  outputStage,
  windowOf,
  type GraphBuilder,
  type TensorRef,
} from '../../../protocol/graph/builder.js';
import { openProgram } from '../../../protocol/graph/check.js';
import { outputElement, scaleRound } from '../../../protocol/graph/fixed-point.js';
import { EXPONENT_END, POWERS_OF_TWO } from '../../../protocol/graph/exponential.js';
import { GraphError } from '../../../protocol/graph/faults.js';
import { proveProgram, proveRanges } from '../../../protocol/graph/prove.js';
import type { Range } from '../../../protocol/graph/tensors.js';
import { codeOf } from '../../support/error-code.js';
import { createPrng } from '../../support/prng.js';
import { powerOfTwo, rescale } from '../../support/tensor/oracle.js';

const PRODUCT = { transposeA: false, transposeB: true, zeroA: 0, zeroB: 0, ...outputStage('int32') };

/** Codes and messages of what the proof finds. */
function faultsOf(build: (graph: GraphBuilder) => TensorRef[]): { withWeights: string[]; without: string[] } {
  const graph = buildGraph();
  const { graph: made, weights, constants } = graph.finish(build(graph));
  const program = openProgram(made);
  const [known, unknown] = [proveRanges(program, constants), proveRanges(program)];
  assert.equal(
    codeOf(() => proveProgram(program, weights)),
    known.faults.length > 0 ? 'GRAPH_REFUSED' : 'none',
  );
  const codes = ({ faults }: typeof known): string[] => faults.map(({ code, path }) => `${path} ${code}`);
  return { withWeights: codes(known), without: codes(unknown) };
}

const NONE: string[] = [];

/** Σ of 66,052 products of 255 and 127.5 on average: the most that fits is 2^31 − 1. */
function dense(weights: Int8Array, bias: number, zeroA = -128): (graph: GraphBuilder) => TensorRef[] {
  return (graph) => {
    const a = graph.input({ type: 'int8', shape: [1, weights.length] });
    const b = graph.constant({ type: 'int8', shape: [1, weights.length] }, weights);
    const sum = graph.constant({ type: 'int32', shape: [1] }, Int32Array.of(bias));
    return [graph.node('matmul', { a, b, bias: sum }, { ...PRODUCT, zeroA })];
  };
}

describe('sums are proved to fit, to the last unit', () => {
  const weights = new Int8Array(66_311).fill(127);
  const most = 66_311 * 127 * 255;
  const room = 2 ** 31 - 1 - most;

  test('the largest sum that fits is proved, the next is refused', () => {
    assert.ok(room >= 0 && room < 127 * 255);
    assert.deepEqual(faultsOf(dense(weights, room)).withWeights, NONE);
    assert.deepEqual(faultsOf(dense(weights, room + 1)).withWeights, ['nodes[0] ACCUMULATOR_OVERFLOW']);
  });

  test('the least sum that fits is proved, the next is refused', () => {
    const negative = weights.map(() => -127);
    assert.deepEqual(faultsOf(dense(negative, -room - 1)).withWeights, NONE);
    assert.deepEqual(faultsOf(dense(negative, -room - 2)).withWeights, ['nodes[0] ACCUMULATOR_OVERFLOW']);
  });

  test('an input at the edge comes to the edge and not beyond', () => {
    const graph = buildGraph();
    const { graph: made, weights: file } = graph.finish(dense(weights, room)(graph));
    const proven = proveProgram(openProgram(made), file);
    const [y] = executeProgram(proven, [new Int8Array(weights.length).fill(127)]);
    assert.deepEqual(y, Int32Array.of(2 ** 31 - 1));
    assert.deepEqual(proven.ranges.at(-1), { min: room, max: 2 ** 31 - 1 });
  });

  test('a mean of signs leaves room that a bound without weights does not see', () => {
    const mixed = Int8Array.from({ length: 120_000 }, (_, i) => (i % 2 === 0 ? 127 : -128));
    assert.deepEqual(faultsOf(dense(mixed, 0)), {
      withWeights: NONE,
      without: ['nodes[0] ACCUMULATOR_OVERFLOW'],
    });
  });

  test('padding counts as nothing, which a range without zero would forget', () => {
    const convolution = (padTop: number, bias: number): string[] =>
      faultsOf((graph) => {
        const x = graph.input({ type: 'uint8', shape: [1, 2, 2, 1] }, { min: 10, max: 20 });
        const weight = graph.constant({ type: 'int8', shape: [1, 1, 1, 1] }, Int8Array.of(-1));
        const constant = graph.constant({ type: 'int32', shape: [1] }, Int32Array.of(bias));
        const window = { ...windowOf({ padTop }), dilationHeight: 1, dilationWidth: 1, groups: 1 };
        const attributes = { ...window, zeroX: 0, zeroWeights: -1, ...outputStage('int32') };
        return [
          graph.node('conv2d', { x, weights: weight, bias: constant }, { ...attributes, zeroWeights: 0 }),
        ];
      }).withWeights;
    assert.deepEqual(convolution(0, 2 ** 31 - 1), NONE);
    assert.deepEqual(convolution(1, 2 ** 31 - 1), NONE);
    assert.deepEqual(convolution(0, -(2 ** 31) + 20), NONE);
    assert.deepEqual(convolution(0, -(2 ** 31) + 19), ['nodes[0] ACCUMULATOR_OVERFLOW']);
  });

  const pair = (op: 'add' | 'sub' | 'mul', a: Range, b: Range): string[] =>
    faultsOf((graph) => {
      const [left, right] = [
        graph.input({ type: 'int32', shape: [2] }, a),
        graph.input({ type: 'int32', shape: [2] }, b),
      ];
      return [graph.node(op, { a: left, b: right }, { zeroA: 0, zeroB: 0, ...outputStage('int32') })];
    }).withWeights;

  test('sums, differences and products of 32 bits', () => {
    const half = { min: -(2 ** 30), max: 2 ** 30 - 1 };
    assert.deepEqual(pair('add', half, half), NONE);
    assert.deepEqual(pair('add', half, { min: 0, max: 2 ** 30 + 1 }), ['nodes[0] ACCUMULATOR_OVERFLOW']);
    assert.deepEqual(pair('sub', half, { min: 0, max: 2 ** 30 }), NONE);
    assert.deepEqual(pair('sub', half, { min: -(2 ** 30) - 1, max: 0 }), ['nodes[0] ACCUMULATOR_OVERFLOW']);
    assert.deepEqual(pair('mul', { min: -46_341, max: 0 }, { min: 0, max: 46_340 }), NONE);
    assert.deepEqual(pair('mul', { min: -46_341, max: 0 }, { min: -46_341, max: 0 }), [
      'nodes[0] ACCUMULATOR_OVERFLOW',
    ]);
  });

  test('the difference of a softmax, the sum of a line, a normalised row', () => {
    const rows = (min: number, max: number, multiplier = 1): string[] =>
      faultsOf((graph) => {
        const x = graph.input({ type: 'int32', shape: [1, 3] }, { min, max });
        const scale = graph.constant({ type: 'int32', shape: [1, 2] }, Int32Array.of(multiplier, 1));
        return [graph.node('softmax', { x, scale }, { outType: 'uint8' })];
      }).withWeights;
    assert.deepEqual(rows(-1, 2 ** 31 - 2), NONE);
    assert.deepEqual(rows(-1, 2 ** 31 - 1), ['nodes[0] ACCUMULATOR_OVERFLOW']);
    assert.deepEqual(rows(0, 1, -1), ['nodes[0] SCALE_INVALID']);
    const line = (length: number): string[] =>
      faultsOf((graph) => {
        const x = graph.input({ type: 'int16', shape: [length] });
        return [graph.node('reduceSum', { x }, { axis: 0, zeroX: 0, ...outputStage('int32') })];
      }).withWeights;
    assert.deepEqual(line(65_536), NONE);
    assert.deepEqual(line(65_537), ['nodes[0] ACCUMULATOR_OVERFLOW']);
    const normal = (beta: number): string[] =>
      faultsOf((graph) => {
        const x = graph.input({ type: 'int8', shape: [1, 1] });
        const gamma = graph.constant({ type: 'int16', shape: [1] }, Int16Array.of(32_767));
        const shift = graph.constant({ type: 'int32', shape: [1] }, Int32Array.of(beta));
        const scale = graph.constant({ type: 'int32', shape: [1, 2] }, Int32Array.of(1, 1));
        const operands = { x, gamma, beta: shift, scale };
        return [graph.node('layerNorm', operands, { epsilon: 1, ...outputStage('int8') })];
      }).withWeights;
    assert.deepEqual(normal(2 ** 31 - 1 - 32_767 ** 2), NONE);
    assert.deepEqual(normal(2 ** 31 - 32_767 ** 2), ['nodes[0] ACCUMULATOR_OVERFLOW']);
  });

  test('indices, multipliers and shifts, states', () => {
    const rows = (max: number): string[] =>
      faultsOf((graph) => {
        const indices = graph.input({ type: 'int32', shape: [2] }, { min: 0, max });
        const data = graph.constant({ type: 'int8', shape: [5, 2] }, new Int8Array(10));
        return [graph.node('gather', { data, indices }, {})];
      }).withWeights;
    assert.deepEqual([rows(4), rows(5)], [NONE, ['nodes[0] INDEX_OUT_OF_RANGE']]);
    const scaled = (multiplier: number, shift: number): string[] =>
      faultsOf((graph) => {
        const x = graph.input({ type: 'int8', shape: [1] });
        const scale = graph.constant({ type: 'int32', shape: [1, 2] }, Int32Array.of(multiplier, shift));
        return [graph.node('requantise', { x, scale }, { zeroX: 0, ...outputStage('int8') })];
      }).withWeights;
    for (const [multiplier, shift] of [
      [-(2 ** 31), 1],
      [1, 0],
      [1, 63],
      [1, -1],
    ] as const)
      assert.deepEqual(scaled(multiplier, shift), ['nodes[0] SCALE_INVALID']);
    for (const [multiplier, shift] of [
      [2 ** 31 - 1, 1],
      [1 - 2 ** 31, 62],
    ] as const)
      assert.deepEqual(scaled(multiplier, shift), NONE);
    const state = (high: number): string[] =>
      faultsOf((graph) => {
        const x = graph.input({ type: 'int16', shape: [1] }, { min: -9, max: 9 }, 'state');
        const step = graph.input({ type: 'int8', shape: [1] });
        const sum = { zeroA: 0, zeroB: 0, ...outputStage('int16', { low: -9, high }) };
        return [graph.node('add', { a: x, b: step }, sum)];
      }).withWeights;
    assert.deepEqual([state(9), state(10)], [NONE, ['outputs[0] STATE_RANGE']]);
  });
});

describe('weights are those that the graph names', () => {
  const graph = buildGraph();
  const x = graph.input({ type: 'int8', shape: [3] });
  const b = graph.constant({ type: 'int8', shape: [3] }, Int8Array.of(1, -2, 3), { min: -2, max: 3 });
  const { graph: made, weights } = graph.finish([
    graph.node('add', { a: x, b }, { zeroA: 0, zeroB: 0, ...outputStage('int8') }),
  ]);
  const refusal = (file: Uint8Array, range = made.constants[0], isHashed = true): string[] => {
    const hashed = buildHash(file);
    const changed = { ...made, constants: range === undefined ? [] : [range], ...(isHashed ? hashed : {}) };
    try {
      proveProgram(openProgram(changed), file);
    } catch (error) {
      if (error instanceof GraphError) return error.faults.map(({ path, code }) => `${path} ${code}`);
      throw error;
    }
    return [];
  };
  const buildHash = (file: Uint8Array): { weightsHash: Uint8Array } => {
    const other = buildGraph();
    const one = other.constant({ type: 'uint8', shape: [file.length] }, file);
    return { weightsHash: other.finish([one]).graph.weightsHash };
  };

  test('the file is four bytes, the last of them filling', () => {
    assert.deepEqual([...weights], [1, 254, 3, 0]);
    assert.deepEqual(refusal(weights), []);
  });

  test('any other is refused', () => {
    assert.deepEqual(refusal(weights.subarray(0, 3)), ['weights WEIGHTS_LENGTH']);
    assert.deepEqual(refusal(weights.with(0, 2), made.constants[0], false), ['weights WEIGHTS_HASH']);
    assert.deepEqual(refusal(weights.with(3, 1)), ['constants[0] WEIGHTS_PADDING']);
    assert.deepEqual(refusal(weights.with(0, 4)), ['constants[0] WEIGHTS_OUT_OF_RANGE']);
  });
});

describe('arithmetic', () => {
  test('scaling is exact for any 32 bits, multiplier and shift', () => {
    const prng = createPrng(9);
    const edges = [0, 1, -1, 2, 3, 2 ** 31 - 1, -(2 ** 31), 2 ** 30, -(2 ** 30), 65_535, 65_536];
    for (let run = 0; run < 200_000; run++) {
      const value = prng.chance(1, 4) ? prng.pick(edges) : prng.u32() | 0;
      const multiplier = prng.chance(1, 4)
        ? Math.max(prng.pick(edges), 1 - 2 ** 31)
        : Math.max(prng.u32() | 0, 1 - 2 ** 31);
      const shift = 1 + prng.below(62);
      const exact = rescale(BigInt(value), BigInt(multiplier), BigInt(shift));
      const saturated = exact > 2n ** 31n ? 2n ** 31n : exact < -(2n ** 31n) ? -(2n ** 31n) : exact;
      const found = scaleRound(value, multiplier, shift);
      if (BigInt(found) !== saturated)
        assert.fail(`${value} × ${multiplier} / 2^${shift}: ${found}, not ${saturated}`);
    }
  });

  test('halves go away from zero', () => {
    assert.deepEqual(
      [1, 3, -1, -3].map((value) => scaleRound(value, 1, 1)),
      [1, 2, -1, -2],
    );
    assert.equal(outputElement(-(2 ** 31), outputStage('int32'), Int32Array.of(2 ** 31 - 1, 1)), -(2 ** 31));
    assert.equal(
      outputElement(2 ** 31 - 1, outputStage('int32'), Int32Array.of(2 ** 31 - 1, 1)),
      2 ** 31 - 1,
    );
  });

  test('the table of powers is the nearest one', () => {
    for (const [f, power] of POWERS_OF_TWO.entries()) assert.equal(BigInt(power), powerOfTwo(BigInt(f)));
    assert.equal(POWERS_OF_TWO.length, 256);
    assert.equal((POWERS_OF_TWO[0] ?? 0) >>> (EXPONENT_END >> 8), 0);
  });
});
