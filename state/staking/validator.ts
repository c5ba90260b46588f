import type { Address } from '../../protocol/address.js';
import { invariant } from '../../protocol/invariant.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import {
  byteList,
  bytes20,
  bytes48,
  bytes96,
  ContainerType,
  listOf,
  uint16,
  uint64,
  type ValueOf,
} from '../../protocol/ssz/types.js';
import { MAX_NAME_BYTES } from '../../protocol/names.js';
import { STATE_KEYS } from '../store/keys.js';
import { records } from '../store/record.js';
import type { Reader } from '../store/store.js';
import { HoldingType, StakePoolType } from './codecs.js';
import { MAX_KEPT_EPOCHS } from './epoch-record.js';

/** A rotation takes effect with the next epoch, so no more keys than epochs can be answerable at once. */
const MAX_KEYS = MAX_KEPT_EPOCHS + 2;

const ValidatorType = new ContainerType({
  /** For people; printable ASCII. */
  name: byteList(MAX_NAME_BYTES),
  /** Acts for the validator from day to day. */
  operator: bytes20,
  /** Receives its rewards and tips. */
  payout: bytes20,
  /** BLS keys by the epoch from which they sign, ascending; the last is the newest. */
  keys: listOf(new ContainerType({ blsPublicKey: bytes48, fromEpoch: uint64 }), MAX_KEYS),
  /** Keys it has had: the nonce of the next rotation's owner binding. */
  keyCount: uint64,
  /** Share of its rewards it keeps, in 1/10,000, and what it will be. */
  commission: new ContainerType({ bps: uint16, nextBps: uint16, nextFromEpoch: uint64, changedMs: uint64 }),
  /** Its own stake and its delegators'. */
  pool: StakePoolType,
  /** Its part in the rewards of the active set: shares follow its stake, none while it is not active. */
  seat: HoldingType,
  /** Until when it may not return; 0 while it is not jailed. */
  jailedUntilMs: uint64,
  /** One entry for ever once it has contradicted itself. */
  tombstone: listOf(new ContainerType({ epoch: uint64, slashBps: uint16 }), 1),
});

/** A validator, kept under its owner's address, which is its id for ever. */
export type Validator = Readonly<ValueOf<typeof ValidatorType>>;

export const validators = records(STATE_KEYS.validator, createCodec<Validator>('Validator', ValidatorType));

const KeyOwnerType = new ContainerType({
  validator: bytes20,
  /** As it was checked when the key came: for whoever has only the key and may not trust sums with it. */
  proofOfPossession: bytes96,
});

/** Whose a BLS key is or was: a key is used once, so that it stays answerable. */
export const keyOwners = records(
  STATE_KEYS.validatorKey,
  createCodec<ValueOf<typeof KeyOwnerType>>('KeyOwner', KeyOwnerType),
);

export function isTombstoned({ tombstone }: Validator): boolean {
  return tombstone.length > 0;
}

export function isActive({ seat }: Validator): boolean {
  return seat.shares > 0n;
}

export function isJailed({ jailedUntilMs }: Validator): boolean {
  return jailedUntilMs > 0;
}

/** The key that signs in `epoch`: undefined before the validator's first. */
export function keyAt({ keys }: Validator, epoch: number): Uint8Array | undefined {
  return keys.findLast(({ fromEpoch }) => fromEpoch <= epoch)?.blsPublicKey;
}

/** The commission on rewards of `epoch`, which is the present one or the next. */
export function commissionAt({ commission }: Validator, epoch: number): number {
  return epoch >= commission.nextFromEpoch ? commission.nextBps : commission.bps;
}

/**
 * The validator with that id in the record of a member of the active set, which is always there.
 *
 * @throws StateError STATE_ENTRY_MISSING when the state is damaged
 */
export function readMember(state: Reader, id: Address): Validator {
  const validator = validators.read(state, id);
  invariant(isActive(validator), 'a member of the active set has a seat');
  return validator;
}
