import { domainHash, signingRoot, type ChainIdentity } from '../domains.js';
import { invariant } from '../invariant.js';
import { createCodec } from '../ssz/codec.js';
import { bytes32, ContainerType, uint8 } from '../ssz/types.js';
import { auditEntryCodec, type AuditEntry } from '../types/audit.js';
import { subjectBytes, type AuditSubject } from './commitment.js';

/** What a verifier signs, and shows nobody, to make the nonce of a seal. */
export const auditNonceCodec = createCodec(
  'AuditNonce',
  new ContainerType({ job: bytes32, attempt: uint8, auditRound: uint8 }),
);

/** The 32 bytes a verifier's BLS key signs for the nonce of its seal in one round of one attempt. */
export function auditNonceRoot(
  chain: ChainIdentity,
  { job, attempt }: Pick<AuditSubject, 'job' | 'attempt'>,
  auditRound: number,
): Uint8Array {
  return signingRoot(chain, 'audit-nonce', auditNonceCodec.root({ job, attempt, auditRound }));
}

/** The nonce out of that signature: the same after a crash, and known to nobody else before it is revealed. */
export function nonceOf(chainId: number, signature: Uint8Array): Uint8Array {
  invariant(signature.length === 96, 'a BLS signature is 96 bytes');
  return domainHash(chainId, 'audit-nonce', signature);
}

/** What a verifier binds itself to, and what it later reveals. */
export interface Sealed {
  readonly auditRound: number;
  /** Id of the validator, 20 bytes. */
  readonly validator: Uint8Array;
  /** Root of the tree over the ids of its post-states, ascending by segment. */
  readonly answerRoot: Uint8Array;
  readonly nonce: Uint8Array;
}

/** H(audit-seal ‖ job ‖ attempt ‖ round ‖ validator ‖ answerRoot ‖ nonce): of no use to anybody but its maker. */
export function sealOf(
  subject: AuditSubject,
  { auditRound, validator, answerRoot, nonce }: Sealed,
): Uint8Array {
  invariant(validator.length === 20 && answerRoot.length === 32 && nonce.length === 32, 'parts of a seal');
  const round = Uint8Array.of(auditRound);
  return domainHash(
    subject.chainId,
    'audit-seal',
    subjectBytes(subject),
    round,
    validator,
    answerRoot,
    nonce,
  );
}

/** The 32 bytes a validator signs to submit an entry in a transaction. */
export function auditRecordSignBytes(chain: ChainIdentity, entry: AuditEntry): Uint8Array {
  return signingRoot(chain, 'audit-record', auditEntryCodec.root(entry));
}
