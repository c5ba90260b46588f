import { invariant } from '../../protocol/invariant.js';
import { MAX_FULL_AUDIT_SEGMENTS, MAX_VALIDATORS } from '../../protocol/limits.js';
import { createCodec, type Codec } from '../../protocol/ssz/codec.js';
import {
  bytes20,
  bytes32,
  ContainerType,
  listOf,
  numbersOf,
  uint128,
  uint16,
  uint32,
  uint64,
  uint8,
  type ValueOf,
} from '../../protocol/ssz/types.js';
import {
  ENDINGS,
  OPEN_PHASES,
  type Attempt,
  type Phase,
  type PublicationSubject,
  type Voice,
  type VoiceStatus,
} from '../../consensus/verification/attempt.js';
import { ENDING_REASONS, type EndingReason } from '../../consensus/verification/reasons.js';
import { STATE_KEYS } from '../store/keys.js';
import { records } from '../store/record.js';

/*
 * An attempt as the state keeps it. Names become their places in these lists: append only.
 */

export const ATTEMPT_PHASES: readonly Phase[] = [...OPEN_PHASES, ...ENDINGS];
const STATUSES: readonly VoiceStatus[] = [
  'waiting',
  'absent',
  'sealed',
  'revealed',
  'unavailable',
  'cannotJudge',
  'available',
];
const SUBJECTS: readonly PublicationSubject[] = ['sealing', 'escalation', 'output'];
const KINDS = ['batch', 'chain'] as const;

/** A provider's addresses and the client's. */
const MAX_PARTIES = 16;
/** Seats of the first draw and of those that replace silent ones. */
const MAX_SEATS = 4 * MAX_VALIDATORS;

const SegmentsType = numbersOf(uint16, MAX_FULL_AUDIT_SEGMENTS);
const MomentType = new ContainerType({ timeMs: uint64, height: uint64 });

const VoiceType = new ContainerType({
  validator: bytes20,
  operator: bytes20,
  power: uint64,
  round: uint8,
  segments: SegmentsType,
  status: uint8,
  seal: listOf(bytes32, 1),
  answerRoot: listOf(bytes32, 1),
  disputed: numbersOf(uint16, 1),
  delivered: numbersOf(uint8, 1),
});

const TermsType = new ContainerType({
  chainId: uint64,
  job: bytes32,
  attempt: uint8,
  kind: uint8,
  segments: uint16,
  sampled: uint16,
  seats: uint16,
  full: uint8,
  priceWei: uint128,
  auditFeeWei: uint128,
  bondWei: uint128,
  provider: bytes20,
  client: bytes20,
  parties: listOf(bytes20, MAX_PARTIES),
  inputId: bytes32,
  judgeMs: uint32,
  commitBy: MomentType,
  releaseBy: MomentType,
});

const AttemptType = new ContainerType({
  terms: TermsType,
  phase: uint8,
  deadline: MomentType,
  round: uint8,
  commitment: listOf(new ContainerType({ root: bytes32, keyCommitment: bytes32 }), 1),
  segments: SegmentsType,
  seats: listOf(VoiceType, MAX_SEATS),
  seatTarget: uint16,
  reseats: uint8,
  uncovered: SegmentsType,
  unsealed: listOf(
    new ContainerType({
      jobKey: bytes32,
      outputRoot: bytes32,
      answers: listOf(bytes32, MAX_FULL_AUDIT_SEGMENTS + 1),
    }),
    1,
  ),
  escalation: listOf(
    new ContainerType({ segments: SegmentsType, voices: listOf(VoiceType, MAX_VALIDATORS), tries: uint8 }),
    1,
  ),
  publication: listOf(new ContainerType({ subject: uint8, voices: listOf(VoiceType, MAX_VALIDATORS) }), 1),
  offered: numbersOf(uint8, SUBJECTS.length),
  published: numbersOf(uint8, SUBJECTS.length),
  /** Number of the reason; 0 while it has not ended. */
  ending: uint8,
  /** Content id of the whole output, as the provider says at the unsealing; no rule looks at it. */
  outputId: listOf(bytes32, 1),
});

/** What the state keeps of an attempt beside what the rules look at. */
export interface KeptAttempt {
  readonly attempt: Attempt;
  /** Where the output is to be had: the provider's word. */
  readonly outputId?: Uint8Array;
}

type Stored = ValueOf<typeof AttemptType>;

const stored = createCodec<Stored>('Attempt', AttemptType);

const codec: Pick<Codec<KeptAttempt>, 'name' | 'encode' | 'decode'> = {
  name: stored.name,
  encode: (kept) => stored.encode(toStored(kept)),
  decode: (bytes) => fromStored(stored.decode(bytes)),
};

/** By job and number. */
export const attempts = records(STATE_KEYS.attempt, codec);

