import { JobUnavailableError } from '../../compute/provider/agent.js';
import type { LoadedJob } from '../../compute/job-run.js';
import type { Assignment, JobData, Offer } from '../../compute/provider/market.js';
import { inputIdOf } from '../../protocol/audit/job-data.js';
import { bytesEqual, fromHex, toHex } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import { openProgram, type Program } from '../../protocol/graph/check.js';
import { decodeGraph } from '../../protocol/graph/encode.js';
import { GraphError } from '../../protocol/graph/faults.js';
import { planJob, SegmentationError, type JobPlan } from '../../protocol/graph/segmentation.js';
import { BlobTransferError, downloadBlob, uploadBlob, type BlobNode } from '../../rpc/blobs/transfer.js';
import { SourceGraphAnswer } from '../client/answers.js';
import type { RpcClient } from '../client/rpc-client.js';

/** A job that is not what its terms say: nobody can run it. */
export class JobUnfitError extends OgpuError<
  /** The source's graph is none, or another one. */
  | 'JOB_SOURCE_WRONG'
  /** The cut does not suit the program. */
  | 'JOB_CUT_UNFIT'
  /** The blob is not the input that the terms name. */
  | 'JOB_INPUT_WRONG'
> {}

/** Programs that are remembered: small, and asked for again and again. */
const MAX_PROGRAMS = 64;

/** Weights that stay in memory between jobs, all together. */
const MAX_WEIGHTS_BYTES = 512 * 2 ** 20;

/** A download that brings nothing for so long is given up, to be tried again. */
const DOWNLOAD_TIMEOUT_MS = 120_000;

/** Brings what jobs run with from a node, checks it, and takes their outputs there. */
export class JobLoader {
  readonly #rpc: RpcClient;
  readonly #node: BlobNode;
  readonly #programs = new Map<string, Program>();
  readonly #weights = new Map<string, Uint8Array>();

  constructor(rpc: RpcClient, node: BlobNode) {
    this.#rpc = rpc;
    this.#node = node;
  }

  /** @throws JobUnavailableError; JobUnfitError; as calls of a node do */
  async load({ attempt, ...data }: Assignment, signal: AbortSignal): Promise<LoadedJob> {
    const plan = await this.#plan(data);
    const weights = await this.#weightsOf(plan.program, signal);
    const input = await this.#download(data.input, plan.inputBytes, signal);
    if (!bytesEqual(inputIdOf(plan, input), attempt.terms.inputId))
      throw new JobUnfitError('JOB_INPUT_WRONG', 'the blob is not the input that the job names', {
        job: toHex(attempt.terms.job),
      });
    return { plan, weights, input };
  }

  /** Whether the program takes the cut; sources that cannot be read suit nobody. @throws as calls of a node do */
  async suits(offer: Offer): Promise<boolean> {
    try {
      await this.#plan(offer);
      return true;
    } catch (error) {
      if (error instanceof JobUnfitError) return false;
      throw error;
    }
  }

  /** @returns the id under which anybody can have it. @throws BlobTransferError */
  async publish(output: Uint8Array): Promise<Uint8Array> {
    return fromHex((await uploadBlob(this.#node, output)).id);
  }

  async #plan({ source, segmentation }: JobData): Promise<JobPlan> {
    const program = await this.#program(source);
    try {
      return planJob(program, segmentation);
    } catch (cause) {
      if (!(cause instanceof SegmentationError)) throw cause;
      throw new JobUnfitError(
        'JOB_CUT_UNFIT',
        'the program does not take this cut',
        { segmentation },
        { cause },
      );
    }
  }

  async #program(source: Uint8Array): Promise<Program> {
    const name = toHex(source);
    const known = this.#programs.get(name);
    if (known !== undefined) return known;
    const { graph } = await this.#rpc.call('ogpu_sourceGraph', [name], SourceGraphAnswer);
    const program = readProgram(graph, source);
    if (this.#programs.size >= MAX_PROGRAMS) this.#programs.clear();
    this.#programs.set(name, program);
    return program;
  }

  async #weightsOf({ graph, work }: Program, signal: AbortSignal): Promise<Uint8Array> {
    const name = toHex(graph.weightsHash);
    const known = this.#weights.get(name);
    if (known !== undefined) return known;
    const weights = await this.#download(graph.weightsHash, work.weightBytes, signal);
    const kept = [...this.#weights.values()].reduce((sum, { length }) => sum + length, 0);
    if (kept + weights.length > MAX_WEIGHTS_BYTES) this.#weights.clear();
    this.#weights.set(name, weights);
    return weights;
  }

  /** Every chunk is checked against the id. @throws JobUnavailableError; JobUnfitError where the blob has another length */
  async #download(id: Uint8Array, lengthBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    const bytes = new Uint8Array(lengthBytes);
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS)]);
    let at = 0;
    try {
      for await (const chunk of downloadBlob({ ...this.#node, signal: timeout }, toHex(id))) {
        if (at + chunk.length > lengthBytes) throw wrongLength(id, lengthBytes);
        bytes.set(chunk, at);
        at += chunk.length;
      }
    } catch (cause) {
      if (cause instanceof JobUnfitError) throw cause;
      const code = cause instanceof BlobTransferError ? cause.code : 'BLOB_UNREACHABLE';
      const data = { blob: toHex(id), reason: code };
      throw new JobUnavailableError('JOB_DATA_UNAVAILABLE', 'a blob could not be had', data, { cause });
    }
    if (at !== lengthBytes) throw wrongLength(id, lengthBytes);
    return bytes;
  }
}

function wrongLength(id: Uint8Array, expected: number): JobUnfitError {
  const data = { blob: toHex(id), expected };
  return new JobUnfitError('JOB_INPUT_WRONG', 'a blob has another length than the job needs', data);
}

function readProgram(bytes: Uint8Array, source: Uint8Array): Program {
  const data = { source: toHex(source) };
  try {
    const program = openProgram(decodeGraph(bytes));
    if (bytesEqual(program.hash, source)) return program;
  } catch (cause) {
    if (!(cause instanceof GraphError)) throw cause;
    throw new JobUnfitError('JOB_SOURCE_WRONG', 'the source is no program', data, { cause });
  }
  throw new JobUnfitError('JOB_SOURCE_WRONG', 'the node gives another program', data);
}
