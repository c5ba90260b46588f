import { invariant } from '../../protocol/invariant.js';
import { hasCome } from '../../protocol/moment.js';
import { hasEnded, type Attempt } from '../../consensus/verification/attempt.js';
import { ENDING_REASONS, type EndingReason, type Refusal } from '../../consensus/verification/reasons.js';
import type { AuditEvent, Step } from '../../consensus/verification/step.js';
import { auditTransition } from '../../consensus/verification/transition.js';
import { Revert } from '../modules/module.js';
import { countEnding } from '../providers/bonds.js';
import type { Overlay } from '../store/overlay.js';
import { ERRORS, EVENTS } from './abi.js';
import { attempts, findAttempt, PHASES, writeAttempt } from './attempt.js';
import { beaconAt, dropBeacon, wantBeacon } from './beacons.js';
import { drawClaim } from './drawing.js';
import { forgetJob, hasJobEnded, jobs, pastJobs, phaseOf, type Job } from './job.js';
import { moveDuties } from './judges.js';
import { live, refusal, scheduleJob } from './life.js';
import { forgetPublication } from './publications.js';
import { markAll, payAll, type JobScope } from './settling.js';
import { surroundingsOf } from './verifiers.js';

/*
 * How jobs and attempts go on. Every job has one item in the queue, for the moment at which it settles itself.
 */

/** What was refused, and where the job is. */
export interface Refusing {
  readonly refused: Refusal;
}

/** @throws Revert UnknownJob | JobForgotten */
export function knownJob({ state }: Pick<JobScope, 'state'>, id: Uint8Array): Job {
  const job = jobs.find(state, id);
  if (job !== undefined) return job;
  const past = pastJobs.find(state, id);
  if (past !== undefined) {
    throw new Revert(ERRORS.JobForgotten, [id, BigInt(past.phase), BigInt(past.reason)]);
  }
  throw new Revert(ERRORS.UnknownJob, [id]);
}

/** The attempt under way; undefined where nobody works on the job. */
export function openAttempt(
  scope: Pick<JobScope, 'state' | 'block'>,
  id: Uint8Array,
  job: Job,
): Attempt | undefined {
  if (phaseOf(job) !== 'ASSIGNED') return undefined;
  const attempt = findAttempt(scope.state, scope.block.identity.chainId, id, job, job.attempts - 1);
  invariant(attempt !== undefined, 'an assigned job has an attempt');
  return attempt;
}

/** Lets an event happen to the attempt under way. @throws Revert UnknownJob | JobForgotten | Refused */
export function tell(scope: JobScope, id: Uint8Array, event: AuditEvent): void {
  const job = knownJob(scope, id);
  const attempt = openAttempt(scope, id, job);
  const outcome = attempt === undefined ? undefined : happen(scope, id, job, attempt, event);
  if (outcome !== undefined && !('refused' in outcome)) return;
  throw refusal(job, attempt, outcome?.refused ?? (hasJobEnded(job) ? 'ENDED' : 'WRONG_PHASE'));
}

/** An event of an attempt, and all that follows from it. @returns why nothing has changed, or the attempt as it is now */
export function happen(
  scope: JobScope,
  id: Uint8Array,
  job: Job,
  before: Attempt,
  event: AuditEvent,
): Refusing | { readonly job: Job; readonly attempt: Attempt } {
  const { state, block } = scope;
  const outcome = auditTransition(before, event, surroundingsOf(state, block, job.source, before.terms));
  if ('refused' in outcome) return outcome;
  return { job: keep(scope, id, job, before, outcome), attempt: outcome.attempt };
}

function keep(scope: JobScope, id: Uint8Array, job: Job, before: Attempt, step: Step): Job {
  const { state } = scope;
  const { attempt, reason } = step;
  writeAttempt(state, attempt);
  moveDuties(state, before, attempt);
  moveBeacon(state, before, attempt);
  if (before.phase === 'PUBLISHING' && attempt.phase !== 'PUBLISHING') forgetPublication(state, id);
  tellMove(scope, before, attempt);
  const spentWei = payAll(scope, attempt.terms, step.payments);
  markAll(scope, id, step.marks);
  const paid: Job = { ...job, escrowWei: job.escrowWei - spentWei };
  if (reason !== undefined) return endAttempt(scope, id, job, paid, attempt, reason);
  invariant(spentWei === 0n, 'nobody is paid before the end');
  return waitOn(scope, id, job, paid, attempt);
}

