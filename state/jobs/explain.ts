import type { Address } from '../../protocol/address.js';
import type { BlockMoment } from '../../protocol/moment.js';
import { hasEnded, type Attempt, type OpenPhase, type Voice } from '../../consensus/verification/attempt.js';
import type { JobPhase, JobReason } from '../../consensus/verification/job-life.js';
import { ENDING_REASONS, type EndingReason } from '../../consensus/verification/reasons.js';
import { coverageOf } from '../../consensus/verification/tally.js';
import type { Reader } from '../store/store.js';
import { jobs, JOB_PHASES, pastJobs, phaseOf, reasonOf, type Job } from './job.js';
import { attemptOf } from './reading.js';

/** Where a job is, why, and what happens next if nobody does anything. */
export interface Explanation {
  readonly phase: JobPhase | 'FORGOTTEN';
  /** Of a job that has ended. */
  readonly reason: JobReason | undefined;
  /** Of the last attempt, if there was one. */
  readonly attempt:
    | {
        readonly number: number;
        readonly phase: Attempt['phase'];
        readonly ending: EndingReason | undefined;
        readonly meaning: string | undefined;
        readonly round: number;
        readonly provider: Address;
        readonly priceWei: bigint;
        /** What answers for the result until it is final. */
        readonly bondWei: bigint;
      }
    | undefined;
  /** Who has to act, and what for. */
  readonly waitsFor: string;
  /** Validators that are waited for, and how many have spoken. */
  readonly voices: { readonly waiting: readonly Address[]; readonly heard: number } | undefined;
  /** What the job owes; 0 when it has ended. */
  readonly escrowWei: bigint;
  /** What comes at `due` by itself. */
  readonly next: string;
  /** The moment in time and height; undefined where nothing will happen. */
  readonly due: BlockMoment | undefined;
}

/** Explains a job from the state alone; undefined for an id that was never one. */
export function explainJob(view: Reader, id: Uint8Array): Explanation | undefined {
  const job = jobs.find(view, id);
  if (job === undefined) return explainPast(view, id);
  const due = { timeMs: job.dueMs, height: job.dueHeight };
  const found = job.attempts === 0 ? undefined : attemptOf(view, id, job.attempts - 1);
  const attempt = found?.attempt;
  const common = {
    ...{ phase: phaseOf(job), reason: reasonOf(job), attempt: attempt && summary(attempt), due },
    escrowWei: job.escrowWei,
  };
  if (attempt !== undefined && !hasEnded(attempt)) {
    return {
      ...common,
      ...WAITING[attempt.phase as OpenPhase],
      voices: voicesOf(attempt),
      ...detail(attempt),
    };
  }
  return { ...common, ...explainIdle(job), voices: undefined };
}

function explainPast(view: Reader, id: Uint8Array): Explanation | undefined {
  const past = pastJobs.find(view, id);
  if (past === undefined) return undefined;
  return {
    phase: 'FORGOTTEN',
    reason: reasonOf(past),
    ...{ attempt: undefined, voices: undefined, due: undefined, escrowWei: 0n },
    waitsFor: `nobody: it ended as ${JOB_PHASES[past.phase] ?? 'unknown'} and was forgotten at height ${past.endedHeight}`,
    next: 'nothing',
  };
}

function explainIdle(job: Job): Pick<Explanation, 'waitsFor' | 'next'> {
  if (job.reason > 0) return { waitsFor: 'nobody: it has ended', next: 'its record is dropped' };
  if (job.drawHeight > 0) {
    return { waitsFor: `the beacon of height ${job.drawHeight}`, next: 'one of the claims is drawn' };
  }
  if (job.claims.length > 0) {
    return { waitsFor: `more claims than the ${job.claims.length} there are`, next: 'claims are closed' };
  }
  return { waitsFor: 'a provider that claims it', next: 'it expires and the whole escrow goes back' };
}

const WAITING: Readonly<Record<OpenPhase, Pick<Explanation, 'waitsFor' | 'next'>>> = {
  CLAIMED: { waitsFor: 'the provider, to commit', next: 'the attempt is abandoned (COMMIT_DEADLINE)' },
  COMMITTED: { waitsFor: 'the beacon that draws segments and seats', next: 'they are drawn' },
  SEALING: { waitsFor: 'seats, to re-execute and seal', next: 'sealing ends with the seals there are' },
  UNSEALING: {
    waitsFor: 'the provider, to lay open what is judged',
    next: 'the attempt is rejected (NOT_UNSEALED)',
  },
  REVEALING: { waitsFor: 'sealed seats, to reveal', next: 'who is silent has all verifiers asked' },
  ESCALATION_SEALING: { waitsFor: 'all verifiers, to re-execute and seal', next: 'they reveal' },
  ESCALATION_REVEALING: { waitsFor: 'all verifiers, to reveal', next: 'their power decides' },
  PUBLISHING: {
    waitsFor: 'the provider, to publish data, or verifiers, to say whether they have it',
    next: 'what verifiers have said decides',
  },
};

function detail({ phase, escalation, publication, ...attempt }: Attempt): Partial<Explanation> {
  const base = WAITING[phase as OpenPhase].waitsFor;
  if (phase === 'SEALING') {
    const whole = { phase, ...attempt } as Attempt;
    const lacking = coverageOf(whole).filter(({ isCovered }) => !isCovered).length;
    return { waitsFor: `${base}: ${lacking} of ${attempt.segments.length} segments lack seals` };
  }
  if (phase === 'PUBLISHING') return { waitsFor: `${base}: ${publication?.subject ?? ''}` };
  if (phase.startsWith('ESCALATION')) {
    return { waitsFor: `${base}: segments ${(escalation?.segments ?? []).join(', ')}` };
  }
  return {};
}

function voicesOf(attempt: Attempt): Explanation['voices'] {
  const asked = askedIn(attempt);
  if (asked === undefined) return undefined;
  const waited = attempt.phase.endsWith('REVEALING') ? 'sealed' : 'waiting';
  const waiting = asked.filter(({ status }) => status === waited).map(({ validator }) => validator);
  return { waiting, heard: asked.length - waiting.length };
}

function askedIn({ phase, seats, escalation, publication }: Attempt): readonly Voice[] | undefined {
  if (phase === 'SEALING' || phase === 'REVEALING') return seats;
  if (phase === 'PUBLISHING') return publication?.voices;
  return phase.startsWith('ESCALATION') ? escalation?.voices : undefined;
}

function summary(attempt: Attempt): NonNullable<Explanation['attempt']> {
  const { terms, phase, ending, round } = attempt;
  const meaning = ending && ENDING_REASONS[ending].meaning;
  const { attempt: number, provider, priceWei, bondWei } = terms;
  return { number, phase, ending, meaning, round, provider, priceWei, bondWei };
}
