import type { Address } from '../../protocol/address.js';
import { TOTAL_SUPPLY_WEI } from '../../protocol/amounts.js';
import { bytesEqual } from '../../protocol/bytes.js';
import {
  encodeSegmentation,
  readSegmentationWord,
  type Segmentation,
} from '../../protocol/graph/segmentation.js';
import { MAX_FULL_AUDIT_SEGMENTS } from '../../protocol/limits.js';
import { SszError } from '../../protocol/ssz/types.js';
import { NO_SEGMENT } from '../../protocol/types/audit.js';
import { credit } from '../accounts/account.js';
import { Revert } from '../modules/module.js';
import { knownSource } from '../sources/attesting.js';
import { isOpen } from '../sources/openness.js';
import { countJobOpened } from '../sources/retiring.js';
import { segmentKindOf, type Source } from '../sources/source.js';
import { ERRORS, EVENTS } from './abi.js';
import { knownJob } from './advancing.js';
import { jobIdOf, jobs, pastJobs, type Job } from './job.js';
import { live, refusal, scheduleJob } from './life.js';
import { quoteAudit } from './quoting.js';
import type { JobScope } from './settling.js';
import { MAX_WORK_MS } from './work.js';

/** What a client asks for. Amounts in wei, times in Unix milliseconds. */
export interface PostedTerms {
  readonly source: Uint8Array;
  /** The blob that holds the whole input. */
  readonly input: Uint8Array;
  readonly inputId: Uint8Array;
  /** The same key of the same client is the same job. */
  readonly key: Uint8Array;
  /** As a word. */
  readonly segmentation: Uint8Array;
  readonly segments: number;
  /** 0: as many as the chain draws. */
  readonly sampled: number;
  readonly full: boolean;
  readonly maxPriceWei: bigint;
  readonly auditFeeWei: bigint;
  readonly valueWei: bigint;
  /** 0: as the deadline. */
  readonly quoteUntilMs: bigint;
  readonly deadlineMs: bigint;
}

/** A job waits no longer for a result. */
const MAX_LIFE_MS = 365 * 24 * 3_600_000;

/**
 * Posts jobs, with the most their client pays and their audit fees as escrow; what was sent beyond it, or for a job that is there already, goes
 * back.
 *
 * @returns their ids
 * @throws Revert SourceNotOpen | UnknownSource | EscrowTooLow | AuditFeeTooLow | InvalidSegments | InvalidSegmentation | InvalidSample |
 * InvalidValue | InvalidDeadline | JobTooLarge | JobForgotten
 */
export function post(
  scope: JobScope,
  client: Address,
  list: readonly PostedTerms[],
  sentWei: bigint,
): Uint8Array[] {
  const { state, block } = scope;
  const open: Uint8Array[] = [];
  let leftWei = sentWei;
  let requiredWei = 0n;
  const ids = list.map((terms) => {
    const id = jobIdOf(block.identity.chainId, client, terms.key);
    if (jobs.find(state, id) !== undefined) return id;
    if (pastJobs.find(state, id) !== undefined) knownJob(scope, id);
    const escrowWei = terms.maxPriceWei + terms.auditFeeWei;
    requiredWei += escrowWei;
    if (escrowWei > leftWei) throw new Revert(ERRORS.EscrowTooLow, [atMost256Bits(requiredWei), sentWei]);
    leftWei -= escrowWei;
    if (!open.some((source) => bytesEqual(source, terms.source))) {
      knownSource(scope, terms.source);
      if (!isOpen(state, terms.source)) throw new Revert(ERRORS.SourceNotOpen, [terms.source]);
      open.push(terms.source);
    }
    openJob(scope, id, client, terms);
    return id;
  });
  credit(state, client, leftWei);
  return ids;
}

/** Two amounts of 256 bits can add up to more than the error has room for. */
function atMost256Bits(wei: bigint): bigint {
  return wei < 2n ** 256n ? wei : 2n ** 256n - 1n;
}

