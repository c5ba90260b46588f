import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  rerunSegments,
  runJob,
  type JobResult,
  type LoadedJob,
  type RunOptions,
} from '../../../../compute/job-run.js';
import { cheating } from '../../../../compute/provider/cheating.js';
import type { Assignment } from '../../../../compute/provider/market.js';
import { missingPieces, type Piece } from '../../../../compute/provider/pieces.js';
import type { JobRunner } from '../../../../compute/provider/runner.js';
import type { Attempt, PublicationSubject } from '../../../../consensus/verification/attempt.js';
import { commitmentTo, unsealingOf } from '../../../../consensus/verification/committing.js';
import { askedItems, isItem } from '../../../../consensus/verification/publishing.js';
import { inputIdOf, outputRootFrom, partIdsOf } from '../../../../protocol/audit/job-data.js';
import { outputStage } from '../../../../protocol/graph/builder.js';
import { planJob, type Segmentation } from '../../../../protocol/graph/segmentation.js';
import { AuditWorld } from '../../../support/audit-world.js';
import { createPrng } from '../../../support/prng.js';
import { buildProgram, enlargingNetwork, type BuiltProgram } from '../../../support/tensor/programs.js';

const OPTIONS: RunOptions = { executor: 'reference', wallMs: 60_000, signal: new AbortController().signal };

const honest: JobRunner = {
  execute: (job) => runJob(job, OPTIONS),
  rerun: (job, segments) => rerunSegments(job, segments, OPTIONS),
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

function loaded({ program, weights }: BuiltProgram, segmentation: Segmentation): LoadedJob {
  const plan = planJob(program, segmentation);
  const input = createPrng(5).bytes(plan.inputBytes);
  if (segmentation.kind === 'steps') input.fill(1);
  return { plan, weights, input };
}

const BATCH = loaded(enlargingNetwork(12, 4, 1), { kind: 'tiles', height: 20, width: 13, margin: 2 });
const CHAIN = loaded(summing(), { kind: 'steps', count: 20 });

/** An attempt at such a job with this result, in a publication. */
function publishing(
  { plan, input }: LoadedJob,
  { stateIds }: JobResult,
  subject: PublicationSubject,
  segments: readonly number[],
): { readonly attempt: Attempt; readonly jobKey: Uint8Array } {
  const kind = plan.segmentation.kind === 'steps' ? 'chain' : 'batch';
  const terms = { kind, segments: plan.segments, sampled: 4, inputId: inputIdOf(plan, input) } as const;
  const { attempt: claimed, jobKey } = new AuditWorld({ terms });
  const { root, keyCommitment } = commitmentTo(claimed.terms, jobKey, stateIds);
  const judged: Attempt = { ...claimed, segments, commitment: { root, keyCommitment }, phase: 'PUBLISHING' };
  const unsealed = unsealingOf(judged, jobKey, stateIds, new Uint8Array(32));
  const attempt: Attempt = {
    ...judged,
    ...(subject === 'sealing' ? {} : { unsealed }),
    ...(subject === 'escalation' ? { escalation: { segments, voices: [], tries: 1 } } : {}),
    publication: { subject, voices: [] },
  };
  return { attempt, jobKey };
}

async function made(
  job: LoadedJob,
  result: JobResult,
  runner: JobRunner,
  { attempt, jobKey }: ReturnType<typeof publishing>,
  publishedItems: readonly number[] = [],
): Promise<Piece[]> {
  const assignment = assignmentOf(job, attempt, publishedItems);
  return missingPieces(assignment, {
    ...{ result, jobKey, load: () => Promise.resolve(job) },
    rerun: (segments) => runner.rerun(job, segments, assignment, OPTIONS.signal),
  });
}

function assignmentOf({ plan }: LoadedJob, attempt: Attempt, publishedItems: readonly number[]): Assignment {
  const [source, input] = [plan.program.hash, new Uint8Array(32)];
  return { attempt, source, input, segmentation: plan.segmentation, publishedItems };
}

describe('pieces that verifiers miss', () => {
  for (const [kind, job, judged] of [
    ['batch', BATCH, [0, 2]],
    ['chain', CHAIN, [0, 3, 19]],
  ] as const)
    for (const subject of ['sealing', 'escalation', 'output'] as const)
      for (const percent of [0, 40])
        test(`of a ${kind}, ${subject}, ${percent} % made up: the ledger takes each`, async () => {
          const runner = percent === 0 ? honest : cheating(honest, percent);
          const first = publishing(
            job,
            await honest.execute(job, {} as never, OPTIONS.signal),
            subject,
            judged,
          );
          const assignment = assignmentOf(job, first.attempt, []);
          const result = await runner.execute(job, assignment, OPTIONS.signal);
          const place = publishing(job, result, subject, judged);
          const pieces = await made(job, result, runner, place);
          assert.deepEqual(
            pieces.map(({ item }) => item),
            askedItems(place.attempt),
          );
          for (const { item, data, salt, branch } of pieces)
            assert.ok(isItem(place.attempt, item, data, { salt, branch }), `item ${item}`);
          const [there = -1] = pieces.map(({ item }) => item);
          const rest = await made(job, result, runner, place, [there]);
          assert.deepEqual(rest, pieces.slice(1));
        });

  test('where all are there, nothing is loaded', async () => {
    const result = { stateIds: [], output: new Uint8Array(0) };
    const { attempt, jobKey } = publishing(
      BATCH,
      await honest.execute(BATCH, {} as never, OPTIONS.signal),
      'sealing',
      [1],
    );
    const none = await missingPieces(assignmentOf(BATCH, attempt, [1]), {
      ...{ result, jobKey, load: () => assert.fail(), rerun: () => assert.fail() },
    });
    assert.deepEqual(none, []);
  });
});

describe('a result that is made up', () => {
  for (const [kind, job] of [
    ['batch', BATCH],
    ['chain', CHAIN],
  ] as const)
    for (const percent of [1, 50, 100])
      test(`of a ${kind}, ${percent} %: consistent in itself, and the same again`, async () => {
        const truth = await honest.execute(job, {} as never, OPTIONS.signal);
        const { attempt } = publishing(job, truth, 'sealing', [0]);
        const assignment = assignmentOf(job, attempt, []);
        const cheat = cheating(honest, percent);
        const lie = await cheat.execute(job, assignment, OPTIONS.signal);
        const wrong = truth.stateIds.filter((id, leaf) => String(id) !== String(lie.stateIds[leaf]));
        assert.equal(wrong.length, Math.max(1, Math.round((job.plan.segments * percent) / 100)));
        const ids = kind === 'batch' ? partIdsOf(job.plan, lie.output) : lie.stateIds;
        assert.deepEqual(ids, lie.stateIds);
        if (kind === 'chain') assert.deepEqual(outputRootFrom(job.plan, lie.output), lie.stateIds.at(-1));
        assert.deepEqual(await cheat.execute(job, assignment, OPTIONS.signal), lie);
      });
});
