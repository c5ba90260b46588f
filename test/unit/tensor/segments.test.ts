import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { executeProgram } from '../../../compute/reference/execute.js';
import { buildGraph, outputStage, windowOf } from '../../../protocol/graph/builder.js';
import { openProgram, type Program } from '../../../protocol/graph/check.js';
import { proveProgram, type ProvenProgram } from '../../../protocol/graph/prove.js';
import {
  decodeSegmentation,
  encodeSegmentation,
  planJob,
  readSegmentationWord,
  segmentationWord,
} from '../../../protocol/graph/segmentation.js';
import {
  firstState,
  placePart,
  readPart,
  segmentInputs,
  segmentItems,
  segmentPart,
} from '../../../protocol/graph/segments.js';
import { tensorFromBytes, tensorToBytes } from '../../../protocol/graph/tensor-data.js';
import { bytesEqual, concatBytes } from '../../../protocol/bytes.js';
import { codeOf } from '../../support/error-code.js';
import { createPrng } from '../../support/prng.js';

/** Two convolutions that see 2 pixels each way, and twice the size: 3 channels to 3. */
function enlarger(height: number, width: number): ProvenProgram {
  const prng = createPrng(3);
  const graph = buildGraph();
  const x = graph.input({ type: 'uint8', shape: [1, height, width, 3] });
  const weights = (outputs: number, inputs: number): Int8Array =>
    Int8Array.from(prng.bytes(outputs * 9 * inputs));
  const convolve = (from: typeof x, outputs: number, inputs: number): typeof x => {
    const shape = [outputs, 3, 3, inputs];
    const kernel = graph.constant({ type: 'int8', shape }, weights(outputs, inputs));
    const scale = graph.constant({ type: 'int32', shape: [1, 2] }, Int32Array.of(2 ** 30, 38));
    return graph.node(
      'conv2d',
      { x: from, weights: kernel, scale },
      {
        ...windowOf({ padTop: 1, padBottom: 1, padLeft: 1, padRight: 1 }),
        ...{ dilationHeight: 1, dilationWidth: 1, groups: 1, zeroX: 0, zeroWeights: 0 },
        ...outputStage('uint8', { zeroY: 100 }),
      },
    );
  };
  const deep = convolve(convolve(x, 5, 3), 12, 5);
  const y = graph.node('depthToSpace', { x: deep }, { block: 2, order: 'blockFirst' });
  const { graph: made, weights: file } = graph.finish([y]);
  return proveProgram(openProgram(made), file);
}

/** The state is two numbers; a step adds an item to the first and that to the second. */
function counter(): ProvenProgram {
  const graph = buildGraph();
  const range = { min: -(2 ** 20), max: 2 ** 20 };
  const total = graph.input({ type: 'int32', shape: [1] }, range, 'state');
  const item = graph.input({ type: 'int8', shape: [1] });
  const sums = graph.input({ type: 'int32', shape: [1] }, range, 'state');
  const sum = { zeroA: 0, zeroB: 0, ...outputStage('int32', { low: range.min, high: range.max }) };
  const next = graph.node('add', { a: total, b: item }, sum);
  const { graph: made, weights } = graph.finish([next, graph.node('add', { a: sums, b: next }, sum)]);
  return proveProgram(openProgram(made), weights);
}

/** One output of two for each item of one input [1, steps, 2]. */
function summary(steps: number): Program {
  const graph = buildGraph();
  const x = graph.input({ type: 'int16', shape: [1, steps, 2] });
  return openProgram(graph.finish([graph.node('reduceMax', { x }, { axis: 1 })]).graph);
}

