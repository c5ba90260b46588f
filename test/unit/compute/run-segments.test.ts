import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { executeProgram } from '../../../compute/reference/execute.js';
import { runSegments, type SegmentsJob, type SegmentsResult } from '../../../compute/run-segments.js';
import { outputStage } from '../../../protocol/graph/builder.js';
import { tensorToBytes, type TensorData } from '../../../protocol/graph/tensor-data.js';
import { createPrng } from '../../support/prng.js';
import { skipWithout, SOFTWARE_ADAPTERS } from '../../support/software-adapters.js';
import { buildProgram, enlargingNetwork, type BuiltProgram } from '../../support/tensor/programs.js';

async function run(
  { program, weights }: BuiltProgram,
  job: Pick<SegmentsJob, 'segments'> & Partial<SegmentsJob>,
): Promise<SegmentsResult & { readonly outputs: readonly (readonly TensorData[])[] }> {
  const outputs: (readonly TensorData[])[] = [];
  const result = await runSegments({
    program,
    weights,
    executor: 'reference',
    wallMs: 60_000,
    onOutputs: (index, made) => {
      assert.equal(index, outputs.length);
      outputs.push(made);
    },
    ...job,
  });
  return { ...result, outputs };
}

/** Adds each item to a sum that it keeps, and to a counter of steps. */
function summing(): BuiltProgram {
  return buildProgram((graph) => {
    const range = { min: -1000, max: 1000 };
    const sum = graph.input({ type: 'int16', shape: [3] }, range, 'state');
    const item = graph.input({ type: 'int8', shape: [3] });
    const steps = graph.input({ type: 'uint8', shape: [1] }, undefined, 'state');
    const one = graph.constant({ type: 'uint8', shape: [1] }, Uint8Array.of(1));
    const zeros = { zeroA: 0, zeroB: 0 };
    const stage = outputStage('int16', { low: range.min, high: range.max });
    return [
      graph.node('add', { a: sum, b: item }, { ...zeros, ...stage }),
      graph.node('add', { a: steps, b: one }, { ...zeros, ...outputStage('uint8') }),
    ];
  });
}

describe('segments with the reference, in a process of their own', () => {
  test('come to what executeProgram makes of them, one after the other', async () => {
    const network = enlargingNetwork(9, 8, 1);
    const segments = [1, 2, 3].map((seed) => [createPrng(seed).bytes(9 * 9 * 3)]);
    const { outcome, ranOn, outputs } = await run(network, { segments });
    assert.equal(outcome.kind, 'completed', JSON.stringify(outcome));
    assert.equal(ranOn, 'reference');
    assert.deepEqual(
      outputs,
      segments.map((inputs) => executeProgram(network.program, inputs)),
    );
  });

  test('of a chain run on the state that the one before left', async () => {
    const items = [Int8Array.of(1, -2, 127), Int8Array.of(1, -100, 127), Int8Array.of(1, 0, 127)];
    const state = Uint8Array.of(...tensorToBytes(Int16Array.of(0, 0, 700)), 9);
    const { outcome, outputs } = await run(summing(), { segments: items.map((item) => [item]), state });
    assert.equal(outcome.kind, 'completed', JSON.stringify(outcome));
    assert.deepEqual(outputs, [
      [Int16Array.of(1, -2, 827), Uint8Array.of(10)],
      [Int16Array.of(2, -102, 954), Uint8Array.of(11)],
      [Int16Array.of(3, -102, 1000), Uint8Array.of(12)],
    ]);
  });

  test('end with a code where inputs or weights are not the program’s', async () => {
    const network = summing();
    const ending = async (job: Parameters<typeof run>[1], weights = network.weights): Promise<unknown> => {
      const { outcome } = await run({ ...network, weights }, job);
      return outcome.kind === 'failed' ? outcome.code : outcome.kind;
    };
    const state = new Uint8Array(7);
    assert.equal(await ending({ segments: [[Int8Array.of(1, 2)]], state }), 'INPUT_LENGTH');
    assert.equal(
      await ending({ segments: [[Int8Array.of(1, 2, 3)]], state: new Uint8Array(6) }),
      'INPUT_LENGTH',
    );
    assert.equal(
      await ending({ segments: [[Int8Array.of(1, 2, 3)]], state: new Uint8Array(7).fill(77) }),
      'INPUT_OUT_OF_RANGE',
    );
    const other = Uint8Array.of(2, 0, 0, 0);
    assert.equal(await ending({ segments: [[Int8Array.of(1, 2, 3)]], state }, other), 'GRAPH_REFUSED');
  });
});

for (const [name, choice] of SOFTWARE_ADAPTERS) {
  describe(`segments on ${name}`, { skip: skipWithout(choice) }, () => {
    test('come to the same', async () => {
      assert.ok(choice);
      const network = enlargingNetwork(9, 8, 1);
      const segments = [1, 2, 3].map((seed) => [createPrng(seed).bytes(9 * 9 * 3)]);
      const { outcome, ranOn, outputs } = await run(network, { segments, executor: choice });
      assert.equal(outcome.kind, 'completed', JSON.stringify(outcome));
      assert.ok(typeof ranOn === 'object' && ranOn.isSoftware && ranOn.backend === choice.backend);
      assert.deepEqual(
        outputs,
        segments.map((inputs) => executeProgram(network.program, inputs)),
      );
    });

    test('of a chain, too', async () => {
      assert.ok(choice);
      const segments = [[Int8Array.of(1, -2, 127)], [Int8Array.of(1, -100, 127)]];
      const state = Uint8Array.of(...tensorToBytes(Int16Array.of(0, 0, 700)), 9);
      const { outcome, outputs } = await run(summing(), { segments, state, executor: choice });
      assert.equal(outcome.kind, 'completed', JSON.stringify(outcome));
      assert.deepEqual(outputs[1], [Int16Array.of(2, -102, 954), Uint8Array.of(11)]);
    });

    test('with too little device memory end as that, before anything is computed', async () => {
      assert.ok(choice);
      const segments = [[createPrng(1).bytes(9 * 9 * 3)]];
      const job = { segments, executor: choice, limits: { vramBytes: 4000 } };
      const { outcome, outputs } = await run(enlargingNetwork(9, 8, 1), job);
      assert.ok(outcome.kind === 'out-of-memory' && outcome.limit === 'vram', JSON.stringify(outcome));
      assert.deepEqual(outputs, []);
    });
  });
}
