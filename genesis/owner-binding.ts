import type { Address } from '../protocol/address.js';
import { bls, type BlsPublicKey } from '../protocol/crypto/bls.js';
import { NO_GENESIS_ID, ownerBindingRoot } from '../protocol/domains.js';

/** Nonce of the key a validator starts with; every rotation uses the next. */
const FIRST_KEY_NONCE = 0;

/** For which chain a key accepts its owner. */
export interface BindingChain {
  readonly chainId: number;
  /** Version active at height 0. */
  readonly protocolVersion: number;
}

/**
 * A BLS key's signature accepting `owner` as its owner, for a genesis document: without it anybody could list a key
 * copied from somebody else's entry as his own.
 *
 * @returns 96 bytes
 * @throws BlsError BLS_SECRET_KEY
 */
export function bindOwner(secretKey: Uint8Array, chain: BindingChain, owner: Address): Uint8Array {
  return bls.sign(secretKey, bindingMessage(chain, owner));
}

export function verifyOwnerBinding(
  key: BlsPublicKey,
  chain: BindingChain,
  owner: Address,
  signature: Uint8Array,
): boolean {
  return bls.verify(key, bindingMessage(chain, owner), signature);
}

function bindingMessage(chain: BindingChain, owner: Address): Uint8Array {
  const identity = { ...chain, genesisId: NO_GENESIS_ID };
  return ownerBindingRoot(identity, 'validator-registration', owner, FIRST_KEY_NONCE);
}
