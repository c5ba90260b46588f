import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stateIdOf } from '../../../protocol/audit/commitment.js';
import { buildGraph } from '../../../protocol/graph/builder.js';
import { openProgram } from '../../../protocol/graph/check.js';
import { PRESETS } from '../../../protocol/presets.js';
import { jobKeyOf, prepareTerms, type JobRequest } from '../../../rpc/jobs/prepare.js';
import { termsValue } from '../../../rpc/jobs/terms.js';
import { jobIdOf } from '../../../state/jobs/job.js';
import { createPrng } from '../../support/prng.js';
import { byJobs, CLIENT, JobChain, jobParams } from '../../support/jobs.js';
import type { StakingCall } from '../../support/staking.js';
import { sampleSource } from '../../support/market.js';

const RULES = jobParams();
const CHAIN_ID = PRESETS.devnet.chainId;

/** Of int8 [1, 5]: a chain has it as state. */
const SAMPLE_BYTES = 5;

function postOf({ terms, escrowWei }: ReturnType<typeof prepareTerms>): StakingCall {
  return { ...byJobs(CLIENT, 'post', termsValue(terms)), valueWei: escrowWei, gasLimit: 4_000_000n };
}

describe('a job is prepared as the ledger will see it', () => {
  for (const isChain of [false, true])
    for (const [count, changes] of [
      [64, {}],
      [3, {}],
      [64, { sampled: 9 }],
      [64, { full: true }],
      [40, { valueWei: RULES.jobs.fullAuditValueWei }],
    ] as const)
      test(`${isChain ? 'steps' : 'rows'}: ${count}, ${Object.keys(changes).join() || 'no wishes'}: the fee is taken, one wei less is not`, async () => {
        const chain = await new JobChain({ isChain }).open();
        const program = openProgram(sampleSource(1, { isChain }).graph);
        const bytes = isChain ? SAMPLE_BYTES * (count + 1) : 2 * SAMPLE_BYTES * count;
        const request: JobRequest = {
          segmentation: { kind: isChain ? 'steps' : 'rows', count },
          input: createPrng(1).bytes(bytes),
          ...changes,
        };
        const deadlineMs = chain.timeMs + 600_000;
        const prepared = prepareTerms(program, RULES, deadlineMs, request);
        const { auditFeeWei, key } = prepared.terms;
        const poor = prepareTerms(program, RULES, deadlineMs, { ...request, auditFeeWei: auditFeeWei - 1n });
        const { calls } = await chain.tryAll(1_000, [postOf(poor), postOf(prepared)]);
        assert.deepEqual(
          calls.map(({ status }) => status),
          [0, 1],
        );
        const job = chain.job(jobIdOf(CHAIN_ID, CLIENT, key));
        assert.equal(job.escrowWei, prepared.escrowWei);
        assert.deepEqual(job.inputId, prepared.terms.inputId);
        if (isChain) assert.deepEqual(job.inputId, stateIdOf(request.input.subarray(0, SAMPLE_BYTES)));
      });

  test('the price follows from the work, the value from the price, unless they are told', () => {
    const program = openProgram(sampleSource(1).graph);
    const request: JobRequest = {
      segmentation: { kind: 'rows', count: 8 },
      input: createPrng(1).bytes(2 * SAMPLE_BYTES * 8),
    };
    const { terms, escrowWei } = prepareTerms(program, RULES, 1, request);
    // Verifiers are paid for 4 segments at 5 seats.
    assert.equal(terms.maxPriceWei * 20n, terms.auditFeeWei * 8n);
    assert.deepEqual([terms.valueWei, escrowWei], [terms.maxPriceWei, terms.maxPriceWei + terms.auditFeeWei]);
    const told = prepareTerms(program, RULES, 1, { ...request, priceWei: 7n, valueWei: 9n });
    assert.deepEqual([told.terms.maxPriceWei, told.terms.valueWei], [7n, 9n]);
    const other = prepareTerms(program, RULES, 1, request).terms.key;
    assert.notDeepEqual(terms.key, other, 'a key is random unless given');
  });

  test('a key is 32 bytes in hex, or any text', () => {
    assert.deepEqual(jobKeyOf(`0x${'ab'.repeat(32)}`), new Uint8Array(32).fill(0xab));
    assert.equal(jobKeyOf('batch 17').length, 32);
    assert.notDeepEqual(jobKeyOf('batch 17'), jobKeyOf('batch 18'));
  });

  test('numbers that the program does not take are told with their segment', () => {
    const builder = buildGraph();
    const item = builder.input({ type: 'uint8', shape: [1, 4] }, { min: 0, max: 9 });
    const state = builder.input({ type: 'uint8', shape: [1, 4] }, { min: 0, max: 99 }, 'state');
    const condition = builder.node('compare', { a: item, b: state }, { relation: 'less' });
    const { graph } = builder.finish([builder.node('select', { condition, a: item, b: state }, {})]);
    const program = openProgram(graph);
    const prepare = (input: readonly number[]): unknown =>
      prepareTerms(program, RULES, 1, {
        segmentation: { kind: 'steps', count: 2 },
        input: Uint8Array.from(input),
      });
    const [state0, item0] = [
      [99, 0, 0, 0],
      [9, 9, 9, 9],
    ] as const;
    prepare([...state0, ...item0, ...item0]);
    assert.throws(() => prepare([...state0, ...item0, 9, 9, 10, 9]), {
      code: 'INPUT_OUT_OF_RANGE',
      data: { segment: 1, value: 10, min: 0, max: 9 },
    });
    assert.throws(() => prepare([100, 0, 0, 0, ...item0, ...item0]), { code: 'INPUT_OUT_OF_RANGE' });
    assert.throws(() => prepare([...state0, ...item0]), { code: 'JOB_INPUT_LENGTH' });
  });
});
