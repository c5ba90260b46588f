import { blsSigningKey, type SigningKey } from '../consensus/signer/local-signer.js';
import { peerIdBytes } from '../p2p/peer.js';
import type { Binding } from '../p2p/handshake.js';
import { peerBindingRoot, type ChainIdentity } from '../protocol/domains.js';
import { bytesEqual, toHex } from '../protocol/bytes.js';
import { OgpuError } from '../protocol/errors.js';
import { epochNumber } from '../state/staking/epoch-record.js';
import { keyAt, validators } from '../state/staking/validator.js';
import type { Reader } from '../state/store/store.js';
import { openKey } from './keys/keyring.js';
import { readKeyFile } from './keys/key-file.js';
import { readPasswordFile } from './keys/password.js';

export class ValidatorKeyError extends OgpuError<'VALIDATOR_KEY_KIND' | 'VALIDATOR_KEY_UNUSED'> {}

/** Who this node signs for. */
export interface ValidatorIdentity {
  /** The owner's address: the validator's id. */
  readonly id: Uint8Array;
  readonly key: SigningKey;
}

/**
 * Opens the key a node signs with.
 *
 * @throws ValidatorKeyError VALIDATOR_KEY_KIND; SecretFileError, KeystoreError, PasswordError as opening a key does
 */
export async function openValidatorIdentity(options: {
  readonly id: Uint8Array;
  readonly keystoreFile: string;
  readonly passwordFile: string;
}): Promise<ValidatorIdentity> {
  const { id, keystoreFile, passwordFile } = options;
  const key = await readKeyFile(keystoreFile);
  if (key.kind !== 'validator') {
    throw new ValidatorKeyError('VALIDATOR_KEY_KIND', 'not the key of a validator', {
      ...{ path: keystoreFile, kind: key.kind },
      cure: 'name the file that `ogpu keys new validator` made',
    });
  }
  const password = await readPasswordFile(passwordFile);
  const secret = await openKey({ ...key, file: keystoreFile }, password);
  return { id, key: blsSigningKey(secret) };
}

/**
 * The word of a validator that a peer speaks for it.
 *
 * @param peerId base58
 */
export function bindingOf({ id, key }: ValidatorIdentity, chain: ChainIdentity, peerId: string): Binding {
  return { validator: id, signature: key.sign(peerBindingRoot(chain, id, peerIdBytes(peerId))) };
}

/**
 * What an operator should know while this is not the key by which the ledger knows the validator in this epoch: nobody would count its votes,
 * and the node signs none.
 */
export function keyTrouble(state: Reader, { id, key }: ValidatorIdentity): ValidatorKeyError | undefined {
  const record = validators.find(state, id);
  const names = { owner: toHex(id), publicKey: toHex(key.publicKey) };
  if (record === undefined) {
    return new ValidatorKeyError('VALIDATOR_KEY_UNUSED', 'the owner has no validator on this chain yet', {
      ...{ ...names, cure: 'register it with: ogpu validator create' },
    });
  }
  const epoch = epochNumber(state);
  const inForce = keyAt(record, epoch);
  if (inForce !== undefined && bytesEqual(inForce, key.publicKey)) return undefined;
  const coming = record.keys.find(
    ({ blsPublicKey, fromEpoch }) => fromEpoch > epoch && bytesEqual(blsPublicKey, key.publicKey),
  );
  if (coming !== undefined) {
    const { fromEpoch } = coming;
    return new ValidatorKeyError('VALIDATOR_KEY_UNUSED', 'the key of the validator is not in force yet', {
      ...{ ...names, epoch, fromEpoch, cure: 'wait: the node begins to sign by itself with that epoch' },
    });
  }
  return new ValidatorKeyError('VALIDATOR_KEY_UNUSED', 'the validator has another key on this chain', {
    ...{ ...names, registered: inForce === undefined ? 'none' : toHex(inForce) },
    cure: 'start the node with the registered key, or rotate to this one: the node begins to sign by itself',
  });
}
