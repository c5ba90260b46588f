import { toHex } from '../../protocol/bytes.js';
import { hasEnded, type Attempt } from '../../consensus/verification/attempt.js';
import { ENDING_REASONS } from '../../consensus/verification/reasons.js';
import { cancel, schedule } from '../queues/due.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import type { Reader } from '../store/store.js';
import { DUE } from '../system/due-kinds.js';
import { EVENTS } from './abi.js';
import { ATTEMPT_PHASES, attempts, type KeptAttempt } from './attempt-record.js';
import { jobs, phaseOf, type Job } from './job.js';
import type { JobScope } from './scope.js';
import { countSeats } from './verifier-standing.js';

const ENTRY = Uint8Array.of(1);

/** The attempt that works on a job now, or worked on it last; undefined before the first. */
export function latestAttempt(state: Reader, id: Uint8Array, job: Job): KeptAttempt | undefined {
  return job.attempts === 0 ? undefined : attempts.find(state, id, job.attempts - 1);
}

/** The attempt under way; undefined while nobody works on the job. */
export function openAttempt(state: Reader, id: Uint8Array): { job: Job; kept: KeptAttempt } | undefined {
  const job = jobs.find(state, id);
  if (job === undefined || phaseOf(job) !== 'ASSIGNED') return undefined;
  const kept = latestAttempt(state, id, job);
  return kept && { job, kept };
}

/** Stores an attempt as it is now: who has a voice in it, what its seats owe, and when it settles itself follow from it. */
export function writeAttempt(scope: JobScope, before: KeptAttempt | undefined, after: KeptAttempt): void {
  const { state, emit } = scope;
  const { attempt } = after;
  const { job, attempt: number } = attempt.terms;
  attempts.write(state, after, job, number);
  indexVoices(state, job, openPart(before?.attempt), openPart(attempt));
  countSeats(state, openPart(before?.attempt), openPart(attempt));
  if (hasEnded(attempt)) {
    cancel(state, DUE.job, job);
    const reason = BigInt(attempt.ending === undefined ? 0 : ENDING_REASONS[attempt.ending].number);
    emit(EVENTS.AttemptEnded, [job, BigInt(number), reason, attempt.terms.provider]);
    return;
  }
  scheduleTick(state, attempt);
  const { phase, round, deadline } = attempt;
  if (before?.attempt.phase === phase && before.attempt.round === round) return;
  const where = [BigInt(ATTEMPT_PHASES.indexOf(phase)), BigInt(round)];
  const until = [BigInt(deadline.timeMs), BigInt(deadline.height)];
  emit(EVENTS.AttemptMoved, [job, BigInt(number), ...where, ...until]);
}

/** The beacon of a height is known in the block after it. */
function scheduleTick(state: Overlay, { phase, deadline, terms }: Attempt): void {
  const height = phase === 'COMMITTED' ? deadline.height + 1 : deadline.height;
  schedule(state, { timeMs: deadline.timeMs, height, kind: DUE.job, subject: terms.job });
}

function openPart(attempt: Attempt | undefined): Attempt | undefined {
  return attempt === undefined || hasEnded(attempt) ? undefined : attempt;
}

function indexVoices(
  state: Overlay,
  job: Uint8Array,
  before: Attempt | undefined,
  after: Attempt | undefined,
): void {
  const [had, has] = [voters(before), voters(after)];
  for (const [name, validator] of has)
    if (!had.has(name)) state.put(STATE_KEYS.duty.encode(validator, job), ENTRY);
  for (const [name, validator] of had)
    if (!has.has(name)) state.delete(STATE_KEYS.duty.encode(validator, job));
}

function voters(attempt: Attempt | undefined): Map<string, Uint8Array> {
  const voices = [
    ...(attempt?.seats ?? []),
    ...(attempt?.escalation?.voices ?? []),
    ...(attempt?.publication?.voices ?? []),
  ];
  return new Map(voices.map(({ validator }) => [toHex(validator), validator]));
}
