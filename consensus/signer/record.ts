import { bytesEqual, concatBytes, toHex } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { MAX_EXTENSION_BYTES } from '../../protocol/limits.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import {
  byteList,
  bytes32,
  bytes48,
  ContainerType,
  listOf,
  uint32,
  uint64,
  uint8,
  type ValueOf,
} from '../../protocol/ssz/types.js';
import { SignerError } from './errors.js';

/** Steps of a round in the order a validator signs them. */
export const PROPOSAL_STEP = 1;
export const PREVOTE_STEP = 2;
export const PRECOMMIT_STEP = 3;

/** Which key on which chain. */
const SignerIdentityType = new ContainerType({
  chainId: uint64,
  genesisId: bytes32,
  publicKey: bytes48,
});

const SignedStepType = new ContainerType({
  height: uint64,
  round: uint32,
  /** `PROPOSAL_STEP`, `PREVOTE_STEP` or `PRECOMMIT_STEP`. */
  step: uint8,
  /** The 32 bytes that were signed. */
  signBytes: bytes32,
  /** One with a precommit for a block, none with anything else. */
  extension: listOf(new ContainerType({ content: byteList(MAX_EXTENSION_BYTES), signBytes: bytes32 }), 1),
});

const SignerRecordType = new ContainerType({
  identity: SignerIdentityType,
  /** None before the first signature. */
  last: listOf(SignedStepType, 1),
});

export type SignerIdentity = ValueOf<typeof SignerIdentityType>;
/** What was signed, or was about to be, at one (height, round, step). */
export type SignedStep = ValueOf<typeof SignedStepType>;

/** What a signer must never forget. */
export interface SignerRecord {
  readonly identity: SignerIdentity;
  readonly last: SignedStep | undefined;
}

/** A place in the order of signing. */
export type Place = Pick<SignedStep, 'height' | 'round' | 'step'>;

/** Negative, zero or positive as in `Array.sort`. */
export function comparePlaces(a: Place, b: Place): number {
  return a.height - b.height || a.round - b.round || a.step - b.step;
}

/** Whether the same was signed; extensions are not compared. */
export function sameVote(a: SignedStep, b: SignedStep): boolean {
  return comparePlaces(a, b) === 0 && bytesEqual(a.signBytes, b.signBytes);
}

/** Whether the same was signed, extension included. */
export function sameStep(a: SignedStep, b: SignedStep): boolean {
  const [own, other] = [a.extension[0], b.extension[0]];
  const sameExtension =
    own === undefined || other === undefined ? own === other : bytesEqual(own.signBytes, other.signBytes);
  return sameVote(a, b) && sameExtension;
}

export function sameIdentity(a: SignerIdentity, b: SignerIdentity): boolean {
  return (
    a.chainId === b.chainId && bytesEqual(a.genesisId, b.genesisId) && bytesEqual(a.publicKey, b.publicKey)
  );
}

const recordCodec = createCodec('SignerRecord', SignerRecordType);

/** `"oGPU-SIG" ‖ version u32 ‖ SSZ ‖ SHA-256 of all before it`. */
export function encodeRecord({ identity, last }: SignerRecord): Uint8Array {
  return seal(recordCodec.encode({ identity, last: last === undefined ? [] : [last] }));
}

/** @throws SignerError SIGNER_RECORD_CORRUPT | SIGNER_RECORD_VERSION */
export function decodeRecord(bytes: Uint8Array): SignerRecord {
  const { identity, last } = unseal(bytes);
  return { identity, last: last[0] };
}

export function describePlace({ height, round, step }: Place): string {
  return `${STEP_NAMES[step] ?? 'unknown step'} of height ${height}, round ${round}`;
}

/** What people read of a step. */
export function stepData(signed: SignedStep): Readonly<Record<string, unknown>> {
  const { height, round, step, signBytes, extension } = signed;
  return {
    height,
    round,
    step: STEP_NAMES[step],
    signBytes: toHex(signBytes),
    ...(extension[0] === undefined ? {} : { extensionSignBytes: toHex(extension[0].signBytes) }),
  };
}

export const STEP_NAMES: Readonly<Record<number, string>> = {
  [PROPOSAL_STEP]: 'proposal',
  [PREVOTE_STEP]: 'prevote',
  [PRECOMMIT_STEP]: 'precommit',
};

/** Far above any record. */
export const MAX_RECORD_BYTES = 8192;
const MAGIC = Uint8Array.from('oGPU-SIG', (letter) => letter.charCodeAt(0));
const FORMAT_VERSION = 1;
const HEADER_BYTES = 12;
const CHECKSUM_BYTES = 32;

function seal(body: Uint8Array): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  header.set(MAGIC);
  new DataView(header.buffer).setUint32(8, FORMAT_VERSION);
  const content = concatBytes(header, body);
  return concatBytes(content, sha256(content));
}

function unseal(bytes: Uint8Array): ValueOf<typeof SignerRecordType> {
  const end = bytes.length - CHECKSUM_BYTES;
  if (end < HEADER_BYTES || !bytesEqual(sha256(bytes.subarray(0, end)), bytes.subarray(end))) {
    throw corrupt('it does not match its checksum');
  }
  if (!bytesEqual(bytes.subarray(0, 8), MAGIC)) throw corrupt('it does not begin as one');
  const version = new DataView(bytes.buffer, bytes.byteOffset).getUint32(8);
  if (version !== FORMAT_VERSION) {
    throw new SignerError('SIGNER_RECORD_VERSION', `the signer's record is of format ${version}`, {
      version,
      cure: 'run the version of the software that wrote it',
    });
  }
  try {
    return recordCodec.decode(bytes.subarray(HEADER_BYTES, end));
  } catch (cause) {
    throw corrupt('its content means nothing', cause);
  }
}

function corrupt(reason: string, cause?: unknown): SignerError {
  return new SignerError(
    'SIGNER_RECORD_CORRUPT',
    `the record of what was signed last is damaged: ${reason}`,
    {
      cure: 'do not start from zero: check the disk, then move the folder away and import an exported state, or rotate to a new key',
    },
    { cause },
  );
}
