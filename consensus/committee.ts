import type { Address } from '../protocol/address.js';
import { compareBytes, toHex } from '../protocol/bytes.js';
import { bls as defaultBls, BlsError, type Bls, type BlsPublicKey } from '../protocol/crypto/bls.js';
import { OgpuError } from '../protocol/errors.js';
import { invariant } from '../protocol/invariant.js';
import { MAX_VALIDATORS } from '../protocol/limits.js';
import { validatorSetCodec, type Validator, type ValidatorSet } from '../protocol/types/validators.js';
import { totalPower } from './power.js';

/**
 * A validator set made ready for work: keys parsed, power added up, members found by id. Whoever makes one vouches that possession
 * of every key has been proved, since aggregates over rogue keys forge otherwise: the ledger does for the sets in its state, a light
 * client checks.
 */
export interface Committee {
  readonly set: ValidatorSet;
  /** SSZ root of the set: `validatorsHash` of the headers it decides. */
  readonly hash: Uint8Array;
  /** Parsed by `bls`, in the order of the set. */
  readonly keys: readonly BlsPublicKey[];
  readonly totalPower: number;
  readonly bls: Bls;
  /** Place of a member in the set. */
  indexOf(id: Address): number | undefined;
}

export class CommitteeError extends OgpuError<
  'COMMITTEE_EMPTY' | 'COMMITTEE_TOO_LARGE' | 'COMMITTEE_UNSORTED' | 'COMMITTEE_KEY'
> {}

/**
 * @param bls verifies what the members sign
 * @throws CommitteeError; PowerError
 */
export function createCommittee(set: ValidatorSet, bls: Bls = defaultBls): Committee {
  if (set.length === 0) throw new CommitteeError('COMMITTEE_EMPTY', 'a validator set has a member');
  if (set.length > MAX_VALIDATORS) {
    throw new CommitteeError('COMMITTEE_TOO_LARGE', `at most ${MAX_VALIDATORS} members`, {
      members: set.length,
    });
  }
  const places = new Map<string, number>();
  for (const [index, { id }] of set.entries()) {
    const before = set[index - 1];
    if (before !== undefined && compareBytes(before.id, id) >= 0) {
      throw new CommitteeError('COMMITTEE_UNSORTED', 'members ascend by id', { index });
    }
    places.set(toHex(id), index);
  }
  return {
    set,
    hash: validatorSetCodec.root(set),
    keys: set.map((member, index) => parseKey(bls, member, index)),
    totalPower: totalPower(set),
    bls,
    indexOf: (id) => places.get(toHex(id)),
  };
}

/** The member at a place that exists. */
export function memberAt(committee: Committee, index: number): Validator & { readonly key: BlsPublicKey } {
  const member = committee.set[index];
  const key = committee.keys[index];
  invariant(member !== undefined && key !== undefined, 'a place in a committee is below its size');
  return { ...member, key };
}

/** The key of a member; undefined for anybody else. */
export function keyOf(committee: Committee, id: Address): BlsPublicKey | undefined {
  const index = committee.indexOf(id);
  return index === undefined ? undefined : committee.keys[index];
}

function parseKey(bls: Bls, { blsPublicKey }: Validator, index: number): BlsPublicKey {
  try {
    return bls.parsePublicKey(blsPublicKey);
  } catch (error) {
    if (!(error instanceof BlsError)) throw error;
    throw new CommitteeError(
      'COMMITTEE_KEY',
      `the key of member ${index} is none`,
      { index },
      { cause: error },
    );
  }
}
