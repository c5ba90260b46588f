import type { Address } from '../../protocol/address.js';
import { bls, BlsError, type BlsPublicKey } from '../../protocol/crypto/bls.js';
import { ownerBindingRoot } from '../../protocol/domains.js';
import { asciiBytes, isName } from '../../protocol/names.js';
import { Revert } from '../modules/module.js';
import type { Overlay } from '../store/overlay.js';
import type { Reader } from '../store/store.js';
import type { Scope } from '../transition/block-context.js';
import { ERRORS, EVENTS } from './abi.js';
import { delegate } from './delegating.js';
import { oldestEpoch } from './epoch-record.js';
import { knownValidator } from './position.js';
import { EMPTY_HOLDING } from './reward-pool.js';
import { EMPTY_POOL } from './stake-pool.js';
import { keyOwners, validators, type Validator } from './validator.js';

/** What an owner says when it registers a validator. */
export interface Registration {
  readonly name: string;
  readonly operator: Address;
  readonly payout: Address;
  readonly commissionBps: number;
  readonly key: KeyProof;
}

/** A BLS key and what shows that it may be used by this owner. */
export interface KeyProof {
  readonly blsPublicKey: Uint8Array;
  /** PopProve: without it sums of keys could be forged. */
  readonly proofOfPossession: Uint8Array;
  /** The key's signature that accepts the owner: a key copied from somebody else's transaction has none. */
  readonly ownerBinding: Uint8Array;
}

/** Makes the owner a validator with `stakeWei` of its own, which it has handed over. It can be active from the next epoch on. */
export function register(scope: Scope, owner: Address, terms: Registration, stakeWei: bigint): void {
  const { state, block } = scope;
  const { minSelfStakeWei } = block.params.staking;
  if (validators.find(state, owner) !== undefined) throw new Revert(ERRORS.AlreadyRegistered, [owner]);
  if (stakeWei < minSelfStakeWei) throw new Revert(ERRORS.SelfStakeTooLow, [minSelfStakeWei, stakeWei]);
  checkTerms(terms);
  checkKey(scope, terms.key, owner, 0);
  const fromEpoch = block.epoch + 1;
  writeNewValidator(state, owner, terms, { fromEpoch, changedMs: block.timeMs });
  scope.emit(EVENTS.ValidatorRegistered, [owner, terms.key.blsPublicKey, stakeWei]);
  delegate(scope, owner, owner, stakeWei);
}

/** Stores a validator without stake. */
export function writeNewValidator(
  state: Overlay,
  owner: Address,
  {
    name,
    operator,
    payout,
    commissionBps,
    key,
  }: Omit<Registration, 'key'> & { key: Omit<KeyProof, 'ownerBinding'> },
  { fromEpoch, changedMs }: { readonly fromEpoch: number; readonly changedMs: number },
): void {
  const validator: Validator = {
    name: asciiBytes(name),
    operator,
    payout,
    keys: [{ blsPublicKey: key.blsPublicKey, fromEpoch }],
    keyCount: 1,
    commission: { bps: commissionBps, nextBps: commissionBps, nextFromEpoch: fromEpoch, changedMs },
    pool: EMPTY_POOL,
    seat: EMPTY_HOLDING,
    jailedUntilMs: 0,
    tombstone: [],
  };
  validators.write(state, validator, owner);
  writeKeyOwner(state, owner, key);
}

/** Changes the key that signs from the next epoch on. Keys it had stay answerable as long as evidence is accepted. */
export function rotateKey(scope: Scope, id: Address, key: KeyProof): void {
  const { state, block } = scope;
  const validator = knownValidator(scope, id);
  const newest = validator.keys.at(-1);
  if (newest !== undefined && newest.fromEpoch > block.epoch) {
    throw new Revert(ERRORS.RotationPending, [BigInt(newest.fromEpoch)]);
  }
  checkKey(scope, key, id, validator.keyCount);
  const fromEpoch = block.epoch + 1;
  const keys = [...answerableKeys(state, validator), { blsPublicKey: key.blsPublicKey, fromEpoch }];
  validators.write(state, { ...validator, keys, keyCount: validator.keyCount + 1 }, id);
  writeKeyOwner(state, id, key);
  scope.emit(EVENTS.KeyRotated, [id, key.blsPublicKey, BigInt(fromEpoch)]);
}

function writeKeyOwner(
  state: Overlay,
  validator: Address,
  { blsPublicKey, proofOfPossession }: Omit<KeyProof, 'ownerBinding'>,
): void {
  keyOwners.write(state, { validator, proofOfPossession }, blsPublicKey);
}

/** Keys without those that were replaced so long ago that nothing signed with them can be proved. */
function answerableKeys(state: Reader, { keys }: Validator): Validator['keys'] {
  const oldest = oldestEpoch(state);
  return keys.filter((_, index) => {
    const successor = keys[index + 1];
    return successor === undefined || successor.fromEpoch > oldest;
  });
}

function checkTerms({ name, operator, payout, commissionBps }: Registration): void {
  if (!isName(name)) throw new Revert(ERRORS.InvalidName, []);
  assertUsable(operator);
  assertUsable(payout);
  if (commissionBps > 10_000) throw new Revert(ERRORS.CommissionTooHigh, [10_000n, BigInt(commissionBps)]);
}

/** @throws Revert InvalidAddress for the zero address, which nobody has the key of */
export function assertUsable(address: Address): void {
  if (address.every((byte) => byte === 0)) throw new Revert(ERRORS.InvalidAddress, []);
}

/** Cheap checks first: the proof of possession takes as long as a thousand transfers. */
function checkKey({ state, block }: Scope, key: KeyProof, owner: Address, nonce: number): void {
  const parsed = parseKey(key.blsPublicKey);
  const user = keyOwners.find(state, key.blsPublicKey);
  if (user !== undefined) throw new Revert(ERRORS.BlsKeyUsed, [user.validator]);
  const purpose = nonce === 0 ? 'validator-registration' : 'validator-key-rotation';
  const binding = ownerBindingRoot(block.identity, purpose, owner, nonce);
  if (!bls.verify(parsed, binding, key.ownerBinding)) {
    throw new Revert(ERRORS.InvalidOwnerBinding, [BigInt(nonce)]);
  }
  if (!bls.verifyPossession(key.blsPublicKey, key.proofOfPossession)) {
    throw new Revert(ERRORS.InvalidProofOfPossession, []);
  }
}

function parseKey(bytes: Uint8Array): BlsPublicKey {
  try {
    return bls.parsePublicKey(bytes);
  } catch (error) {
    if (error instanceof BlsError) throw new Revert(ERRORS.InvalidBlsKey, []);
    throw error;
  }
}
