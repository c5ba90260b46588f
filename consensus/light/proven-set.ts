import { bytesEqual, toHex } from '../../protocol/bytes.js';
import type { Bls } from '../../protocol/crypto/bls.js';
import type { ValidatorSet } from '../../protocol/types/validators.js';
import { CommitteeError, createCommittee, type Committee } from '../committee.js';
import { PowerError } from '../power.js';
import { LightError } from './errors.js';

/** A BLS key and its owner's proof of possession. It proves itself: anybody may serve it. */
export interface KeyPossession {
  readonly blsPublicKey: Uint8Array;
  /** PopProve of the key, 96 bytes. */
  readonly proof: Uint8Array;
}

/** What a client knows when a set is served to it. */
export interface KnownSets {
  readonly bls: Bls;
  /** Possession of all their keys was proved. */
  readonly known: readonly Committee[];
}

/**
 * The committee of a set that an outsider served. A known one of that hash is taken instead of what was served. Possession of its keys is
 * not looked at yet.
 *
 * @param expectedHash what a header names; undefined when the set is trusted for itself
 * @throws LightError LIGHT_SET_HASH | LIGHT_SET_INVALID
 */
export function servedCommittee(
  set: ValidatorSet,
  expectedHash: Uint8Array | undefined,
  { bls, known }: KnownSets,
): Committee {
  const same = known.find(({ hash }) => expectedHash !== undefined && bytesEqual(hash, expectedHash));
  if (same !== undefined) return same;
  const committee = parsed(set, bls);
  if (expectedHash !== undefined && !bytesEqual(committee.hash, expectedHash)) {
    throw new LightError('LIGHT_SET_HASH', 'the validator set is not the one the header names', {
      expected: toHex(expectedHash),
    });
  }
  return committee;
}

/**
 * Checks that possession is proved of every key that is in no known committee. Without that, a member could name as its key what is left
 * of its own after the others' are taken away, and sign for all of them.
 *
 * @throws LightError LIGHT_POSSESSION
 */
export function checkPossession(
  committee: Committee,
  possessions: readonly KeyPossession[],
  { bls, known }: KnownSets,
): void {
  if (known.includes(committee)) return;
  const knownKeys = new Set(known.flatMap(({ keys }) => keys.map(({ bytes }) => toHex(bytes))));
  const proofs = new Map(possessions.map(({ blsPublicKey, proof }) => [toHex(blsPublicKey), proof]));
  for (const { bytes } of committee.keys) {
    const name = toHex(bytes);
    const proof = proofs.get(name);
    if (knownKeys.has(name) || (proof !== undefined && bls.verifyPossession(bytes, proof))) continue;
    const reason = proof === undefined ? 'missing' : 'false';
    throw new LightError('LIGHT_POSSESSION', `the proof of possession of a new key is ${reason}`, {
      ...{ blsPublicKey: name, reason },
    });
  }
}

/** Both. */
export function provenCommittee(
  set: ValidatorSet,
  expectedHash: Uint8Array | undefined,
  possessions: readonly KeyPossession[],
  knownSets: KnownSets,
): Committee {
  const committee = servedCommittee(set, expectedHash, knownSets);
  checkPossession(committee, possessions, knownSets);
  return committee;
}

function parsed(set: ValidatorSet, bls: Bls): Committee {
  try {
    return createCommittee(set, bls);
  } catch (error) {
    if (!(error instanceof CommitteeError) && !(error instanceof PowerError)) throw error;
    throw new LightError(
      'LIGHT_SET_INVALID',
      'what the header names is no validator set',
      {},
      { cause: error },
    );
  }
}
