import type { Address } from '../../protocol/address.js';
import { bytesEqual, compareBytes } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { MAX_VALIDATORS } from '../../protocol/limits.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { bytes20, ContainerType, listOf, uint64, uint8, type ValueOf } from '../../protocol/ssz/types.js';
import type { ValidatorSet } from '../../protocol/types/validators.js';
import type { Verifier } from '../../consensus/verification/seats.js';
import { nextValidators } from '../staking/active-set.js';
import { validators } from '../staking/validator.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { records } from '../store/record.js';
import type { Reader } from '../store/store.js';

/** It has the weights, has checked every bound with them, and can run the program. */
export const CAN_RUN = 1;
/** It cannot, and says so. */
export const CANNOT_JUDGE = 2;

const AttestationType = new ContainerType({
  validator: bytes20,
  /** `CAN_RUN` or `CANNOT_JUDGE`. */
  verdict: uint8,
  /** Of the block it was said in. */
  height: uint64,
});

export type Attestation = Readonly<ValueOf<typeof AttestationType>>;

/**
 * What validators say of a source, ascending by validator, in one entry: a tally reads it and the set, and nothing else. Who has left the
 * set stays until its place is needed, so that a short absence costs nobody his word. Absent when nobody has said anything.
 */
export const attestations = records(
  STATE_KEYS.attestations,
  createCodec<Attestation[]>('Attestations', listOf(AttestationType, MAX_VALIDATORS)),
);

/** A verifier of a source, with the height at which it last said that it is one. */
export interface CapableVerifier extends Verifier {
  readonly attestedHeight: number;
}

/** Active validators that have attested to be able to run a source. Ascending by id. */
export function capableVerifiers(state: Reader, id: Uint8Array): CapableVerifier[] {
  return capableMembers(nextValidators(state), attestations.find(state, id) ?? []).map(
    ({ member, attestation }) => ({
      id: member.id,
      operator: validators.read(state, member.id).operator,
      power: member.votingPower,
      attestedHeight: attestation.height,
    }),
  );
}

/** What a validator has said of a source; undefined where it has not. */
export function verdictOf(state: Reader, id: Uint8Array, validator: Address): number | undefined {
  const said = attestations.find(state, id) ?? [];
  return said.find((each) => bytesEqual(each.validator, validator))?.verdict;
}

/** Power of the active validators, in millionths of OGPU: of all, and of those that can run a source. */
export interface AttestedPower {
  readonly capable: number;
  readonly total: number;
}

export function attestedPower(state: Reader, id: Uint8Array, set = nextValidators(state)): AttestedPower {
  const capable = capableMembers(set, attestations.find(state, id) ?? []);
  return {
    capable: capable.reduce((sum, { member }) => sum + member.votingPower, 0),
    total: set.reduce((sum, { votingPower }) => sum + votingPower, 0),
  };
}

/** Writes what a member of the set says, or with `undefined` takes back what somebody has said. */
export function writeAttestation(
  state: Overlay,
  id: Uint8Array,
  validator: Address,
  said: Pick<Attestation, 'verdict' | 'height'> | undefined,
): void {
  const others = (attestations.find(state, id) ?? []).filter(
    (each) => !bytesEqual(each.validator, validator),
  );
  const kept = said !== undefined && others.length === MAX_VALIDATORS ? membersAmong(state, others) : others;
  const list = said === undefined ? kept : [...kept, { validator, ...said }].sort(byValidator);
  invariant(list.length <= MAX_VALIDATORS, 'the others of a set leave a place for each member');
  if (list.length === 0) attestations.remove(state, id);
  else attestations.write(state, list, id);
}

/** Members that can run it, with their word: both lists ascend, so one walk finds them. */
function capableMembers(
  set: ValidatorSet,
  said: readonly Attestation[],
): { member: ValidatorSet[number]; attestation: Attestation }[] {
  const found: { member: ValidatorSet[number]; attestation: Attestation }[] = [];
  let at = 0;
  for (const member of set) {
    while (isBefore(said[at], member.id)) at++;
    const attestation = said[at];
    if (attestation?.verdict === CAN_RUN && bytesEqual(attestation.validator, member.id)) {
      found.push({ member, attestation });
    }
  }
  return found;
}

function isBefore(attestation: Attestation | undefined, id: Address): boolean {
  return attestation !== undefined && compareBytes(attestation.validator, id) < 0;
}

function membersAmong(state: Reader, said: readonly Attestation[]): Attestation[] {
  const set = nextValidators(state);
  return said.filter(({ validator }) => set.some(({ id }) => bytesEqual(id, validator)));
}

function byValidator(a: Attestation, b: Attestation): number {
  return compareBytes(a.validator, b.validator);
}
