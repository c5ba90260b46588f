import type { Address } from '../../protocol/address.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { openProgram } from '../../protocol/graph/check.js';
import { decodeGraph } from '../../protocol/graph/encode.js';
import { decodeSegmentation, planJob, SegmentationError } from '../../protocol/graph/segmentation.js';
import { invariant } from '../../protocol/invariant.js';
import { MAX_FULL_AUDIT_SEGMENTS } from '../../protocol/limits.js';
import { SszError } from '../../protocol/ssz/types.js';
import { NO_SEGMENT } from '../../protocol/types/audit.js';
import { mustBeFull } from '../../consensus/verification/bond.js';
import { jobTransition } from '../../consensus/verification/job-life.js';
import { isFullAudit } from '../../consensus/verification/terms.js';
import { credit } from '../accounts/account.js';
import { Revert } from '../modules/module.js';
import { isOpen } from '../sources/openness.js';
import { countJobOpened } from '../sources/retiring.js';
import { readSourceGraph, segmentKindOf, sources } from '../sources/source.js';
import { STATE_KEYS } from '../store/keys.js';
import { ERRORS, EVENTS } from './abi.js';
import { jobIdOf, JOB_PHASES, jobs, lifeOf, NO_DRAW, type Job } from './job.js';
import { knownJob, writeJob } from './keeping.js';
import { endJob } from './life.js';
import { auditFeeWei, judgeMsOf, type AuditScale } from './pricing.js';
import type { JobScope } from './scope.js';

/** What a client asks for. */
export interface Order {
  /** 32 bytes of the client's: the same key twice is one job. */
  readonly key: Uint8Array;
  readonly source: Uint8Array;
  /** Content id of the whole input. */
  readonly input: Uint8Array;
  readonly segmentation: Uint8Array;
  readonly maxPriceWei: bigint;
  readonly valueWei: bigint;
  readonly deadlineMs: bigint;
  /** The order is not taken later; 0: it may be. */
  readonly quoteUntilMs: bigint;
  readonly full: boolean;
}

/** Orders of one call. */
export const MAX_ORDERS = 512;
const MAX_DEADLINE_MS = 365n * 24n * 3_600_000n;
const ENTRY = Uint8Array.of(1);

/**
 * Takes orders, each a job of its own, out of `valueWei`; what is left of it goes back. An order whose key has been used names that job,
 * and pays nothing.
 *
 * @returns ids, in order
 * @throws Revert; then none is taken
 */
export function postAll(
  scope: JobScope,
  client: Address,
  orders: readonly Order[],
  valueWei: bigint,
): Uint8Array[] {
  if (orders.length > MAX_ORDERS)
    throw new Revert(ERRORS.TooManyOrders, [BigInt(orders.length), BigInt(MAX_ORDERS)]);
  let leftWei = valueWei;
  const ids = orders.map((order) => {
    const { id, paidWei } = post(scope, client, order, leftWei);
    leftWei -= paidWei;
    return id;
  });
  credit(scope.state, client, leftWei);
  return ids;
}

function post(
  scope: JobScope,
  client: Address,
  order: Order,
  availableWei: bigint,
): { readonly id: Uint8Array; readonly paidWei: bigint } {
  const { state, block } = scope;
  const id = jobIdOf(block.identity.chainId, client, order.key);
  if (jobs.find(state, id) !== undefined) return { id, paidWei: 0n };
  checkTimes(scope, order);
  const { source, maxPriceWei, valueWei } = order;
  if (!isOpen(state, source)) throw new Revert(ERRORS.SourceClosed, [source]);
  if (valueWei < maxPriceWei) throw new Revert(ERRORS.ValueBelowPrice, [valueWei, maxPriceWei]);
  const scale = scaleOf(scope, order);
  const feeWei = auditFeeWei(block.params, scale, maxPriceWei);
  const requiredWei = maxPriceWei + feeWei;
  if (availableWei < requiredWei) throw new Revert(ERRORS.EscrowTooLow, [requiredWei, availableWei]);
  const job = newJob(scope, client, order, scale, feeWei);
  writeJob(scope.state, id, job);
  state.put(STATE_KEYS.clientJob.encode(client, id), ENTRY);
  countJobOpened(state, source);
  const numbers = [BigInt(scale.segments), maxPriceWei, feeWei, order.deadlineMs];
  scope.emit(EVENTS.JobPosted, [id, client, source, order.input, ...numbers]);
  return { id, paidWei: requiredWei };
}

