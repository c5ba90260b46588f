import type { Address } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { bytes32, ContainerType, uint32, uint64, uint8, type ValueOf } from '../../protocol/ssz/types.js';
import {
  hasEnded,
  type Attempt,
  type Voice,
  type VoiceStatus,
} from '../../consensus/verification/attempt.js';
import type { Mark } from '../../consensus/verification/reasons.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { records } from '../store/record.js';
import type { Reader } from '../store/store.js';

const JudgeType = new ContainerType({
  /** Entries it owes to attempts that have not ended. */
  owed: uint32,
  /** Jobs it owes one, each under its number in `duty/`. */
  jobs: uint32,
  /** Marks in `epoch`: those that count. */
  marks: uint32,
  epoch: uint64,
  /** Sources attested up to this height do not count any more. */
  suspendedHeight: uint64,
  dissentsLost: uint32,
  falselyUnavailable: uint32,
  silent: uint32,
  falseVerdicts: uint32,
  absent: uint32,
  cannotJudge: uint32,
});

/** A validator as a verifier: what it owes, and what it did wrong. */
export type Judge = Readonly<ValueOf<typeof JudgeType>>;

export const judges = records(STATE_KEYS.judge, createCodec<Judge>('Judge', JudgeType));

const DutyType = new ContainerType({ job: bytes32, attempt: uint8 });
const PlaceType = new ContainerType({ place: uint32 });
export const dutyEntries = records(
  STATE_KEYS.duty,
  createCodec<ValueOf<typeof DutyType>>('DutyEntry', DutyType),
);
export const dutyPlaces = records(
  STATE_KEYS.dutyPlace,
  createCodec<ValueOf<typeof PlaceType>>('DutyPlace', PlaceType),
);

const NO_JUDGE: Judge = {
  ...{ owed: 0, jobs: 0, marks: 0, epoch: 0, suspendedHeight: 0, dissentsLost: 0, falselyUnavailable: 0 },
  ...{ silent: 0, falseVerdicts: 0, absent: 0, cannotJudge: 0 },
};

export function readJudge(state: Reader, validator: Address): Judge {
  return judges.find(state, validator) ?? NO_JUDGE;
}

/** Entries that a voice in this state still owes, if it is heard at all. */
const OWED_BY_SEAT: Partial<Readonly<Record<VoiceStatus, number>>> = { waiting: 2, sealed: 1 };

/** What each validator owes an attempt, by the hex of its id: a seal and a reveal, or a word about data. */
export function owedTo(attempt: Attempt): Map<string, { readonly validator: Address; entries: number }> {
  const owed = new Map<string, { readonly validator: Address; entries: number }>();
  if (hasEnded(attempt)) return owed;
  const add = ({ validator, status }: Voice, most: number): void => {
    const entries = Math.min(OWED_BY_SEAT[status] ?? 0, most);
    if (entries === 0) return;
    const name = toHex(validator);
    const known = owed.get(name);
    if (known === undefined) owed.set(name, { validator, entries });
    else known.entries += entries;
  };
  const isBeforeReveals = ['COMMITTED', 'SEALING', 'UNSEALING', 'REVEALING'].includes(attempt.phase);
  const isForSealing = attempt.phase === 'PUBLISHING' && attempt.publication?.subject === 'sealing';
  if (isBeforeReveals || isForSealing) for (const seat of attempt.seats) add(seat, 2);
  if (attempt.phase.startsWith('ESCALATION')) {
    for (const voice of attempt.escalation?.voices ?? []) add(voice, 2);
  }
  if (attempt.phase === 'PUBLISHING') for (const voice of attempt.publication?.voices ?? []) add(voice, 1);
  return owed;
}

/** Brings what validators owe up to date when an attempt has gone on. @param before undefined for a new one */
export function moveDuties(state: Overlay, before: Attempt | undefined, after: Attempt): void {
  const was = before === undefined ? new Map<string, never>() : owedTo(before);
  const is = owedTo(after);
  const { job, attempt } = after.terms;
  for (const [name, { validator }] of new Map<string, { validator: Address }>([...was, ...is])) {
    const [old, now] = [was.get(name)?.entries ?? 0, is.get(name)?.entries ?? 0];
    if (old === now) continue;
    const judge = readJudge(state, validator);
    invariant(judge.owed >= old, 'what is owed was counted');
    let { jobs } = judge;
    if (old === 0) {
      dutyEntries.write(state, { job, attempt }, validator, jobs);
      dutyPlaces.write(state, { place: jobs }, validator, job);
      jobs++;
    } else if (now === 0) {
      jobs--;
      removeDuty(state, validator, job, jobs);
    }
    judges.write(state, { ...judge, owed: judge.owed - old + now, jobs }, validator);
  }
}

/** The last one takes the place of the one that is gone. */
function removeDuty(state: Overlay, validator: Address, job: Uint8Array, last: number): void {
  const { place } = dutyPlaces.read(state, validator, job);
  const moved = dutyEntries.read(state, validator, last);
  if (place !== last) {
    dutyEntries.write(state, moved, validator, place);
    dutyPlaces.write(state, { place }, validator, moved.job);
  }
  dutyEntries.remove(state, validator, last);
  dutyPlaces.remove(state, validator, job);
}

/** Who was absent has lost its pay, and who cannot judge has done nothing wrong: the others count. */
const COUNTER_OF: Readonly<
  Record<Mark, 'dissentsLost' | 'falselyUnavailable' | 'silent' | 'falseVerdicts' | 'absent' | 'cannotJudge'>
> = {
  DISSENT_LOST: 'dissentsLost',
  FALSE_UNAVAILABLE: 'falselyUnavailable',
  SILENT: 'silent',
  FALSE_VERDICT: 'falseVerdicts',
  ABSENT: 'absent',
  CANNOT_JUDGE: 'cannotJudge',
};

const HARMLESS: readonly Mark[] = ['ABSENT', 'CANNOT_JUDGE'];

/**
 * Takes a mark down. With `maxMarks` of those that count in one epoch a validator is given no seats of the sources it has attested so far.
 *
 * @returns whether it is suspended by this one
 */
export function countMark(
  state: Overlay,
  validator: Address,
  mark: Mark,
  { epoch, height, maxMarks }: { readonly epoch: number; readonly height: number; readonly maxMarks: number },
): boolean {
  const judge = readJudge(state, validator);
  const counter = COUNTER_OF[mark];
  const counts = HARMLESS.includes(mark) ? 0 : 1;
  const marks = (judge.epoch === epoch ? judge.marks : 0) + counts;
  const isSuspended = counts === 1 && marks >= maxMarks;
  const suspendedHeight = isSuspended ? height : judge.suspendedHeight;
  const counted = { ...judge, [counter]: judge[counter] + 1, epoch, suspendedHeight };
  judges.write(state, { ...counted, marks: isSuspended ? 0 : marks }, validator);
  return isSuspended;
}
