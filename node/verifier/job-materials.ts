import { setImmediate as nextTurn } from 'node:timers/promises';
import { BlobError } from '../../compute/blobs/errors.js';
import { judgeItems, judgeSegments, RunError } from '../../compute/job-run.js';
import type { Executor } from '../../compute/run-segments.js';
import { SandboxError } from '../../compute/sandbox/sandbox.js';
import type { Attempt, PublicationSubject } from '../../consensus/verification/attempt.js';
import type { AttemptTerms } from '../../consensus/verification/terms.js';
import { stateIdOf } from '../../protocol/audit/commitment.js';
import { treeRoot } from '../../protocol/audit/tree.js';
import { bytesEqual, toHex } from '../../protocol/bytes.js';
import {
  decodeSegmentation,
  planJob,
  SegmentationError,
  type JobPlan,
} from '../../protocol/graph/segmentation.js';
import { readPart } from '../../protocol/graph/segments.js';
import { jobs, type Job } from '../../state/jobs/job.js';
import type { Reader } from '../../state/store/store.js';
import type { BlobService } from '../blobs/service.js';
import type { Clock } from '../consensus/surroundings.js';
import { readBlob } from './blob-bytes.js';
import { MaterialsError, type Materials } from './materials.js';
import type { SourceShelf } from './source-shelf.js';

export interface JobMaterialsParts {
  readonly store: Reader;
  /** Inputs of segments that stand on the chain. */
  readonly published: (terms: AttemptTerms) => Promise<ReadonlyMap<number, Uint8Array>>;
  readonly blobs: BlobService;
  readonly shelf: SourceShelf;
  readonly executor: () => Promise<Executor>;
  /** Folders that the processes of jobs do not see. */
  readonly hidden: readonly string[];
  readonly clock: Clock;
}

/** What a node judges jobs by: ledger, blobs, and the device of its machine. */
export class JobMaterials implements Materials {
  readonly #parts: JobMaterialsParts;

  constructor(parts: JobMaterialsParts) {
    this.#parts = parts;
  }

  async judge(
    attempt: Attempt,
    segments: readonly number[],
    signal: AbortSignal,
  ): Promise<readonly Uint8Array[]> {
    const { shelf, hidden, clock } = this.#parts;
    const job = this.#job(attempt);
    const { program, weights } = await shelf.obtain(job.source, signal);
    const plan = planOf(job, program);
    const material = await this.#materialOf(attempt, job, plan, segments, signal);
    const executor = await this.#parts.executor();
    const wallMs = Math.max(MIN_WALL_MS, attempt.deadline.timeMs - clock.nowMs());
    const options = { executor, wallMs, hidden, signal };
    try {
      return 'items' in material
        ? await judgeItems({ plan, weights, ...material }, segments, options)
        : await judgeSegments({ plan, weights, ...material }, segments, options);
    } catch (cause) {
      if (!(cause instanceof RunError) && !(cause instanceof SandboxError)) throw cause;
      const code = cause.code === 'RUN_CANCELLED' ? 'MATERIALS_UNAVAILABLE' : 'MATERIALS_UNFIT';
      throw new MaterialsError(
        code,
        'the segments do not run here',
        { job: toHex(attempt.terms.job) },
        { cause },
      );
    }
  }

  async hasOutput(attempt: Attempt, signal: AbortSignal): Promise<boolean> {
    const { unsealed } = attempt;
    if (unsealed === undefined) return false;
    const job = this.#job(attempt);
    return hadInTime(async () => {
      const plan = planOf(job, this.#parts.shelf.program(job.source));
      const output = await readBlob(this.#parts.blobs, unsealed.outputId, {
        lengthBytes: plan.outputBytes,
        signal,
      });
      if (!bytesEqual(await outputRoot(plan, output), unsealed.outputRoot)) return false;
      await this.#pin(attempt, unsealed.outputId);
      return true;
    });
  }

  async isAvailable(attempt: Attempt, subject: PublicationSubject, signal: AbortSignal): Promise<boolean> {
    if (subject === 'output') return this.hasOutput(attempt, signal);
    const job = this.#job(attempt);
    return hadInTime(async () => {
      const plan = planOf(job, this.#parts.shelf.program(job.source));
      await this.#input(job, plan, signal);
      return true;
    });
  }

  /** The whole input; where nobody has it, what the provider had to put on the chain. */
  async #materialOf(
    attempt: Attempt,
    job: Job,
    plan: JobPlan,
    segments: readonly number[],
    signal: AbortSignal,
  ): Promise<{ readonly input: Uint8Array } | { readonly items: ReadonlyMap<number, Uint8Array> }> {
    try {
      const input = await this.#input(job, plan, signal);
      await this.#pin(attempt, job.input);
      return { input };
    } catch (error) {
      const isPublished = attempt.published.some((subject) => subject !== 'output');
      if (!(error instanceof MaterialsError) || !isPublished) throw error;
      const items = await this.#parts.published(attempt.terms);
      if (segments.every((segment) => items.has(segment))) return { items };
      throw error;
    }
  }

  #input({ input }: Job, { inputBytes }: JobPlan, signal: AbortSignal): Promise<Uint8Array> {
    return readBlob(this.#parts.blobs, input, { lengthBytes: inputBytes, signal });
  }

  /** A store that is full of pins loses nothing by this: the blob is here, and stays while there is room. */
  async #pin({ terms }: Attempt, blob: Uint8Array): Promise<void> {
    try {
      await this.#parts.blobs.pin(blob, { kind: 'job', id: terms.job });
    } catch (error) {
      if (!(error instanceof BlobError)) throw error;
    }
  }

  #job({ terms }: Attempt): Job {
    const job = jobs.find(this.#parts.store, terms.job);
    if (job !== undefined) return job;
    throw new MaterialsError('MATERIALS_UNAVAILABLE', 'the job is over', { job: toHex(terms.job) });
  }
}

/** Enough to start a process. */
const MIN_WALL_MS = 1_000;

/** @throws MaterialsError MATERIALS_UNFIT */
function planOf({ segmentation }: Job, program: Parameters<typeof planJob>[0]): JobPlan {
  try {
    return planJob(program, decodeSegmentation(segmentation));
  } catch (cause) {
    if (!(cause instanceof SegmentationError)) throw cause;
    throw new MaterialsError(
      'MATERIALS_UNFIT',
      'the input is cut in a way that the program does not take',
      {},
      { cause },
    );
  }
}

/** Data that is not what it should be has not been delivered either. */
async function hadInTime(look: () => Promise<boolean>): Promise<boolean> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof MaterialsError) return false;
    throw error;
  }
}

/** As `outputRootFrom`, letting others have the thread between the parts: an output can take seconds to hash. */
async function outputRoot(plan: JobPlan, output: Uint8Array): Promise<Uint8Array> {
  if (plan.segmentation.kind === 'steps') return stateIdOf(output);
  const ids: Uint8Array[] = [];
  let hashed = 0;
  for (let index = 0; index < plan.segments; index++) {
    const part = readPart(plan, output, index);
    ids.push(stateIdOf(part));
    hashed += part.length;
    if (hashed < BYTES_PER_TURN) continue;
    hashed = 0;
    await nextTurn();
  }
  return treeRoot(ids);
}

/** About a millisecond of hashing. */
const BYTES_PER_TURN = 512 * 1024;