/** Takes an open job back, with all of its money. @throws Revert UnknownJob | NotClient | JobNotOpen */
export function cancel(scope: JobScope, id: Uint8Array, caller: Address): void {
  const job = knownJob(scope.state, id);
  if (!bytesEqual(job.client, caller)) throw new Revert(ERRORS.NotClient, [job.client]);
  const outcome = jobTransition(
    lifeOf(job),
    { kind: 'cancel' },
    { now: scope.block, params: scope.block.params },
  );
  if ('refused' in outcome) throw new Revert(ERRORS.JobNotOpen, [id, BigInt(job.phase)]);
  endJob(scope, id, job, outcome);
}

function checkTimes({ block }: JobScope, { deadlineMs, quoteUntilMs }: Order): void {
  const nowMs = BigInt(block.timeMs);
  if (quoteUntilMs !== 0n && nowMs > quoteUntilMs)
    throw new Revert(ERRORS.QuoteExpired, [quoteUntilMs, nowMs]);
  const earliestMs = nowMs + BigInt(block.params.jobs.claimWindowMs);
  const latestMs = nowMs + MAX_DEADLINE_MS;
  if (deadlineMs < earliestMs || deadlineMs > latestMs)
    throw new Revert(ERRORS.DeadlineUnfit, [deadlineMs, earliestMs, latestMs]);
}

function scaleOf(
  { state, block }: JobScope,
  { source: id, segmentation, full, valueWei }: Order,
): AuditScale {
  const { jobs: params } = block.params;
  const scale = {
    kind: segmentKindOf(sources.read(state, id)),
    segments: segmentsOf(readSourceGraph(state, id), segmentation),
    sampled: params.sampledSegments,
    seats: params.seatsPerSegment,
    full: full || mustBeFull(params, valueWei),
  };
  const most = isFullAudit(scale) ? MAX_FULL_AUDIT_SEGMENTS : NO_SEGMENT - 1;
  if (scale.segments > most) throw new Revert(ERRORS.TooManySegments, [BigInt(scale.segments), BigInt(most)]);
  return scale;
}

/** How many segments an input cut so has. @throws Revert SegmentationRefused */
function segmentsOf(graph: Uint8Array | undefined, segmentation: Uint8Array): number {
  invariant(graph !== undefined, 'an open source has its graph');
  try {
    return planJob(openProgram(decodeGraph(graph)), decodeSegmentation(segmentation)).segments;
  } catch (error) {
    if (!(error instanceof SegmentationError) && !(error instanceof SszError)) throw error;
    throw new Revert(ERRORS.SegmentationRefused, [error.code]);
  }
}

function newJob(
  { state, block }: JobScope,
  client: Address,
  order: Order,
  scale: AuditScale,
  feeWei: bigint,
): Job {
  const { maxPriceWei, valueWei, source, input, segmentation } = order;
  return {
    ...{ client, source, input, segmentation, maxPriceWei, valueWei },
    ...{ segments: scale.segments, sampled: scale.sampled, seats: scale.seats, full: scale.full ? 1 : 0 },
    auditFeeWei: feeWei,
    phase: JOB_PHASES.indexOf('OPEN'),
    reason: 0,
    escrowWei: maxPriceWei + feeWei,
    ...{ attempts: 0, releases: 0, tried: [], ...NO_DRAW, forgottenMs: 0 },
    deadlineMs: Number(order.deadlineMs),
    deadlineHeight: block.height + block.params.jobs.windowBlocks,
    judgeMs: judgeMsOf(block.params, sources.read(state, source).work),
    postedMs: block.timeMs,
    postedHeight: block.height,
  };
}