function openJob(scope: JobScope, id: Uint8Array, client: Address, terms: PostedTerms): void {
  const { state, block, emit } = scope;
  const source = knownSource(scope, terms.source);
  const segmentation = checkSegmentation(source, terms);
  const audit = checkAudit(scope, source, terms);
  const { quoteUntilMs, deadlineMs } = checkTimes(scope, terms);
  const { maxPriceWei, auditFeeWei, valueWei, segments } = terms;
  const job: Job = {
    ...{ client, source: terms.source, input: terms.input, inputId: terms.inputId },
    ...{ segmentation: encodeSegmentation(segmentation), segments },
    ...{ sampled: audit.sampled, full: audit.full ? 1 : 0 },
    ...{ maxPriceWei, auditFeeWei, valueWei, escrowWei: maxPriceWei + auditFeeWei },
    ...{ quoteUntilMs, deadlineMs, deadlineHeight: block.height + block.params.jobs.windowBlocks },
    ...{ phase: 0, reason: 0, attempts: 0, releases: 0, claims: [], tried: [] },
    ...{ claimByMs: 0, claimByHeight: 0, drawHeight: 0, dueMs: 0, dueHeight: 0 },
  };
  countJobOpened(state, terms.source);
  scheduleJob(state, id, undefined, job, { timeMs: quoteUntilMs, height: job.deadlineHeight });
  const numbers = [maxPriceWei, auditFeeWei, valueWei, BigInt(segments), BigInt(deadlineMs)];
  emit(EVENTS.JobPosted, [id, client, terms.source, ...numbers]);
}

/** What can be told of a cut without the program: whether its windows or tiles fit, who runs it finds out. */
function checkSegmentation(source: Source, { segmentation, segments }: PostedTerms): Segmentation {
  const refuse = (reason: string): never => {
    throw new Revert(ERRORS.InvalidSegmentation, [reason]);
  };
  const cut = readSegmentation(segmentation);
  if (cut === undefined) return refuse('NOT_A_SEGMENTATION');
  if ((cut.kind === 'steps') !== (segmentKindOf(source) === 'chain')) refuse('KIND');
  if ('count' in cut && cut.count !== segments) refuse('COUNT');
  return cut;
}

function readSegmentation(word: Uint8Array): Segmentation | undefined {
  try {
    return readSegmentationWord(word);
  } catch (error) {
    if (error instanceof SszError) return undefined;
    throw error;
  }
}

/** How much is audited, which no audit's capacity may be exceeded by. */
function checkAudit(
  { block }: JobScope,
  source: Source,
  terms: PostedTerms,
): { readonly sampled: number; readonly full: boolean } {
  const { jobs: params } = block.params;
  const { segments, auditFeeWei, valueWei, maxPriceWei } = terms;
  if (valueWei < maxPriceWei || valueWei > TOTAL_SUPPLY_WEI) {
    throw new Revert(ERRORS.InvalidValue, [maxPriceWei, TOTAL_SUPPLY_WEI]);
  }
  const audit = quoteAudit(segmentKindOf(source), source, params, terms);
  const { sampled, full, isWhole, judgeMs, feeWei } = audit;
  const least = params.sampledSegments;
  if (sampled < least || sampled > MAX_FULL_AUDIT_SEGMENTS) {
    throw new Revert(ERRORS.InvalidSample, [BigInt(least), BigInt(MAX_FULL_AUDIT_SEGMENTS), BigInt(sampled)]);
  }
  const maximum = isWhole ? MAX_FULL_AUDIT_SEGMENTS : NO_SEGMENT - 1;
  if (segments < 1 || segments > maximum) {
    throw new Revert(ERRORS.InvalidSegments, [BigInt(maximum), BigInt(segments)]);
  }
  if (judgeMs * segments > MAX_WORK_MS) {
    throw new Revert(ERRORS.JobTooLarge, [BigInt(MAX_WORK_MS), BigInt(judgeMs) * BigInt(segments)]);
  }
  if (auditFeeWei < feeWei) throw new Revert(ERRORS.AuditFeeTooLow, [feeWei, auditFeeWei]);
  return { sampled, full };
}

function checkTimes(
  { block }: JobScope,
  terms: PostedTerms,
): { readonly quoteUntilMs: number; readonly deadlineMs: number } {
  const earliestMs = BigInt(block.timeMs + block.params.jobs.claimWindowMs);
  const latestMs = BigInt(block.timeMs + MAX_LIFE_MS);
  const quoteUntilMs = terms.quoteUntilMs === 0n ? terms.deadlineMs : terms.quoteUntilMs;
  if (quoteUntilMs <= earliestMs || terms.deadlineMs < quoteUntilMs || terms.deadlineMs > latestMs) {
    throw new Revert(ERRORS.InvalidDeadline, [earliestMs, latestMs]);
  }
  return { quoteUntilMs: Number(quoteUntilMs), deadlineMs: Number(terms.deadlineMs) };
}

/** By its client, while nobody works on it. @throws Revert UnknownJob | JobForgotten | NotClient | Refused */
export function cancel(scope: JobScope, id: Uint8Array, caller: Address): void {
  const job = knownJob(scope, id);
  if (!bytesEqual(job.client, caller)) throw new Revert(ERRORS.NotClient, [job.client]);
  if (job.drawHeight > 0) throw refusal(job, undefined, 'WRONG_PHASE');
  live(scope, id, job, job, { kind: 'cancel' });
}
