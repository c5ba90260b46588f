import type { Address } from '../../protocol/address.js';
import type { BlockMoment } from '../../protocol/moment.js';
import type { EndingReason } from './reasons.js';
import { assertTerms, type AttemptTerms } from './terms.js';

export const OPEN_PHASES = [
  'CLAIMED',
  'COMMITTED',
  'SEALING',
  'UNSEALING',
  'REVEALING',
  'ESCALATION_SEALING',
  'ESCALATION_REVEALING',
  'PUBLISHING',
] as const;
export const ENDINGS = ['ACCEPTED', 'REJECTED', 'ABANDONED', 'INCONCLUSIVE'] as const;

export type OpenPhase = (typeof OPEN_PHASES)[number];
export type Ending = (typeof ENDINGS)[number];
export type Phase = OpenPhase | Ending;

/** What a validator has said in one round. `absent`: nothing by the end of its window. */
export type VoiceStatus =
  'waiting' | 'absent' | 'sealed' | 'revealed' | 'unavailable' | 'cannotJudge' | 'available';

/** One validator's part in one round, as seat or as one of all verifiers. */
export interface Voice {
  readonly validator: Address;
  readonly operator: Address;
  readonly power: number;
  readonly round: number;
  /** Ascending; of all verifiers they are the escalated ones. */
  readonly segments: readonly number[];
  readonly status: VoiceStatus;
  readonly seal?: Uint8Array;
  /** Revealed: root over its post-states. */
  readonly answerRoot?: Uint8Array;
  /** Revealed: the lowest segment it disputes, if it names one. */
  readonly disputed?: number;
  /** Revealed: it holds the whole output. */
  readonly delivered?: boolean;
}

export interface Commitment {
  readonly root: Uint8Array;
  readonly keyCommitment: Uint8Array;
}

export interface Unsealed {
  readonly jobKey: Uint8Array;
  readonly outputRoot: Uint8Array;
  /** The blob that is said to hold the output: whether it does, verifiers say. */
  readonly outputId: Uint8Array;
  /** Content ids of what the judged segments come to, in the order of `segments`. */
  readonly answers: readonly Uint8Array[];
}

/** All verifiers judge some segments. */
export interface Escalation {
  readonly segments: readonly number[];
  readonly voices: readonly Voice[];
  /** How often it has begun, from 1. */
  readonly tries: number;
}

/** What is waited for: pre-states of segments before or after the unsealing, or the output. */
export type PublicationSubject = 'sealing' | 'escalation' | 'output';

export interface Publication {
  readonly subject: PublicationSubject;
  /** All verifiers, who say whether they can get it. */
  readonly voices: readonly Voice[];
}

/** An attempt of a job from claim to ending. Values are never changed, a transition makes a new one. */
export interface Attempt {
  readonly terms: AttemptTerms;
  readonly phase: Phase;
  /** When the phase settles itself. Of COMMITTED: the height whose beacon draws. */
  readonly deadline: BlockMoment;
  /** Of the draws, re-draws, escalations and publications so far; what is said names it. */
  readonly round: number;
  readonly commitment?: Commitment;
  /** Judged segments, ascending; empty before the draw. */
  readonly segments: readonly number[];
  readonly seats: readonly Voice[];
  /** Seats each segment has when all are there: c, or as many operators as there were. */
  readonly seatTarget: number;
  readonly reseats: number;
  /** Segments for which there were not enough seals: all verifiers judge them. */
  readonly uncovered: readonly number[];
  readonly unsealed?: Unsealed;
  readonly escalation?: Escalation;
  readonly publication?: Publication;
  /** Publications there have been: one of each. */
  readonly offered: readonly PublicationSubject[];
  /** Of those, what now stands on the chain: nobody can call it unavailable. */
  readonly published: readonly PublicationSubject[];
  readonly ending?: EndingReason;
}

/** A claim that was drawn; the bond is locked. */
export function claimedAttempt(terms: AttemptTerms): Attempt {
  assertTerms(terms);
  return {
    terms,
    phase: 'CLAIMED',
    deadline: terms.commitBy,
    ...{ round: 0, segments: [], seats: [], seatTarget: 0, reseats: 0, uncovered: [] },
    ...{ offered: [], published: [] },
  };
}

export function hasEnded({ phase }: Pick<Attempt, 'phase'>): boolean {
  return (ENDINGS as readonly Phase[]).includes(phase);
}
