import { MAX_EXTENSION_BYTES } from '../limits.js';
import { createCodec } from '../ssz/codec.js';
import {
  bytes20,
  bytes32,
  bytes96,
  ContainerType,
  listOf,
  uint16,
  uint8,
  type ValueOf,
} from '../ssz/types.js';

/** What an audit entry says. */
export const AUDIT_SEAL = 1;
export const AUDIT_REVEAL = 2;
export const AUDIT_UNAVAILABLE = 3;
export const AUDIT_CANNOT_JUDGE = 4;
export const AUDIT_SOURCE_RUNNABLE = 5;
/** Answers a publication of the output: this validator holds it. */
export const AUDIT_AVAILABLE = 6;

/** Flag of a reveal: this validator holds the whole output. */
export const AUDIT_FLAG_DELIVERED = 1;

/** In `segment`: the entry disputes none. */
export const NO_SEGMENT = 0xffff;

/** One statement of one validator about one job (or source). Fixed size, so that an extension's capacity is a count. */
export const AuditEntryType = new ContainerType({
  /** `AUDIT_*`. */
  kind: uint8,
  /** Job id; source id for `AUDIT_SOURCE_RUNNABLE`. */
  subject: bytes32,
  /** Attempt of the job, from 0. */
  attempt: uint8,
  /** Audit round of the attempt: 0 for the first sample, more for re-seating and escalation. */
  auditRound: uint8,
  /** Of a reveal: the lowest segment this validator disputes; `NO_SEGMENT` for none. */
  segment: uint16,
  /** `AUDIT_FLAG_*` bits. */
  flags: uint8,
  /** Of a seal: the sealed hash. Of a reveal: the root of the post-state hashes. Otherwise zero. */
  digest: bytes32,
  /** Of a reveal: opens the seal. Otherwise zero. */
  nonce: bytes32,
});

/** Encoded bytes of an entry. */
export const AUDIT_ENTRY_BYTES = 102;

/** Entries that fit one vote extension. */
export const MAX_AUDIT_ENTRIES = Math.floor(MAX_EXTENSION_BYTES / AUDIT_ENTRY_BYTES);

/** The content of a vote extension. */
export const AuditEntriesType = listOf(AuditEntryType, MAX_AUDIT_ENTRIES);

/** An entry on its own, submitted in a transaction when proposers leave the validator's extensions out. */
export const SignedAuditEntryType = new ContainerType({
  entry: AuditEntryType,
  /** Validator id of the signer. */
  validator: bytes20,
  signature: bytes96,
});

export type AuditEntry = ValueOf<typeof AuditEntryType>;
export type SignedAuditEntry = ValueOf<typeof SignedAuditEntryType>;

export const auditEntryCodec = createCodec<AuditEntry>('AuditEntry', AuditEntryType);
export const auditEntriesCodec = createCodec<AuditEntry[]>('AuditEntries', AuditEntriesType, {
  maxBytes: MAX_EXTENSION_BYTES,
});
export const signedAuditEntryCodec = createCodec<SignedAuditEntry>('SignedAuditEntry', SignedAuditEntryType);
