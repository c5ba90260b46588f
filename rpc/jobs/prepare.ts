import { bytesEqual, fromHex, toHex, type Hex } from '../../protocol/bytes.js';
import { blobIdOf } from '../../protocol/blob.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { inputIdOf } from '../../protocol/audit/job-data.js';
import type { Program } from '../../protocol/graph/check.js';
import { isStepGraph } from '../../protocol/graph/graph.js';
import {
  encodeSegmentation,
  planJob,
  segmentationWord,
  type JobPlan,
  type Segmentation,
} from '../../protocol/graph/segmentation.js';
import type { PostedTerms } from '../../state/jobs/posting.js';
import { quoteAudit } from '../../state/jobs/quoting.js';
import { nodeErrorOf } from '../errors/refusal.js';
import { KnownJob, SourceStanding, type AskNode, type Rules } from './answers.js';
import { JobError } from './errors.js';
import { checkInputRange } from './input-range.js';

/** What a client wants done, and on which terms. Amounts in wei, times in Unix milliseconds. */
export interface JobRequest {
  readonly segmentation: Segmentation;
  /** Of the whole job, as the segmentation cuts it. */
  readonly input: Uint8Array;
  /** The most that is paid to a provider; for the metered work, what verifiers are paid for the same, unless told otherwise. */
  readonly priceWei?: bigint | undefined;
  /** What a wrong result that is accepted could be worth to a cheat: the price unless told otherwise. Bonds follow from it. */
  readonly valueWei?: bigint | undefined;
  /** Beyond what the chain asks for; the least unless told otherwise. */
  readonly auditFeeWei?: bigint | undefined;
  /** Segments that are drawn; as many as the chain draws unless told otherwise. */
  readonly sampled?: number | undefined;
  /** Whether every segment is judged. */
  readonly full?: boolean | undefined;
  /** Until then somebody has to have taken it; the deadline unless told otherwise. */
  readonly quoteUntilMs?: number | undefined;
  /** 32 bytes; the same key of the same client is the same job. Random unless given. */
  readonly key?: Uint8Array | undefined;
}

/** A job as it will be posted. */
export interface PreparedJob {
  readonly terms: PostedTerms;
  /** Price and audit fee: what is sent along. */
  readonly escrowWei: bigint;
  readonly plan: JobPlan;
  readonly input: Uint8Array;
}

/**
 * All that a job is posted with, computed as the ledger, provider and verifiers will compute it.
 *
 * @param deadlineMs until then somebody can take it
 * @throws SegmentationError where program, segmentation and input do not fit each other; JobError INPUT_OUT_OF_RANGE
 */
export function prepareTerms(
  program: Program,
  rules: Rules,
  deadlineMs: number,
  request: JobRequest,
): PreparedJob {
  const { segmentation, input, sampled = 0, full = false, key = randomKey() } = request;
  const plan = planJob(program, segmentation);
  checkInputRange(plan, input);
  const { segments } = plan;
  const inputId = inputIdOf(plan, input);
  const kind = isStepGraph(program.graph) ? 'chain' : 'batch';
  const quote = (valueWei: bigint): ReturnType<typeof quoteAudit> =>
    quoteAudit(kind, program, rules.jobs, { segments, sampled, full, valueWei });
  const workWei = BigInt(segments) * BigInt(quote(0n).judgeMs) * rules.jobs.workWei;
  const { priceWei: maxPriceWei = workWei, valueWei = maxPriceWei } = request;
  const { auditFeeWei = quote(valueWei).feeWei } = request;
  const terms = {
    ...{ source: program.hash, input: blobIdOf(input), inputId, key },
    ...{ segmentation: segmentationWord(segmentation), segments, sampled, full },
    ...{ maxPriceWei, auditFeeWei, valueWei },
    quoteUntilMs: BigInt(request.quoteUntilMs ?? 0),
    deadlineMs: BigInt(deadlineMs),
  };
  return { terms, escrowWei: maxPriceWei + auditFeeWei, plan, input };
}

/** 32 bytes in hex as they are; of any other text its SHA-256, so that a name of the caller's own is a key. */
export function jobKeyOf(text: string): Uint8Array {
  return /^0x[0-9a-fA-F]{64}$/.test(text) ? fromHex(text) : sha256(new TextEncoder().encode(text));
}

function randomKey(): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(32));
}

/** @throws JobError SOURCE_UNKNOWN | SOURCE_NOT_OPEN | SOURCE_RETIRED unless the program takes jobs */
export async function checkSource(ask: AskNode, source: Uint8Array): Promise<void> {
  const standing = await sourceStanding(ask, source);
  if (standing?.takesJobs === true) return;
  throw sourceError(toHex(source), standing);
}

/** Undefined where there is no such source. */
export async function sourceStanding(ask: AskNode, source: Uint8Array): Promise<SourceStanding | undefined> {
  return ask('ogpu_source', [toHex(source)], SourceStanding).catch(unless('RPC_SOURCE_UNKNOWN'));
}

/** Why a source takes no jobs. */
export function sourceError(source: Hex, standing: SourceStanding | undefined): JobError {
  if (standing === undefined) {
    const cure = 'register it, and wait until validators have opened it: ogpu source register';
    return new JobError('SOURCE_UNKNOWN', 'the program is not registered', { source, cure });
  }
  const { status, capablePower, totalPower } = standing;
  if (status === 'retired') {
    const cure = 'register it anew, with a bond of your own: ogpu source register';
    return new JobError('SOURCE_RETIRED', 'the program takes no more jobs', { source, cure });
  }
  const data = { source, capablePower, totalPower };
  const cure = 'wait until validators have fetched and proved its weights: ogpu source show';
  return new JobError('SOURCE_NOT_OPEN', 'too few validators can run the program so far', { ...data, cure });
}

/** The job that a key names already; undefined where there is none. @throws JobError JOB_KEY_USED where it is of something else */
export async function findPosted(ask: AskNode, id: Hex, terms: PostedTerms): Promise<KnownJob | undefined> {
  const found = await findJob(ask, id);
  if (found === undefined) return undefined;
  const same = (['source', 'input', 'inputId'] as const).every((name) =>
    bytesEqual(found[name], terms[name]),
  );
  const cut = encodeSegmentation(found.segmentation);
  if (same && bytesEqual(cut, terms.segmentation.subarray(0, cut.length))) return found;
  const data = { job: id, key: toHex(terms.key), cure: 'choose another key for another job' };
  throw new JobError('JOB_KEY_USED', 'this key names another job of this client', data);
}

/** Undefined where the node knows none. */
export function findJob(ask: AskNode, id: Hex): Promise<KnownJob | undefined> {
  return ask('ogpu_job', [id], KnownJob).catch(unless('RPC_JOB_UNKNOWN'));
}

function unless(code: string): (error: unknown) => undefined {
  return (error) => {
    if (nodeErrorOf(error)?.code === code) return undefined;
    throw error;
  };
}
