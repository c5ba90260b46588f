import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { MAX_EXTENSION_BYTES } from '../../protocol/limits.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import {
  byteList,
  bytes32,
  bytes48,
  ContainerType,
  listOf,
  SszError,
  uint32,
  uint64,
  uint8,
  type ValueOf,
} from '../../protocol/ssz/types.js';

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

/** What a record takes on the disk: a whole page, so that writing one never touches the one before it. */
export const SLOT_BYTES = 4096;

/** `"oGPU-SIG" ‖ version u32 ‖ length u32 ‖ SSZ ‖ SHA-256 of all before it ‖ zeros`, one slot. */
export function encodeRecord({ identity, last }: SignerRecord): Uint8Array {
  const body = recordCodec.encode({ identity, last: last === undefined ? [] : [last] });
  const slot = new Uint8Array(SLOT_BYTES);
  slot.set(MAGIC);
  const view = new DataView(slot.buffer);
  view.setUint32(VERSION_AT, FORMAT_VERSION);
  view.setUint32(LENGTH_AT, body.length);
  slot.set(body, BODY_AT);
  const end = BODY_AT + body.length;
  slot.set(sha256(slot.subarray(0, end)), end);
  return slot;
}

/** The record in a slot; undefined where there is anything else. */
export function decodeRecord(slot: Uint8Array): SignerRecord | undefined {
  if (slot.length !== SLOT_BYTES || formatOf(slot) !== FORMAT_VERSION) return undefined;
  const bodyEnd = BODY_AT + uint32At(slot, LENGTH_AT);
  const end = bodyEnd + CHECKSUM_BYTES;
  if (end > SLOT_BYTES || slot.subarray(end).some((byte) => byte !== 0)) return undefined;
  return isSealed(slot.subarray(0, end)) ? decodeBody(slot.subarray(BODY_AT, bodyEnd)) : undefined;
}

/** Version of the format a record begins with; undefined where it begins with anything else. */
export function formatOf(bytes: Uint8Array): number | undefined {
  if (bytes.length < LENGTH_AT || !bytesEqual(bytes.subarray(0, VERSION_AT), MAGIC)) return undefined;
  return uint32At(bytes, VERSION_AT);
}

/** `"oGPU-SIG" ‖ 1 u32 ‖ SSZ ‖ SHA-256`, as a whole file: how the record was kept before there were slots. */
export function decodeFirstFormat(file: Uint8Array): SignerRecord | undefined {
  const isWhole = file.length >= LENGTH_AT + CHECKSUM_BYTES && isSealed(file);
  return isWhole ? decodeBody(file.subarray(LENGTH_AT, -CHECKSUM_BYTES)) : undefined;
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

export const FIRST_FORMAT_VERSION = 1;
export const FORMAT_VERSION = 2;
const MAGIC = Uint8Array.from('oGPU-SIG', (letter) => letter.charCodeAt(0));
const CHECKSUM_BYTES = 32;
const VERSION_AT = 8;
const LENGTH_AT = 12;
const BODY_AT = 16;

/** Whether bytes end with the checksum of those before it. */
function isSealed(bytes: Uint8Array): boolean {
  return bytesEqual(sha256(bytes.subarray(0, -CHECKSUM_BYTES)), bytes.subarray(-CHECKSUM_BYTES));
}

function decodeBody(body: Uint8Array): SignerRecord | undefined {
  try {
    const { identity, last } = recordCodec.decode(body);
    return { identity, last: last[0] };
  } catch (error) {
    if (error instanceof SszError) return undefined;
    throw error;
  }
}

function uint32At(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}
