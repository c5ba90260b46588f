import { JobUnavailableError } from '../../compute/provider/agent.js';
import type { LoadedJob } from '../../compute/job-run.js';
import type { Assignment, JobData, Offer } from '../../compute/provider/market.js';
import { DiskError } from '../../consensus/disk/disk.js';
import { inputIdOf } from '../../protocol/audit/job-data.js';
import { bytesEqual, fromHex, toHex } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import { openProgram, type Program } from '../../protocol/graph/check.js';
import { decodeGraph } from '../../protocol/graph/encode.js';
import { GraphError } from '../../protocol/graph/faults.js';
import { planJob, SegmentationError, type JobPlan } from '../../protocol/graph/segmentation.js';
import { SszError } from '../../protocol/ssz/types.js';
import { BlobTransferError, downloadBlob, uploadBlob, type BlobNode } from '../../rpc/blobs/transfer.js';
import { SourceGraphAnswer } from '../client/answers.js';
import { ClientError } from '../client/errors.js';
import type { RpcClient } from '../client/rpc-client.js';
import type { WeightsFolder } from './weights-folder.js';

/** A job that is not what its terms say, or too large: it cannot be run here. */
export class JobUnfitError extends OgpuError<
  /** The source's graph is none, or another one. */
  | 'JOB_SOURCE_WRONG'
  /** The cut does not suit the program. */
  | 'JOB_CUT_UNFIT'
  /** The blob is not the input that the terms name. */
  | 'JOB_INPUT_WRONG'
  /** Weights, input and output take more memory than one job may. */
  | 'JOB_TOO_LARGE'
> {}

export interface JobLoaderParts {
  readonly rpc: RpcClient;
  readonly node: BlobNode;
  readonly weights: WeightsFolder;
  /** Of weights, input and output of one job together. */
  readonly maxDataBytes: number;
  /** A transfer on which nothing moves for so long is given up, to be tried again. */
  readonly idleMs?: number;
  /** Ends uploads. */
  readonly signal: AbortSignal;
  /** Weights that could not be kept are fetched again the next time. */
  readonly onWarning: (error: DiskError) => void;
}

/** Programs that are remembered: small, and asked for again and again. */
const MAX_PROGRAMS = 64;

const IDLE_MS = 30_000;

/** An output on its way to the node, as a whole. */
const UPLOAD_MS = 120_000;

/** The most that a result on the disk holds. */
const MAX_OUTPUT_BYTES = 2 ** 30 - 2 ** 22;

/** Brings what jobs run with from a node, checks it, and takes their outputs there. */
export class JobLoader {
  readonly #parts: JobLoaderParts;
  readonly #programs = new Map<string, Program>();

  constructor(parts: JobLoaderParts) {
    this.#parts = parts;
  }

  /** @throws JobUnavailableError; JobUnfitError; DiskError */
  async load({ attempt, ...data }: Assignment, signal: AbortSignal): Promise<LoadedJob> {
    const { job, inputId, segments } = attempt.terms;
    const plan = await this.#plan(data);
    if (plan.segments !== segments) throw unfitCut(data, 'the job has another number of segments');
    const weights = await this.#weightsOf(plan.program, signal);
    const input = await this.#download(data.input, plan.inputBytes, signal);
    if (bytesEqual(inputIdOf(plan, input), inputId)) return { plan, weights, input };
    const about = { job: toHex(job), blob: toHex(data.input) };
    throw new JobUnfitError('JOB_INPUT_WRONG', 'the blob is not the input that the job names', about);
  }

  /** Whether the program takes the cut and all of it fits; a source that is no program suits nobody. @throws JobUnavailableError */
  async suits(offer: Offer): Promise<boolean> {
    try {
      await this.#plan(offer);
      return true;
    } catch (error) {
      if (error instanceof JobUnfitError) return false;
      throw error;
    }
  }

  /** @returns the id under which anybody can have it. @throws BlobTransferError; what `fetch` throws */
  async publish(output: Uint8Array): Promise<Uint8Array> {
    const { node, signal: stop } = this.#parts;
    const signal = AbortSignal.any([stop, AbortSignal.timeout(UPLOAD_MS)]);
    return fromHex((await uploadBlob({ ...node, signal }, output)).id);
  }

