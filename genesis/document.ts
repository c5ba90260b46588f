import { z } from 'zod';
import { toChecksumAddress } from '../protocol/address.js';
import { toHex } from '../protocol/bytes.js';
import type { Fault } from '../protocol/faults.js';
import { MAX_VALIDATORS } from '../protocol/limits.js';
import { chainParamsToJson, parseChainParams } from '../protocol/params-check.js';
import type { ChainParams } from '../protocol/params.js';
import {
  addressField,
  amountWeiField,
  hexField,
  integerField,
  parsedField,
  parseFields,
  textField,
} from './fields.js';

export const DOCUMENT_VERSION = 1;
export const MAX_DOCUMENT_BYTES = 32 * 1024 * 1024;
/** More holders belong in a snapshot. */
export const MAX_ALLOCATIONS = 100_000;
export const MAX_SNAPSHOTS = 16;
const MAX_NOTE_CHARACTERS = 256;
/** 2020 to 2100: refuses seconds or microseconds given for milliseconds. */
const MIN_TIME_MS = Date.UTC(2020, 0);
const MAX_TIME_MS = Date.UTC(2100, 0);

/** A validator at genesis. */
export const ValidatorEntrySchema = z.strictObject({
  /** For people: unique, 1 to 64 printable ASCII characters. */
  name: textField(
    /^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/,
    'VALIDATOR_NAME',
    '1 to 64 printable ASCII characters',
  ),
  /** The validator's identity for ever; its stake comes from this account. */
  owner: addressField,
  /** Acts for the validator from day to day. */
  operator: addressField,
  /** Receives its rewards. */
  payout: addressField,
  blsPublicKey: hexField(48),
  /** PopProve of the BLS key. */
  proofOfPossession: hexField(96),
  /** See `bindOwner`. */
  ownerBinding: hexField(96),
  stakeWei: amountWeiField,
  commissionBps: integerField(0, 10_000),
});

/** What an owner decides about a validator, before its key signs. */
export const ValidatorTermsSchema = ValidatorEntrySchema.omit({
  blsPublicKey: true,
  proofOfPossession: true,
  ownerBinding: true,
});

export const AllocationEntrySchema = z.strictObject({
  address: addressField,
  balanceWei: amountWeiField,
  label: z.string().max(MAX_NOTE_CHARACTERS).optional(),
});

/** A file of balances beside the document. */
export const SnapshotEntrySchema = z.strictObject({
  file: textField(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
    'SNAPSHOT_FILE_NAME',
    'the name of a file in the directory of the document',
  ),
  sha256: textField(/^[0-9a-f]{64}$/, 'SNAPSHOT_SHA256', '64 lower-case hex digits'),
  holders: integerField(1, 2 ** 32 - 1),
  totalWei: amountWeiField,
  /** Where the holders were exported from: for people. */
  source: z.string().max(MAX_NOTE_CHARACTERS).optional(),
});

const DocumentSchema = z.strictObject({
  version: z.literal(DOCUMENT_VERSION),
  /** Name of the chain, such as the preset it was made from. */
  chain: textField(/^[a-z][a-z0-9-]{0,31}$/, 'CHAIN_NAME', 'a lower-case name of at most 32 characters'),
  chainId: integerField(1, Number.MAX_SAFE_INTEGER),
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  genesisTimeMs: integerField(MIN_TIME_MS, MAX_TIME_MS),
  /** Written out in full, so that the document stands alone. */
  params: parsedField<ChainParams>((json) => {
    const result = parseChainParams(json, 'params');
    return 'params' in result ? { value: result.params } : result;
  }),
  validators: z.array(ValidatorEntrySchema).min(1).max(MAX_VALIDATORS),
  allocations: z.array(AllocationEntrySchema).max(MAX_ALLOCATIONS),
  snapshots: z.array(SnapshotEntrySchema).max(MAX_SNAPSHOTS),
});

export type ValidatorTerms = z.output<typeof ValidatorTermsSchema>;
export type ValidatorEntry = z.output<typeof ValidatorEntrySchema>;
export type AllocationEntry = z.output<typeof AllocationEntrySchema>;
export type SnapshotEntry = z.output<typeof SnapshotEntrySchema>;
export type GenesisDocument = z.output<typeof DocumentSchema>;

/** The typed document, or all faults of its shape. */
export function parseDocument(json: unknown): { value: GenesisDocument } | { faults: Fault[] } {
  return parseFields(DocumentSchema, json, '');
}

/** The JSON text `parseDocument` reads. */
export function formatDocument(document: GenesisDocument): string {
  const json = {
    ...document,
    params: chainParamsToJson(document.params),
    validators: document.validators.map(validatorToJson),
    allocations: document.allocations.map((allocation) => ({
      ...allocation,
      address: toChecksumAddress(allocation.address),
      balanceWei: allocation.balanceWei.toString(),
    })),
    snapshots: document.snapshots.map((snapshot) => ({
      ...snapshot,
      totalWei: snapshot.totalWei.toString(),
    })),
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

export function validatorToJson(validator: ValidatorEntry): Record<keyof ValidatorEntry, string | number> {
  return {
    name: validator.name,
    owner: toChecksumAddress(validator.owner),
    operator: toChecksumAddress(validator.operator),
    payout: toChecksumAddress(validator.payout),
    blsPublicKey: toHex(validator.blsPublicKey),
    proofOfPossession: toHex(validator.proofOfPossession),
    ownerBinding: toHex(validator.ownerBinding),
    stakeWei: validator.stakeWei.toString(),
    commissionBps: validator.commissionBps,
  };
}
