import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { bls as defaultBls, type Bls } from '../../protocol/crypto/bls.js';
import type { ChainIdentity } from '../../protocol/domains.js';
import { blockId, type Header } from '../../protocol/types/header.js';
import type { ValidatorSet } from '../../protocol/types/validators.js';
import type { Committee } from '../committee.js';
import { LightError } from './errors.js';
import { provenCommittee, type KeyPossession } from './proven-set.js';

export interface LightOptions {
  /** The chain as active at a height. */
  readonly chainAt: (height: number) => ChainIdentity;
  /** How long a header is trusted, from its time. Well below the unbonding time: after it, whoever signed has nothing left to lose. */
  readonly trustingPeriodMs: number;
  /** How far a header may be ahead of this clock. */
  readonly maxClockDriftMs: number;
  /** The fastest that loads here unless told otherwise. */
  readonly bls?: Bls;
}

/** What a light client believes: a moment of the chain and who decides the height after it. */
export interface TrustPoint {
  readonly height: number;
  readonly timeMs: number;
  /** Decides `height` + 1; possession of every key was proved. */
  readonly nextCommittee: Committee;
}

/** A believed header. Entries of the state after it are proved against its `stateRoot`. */
export interface TrustedHeader extends TrustPoint {
  readonly header: Header;
}

/**
 * To begin with: the genesis.
 *
 * @param possessions one for each key
 * @throws LightError LIGHT_SET_INVALID | LIGHT_POSSESSION
 */
export function trustGenesis(
  genesisTimeMs: number,
  validators: ValidatorSet,
  possessions: readonly KeyPossession[],
  { bls = defaultBls }: Pick<LightOptions, 'bls'> = {},
): TrustPoint {
  const nextCommittee = provenCommittee(validators, undefined, possessions, { bls, known: [] });
  return { height: 0, timeMs: genesisTimeMs, nextCommittee };
}

/**
 * To begin with: a header whose id is known to be right from elsewhere, such as a friend, an explorer, an operator.
 *
 * @throws LightError LIGHT_HEADER_ID | LIGHT_SET_HASH | LIGHT_SET_INVALID | LIGHT_POSSESSION
 */
export function trustHeader(
  header: Header,
  expectedId: Uint8Array,
  nextValidators: ValidatorSet,
  possessions: readonly KeyPossession[],
  { bls = defaultBls }: Pick<LightOptions, 'bls'> = {},
): TrustedHeader {
  const id = blockId(header);
  if (!bytesEqual(id, expectedId)) {
    throw new LightError('LIGHT_HEADER_ID', 'the header is another one', {
      ...{ height: header.height, id: toHex(id), expected: toHex(expectedId) },
    });
  }
  const expectedHash = header.nextValidatorsHash;
  const nextCommittee = provenCommittee(nextValidators, expectedHash, possessions, { bls, known: [] });
  return { height: header.height, timeMs: header.timeMs, nextCommittee, header };
}
