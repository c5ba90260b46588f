import type { ChainParams } from '../../protocol/params.js';
import { hasCome, type BlockMoment } from '../../protocol/moment.js';
import { purseOf, type Payment } from './payment.js';
import { ENDING_REASONS, type EndingReason } from './reasons.js';

export type JobPhase = 'OPEN' | 'ASSIGNED' | 'SETTLED' | 'REFUNDED' | 'CANCELLED' | 'EXPIRED';

/** Why a job ended; numbers are for ever. */
export const JOB_REASONS = {
  PAID: 1,
  CANCELLED_BY_CLIENT: 2,
  NEVER_CLAIMED: 3,
  DEADLINE: 4,
  ATTEMPTS_EXHAUSTED: 5,
  INPUT_UNAVAILABLE: 6,
  INCONCLUSIVE: 7,
} as const;

export type JobReason = keyof typeof JOB_REASONS;

export interface JobLife {
  readonly phase: JobPhase;
  /** What the job still owes to somebody. */
  readonly escrowWei: bigint;
  /** Attempts that have begun. */
  readonly attempts: number;
  /** Attempts released because the input could not be had. */
  readonly releases: number;
  /** After it nobody can claim. */
  readonly deadline: BlockMoment;
}

export type JobEvent =
  /** A claim was drawn. */
  | { readonly kind: 'assigned' }
  /** The attempt has ended. */
  | { readonly kind: 'ended'; readonly reason: EndingReason }
  /** By the client. */
  | { readonly kind: 'cancel' }
  | { readonly kind: 'tick' };

export type JobOutcome =
  | { readonly job: JobLife; readonly payments: readonly Payment[]; readonly reason?: JobReason }
  | { readonly refused: 'ENDED' | 'WRONG_PHASE' | 'TOO_LATE' | 'NOT_DUE' };

/** What an event makes of a job. Whatever ends it without an accepted result returns the whole escrow. */
export function jobTransition(
  job: JobLife,
  event: JobEvent,
  { now, params }: { readonly now: BlockMoment; readonly params: ChainParams },
): JobOutcome {
  if (job.phase !== 'OPEN' && job.phase !== 'ASSIGNED') return { refused: 'ENDED' };
  if (job.phase === 'ASSIGNED') {
    return event.kind === 'ended' ? afterAttempt(job, event.reason, now, params) : { refused: 'WRONG_PHASE' };
  }
  const isOver = hasCome(job.deadline, now);
  switch (event.kind) {
    case 'assigned':
      if (isOver) return { refused: 'TOO_LATE' };
      return { job: { ...job, phase: 'ASSIGNED', attempts: job.attempts + 1 }, payments: [] };
    case 'cancel':
      return isOver ? { refused: 'TOO_LATE' } : refund(job, 'CANCELLED', 'CANCELLED_BY_CLIENT');
    case 'tick':
      if (!isOver) return { refused: 'NOT_DUE' };
      return refund(job, 'EXPIRED', job.attempts === 0 ? 'NEVER_CLAIMED' : 'DEADLINE');
    case 'ended':
      return { refused: 'WRONG_PHASE' };
  }
}

function afterAttempt(
  job: JobLife,
  reason: EndingReason,
  now: BlockMoment,
  { jobs }: ChainParams,
): JobOutcome {
  const { ending } = ENDING_REASONS[reason];
  if (ending === 'ACCEPTED') {
    return { job: { ...job, phase: 'SETTLED', escrowWei: 0n }, payments: [], reason: 'PAID' };
  }
  if (ending === 'INCONCLUSIVE') return refund(job, 'REFUNDED', 'INCONCLUSIVE');
  const releases = job.releases + (reason === 'INPUT_UNAVAILABLE' ? 1 : 0);
  const next: JobLife = { ...job, releases };
  if (releases >= jobs.maxAttempts) return refund(next, 'REFUNDED', 'INPUT_UNAVAILABLE');
  if (next.attempts - releases >= jobs.maxAttempts) return refund(next, 'REFUNDED', 'ATTEMPTS_EXHAUSTED');
  if (hasCome(job.deadline, now)) return refund(next, 'EXPIRED', 'DEADLINE');
  return { job: { ...next, phase: 'OPEN' }, payments: [] };
}

function refund(job: JobLife, phase: JobPhase, reason: JobReason): JobOutcome {
  const payments: Payment[] = [];
  purseOf(payments, { from: 'escrow', wei: job.escrowWei }).empty('client');
  return { job: { ...job, phase, escrowWei: 0n }, payments, reason };
}
