import { addressFromPublicKey, toChecksumAddress, type Address } from '../../protocol/address.js';
import { secp256k1 } from '../../protocol/crypto/secp256k1.js';
import { findKey, openKey } from '../keys/keyring.js';
import { readPasswordFile, type PromptPassword } from '../keys/password.js';
import { ClientError } from './errors.js';

/** An account whose key is at hand: it signs here, and the key goes nowhere. */
export interface Wallet {
  readonly address: Address;
  readonly secretKey: Uint8Array;
}

export interface WalletOptions {
  /** Folder of the keys. */
  readonly keys: string;
  /** Which key: see `findKey`. */
  readonly from: string;
  readonly passwordFile?: string;
}

/** @throws KeyringError, SecretFileError, KeystoreError, PasswordError, ClientError CLIENT_KEY_KIND */
export async function openWallet(
  { keys, from, passwordFile }: WalletOptions,
  askPassword: PromptPassword,
): Promise<Wallet> {
  const key = await findKey(keys, from);
  if (key.kind !== 'account') {
    const data = {
      path: key.file,
      kind: key.kind,
      cure: 'name the key of an account with --from: ogpu keys list',
    };
    throw new ClientError('CLIENT_KEY_KIND', 'not the key of an account', data);
  }
  const { address } = key.keystore;
  const of = address === undefined ? key.file : toChecksumAddress(address);
  const password =
    passwordFile === undefined
      ? await askPassword(`Password of ${of}: `)
      : await readPasswordFile(passwordFile);
  const secretKey = await openKey(key, password);
  return { address: addressFromPublicKey(secp256k1.publicKey(secretKey)), secretKey };
}
