import { stateIdOf } from '../protocol/audit/commitment.js';
import { OgpuError } from '../protocol/errors.js';
import type { JobPlan } from '../protocol/graph/segmentation.js';
import {
  firstState,
  itemsFromBytes,
  placePart,
  segmentInputs,
  segmentItems,
  segmentPart,
} from '../protocol/graph/segments.js';
import type { TensorData } from '../protocol/graph/tensor-data.js';
import { invariant } from '../protocol/invariant.js';
import { runSegments, type Executor, type SegmentsJob } from './run-segments.js';
import type { SandboxOutcome } from './sandbox/outcome.js';

/** A job with all that it takes to run it. */
export interface LoadedJob {
  readonly plan: JobPlan;
  /** The file that the graph names. */
  readonly weights: Uint8Array;
  /** Of the whole job: `plan.inputBytes`. */
  readonly input: Uint8Array;
}

export interface RunOptions extends Pick<SegmentsJob, 'hidden' | 'onProgress' | 'limits'> {
  readonly executor: Executor;
  readonly wallMs: number;
  readonly signal: AbortSignal;
}

/** What a job comes to. */
export interface JobResult {
  /** Content ids of the states, in the order of leaves: of a chain, the input's first. */
  readonly stateIds: readonly Uint8Array[];
  readonly output: Uint8Array;
}

/** A job that did not run to its end says nothing about its result. */
export class RunError extends OgpuError<
  /** `outcome` in the data: of the program, its inputs or the machine. */
  'RUN_FAILED' | 'RUN_CANCELLED'
> {}

/**
 * Runs a whole job. Where a GPU fails, the reference computes what it would have.
 *
 * @throws RunError; SegmentationError JOB_INPUT_LENGTH; SandboxError
 */
export async function runJob(job: LoadedJob, options: RunOptions): Promise<JobResult> {
  const { plan, input } = job;
  const output = new Uint8Array(plan.outputBytes);
  const stateIds = isChain(plan) ? [stateIdOf(firstState(plan, input))] : [];
  const first = stateIds.length;
  await runParts(job, allSegments(plan), options, (part, index) => {
    stateIds[first + index] = stateIdOf(part);
    placePart(plan, output, part, index);
  });
  return { stateIds, output };
}

/**
 * Runs segments of a job again, ascending. Of a chain every step up to the last one asked for is run, from the input.
 *
 * @returns content id of what each comes to
 * @throws as `runJob` does
 */
export async function judgeSegments(
  job: LoadedJob,
  segments: readonly number[],
  options: RunOptions,
): Promise<Uint8Array[]> {
  return runAgain(job, segments, options, stateIdOf);
}

/**
 * As `judgeSegments`.
 *
 * @returns bytes of what each comes to
 * @throws as `runJob` does
 */
export async function rerunSegments(
  job: LoadedJob,
  segments: readonly number[],
  options: RunOptions,
): Promise<Uint8Array[]> {
  return runAgain(job, segments, options, (part) => part);
}

async function runAgain(
  job: LoadedJob,
  segments: readonly number[],
  options: RunOptions,
  read: (part: Uint8Array) => Uint8Array,
): Promise<Uint8Array[]> {
  const last = segments.at(-1);
  invariant(last !== undefined, 'there is something to run');
  const needed = isChain(job.plan) ? allSegments(job.plan).slice(0, last + 1) : segments;
  return readParts(job, needed, segments, options, read);
}

/** A batch of which only the inputs of some segments are known, as bytes. */
export interface LoadedItems extends Pick<LoadedJob, 'plan' | 'weights'> {
  readonly items: ReadonlyMap<number, Uint8Array>;
}

/** As `judgeSegments`, of a batch whose input as a whole is not there. @param segments all of them among the items */
export function judgeItems(
  job: LoadedItems,
  segments: readonly number[],
  options: RunOptions,
): Promise<Uint8Array[]> {
  invariant(!isChain(job.plan), 'steps of a chain need what came before them');
  return readParts(job, segments, segments, options, stateIdOf);
}

/** What a job is run from: its whole input, or inputs of some segments. */
type Runnable = LoadedJob | LoadedItems;

async function readParts(
  job: Runnable,
  needed: readonly number[],
  asked: readonly number[],
  options: RunOptions,
  read: (part: Uint8Array) => Uint8Array,
): Promise<Uint8Array[]> {
  const wanted = new Set(asked);
  const found = new Map<number, Uint8Array>();
  await runParts(job, needed, options, (part, index) => {
    if (wanted.has(index)) found.set(index, read(part));
  });
  return asked.map((segment) => {
    const answer = found.get(segment);
    invariant(answer !== undefined, 'each segment was run');
    return answer;
  });
}

function itemsAt(job: Runnable, index: number): TensorData[] {
  if ('input' in job) return segmentItems(job.plan, job.input, index);
  const bytes = job.items.get(index);
  invariant(bytes !== undefined, 'the input of each segment is known');
  return itemsFromBytes(job.plan, bytes);
}

function isChain({ segmentation }: JobPlan): boolean {
  return segmentation.kind === 'steps';
}

function allSegments({ segments }: JobPlan): number[] {
  return Array.from({ length: segments }, (_, index) => index);
}

type TakePart = (part: Uint8Array, index: number) => void;

async function runParts(
  job: Runnable,
  segments: readonly number[],
  options: RunOptions,
  take: TakePart,
): Promise<void> {
  const first = await attempt(job, segments, options, take);
  const isDevice = options.executor !== 'reference' && DEVICE_TROUBLES.has(first.kind);
  const outcome = isDevice
    ? await attempt(job, segments, { ...options, executor: 'reference' }, take)
    : first;
  if (outcome.kind === 'completed') return;
  if (outcome.kind === 'cancelled') throw new RunError('RUN_CANCELLED', 'nobody waits for the result');
  throw new RunError('RUN_FAILED', `the job ended as ${outcome.kind}`, { outcome });
}

/** Endings that a device can be to blame for. */
const DEVICE_TROUBLES: ReadonlySet<SandboxOutcome['kind']> = new Set([
  'failed',
  'device-lost',
  'out-of-memory',
  'crashed',
]);

async function attempt(
  job: Runnable,
  segments: readonly number[],
  options: RunOptions,
  take: TakePart,
): Promise<SandboxOutcome> {
  const { plan, weights } = job;
  const { program } = plan;
  const state = isChain(plan) && 'input' in job ? firstState(plan, job.input) : undefined;
  const items = segments.map((index) => itemsAt(job, index));
  const { outcome } = await runSegments({
    ...options,
    ...{ program, weights, state },
    segments: state === undefined ? items.map((item) => segmentInputs(plan, item)) : items,
    onOutputs: (place, outputs) => {
      const index = segments[place];
      invariant(index !== undefined, 'outputs are of segments that were asked for');
      take(segmentPart(plan, outputs, index), index);
    },
  });
  return outcome;
}
