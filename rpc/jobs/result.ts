import { z } from 'zod';
import { outputRootFrom } from '../../protocol/audit/job-data.js';
import { bytesEqual, toHex, type Hex } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import { openProgram, type Program } from '../../protocol/graph/check.js';
import { decodeGraph } from '../../protocol/graph/encode.js';
import { planJob, type JobPlan } from '../../protocol/graph/segmentation.js';
import { downloadBlob, type BlobNode } from '../blobs/transfer.js';
import { JudgedAttempt, SourceGraph, type AskNode, type KnownJob } from './answers.js';
import { JobError } from './errors.js';
import { findJob } from './prepare.js';

/** The accepted result of a job, verified. */
export interface JobResult {
  readonly job: Hex;
  /** The attempt that was accepted. */
  readonly attempt: number;
  readonly provider: string;
  /** What the provider was paid. */
  readonly priceWei: bigint;
  /** How input and output are cut: `plan.program` is what made it. */
  readonly plan: JobPlan;
  readonly output: Uint8Array;
  /** What the chain calls the output, and the blob that holds it. */
  readonly outputRoot: Hex;
  readonly outputId: Hex;
}

export interface ResultOptions {
  /** Where it is at hand, it need not be fetched. */
  readonly program?: Program | undefined;
  readonly onProgress?: ((receivedBytes: number, totalBytes: number) => void) | undefined;
  /** A larger output is not fetched; 1 GiB unless told otherwise. */
  readonly maxOutputBytes?: number | undefined;
}

const DEFAULT_MAX_OUTPUT_BYTES = 2 ** 30;

/**
 * Fetches the output that was accepted, and holds it against what the chain says of it: the blob against its id, chunk by chunk, then every part
 * of the output against the root that validators have judged. Whoever serves program and blob is not trusted.
 *
 * @param ask a node that is trusted to tell what the chain says
 * @throws JobError JOB_UNKNOWN | JOB_FORGOTTEN | JOB_NOT_SETTLED | RESULT_MISMATCH | RESULT_TOO_LARGE; BlobTransferError
 */
export async function fetchResult(
  ask: AskNode,
  id: Hex,
  blobs: BlobNode,
  options: ResultOptions = {},
): Promise<JobResult> {
  const job = await settledJob(ask, id);
  const number = job.attempts - 1;
  const attempt = await ask('ogpu_audit', [id, number], JudgedAttempt);
  const { outputRoot, outputId, phase, provider, priceWei } = attempt;
  if (phase !== 'ACCEPTED' || outputRoot === null || outputId === null)
    throw mismatch('attempt', 'the last attempt of a settled job was accepted', { job: id, attempt: number });
  const program = options.program ?? (await fetchProgram(ask, job.source));
  if (!bytesEqual(program.hash, job.source))
    throw mismatch('program', 'the program is not the one the job ran', { source: toHex(job.source) });
  const plan = planJob(program, job.segmentation);
  if (plan.segments !== job.segments)
    throw mismatch('segments', 'the job has another number of segments', { job: id });
  const output = await fetchOutput(plan, toHex(outputId), blobs, options);
  if (!bytesEqual(outputRootFrom(plan, output), outputRoot))
    throw mismatch('output', 'the blob is not the output that was judged', {
      ...{ job: id, outputId: toHex(outputId), outputRoot: toHex(outputRoot) },
    });
  const names = { outputRoot: toHex(outputRoot), outputId: toHex(outputId) };
  return { job: id, attempt: number, provider, priceWei, plan, output, ...names };
}

async function settledJob(ask: AskNode, id: Hex): Promise<KnownJob> {
  const job = await findJob(ask, id);
  if (job === undefined) throw await goneError(ask, id);
  if (job.phase === 'SETTLED') return job;
  const isOpen = job.phase === 'OPEN' || job.phase === 'ASSIGNED';
  const cure = isOpen
    ? 'wait until it has ended: ogpu job watch'
    : 'the escrow has gone back: post it anew, for more or with a later deadline';
  const data = { job: id, phase: job.phase, reason: job.reason, cure };
  const text = isOpen ? 'the job has not ended yet' : 'the job has ended without a result';
  throw new JobError('JOB_NOT_SETTLED', text, data);
}

/** Of a job without a record the chain still tells that it was, and how it ended. */
async function goneError(ask: AskNode, id: Hex): Promise<JobError> {
  const past = await ask('ogpu_explainJob', [id], PastJob).catch(() => undefined);
  if (past?.phase !== 'FORGOTTEN') return new JobError('JOB_UNKNOWN', 'no job has this id', { job: id });
  const data = { job: id, reason: past.reason, cure: 'ask an archive node for an earlier block' };
  return new JobError('JOB_FORGOTTEN', 'the job has ended long ago, and its record is dropped', data);
}

const PastJob = z.object({ phase: z.string().max(64), reason: z.string().max(64).nullable() });

/** @throws JobError RESULT_MISMATCH where the bytes are not the program with this hash */
async function fetchProgram(ask: AskNode, source: Uint8Array): Promise<Program> {
  const { graph } = await ask('ogpu_sourceGraph', [toHex(source)], SourceGraph);
  try {
    return openProgram(decodeGraph(graph));
  } catch (error) {
    if (!(error instanceof OgpuError)) throw error;
    throw mismatch('program', `not the program of the job: ${error.message}`, { source: toHex(source) });
  }
}

async function fetchOutput(
  { outputBytes }: JobPlan,
  id: Hex,
  blobs: BlobNode,
  { onProgress, maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES }: ResultOptions,
): Promise<Uint8Array> {
  if (outputBytes > maxOutputBytes)
    throw new JobError('RESULT_TOO_LARGE', `an output of ${outputBytes} bytes`, {
      outputBytes,
      maxOutputBytes,
    });
  const onLength = (lengthBytes: number): void => {
    if (lengthBytes !== outputBytes)
      throw mismatch('length', `${lengthBytes} bytes are no output of ${outputBytes}`, { outputId: id });
  };
  const output = new Uint8Array(outputBytes);
  let received = 0;
  for await (const chunk of downloadBlob(blobs, id, { onLength })) {
    output.set(chunk, received);
    received += chunk.length;
    onProgress?.(received, outputBytes);
  }
  return output;
}

function mismatch(what: string, message: string, data: Readonly<Record<string, unknown>>): JobError {
  return new JobError('RESULT_MISMATCH', message, { what, ...data });
}
