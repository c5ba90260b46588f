import { jobTransition, JOB_REASONS, type JobEvent } from '../../consensus/verification/job-life.js';
import type { Attempt } from '../../consensus/verification/attempt.js';
import type { BlockMoment } from '../../protocol/moment.js';
import { credit } from '../accounts/account.js';
import { Revert } from '../modules/module.js';
import { schedule } from '../queues/due.js';
import { countJobClosed } from '../sources/retiring.js';
import type { Overlay } from '../store/overlay.js';
import { DUE } from '../system/due-kinds.js';
import { ERRORS, EVENTS, PAID_FROM } from './abi.js';
import { PHASES } from './attempt.js';
import { dropBeacon } from './beacons.js';
import { claimableUntil, JOB_PHASES, lifeOf, writeJob, type Job } from './job.js';
import type { JobScope } from './settling.js';

/**
 * Lets an event happen to a job that is its own, not its attempt's.
 *
 * @param before as it is stored
 * @throws Revert Refused
 */
export function live(scope: JobScope, id: Uint8Array, before: Job, job: Job, event: JobEvent): Job {
  const { state, block } = scope;
  const now = { timeMs: block.timeMs, height: block.height };
  const outcome = jobTransition(lifeOf(job), event, { now, params: block.params });
  if ('refused' in outcome) throw refusal(job, undefined, outcome.refused);
  const { phase, attempts: begun, releases } = outcome.job;
  const lived: Job = { ...job, phase: JOB_PHASES.indexOf(phase), attempts: begun, releases };
  if (outcome.reason === undefined) return scheduleJob(state, id, before, lived, claimableUntil(lived));
  if (job.drawHeight > 0) dropBeacon(state, job.drawHeight);
  // What the price was below the most the client would have paid, or all of it.
  credit(state, job.client, job.escrowWei);
  if (job.escrowWei > 0n) {
    scope.emit(EVENTS.Paid, [id, job.client, BigInt(PAID_FROM.escrow), job.escrowWei]);
  }
  const reason = JOB_REASONS[outcome.reason];
  countJobClosed(scope, job.source);
  scope.emit(EVENTS.JobEnded, [id, job.client, BigInt(reason), BigInt(lived.phase)]);
  const { retentionMs, windowBlocks } = block.params.jobs;
  const due = { timeMs: block.timeMs + retentionMs, height: block.height + windowBlocks };
  const ended: Job = {
    ...lived,
    reason,
    escrowWei: 0n,
    claims: [],
    claimByMs: 0,
    claimByHeight: 0,
    drawHeight: 0,
  };
  return scheduleJob(state, id, before, ended, due);
}

/** Stores a job that settles itself at `due`; nothing is written where nothing has changed. */
export function scheduleJob(
  state: Overlay,
  id: Uint8Array,
  before: Job | undefined,
  job: Job,
  { timeMs, height }: BlockMoment,
): Job {
  const isSame = before === job && job.dueMs === timeMs && job.dueHeight === height;
  const due: Job = isSame ? job : { ...job, dueMs: timeMs, dueHeight: height };
  const wasDue = before !== undefined && before.dueMs === timeMs && before.dueHeight === height;
  if (!wasDue) schedule(state, { timeMs, height, kind: DUE.job, subject: id });
  if (!isSame) writeJob(state, id, due, before);
  return due;
}

/** Why something cannot be done now, as a revert that says where the job is. */
export function refusal(job: Job, attempt: Attempt | undefined, code: string): Revert {
  const phase = attempt === undefined ? 0 : PHASES.indexOf(attempt.phase);
  const { timeMs, height } = attempt?.deadline ?? { timeMs: job.dueMs, height: job.dueHeight };
  return new Revert(ERRORS.Refused, [code, BigInt(phase), BigInt(timeMs), BigInt(height)]);
}
