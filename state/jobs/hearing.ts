import type { Address } from '../../protocol/address.js';
import { bls, BlsError, type BlsPublicKey } from '../../protocol/crypto/bls.js';
import { SszError } from '../../protocol/ssz/types.js';
import { signedAuditEntryCodec, type AuditEntry, type SignedAuditEntry } from '../../protocol/types/audit.js';
import { entriesOf, isSignedRecord } from '../../consensus/verification/entries.js';
import { Revert } from '../modules/module.js';
import { keyAt, validators } from '../staking/validator.js';
import type { Said } from '../transition/block-input.js';
import { ERRORS } from './abi.js';
import { happen, openAttempt, tell } from './advancing.js';
import { jobs } from './job.js';
import type { JobScope } from './settling.js';

/** Hears what validators have said with their votes, in the order in which the block has it. What is refused is passed over. */
export function hearAll(scope: JobScope, said: readonly Said[]): void {
  for (const { validator, content } of said) {
    for (const entry of entriesOf(content)) hear(scope, validator, entry);
  }
}

function hear(scope: JobScope, validator: Address, entry: AuditEntry): void {
  const job = jobs.find(scope.state, entry.subject);
  const attempt = job && openAttempt(scope, entry.subject, job);
  if (job === undefined || attempt?.terms.attempt !== entry.attempt) return;
  happen(scope, entry.subject, job, attempt, { kind: 'entry', validator, entry });
}

/**
 * An entry that its validator has signed apart from any vote: brought by anybody, heard as if it had been in an extension.
 *
 * @throws Revert InvalidRecord | UnknownJob | JobForgotten | Refused
 */
export function hearRecord(scope: JobScope, bytes: Uint8Array): void {
  const record = decodeRecord(bytes);
  const { validator, entry } = record;
  if (!isSignedRecord(bls, scope.block.identity, keyOf(scope, validator), record)) {
    throw new Revert(ERRORS.InvalidRecord, ['SIGNATURE_INVALID']);
  }
  tell(scope, entry.subject, { kind: 'entry', validator, entry });
}

function decodeRecord(bytes: Uint8Array): SignedAuditEntry {
  try {
    return signedAuditEntryCodec.decode(bytes);
  } catch (error) {
    if (error instanceof SszError) throw new Revert(ERRORS.InvalidRecord, [error.code]);
    throw error;
  }
}

/** @throws Revert InvalidRecord */
function keyOf({ state, block }: JobScope, id: Address): BlsPublicKey {
  const validator = validators.find(state, id);
  const key = validator && keyAt(validator, block.epoch);
  if (key === undefined) throw new Revert(ERRORS.InvalidRecord, ['VALIDATOR_UNKNOWN']);
  try {
    return bls.parsePublicKey(key);
  } catch (error) {
    if (error instanceof BlsError) throw new Revert(ERRORS.InvalidRecord, [error.code]);
    throw error;
  }
}