function toStored({ attempt, outputId }: KeptAttempt): Stored {
  const { terms, commitment, unsealed, escalation, publication } = attempt;
  return {
    terms: {
      ...terms,
      kind: placeIn(KINDS, terms.kind),
      full: terms.full ? 1 : 0,
      parties: [...terms.parties],
    },
    phase: placeIn(ATTEMPT_PHASES, attempt.phase),
    deadline: attempt.deadline,
    round: attempt.round,
    commitment: commitment === undefined ? [] : [commitment],
    segments: [...attempt.segments],
    seats: attempt.seats.map(toVoice),
    seatTarget: attempt.seatTarget,
    reseats: attempt.reseats,
    uncovered: [...attempt.uncovered],
    unsealed: unsealed === undefined ? [] : [{ ...unsealed, answers: [...unsealed.answers] }],
    escalation:
      escalation === undefined
        ? []
        : [
            {
              segments: [...escalation.segments],
              voices: escalation.voices.map(toVoice),
              tries: escalation.tries,
            },
          ],
    publication:
      publication === undefined
        ? []
        : [{ subject: placeIn(SUBJECTS, publication.subject), voices: publication.voices.map(toVoice) }],
    offered: attempt.offered.map((subject) => placeIn(SUBJECTS, subject)),
    published: attempt.published.map((subject) => placeIn(SUBJECTS, subject)),
    ending: attempt.ending === undefined ? 0 : ENDING_REASONS[attempt.ending].number,
    outputId: outputId === undefined ? [] : [outputId],
  };
}

function fromStored(value: Stored): KeptAttempt {
  const [commitment] = value.commitment;
  const [unsealed] = value.unsealed;
  const [escalation] = value.escalation;
  const [publication] = value.publication;
  const [outputId] = value.outputId;
  const ending = REASON_BY_NUMBER.get(value.ending);
  const attempt: Attempt = {
    terms: { ...value.terms, kind: nameIn(KINDS, value.terms.kind), full: value.terms.full === 1 },
    phase: nameIn(ATTEMPT_PHASES, value.phase),
    deadline: value.deadline,
    round: value.round,
    ...(commitment === undefined ? {} : { commitment }),
    segments: value.segments,
    seats: value.seats.map(fromVoice),
    seatTarget: value.seatTarget,
    reseats: value.reseats,
    uncovered: value.uncovered,
    ...(unsealed === undefined ? {} : { unsealed }),
    ...(escalation === undefined
      ? {}
      : { escalation: { ...escalation, voices: escalation.voices.map(fromVoice) } }),
    ...(publication === undefined
      ? {}
      : {
          publication: {
            subject: nameIn(SUBJECTS, publication.subject),
            voices: publication.voices.map(fromVoice),
          },
        }),
    offered: value.offered.map((place) => nameIn(SUBJECTS, place)),
    published: value.published.map((place) => nameIn(SUBJECTS, place)),
    ...(ending === undefined ? {} : { ending }),
  };
  return { attempt, ...(outputId === undefined ? {} : { outputId }) };
}

const REASON_BY_NUMBER: ReadonlyMap<number, EndingReason> = new Map(
  Object.entries(ENDING_REASONS).map(([name, { number }]) => [number, name as EndingReason]),
);

function toVoice(voice: Voice): ValueOf<typeof VoiceType> {
  const { validator, operator, power, round, segments, status, seal, answerRoot } = voice;
  return {
    ...{ validator, operator, power, round, segments: [...segments] },
    status: placeIn(STATUSES, status),
    seal: seal === undefined ? [] : [seal],
    answerRoot: answerRoot === undefined ? [] : [answerRoot],
    disputed: voice.disputed === undefined ? [] : [voice.disputed],
    delivered: voice.delivered === undefined ? [] : [voice.delivered ? 1 : 0],
  };
}

function fromVoice(value: ValueOf<typeof VoiceType>): Voice {
  const { validator, operator, power, round, segments } = value;
  const [seal] = value.seal;
  const [answerRoot] = value.answerRoot;
  const [disputed] = value.disputed;
  const [delivered] = value.delivered;
  return {
    ...{ validator, operator, power, round, segments },
    status: nameIn(STATUSES, value.status),
    ...(seal === undefined ? {} : { seal }),
    ...(answerRoot === undefined ? {} : { answerRoot }),
    ...(disputed === undefined ? {} : { disputed }),
    ...(delivered === undefined ? {} : { delivered: delivered === 1 }),
  };
}

function placeIn<Name>(names: readonly Name[], name: Name): number {
  const place = names.indexOf(name);
  invariant(place >= 0, 'a name that has a place');
  return place;
}

function nameIn<Name>(names: readonly Name[], place: number): Name {
  const name = names[place];
  invariant(name !== undefined, 'a place that has a name');
  return name;
}
