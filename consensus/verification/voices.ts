import { sealOf } from '../../protocol/audit/seal.js';
import { bytesEqual } from '../../protocol/bytes.js';
import {
  AUDIT_AVAILABLE,
  AUDIT_CANNOT_JUDGE,
  AUDIT_FLAG_DELIVERED,
  AUDIT_REVEAL,
  AUDIT_SEAL,
  AUDIT_UNAVAILABLE,
  NO_SEGMENT,
  type AuditEntry,
} from '../../protocol/types/audit.js';
import type { Attempt, Voice } from './attempt.js';
import type { Refusal } from './reasons.js';
import { refuse, type EventOf, type Refused } from './step.js';
import { eligibleVerifiers, type Verifier } from './seats.js';

/*
 * What validators say. An entry belongs to the voice of its validator in its round; the first entry of a voice counts, a reveal opens
 * the seal before it.
 */

/** Kinds of entries that a phase listens to. */
const STATUS_OF_KIND: Readonly<Record<number, Voice['status']>> = {
  [AUDIT_SEAL]: 'sealed',
  [AUDIT_REVEAL]: 'revealed',
  [AUDIT_UNAVAILABLE]: 'unavailable',
  [AUDIT_CANNOT_JUDGE]: 'cannotJudge',
  [AUDIT_AVAILABLE]: 'available',
};

/** Takes an entry down among `voices`. */
export function hear(
  { terms }: Attempt,
  voices: readonly Voice[],
  { validator, entry }: EventOf<'entry'>,
  listenedTo: readonly Voice['status'][],
): readonly Voice[] | Refused {
  if (!bytesEqual(entry.subject, terms.job) || entry.attempt !== terms.attempt)
    return refuse('WRONG_SUBJECT');
  const place = voices.findIndex(
    (voice) => voice.round === entry.auditRound && bytesEqual(voice.validator, validator),
  );
  const voice = voices[place];
  if (voice === undefined) return refuse('NOT_ASKED');
  const status = STATUS_OF_KIND[entry.kind];
  if (status === undefined || !listenedTo.includes(status)) return refuse('WRONG_PHASE');
  const before = status === 'revealed' ? 'sealed' : 'waiting';
  if (voice.status !== before) return refuse(refusalFor(voice.status));
  if (status === 'revealed' && !opensSeal(terms, voice, entry)) return refuse('SEAL_MISMATCH');
  return voices.with(place, { ...voice, ...saidBy(entry, status) });
}

/** Why a voice of this status is not heard. */
function refusalFor(status: Voice['status']): Refusal {
  if (status === 'waiting') return 'WRONG_PHASE';
  return status === 'absent' ? 'TOO_LATE' : 'ALREADY_SAID';
}

function saidBy(entry: AuditEntry, status: Voice['status']): Partial<Voice> & Pick<Voice, 'status'> {
  if (status === 'sealed') return { status, seal: entry.digest };
  if (status !== 'revealed') return { status };
  const delivered = (entry.flags & AUDIT_FLAG_DELIVERED) !== 0;
  const disputed = entry.segment === NO_SEGMENT ? {} : { disputed: entry.segment };
  return { status, answerRoot: entry.digest, delivered, ...disputed };
}

function opensSeal(terms: Attempt['terms'], { seal, validator, round }: Voice, entry: AuditEntry): boolean {
  const { digest: answerRoot, nonce } = entry;
  const made = sealOf(terms, { auditRound: round, validator, answerRoot, nonce });
  return seal !== undefined && bytesEqual(seal, made);
}

/** Whether nobody is waited for. */
export function allHave(voices: readonly Voice[], ...statuses: readonly Voice['status'][]): boolean {
  return !voices.some(({ status }) => statuses.includes(status));
}

/** Who has said nothing is absent from now on. */
export function closeVoices(voices: readonly Voice[]): Voice[] {
  return voices.map((voice) => (voice.status === 'waiting' ? { ...voice, status: 'absent' } : voice));
}

export function voiceOf(
  { id, operator, power }: Verifier,
  round: number,
  segments: readonly number[],
): Voice {
  return { validator: id, operator, power, round, segments, status: 'waiting' };
}

/** A voice for everybody that may judge. */
export function voicesOfAll(
  { terms }: Attempt,
  verifiers: readonly Verifier[],
  round: number,
  segments: readonly number[],
): Voice[] {
  return eligibleVerifiers(terms, verifiers).map((verifier) => voiceOf(verifier, round, segments));
}
