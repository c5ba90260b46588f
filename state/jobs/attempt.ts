import { invariant } from '../../protocol/invariant.js';
import { MAX_FULL_AUDIT_SEGMENTS, MAX_VALIDATORS } from '../../protocol/limits.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import {
  bytes20,
  bytes32,
  ContainerType,
  listOf,
  numbersOf,
  uint128,
  uint16,
  uint64,
  uint8,
  type ValueOf,
} from '../../protocol/ssz/types.js';
import { NO_SEGMENT } from '../../protocol/types/audit.js';
import {
  ENDINGS,
  OPEN_PHASES,
  type Attempt,
  type Escalation,
  type Phase,
  type Publication,
  type PublicationSubject,
  type Voice,
  type VoiceStatus,
} from '../../consensus/verification/attempt.js';
import { ENDING_REASONS, type EndingReason } from '../../consensus/verification/reasons.js';
import type { AttemptTerms, SegmentKind } from '../../consensus/verification/terms.js';
import { MAX_PROVIDER_ADDRESSES } from '../providers/provider.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { records } from '../store/record.js';
import type { Reader } from '../store/store.js';
import type { Job } from './job.js';

/*
 * An attempt as bytes: what its job says already is not said again, and neither is a list of segments that is the same for all voices.
 */

/** By the number in a record; numbers are for ever. */
export const PHASES: readonly Phase[] = [...OPEN_PHASES, ...ENDINGS];
const STATUSES: readonly VoiceStatus[] = [
  'waiting',
  'absent',
  'sealed',
  'revealed',
  'unavailable',
  'cannotJudge',
  'available',
];
export const SUBJECTS: readonly PublicationSubject[] = ['sealing', 'escalation', 'output'];

/** Voices of seats: draws are bounded, and each draws no more than there are segments and validators. */
const MAX_SEATS = 65_536;

const SegmentList = numbersOf(uint16, MAX_FULL_AUDIT_SEGMENTS);

const VoiceType = new ContainerType({
  validator: bytes20,
  operator: bytes20,
  power: uint64,
  round: uint8,
  /** Empty: all that are asked about. */
  segments: SegmentList,
  status: uint8,
  /** Seal, then the root of what it revealed. */
  hashes: listOf(bytes32, 2),
  disputed: uint16,
  delivered: uint8,
});

const AttemptType = new ContainerType({
  sampled: uint16,
  seatsPerSegment: uint16,
  full: uint8,
  kind: uint8,
  priceWei: uint128,
  bondWei: uint128,
  provider: bytes20,
  parties: listOf(bytes20, MAX_PROVIDER_ADDRESSES + 2),
  judgeMs: uint64,
  commitByMs: uint64,
  commitByHeight: uint64,
  releaseByMs: uint64,
  releaseByHeight: uint64,
  phase: uint8,
  deadlineMs: uint64,
  deadlineHeight: uint64,
  round: uint8,
  commitment: listOf(new ContainerType({ root: bytes32, keyCommitment: bytes32 }), 1),
  segments: SegmentList,
  seats: listOf(VoiceType, MAX_SEATS),
  seatTarget: uint16,
  reseats: uint8,
  uncovered: SegmentList,
  unsealed: listOf(
    new ContainerType({
      jobKey: bytes32,
      outputRoot: bytes32,
      outputId: bytes32,
      answers: listOf(bytes32, MAX_FULL_AUDIT_SEGMENTS),
    }),
    1,
  ),
  escalation: listOf(
    new ContainerType({ segments: SegmentList, voices: listOf(VoiceType, MAX_VALIDATORS), tries: uint8 }),
    1,
  ),
  publication: listOf(new ContainerType({ subject: uint8, voices: listOf(VoiceType, MAX_VALIDATORS) }), 1),
  offered: numbersOf(uint8, SUBJECTS.length),
  published: numbersOf(uint8, SUBJECTS.length),
  ending: uint8,
});

type StoredVoice = ValueOf<typeof VoiceType>;
export type StoredAttempt = Readonly<ValueOf<typeof AttemptType>>;

export const attempts = records(STATE_KEYS.attempt, createCodec<StoredAttempt>('Attempt', AttemptType));

const KINDS: readonly SegmentKind[] = ['batch', 'chain'];

/** The attempt of a job with this number. */
export function findAttempt(
  state: Reader,
  chainId: number,
  id: Uint8Array,
  job: Job,
  number: number,
): Attempt | undefined {
  const stored = attempts.find(state, id, number);
  return stored && fromStored(stored, { chainId, id, job, number });
}

export function writeAttempt(state: Overlay, attempt: Attempt): void {
  attempts.write(state, toStored(attempt), attempt.terms.job, attempt.terms.attempt);
}

/** Where an attempt is kept. */
interface Place {
  readonly chainId: number;
  readonly id: Uint8Array;
  readonly job: Job;
  readonly number: number;
}

