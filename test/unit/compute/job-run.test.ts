import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { executeProgram } from '../../../compute/reference/execute.js';
import { judgeSegments, runJob, RunError, type RunOptions } from '../../../compute/job-run.js';
import { stateIdOf } from '../../../protocol/audit/commitment.js';
import { inputIdOf, itemBytes, outputRootFrom, partIdsOf } from '../../../protocol/audit/job-data.js';
import { treeRoot } from '../../../protocol/audit/tree.js';
import { outputStage } from '../../../protocol/graph/builder.js';
import { planJob } from '../../../protocol/graph/segmentation.js';
import { segmentInputs, segmentItems, segmentPart } from '../../../protocol/graph/segments.js';
import { createPrng } from '../../support/prng.js';
import { buildProgram, enlargingNetwork, type BuiltProgram } from '../../support/tensor/programs.js';

const OPTIONS: RunOptions = {
  executor: 'reference',
  wallMs: 60_000,
  signal: new AbortController().signal,
};

/** Adds each item to a sum. */
function summing(): BuiltProgram {
  return buildProgram((graph) => {
    const range = { min: -1000, max: 1000 };
    const sum = graph.input({ type: 'int16', shape: [3] }, range, 'state');
    const item = graph.input({ type: 'int8', shape: [3] });
    const stage = outputStage('int16', { low: range.min, high: range.max });
    return [graph.node('add', { a: sum, b: item }, { zeroA: 0, zeroB: 0, ...stage })];
  });
}

describe('a job', () => {
  test('of tiles comes to its picture, and each leaf can be told from the picture and from its segment alone', async () => {
    const { program, weights } = enlargingNetwork(12, 4, 1);
    const plan = planJob(program, { kind: 'tiles', height: 20, width: 13, margin: 2 });
    const input = createPrng(5).bytes(plan.inputBytes);
    const progress: number[] = [];
    const job = { plan, weights, input };
    const { stateIds, output } = await runJob(job, {
      ...OPTIONS,
      onProgress: (done) => progress.push(done),
    });
    assert.equal(stateIds.length, plan.segments);
    for (const [index, id] of stateIds.entries()) {
      const outputs = executeProgram(program, segmentInputs(plan, segmentItems(plan, input, index)));
      assert.deepEqual(id, stateIdOf(segmentPart(plan, outputs, index)));
    }
    assert.deepEqual(partIdsOf(plan, output), stateIds);
    assert.deepEqual(outputRootFrom(plan, output), treeRoot(stateIds));
    const items = stateIds.map((_, index) => stateIdOf(itemBytes(plan, input, index)));
    assert.deepEqual(inputIdOf(plan, input), treeRoot(items));
    assert.ok(progress.length > 0);
    assert.deepEqual(await judgeSegments(job, [1, 3], OPTIONS), [stateIds[1], stateIds[3]]);
  });

  test('of steps has a state before each; the last is its output', async () => {
    const { program, weights } = summing();
    const plan = planJob(program, { kind: 'steps', count: 4 });
    const input = Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3);
    const job = { plan, weights, input };
    const { stateIds, output } = await runJob(job, OPTIONS);
    const states = [0, 1, 2, 3, 4].map((k) => Uint8Array.of(k, 0, 2 * k, 0, 3 * k, 0));
    assert.deepEqual(stateIds, states.map(stateIdOf));
    assert.deepEqual(output, states[4]);
    assert.deepEqual(inputIdOf(plan, input), stateIds[0]);
    assert.deepEqual(outputRootFrom(plan, output), stateIds[4]);
    assert.deepEqual(await judgeSegments(job, [1, 2], OPTIONS), [stateIds[2], stateIds[3]]);
  });

  test('that fails or is cancelled says which, and nothing of its result', async () => {
    const { program, weights } = summing();
    const plan = planJob(program, { kind: 'steps', count: 1 });
    const input = new Uint8Array(plan.inputBytes);
    const broken = { plan, input, weights: Uint8Array.of(...weights, 0) };
    await assert.rejects(runJob(broken, OPTIONS), (error) => {
      assert.ok(error instanceof RunError);
      return error.code === 'RUN_FAILED';
    });
    const stop = AbortSignal.abort();
    await assert.rejects(runJob({ plan, input, weights }, { ...OPTIONS, signal: stop }), {
      code: 'RUN_CANCELLED',
    });
  });
});
