import type { Address } from '../../protocol/address.js';
import type { AuditSubject } from '../../protocol/audit/commitment.js';
import { sealOf } from '../../protocol/audit/seal.js';
import { treeRoot } from '../../protocol/audit/tree.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import {
  AUDIT_FLAG_DELIVERED,
  AUDIT_REVEAL,
  AUDIT_SEAL,
  NO_SEGMENT,
  type AuditEntry,
} from '../../protocol/types/audit.js';
import type { Attempt } from './attempt.js';

/** What a validator has come to in one round, and binds itself to. */
export interface Judgement {
  readonly validator: Address;
  readonly round: number;
  /** Ascending. */
  readonly segments: readonly number[];
  /** Content id of what each segment comes to. */
  readonly answers: readonly Uint8Array[];
  /** 32 bytes that nobody else knows; see `nonceOf`. */
  readonly nonce: Uint8Array;
}

/** The entry that binds a validator to its answers and tells nobody what they are. */
export function sealEntry(subject: AuditSubject, judgement: Judgement): AuditEntry {
  const { validator, round, answers, nonce } = judgement;
  const digest = sealOf(subject, { auditRound: round, validator, answerRoot: treeRoot(answers), nonce });
  return { ...plainEntry(subject, AUDIT_SEAL, round), digest };
}

/** The entry that opens a seal, and names the lowest segment where the validator came to something else than the provider. */
export function revealEntry(attempt: Attempt, judgement: Judgement, isDelivered: boolean): AuditEntry {
  const { round, answers, nonce } = judgement;
  return {
    ...plainEntry(attempt.terms, AUDIT_REVEAL, round),
    digest: treeRoot(answers),
    nonce,
    flags: isDelivered ? AUDIT_FLAG_DELIVERED : 0,
    segment: disputedSegment(attempt, judgement),
  };
}

/** An entry that says nothing but its kind: UNAVAILABLE, CANNOT_JUDGE or AVAILABLE, and what the others are made from. */
export function plainEntry(
  { job, attempt }: Pick<AuditSubject, 'job' | 'attempt'>,
  kind: number,
  round: number,
): AuditEntry {
  const [digest, nonce] = [new Uint8Array(32), new Uint8Array(32)];
  return { kind, subject: job, attempt, auditRound: round, segment: NO_SEGMENT, flags: 0, digest, nonce };
}

function disputedSegment({ segments: judged, unsealed }: Attempt, { segments, answers }: Judgement): number {
  invariant(unsealed !== undefined, 'answers are revealed after the unsealing');
  const disputed = segments.find((segment, i) => {
    const [own, committed] = [answers[i], unsealed.answers[judged.indexOf(segment)]];
    return own === undefined || committed === undefined || !bytesEqual(own, committed);
  });
  return disputed ?? NO_SEGMENT;
}