describe('segments', () => {
  test('tiles with a margin as wide as the network sees make the image without seams, whatever their size', () => {
    const [height, width] = [23, 17];
    const image = createPrng(5).bytes(height * width * 3);
    const imageOf = (tileHeight: number, tileWidth: number): Uint8Array => {
      const program = enlarger(tileHeight, tileWidth);
      const plan = planJob(program, { kind: 'tiles', height, width, margin: 2 });
      const output = new Uint8Array(plan.outputBytes);
      const parts = Array.from({ length: plan.segments }, (_, index) =>
        segmentPart(plan, executeProgram(program, segmentItems(plan, image, index)), index),
      );
      for (const [index, part] of parts.entries()) placePart(plan, output, part, index);
      for (const [index, part] of parts.entries()) assert.deepEqual(readPart(plan, output, index), part);
      assert.equal(
        parts.reduce((sum, { length }) => sum + length, 0),
        output.length,
      );
      return output;
    };
    const whole = imageOf(height + 4, width + 4);
    assert.equal(whole.length, height * 2 * width * 2 * 3);
    for (const [tileHeight, tileWidth] of [
      [9, 9],
      [5, 21],
      [12, 7],
    ] as const)
      assert.ok(bytesEqual(imageOf(tileHeight, tileWidth), whole), `${tileHeight}×${tileWidth}`);
  });

  test('beyond the edge a tile repeats the nearest pixel', () => {
    const plan = planJob(enlarger(5, 5), { kind: 'tiles', height: 1, width: 2, margin: 2 });
    assert.equal(plan.segments, 2);
    const [tile] = segmentItems(plan, Uint8Array.of(1, 2, 3, 4, 5, 6), 0);
    assert.deepEqual(
      tile,
      Uint8Array.from(Array.from({ length: 5 }, () => [1, 2, 3, 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]).flat()),
    );
  });

  test('rows and windows', () => {
    const program = summary(3);
    const sequence = tensorToBytes(Int16Array.from({ length: 22 }, (_, i) => i));
    const rows = planJob(program, { kind: 'rows', count: 3 });
    assert.deepEqual([rows.inputBytes, rows.outputBytes], [36, 12]);
    assert.deepEqual(segmentItems(rows, sequence.subarray(0, 36), 2), [
      Int16Array.of(12, 13, 14, 15, 16, 17),
    ]);
    const windows = planJob(program, { kind: 'windows', length: 11, hop: 2 });
    assert.deepEqual([windows.segments, windows.inputBytes, windows.outputBytes], [5, 44, 20]);
    assert.deepEqual(segmentItems(windows, sequence, 4), [Int16Array.of(16, 17, 18, 19, 20, 21)]);
    const output = new Uint8Array(windows.outputBytes);
    placePart(windows, output, segmentPart(windows, [Int16Array.of(7, -1)], 1), 1);
    assert.deepEqual(tensorFromBytes('int16', output), Int16Array.of(0, 0, 7, -1, 0, 0, 0, 0, 0, 0));
  });

  test('a chain of steps hands its state on, states and items in the order of the inputs', () => {
    const program = counter();
    const plan = planJob(program, { kind: 'steps', count: 3 });
    const input = concatBytes(tensorToBytes(Int32Array.of(10, 100)), Uint8Array.of(1, 254, 3));
    let state = firstState(plan, input);
    const seen: number[][] = [];
    const output = new Uint8Array(plan.outputBytes);
    for (let step = 0; step < 3; step++) {
      const inputs = segmentInputs(plan, segmentItems(plan, input, step), state);
      state = segmentPart(plan, executeProgram(program, inputs), step);
      placePart(plan, output, state, step);
      seen.push([...tensorFromBytes('int32', state)]);
    }
    assert.deepEqual(seen, [
      [11, 111],
      [9, 120],
      [12, 132],
    ]);
    assert.deepEqual(output, state);
  });

  test('what does not fit is refused', () => {
    const plan = (program: Program, ...rest: [Parameters<typeof planJob>[1]]): string =>
      codeOf(() => planJob(program, ...rest));
    assert.equal(plan(counter(), { kind: 'rows', count: 1 }), 'SEGMENTATION_UNFIT');
    assert.equal(plan(summary(3), { kind: 'steps', count: 1 }), 'SEGMENTATION_UNFIT');
    assert.equal(plan(summary(3), { kind: 'tiles', height: 9, width: 9, margin: 0 }), 'SEGMENTATION_UNFIT');
    assert.equal(plan(summary(3), { kind: 'windows', length: 2, hop: 1 }), 'SEGMENTATION_UNFIT');
    assert.equal(plan(summary(3), { kind: 'windows', length: 9, hop: 0 }), 'SEGMENTATION_UNFIT');
    assert.equal(
      plan(enlarger(5, 5), { kind: 'tiles', height: 9, width: 9, margin: 3 }),
      'SEGMENTATION_UNFIT',
    );
    assert.equal(plan(summary(3), { kind: 'rows', count: 0 }), 'SEGMENT_COUNT');
    assert.equal(plan(summary(3), { kind: 'rows', count: 65_536 }), 'SEGMENT_COUNT');
    const rows = planJob(summary(3), { kind: 'rows', count: 2 });
    assert.equal(
      codeOf(() => segmentItems(rows, new Uint8Array(23), 0)),
      'JOB_INPUT_LENGTH',
    );
  });

  test('a segmentation has one encoding', () => {
    for (const one of [
      { kind: 'rows', count: 7 },
      { kind: 'windows', length: 7, hop: 9 },
      { kind: 'tiles', height: 1, width: 2, margin: 3 },
      { kind: 'tiles', height: 256, width: 65_536, margin: 0 },
      { kind: 'steps', count: 1 },
    ] as const) {
      assert.deepEqual(decodeSegmentation(encodeSegmentation(one)), one);
      assert.deepEqual(readSegmentationWord(segmentationWord(one)), one);
    }
  });
});