function toStored(attempt: Attempt): StoredAttempt {
  const { terms, deadline, commitment, unsealed, escalation, publication, ending } = attempt;
  return {
    ...{ sampled: terms.sampled, seatsPerSegment: terms.seats, full: terms.full ? 1 : 0 },
    ...{ kind: KINDS.indexOf(terms.kind), priceWei: terms.priceWei, bondWei: terms.bondWei },
    ...{ provider: terms.provider, parties: [...terms.parties], judgeMs: terms.judgeMs },
    ...{ commitByMs: terms.commitBy.timeMs, commitByHeight: terms.commitBy.height },
    ...{ releaseByMs: terms.releaseBy.timeMs, releaseByHeight: terms.releaseBy.height },
    phase: PHASES.indexOf(attempt.phase),
    ...{ deadlineMs: deadline.timeMs, deadlineHeight: deadline.height, round: attempt.round },
    commitment: commitment === undefined ? [] : [commitment],
    segments: [...attempt.segments],
    seats: attempt.seats.map((voice) => toStoredVoice(voice, attempt.segments)),
    ...{ seatTarget: attempt.seatTarget, reseats: attempt.reseats, uncovered: [...attempt.uncovered] },
    unsealed: unsealed === undefined ? [] : [{ ...unsealed, answers: [...unsealed.answers] }],
    escalation: escalation === undefined ? [] : [storedEscalation(escalation)],
    publication: publication === undefined ? [] : [storedPublication(publication)],
    offered: attempt.offered.map((subject) => SUBJECTS.indexOf(subject)),
    published: attempt.published.map((subject) => SUBJECTS.indexOf(subject)),
    ending: ending === undefined ? 0 : ENDING_REASONS[ending].number,
  };
}

function fromStored(stored: StoredAttempt, place: Place): Attempt {
  const { segments, deadlineMs, deadlineHeight, round, seatTarget, reseats, uncovered } = stored;
  const [commitment] = stored.commitment;
  const [unsealed] = stored.unsealed;
  const [escalation] = stored.escalation;
  const [publication] = stored.publication;
  const ending = endingOf(stored.ending);
  return {
    terms: termsOf(stored, place),
    phase: named(PHASES, stored.phase),
    deadline: { timeMs: deadlineMs, height: deadlineHeight },
    ...{ round, segments, seatTarget, reseats, uncovered },
    seats: stored.seats.map((voice) => fromStoredVoice(voice, segments)),
    ...(commitment === undefined ? {} : { commitment }),
    ...(unsealed === undefined ? {} : { unsealed }),
    ...(escalation === undefined ? {} : { escalation: readEscalation(escalation) }),
    ...(publication === undefined ? {} : { publication: readPublication(publication) }),
    offered: stored.offered.map((number) => named(SUBJECTS, number)),
    published: stored.published.map((number) => named(SUBJECTS, number)),
    ...(ending === undefined ? {} : { ending }),
  };
}

function termsOf(stored: StoredAttempt, { chainId, id, job, number }: Place): AttemptTerms {
  const { sampled, seatsPerSegment, full, kind, priceWei, bondWei, provider, parties, judgeMs } = stored;
  return {
    ...{ chainId, job: id, attempt: number, kind: named(KINDS, kind), segments: job.segments },
    ...{ sampled, seats: seatsPerSegment, full: full === 1, priceWei, auditFeeWei: job.auditFeeWei, bondWei },
    ...{ provider, client: job.client, parties, inputId: job.inputId, judgeMs },
    commitBy: { timeMs: stored.commitByMs, height: stored.commitByHeight },
    releaseBy: { timeMs: stored.releaseByMs, height: stored.releaseByHeight },
  };
}

function storedEscalation({ segments, voices, tries }: Escalation): StoredAttempt['escalation'][number] {
  return {
    segments: [...segments],
    voices: voices.map((voice) => toStoredVoice(voice, voice.segments)),
    tries,
  };
}

function readEscalation({ segments, voices, tries }: StoredAttempt['escalation'][number]): Escalation {
  return { segments, voices: voices.map((voice) => fromStoredVoice(voice, segments)), tries };
}

function storedPublication({ subject, voices }: Publication): StoredAttempt['publication'][number] {
  return {
    subject: SUBJECTS.indexOf(subject),
    voices: voices.map((voice) => toStoredVoice(voice, voice.segments)),
  };
}

function readPublication({ subject, voices }: StoredAttempt['publication'][number]): Publication {
  return { subject: named(SUBJECTS, subject), voices: voices.map((voice) => fromStoredVoice(voice, [])) };
}

/** @param all segments that need not be listed */
function toStoredVoice(voice: Voice, all: readonly number[]): StoredVoice {
  const { validator, operator, power, round, segments, status, seal, answerRoot } = voice;
  const hashes = [seal, answerRoot].filter((hash) => hash !== undefined);
  return {
    ...{ validator, operator, power, round, hashes, status: STATUSES.indexOf(status) },
    segments: segments.length === all.length ? [] : [...segments],
    disputed: voice.disputed ?? NO_SEGMENT,
    delivered: voice.delivered === true ? 1 : 0,
  };
}

function fromStoredVoice(stored: StoredVoice, all: readonly number[]): Voice {
  const { validator, operator, power, round, segments, disputed, delivered } = stored;
  const [seal, answerRoot] = stored.hashes;
  const status = named(STATUSES, stored.status);
  return {
    ...{ validator, operator, power, round, status },
    segments: segments.length === 0 ? all : segments,
    ...(seal === undefined ? {} : { seal }),
    ...(answerRoot === undefined ? {} : { answerRoot }),
    ...(disputed === NO_SEGMENT ? {} : { disputed }),
    ...(answerRoot === undefined ? {} : { delivered: delivered === 1 }),
  };
}

function endingOf(number: number): EndingReason | undefined {
  const found = Object.entries(ENDING_REASONS).find(([, reason]) => reason.number === number);
  return found && (found[0] as EndingReason);
}

function named<Name>(names: readonly Name[], number: number): Name {
  const name = names[number];
  invariant(name !== undefined, 'a stored number has a name');
  return name;
}