/** The draw of an attempt waits for a beacon. */
function moveBeacon(state: Overlay, before: Attempt, after: Attempt): void {
  const [waited, waits] = [before.phase === 'COMMITTED', after.phase === 'COMMITTED'];
  if (waited && !waits) dropBeacon(state, before.deadline.height);
  if (waits && !waited) wantBeacon(state, after.deadline.height);
}

function tellMove({ emit }: JobScope, before: Attempt, after: Attempt): void {
  const { terms, phase, round, deadline, unsealed } = after;
  const [job, attempt] = [terms.job, BigInt(terms.attempt)];
  if (unsealed !== undefined && before.unsealed === undefined) {
    emit(EVENTS.AttemptUnsealed, [job, attempt, unsealed.jobKey, unsealed.outputRoot, unsealed.outputId]);
  }
  if (hasEnded(after) || (phase === before.phase && round === before.round)) return;
  const numbers = [PHASES.indexOf(phase), round, deadline.timeMs, deadline.height].map(BigInt);
  emit(EVENTS.AttemptMoved, [job, attempt, ...numbers]);
}

/** The job waits with its attempt. */
function waitOn(scope: JobScope, id: Uint8Array, before: Job, job: Job, attempt: Attempt): Job {
  const { deadline } = attempt;
  // The beacon of a height is known from the next block on.
  const isDraw = attempt.phase === 'COMMITTED';
  return scheduleJob(
    scope.state,
    id,
    before,
    job,
    isDraw ? { timeMs: 0, height: deadline.height + 1 } : deadline,
  );
}

function endAttempt(
  scope: JobScope,
  id: Uint8Array,
  before: Job,
  job: Job,
  { terms }: Attempt,
  reason: EndingReason,
): Job {
  countEnding(scope.state, terms.provider, reason);
  const { number } = ENDING_REASONS[reason];
  scope.emit(EVENTS.AttemptEnded, [id, terms.provider, BigInt(number), BigInt(terms.attempt)]);
  return live(scope, id, before, job, { kind: 'ended', reason });
}

/**
 * Does what time has brought about: closes claims, draws among them, ends phases, returns what nobody has earned, forgets.
 *
 * @throws Revert Refused NOT_DUE; UnknownJob | JobForgotten
 */
export function settle(scope: JobScope, id: Uint8Array): void {
  const { state, block } = scope;
  const job = knownJob(scope, id);
  const now = { timeMs: block.timeMs, height: block.height };
  if (hasJobEnded(job)) {
    if (!hasCome({ timeMs: job.dueMs, height: job.dueHeight }, now)) throw refusal(job, undefined, 'NOT_DUE');
    forget(scope, id, job);
    return;
  }
  const attempt = openAttempt(scope, id, job);
  if (attempt !== undefined) {
    tell(scope, id, { kind: 'tick' });
    return;
  }
  if (job.drawHeight > 0) {
    const beacon = beaconAt(state, job.drawHeight);
    if (beacon === undefined) throw refusal(job, undefined, 'NOT_DUE');
    drawClaim(scope, id, job, beacon);
  } else if (job.claims.length > 0 && hasCome({ timeMs: job.claimByMs, height: job.claimByHeight }, now)) {
    // Whoever claims may not know the beacon that draws: it comes after the last claim.
    wantBeacon(state, block.height);
    const closed: Job = { ...job, drawHeight: block.height };
    scheduleJob(state, id, job, closed, { timeMs: 0, height: block.height + 1 });
  } else live(scope, id, job, job, { kind: 'tick' });
}

/** Leaves nothing of an ended job but that it was. */
function forget({ state, block }: JobScope, id: Uint8Array, job: Job): void {
  for (let number = 0; number < job.attempts; number++) attempts.remove(state, id, number);
  forgetJob(state, id, job, block.height);
}