  async #plan(data: JobData): Promise<JobPlan> {
    const plan = cut(await this.#program(data.source), data);
    const { weightBytes } = plan.program.work;
    const bytes = weightBytes + plan.inputBytes + plan.outputBytes;
    const { maxDataBytes } = this.#parts;
    if (bytes <= maxDataBytes && plan.outputBytes <= MAX_OUTPUT_BYTES) return plan;
    throw new JobUnfitError('JOB_TOO_LARGE', 'weights, input and output take too much memory', {
      ...{ bytes, maxDataBytes, outputBytes: plan.outputBytes, maxOutputBytes: MAX_OUTPUT_BYTES },
    });
  }

  async #program(source: Uint8Array): Promise<Program> {
    const name = toHex(source);
    const known = this.#programs.get(name);
    if (known !== undefined) return known;
    const program = readProgram(await this.#graph(name), source);
    const [oldest] = this.#programs.keys();
    if (this.#programs.size >= MAX_PROGRAMS && oldest !== undefined) this.#programs.delete(oldest);
    this.#programs.set(name, program);
    return program;
  }

  async #graph(source: string): Promise<Uint8Array> {
    try {
      return (await this.#parts.rpc.call('ogpu_sourceGraph', [source], SourceGraphAnswer)).graph;
    } catch (cause) {
      if (!(cause instanceof ClientError)) throw cause;
      throw unavailable('the program could not be had', { source, reason: cause.code }, cause);
    }
  }

  async #weightsOf({ graph, work }: Program, signal: AbortSignal): Promise<Uint8Array> {
    const { weights: folder, onWarning } = this.#parts;
    const kept = await folder.find(graph.weightsHash, work.weightBytes);
    if (kept !== undefined) return kept;
    const weights = await this.#download(graph.weightsHash, work.weightBytes, signal);
    try {
      await folder.keep(graph.weightsHash, weights);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      onWarning(error);
    }
    return weights;
  }

  /** Every chunk is checked against the id. @throws JobUnavailableError; JobUnfitError where the blob has another length */
  async #download(id: Uint8Array, lengthBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    const { node, idleMs = IDLE_MS } = this.#parts;
    const idle = new AbortController();
    const alarm = setTimeout(() => {
      idle.abort();
    }, idleMs);
    const onLength = (length: number): void => {
      if (length !== lengthBytes) throw wrongLength(id, lengthBytes, length);
    };
    try {
      const bytes = new Uint8Array(lengthBytes);
      let at = 0;
      const asked = { ...node, signal: AbortSignal.any([signal, idle.signal]) };
      for await (const chunk of downloadBlob(asked, toHex(id), { onLength })) {
        bytes.set(chunk, at);
        at += chunk.length;
        alarm.refresh();
      }
      return bytes;
    } catch (cause) {
      if (cause instanceof JobUnfitError) throw cause;
      const reason = cause instanceof BlobTransferError ? cause.code : String(cause);
      throw unavailable('a blob could not be had', { blob: toHex(id), reason }, cause);
    } finally {
      clearTimeout(alarm);
    }
  }
}

function cut(program: Program, data: JobData): JobPlan {
  try {
    return planJob(program, data.segmentation);
  } catch (cause) {
    if (!(cause instanceof SegmentationError)) throw cause;
    throw unfitCut(data, cause.message, cause);
  }
}

function unfitCut({ source, segmentation }: JobData, message: string, cause?: unknown): JobUnfitError {
  const data = { source: toHex(source), segmentation };
  return new JobUnfitError('JOB_CUT_UNFIT', `the cut does not suit the program: ${message}`, data, { cause });
}

function unavailable(message: string, data: object, cause: unknown): JobUnavailableError {
  return new JobUnavailableError('JOB_DATA_UNAVAILABLE', message, { ...data }, { cause });
}

function wrongLength(id: Uint8Array, expected: number, received: number): JobUnfitError {
  const data = { blob: toHex(id), expected, received };
  return new JobUnfitError('JOB_INPUT_WRONG', 'a blob has another length than the job needs', data);
}

function readProgram(bytes: Uint8Array, source: Uint8Array): Program {
  const data = { source: toHex(source) };
  try {
    const program = openProgram(decodeGraph(bytes));
    if (bytesEqual(program.hash, source)) return program;
  } catch (cause) {
    if (!(cause instanceof GraphError) && !(cause instanceof SszError)) throw cause;
    throw new JobUnfitError('JOB_SOURCE_WRONG', 'the source is no program', data, { cause });
  }
  throw new JobUnfitError('JOB_SOURCE_WRONG', 'the node gives another program', data);
}
