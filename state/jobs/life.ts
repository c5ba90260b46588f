import {
  jobTransition,
  JOB_REASONS,
  type JobLife,
  type JobOutcome,
} from '../../consensus/verification/job-life.js';
import type { AuditEvent, Step, Surroundings } from '../../consensus/verification/step.js';
import { auditTransition } from '../../consensus/verification/transition.js';
import type { Refusal } from '../../consensus/verification/reasons.js';
import { credit } from '../accounts/account.js';
import { countEnding } from '../providers/bonds.js';
import { cancel, schedule } from '../queues/due.js';
import { countJobClosed } from '../sources/retiring.js';
import { STATE_KEYS } from '../store/keys.js';
import { DUE } from '../system/due-kinds.js';
import { EVENTS } from './abi.js';
import { openAttempt, writeAttempt } from './attempt.js';
import { attempts, type KeptAttempt } from './attempt-record.js';
import { beaconOf } from './beacons.js';
import { drawWhenDue } from './drawing.js';
import { isOver, jobs, lifeOf, NO_DRAW, withLife, type Job } from './job.js';
import { freeClaims, writeJob } from './keeping.js';
import { payOut } from './money.js';
import type { JobScope } from './scope.js';
import { countMark, verifiersOf } from './verifier-standing.js';

/** What became of an event. */
export type Applied = { readonly refused: Refusal } | { readonly refused?: undefined; readonly step: Step };

/** Lets something happen to the attempt under way, with all that follows for money, marks and the job. */
export function applyEvent(
  scope: JobScope,
  id: Uint8Array,
  job: Job,
  kept: KeptAttempt,
  event: AuditEvent,
): Applied {
  const outcome = auditTransition(kept.attempt, event, surroundingsOf(scope, job, kept));
  if ('refused' in outcome) return { refused: outcome.refused };
  const { attempt, payments, marks, reason } = outcome;
  writeAttempt(scope, kept, { ...kept, attempt });
  for (const { validator, mark } of marks) countMark(scope.state, scope.block, validator, mark);
  const paid = payOut(scope, job, attempt, payments);
  if (reason === undefined) {
    if (payments.length > 0) writeJob(scope.state, id, paid);
    return { step: outcome };
  }
  countEnding(scope.state, attempt.terms.provider, reason);
  scope.state.delete(STATE_KEYS.providerJob.encode(attempt.terms.provider, id));
  const ended = jobTransition(lifeOf(paid), { kind: 'ended', reason }, moment(scope));
  if (!('refused' in ended)) goOn(scope, id, paid, ended);
  return { step: outcome };
}

/** What is due of a job is done; whoever asks. @returns whether there was anything */
export function settleDue(scope: JobScope, id: Uint8Array): boolean {
  const job = jobs.find(scope.state, id);
  if (job === undefined || isOver(job)) return false;
  const under = openAttempt(scope.state, id);
  if (under !== undefined) {
    const { refused } = applyEvent(scope, id, under.job, under.kept, { kind: 'tick' });
    return refused === undefined;
  }
  if (job.drawMs > 0) return drawWhenDue(scope, id, job);
  const outcome = jobTransition(lifeOf(job), { kind: 'tick' }, moment(scope));
  if ('refused' in outcome) return false;
  endJob(scope, id, job, outcome);
  return true;
}

/** Ends a job: what its escrow still has goes back, claims that wait are free, and after a while it is forgotten. */
export function endJob(
  scope: JobScope,
  id: Uint8Array,
  job: Job,
  { job: life, payments, reason = 'PAID' }: Extract<JobOutcome, { readonly job: JobLife }>,
): void {
  const { state, block, emit } = scope;
  freeClaims(state, id);
  cancel(state, DUE.job, id);
  state.delete(STATE_KEYS.jobStatus.encode(jobs.read(state, id).phase, id));
  const refundWei =
    payments.reduce((sum, { wei }) => sum + wei, 0n) + (reason === 'PAID' ? job.escrowWei : 0n);
  credit(state, job.client, refundWei);
  const forgottenMs = block.timeMs + block.params.jobs.retentionMs;
  jobs.write(state, { ...withLife(job, life), reason: JOB_REASONS[reason], forgottenMs }, id);
  schedule(state, { timeMs: forgottenMs, height: block.height + 1, kind: DUE.forgottenJob, subject: id });
  countJobClosed(scope, job.source);
  emit(EVENTS.JobEnded, [id, job.client, BigInt(JOB_REASONS[reason]), refundWei]);
}

/** Removes everything of a job that has been over for long. */
export function forgetJob({ state }: JobScope, id: Uint8Array): void {
  const { client, attempts: count } = jobs.read(state, id);
  for (let number = 0; number < count; number++) attempts.remove(state, id, number);
  state.delete(STATE_KEYS.clientJob.encode(client, id));
  jobs.remove(state, id);
}

export function surroundingsOf(scope: JobScope, job: Job, { attempt }: KeptAttempt): Surroundings {
  const { state, block } = scope;
  return {
    now: block,
    params: block.params,
    beaconOf: (height) => beaconOf(state, height),
    verifiers: (purpose) => verifiersOf(state, block, job.source, attempt.terms, purpose),
  };
}

/** After an attempt: open again, or over. */
function goOn(
  scope: JobScope,
  id: Uint8Array,
  job: Job,
  outcome: Extract<JobOutcome, { readonly job: JobLife }>,
): void {
  if (outcome.job.phase !== 'OPEN') {
    endJob(scope, id, job, outcome);
    return;
  }
  writeJob(scope.state, id, { ...withLife(job, outcome.job), ...NO_DRAW });
}

function moment({ block }: JobScope): { now: JobScope['block']; params: JobScope['block']['params'] } {
  return { now: block, params: block.params };
}
