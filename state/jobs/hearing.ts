import type { Address } from '../../protocol/address.js';
import { SszError } from '../../protocol/ssz/types.js';
import {
  AUDIT_SOURCE_RUNNABLE,
  signedAuditEntryCodec,
  type AuditEntry,
  type SignedAuditEntry,
} from '../../protocol/types/audit.js';
import { bls } from '../../protocol/crypto/bls.js';
import { entriesOf, isSignedRecord } from '../../consensus/verification/entries.js';
import type { Refusal } from '../../consensus/verification/reasons.js';
import { Revert } from '../modules/module.js';
import { attestBySeat } from '../sources/attesting.js';
import { signingKeyAt } from '../staking/evidence.js';
import type { Scope } from '../transition/block-context.js';
import { ERRORS } from './abi.js';
import { openAttempt } from './attempt.js';
import { applyEvent } from './life.js';
import type { JobScope } from './scope.js';

/** The extension of a precommit of an earlier block: signed by its validator, whatever it says. */
export interface HeardExtension {
  readonly validator: Address;
  readonly content: Uint8Array;
}

/** Where what is heard is acted upon. */
export interface HearingScope extends JobScope {
  readonly sources: Scope;
}

/** Tallies what validators say in their extensions. What the rules refuse is passed over: it was late, or said before. */
export function hearExtensions(scope: HearingScope, extensions: readonly HeardExtension[]): void {
  for (const { validator, content } of extensions) {
    for (const entry of entriesOf(content)) hear(scope, validator, entry);
  }
}

/**
 * Tallies a record that came in a transaction, for a validator whose extensions proposers leave out.
 *
 * @throws Revert RecordRefused | EventRefused
 */
export function hearRecord(scope: HearingScope, bytes: Uint8Array): void {
  const record = decodeRecord(bytes);
  const key = signingKeyAt(scope.state, record.validator, scope.block.height);
  if (key === undefined) throw new Revert(ERRORS.RecordRefused, ['VALIDATOR_UNKNOWN']);
  if (!isSignedRecord(bls, scope.block.identity, bls.parsePublicKey(key), record))
    throw new Revert(ERRORS.RecordRefused, ['SIGNATURE_BAD']);
  const refused = hear(scope, record.validator, record.entry);
  if (refused !== undefined) throw new Revert(ERRORS.EventRefused, [refused]);
}

function hear(scope: HearingScope, validator: Address, entry: AuditEntry): Refusal | undefined {
  if (entry.kind === AUDIT_SOURCE_RUNNABLE) {
    attestBySeat(scope.sources, entry.subject, validator);
    return undefined;
  }
  const under = openAttempt(scope.state, entry.subject);
  if (under === undefined) return 'ENDED';
  const event = { kind: 'entry', validator, entry } as const;
  return applyEvent(scope, entry.subject, under.job, under.kept, event).refused;
}

function decodeRecord(bytes: Uint8Array): SignedAuditEntry {
  try {
    return signedAuditEntryCodec.decode(bytes);
  } catch (error) {
    if (!(error instanceof SszError)) throw error;
    throw new Revert(ERRORS.RecordRefused, [error.code]);
  }
}
