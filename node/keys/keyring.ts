import { readdir } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { toHex } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import { blsPublicKey, openEip2335, sealEip2335 } from './eip2335.js';
import {
  createKeyFile,
  readKeyFile,
  replaceKeyFile,
  type AccountKey,
  type Key,
  type NodeKey,
  type SealedKind,
  type ValidatorKey,
} from './key-file.js';
import { STANDARD_SCRYPT, type KdfParams } from './kdf.js';
import { atPath, KeystoreError } from './keystore-error.js';
import { generateNodeIdentity, type NodeIdentity } from './node-identity.js';
import { checkNewPassword } from './password.js';
import { SecretFileError } from './secret-file.js';
import { accountAddress, openWeb3, sealWeb3 } from './web3-secret-storage.js';

export class KeyringError extends OgpuError<
  | 'KEYRING_KEY_NOT_FOUND'
  | 'KEYRING_KEY_AMBIGUOUS'
  | 'KEYRING_KEY_KIND'
  | 'KEYRING_TOO_MANY_FILES'
  | 'KEYRING_IO'
> {}

/** A key and where it lies. */
export type Stored<AnyKey extends Key = Key> = AnyKey & { readonly file: string };

export interface SealOptions {
  readonly path?: string;
  readonly description?: string;
  readonly kdf?: KdfParams;
}

/** The one identity of a node, found by name so that the node can start unattended. */
export const NODE_KEY_NAME = 'node-key.json';
export const MAX_KEY_FILES = 4096;

/**
 * Encrypts a BLS secret key for a file of `folder`, named by its public key: the same key cannot be stored twice.
 * Nothing is written before `storeKey`.
 *
 * @throws KeystoreError, PasswordError
 */
export async function sealValidatorKey(
  folder: string,
  secretKey: Uint8Array,
  password: string,
  options: SealOptions = {},
): Promise<Stored<ValidatorKey>> {
  const keystore = await sealEip2335(secretKey, checkNewPassword(password), options);
  return { kind: 'validator', keystore, file: sealedKeyFile(folder, 'validator', secretKey) };
}

/** As `sealValidatorKey`, for the secp256k1 private key of an account. */
export async function sealAccountKey(
  folder: string,
  privateKey: Uint8Array,
  password: string,
  { kdf = STANDARD_SCRYPT }: SealOptions = {},
): Promise<Stored<AccountKey>> {
  const keystore = await sealWeb3(privateKey, checkNewPassword(password), { kdf });
  return { kind: 'account', keystore, file: sealedKeyFile(folder, 'account', privateKey) };
}

/** Writes the new file of a key. @throws SecretFileError */
export async function storeKey<AnyKey extends Key>(key: Stored<AnyKey>): Promise<Stored<AnyKey>> {
  await createKeyFile(key.file, key);
  return key;
}

/** @throws SecretFileError, KeystoreError, PasswordError */
export async function storeValidatorKey(
  ...key: Parameters<typeof sealValidatorKey>
): Promise<Stored<ValidatorKey>> {
  return storeKey(await sealValidatorKey(...key));
}

/** @throws SecretFileError, KeystoreError, PasswordError */
export async function storeAccountKey(
  ...key: Parameters<typeof sealAccountKey>
): Promise<Stored<AccountKey>> {
  return storeKey(await sealAccountKey(...key));
}

/** Where the key of this secret goes. @throws KeystoreError KEYSTORE_SECRET_INVALID */
export function sealedKeyFile(folder: string, kind: SealedKind, secretKey: Uint8Array): string {
  const publicPart = kind === 'validator' ? blsPublicKey(secretKey) : accountAddress(secretKey);
  return join(folder, `${kind}-${toHex(publicPart)}.json`);
}

/**
 * Writes a node identity, a new one by default. It is not encrypted: the node must start without a person, and it
 * holds no stake and no coins.
 *
 * @throws SecretFileError SECRET_FILE_EXISTS when the folder has an identity
 */
export async function storeNodeIdentity(folder: string, identity?: NodeIdentity): Promise<Stored<NodeKey>> {
  return storeKey({
    kind: 'node',
    identity: identity ?? (await generateNodeIdentity()),
    file: join(folder, NODE_KEY_NAME),
  });
}

/** @throws SecretFileError, KeystoreError, KeyringError KEYRING_KEY_KIND */
export async function loadNodeIdentity(folder: string): Promise<NodeIdentity> {
  const file = join(folder, NODE_KEY_NAME);
  const key = await readKeyFile(file);
  if (key.kind === 'node') return key.identity;
  throw new KeyringError('KEYRING_KEY_KIND', 'the file holds no node identity', {
    path: file,
    kind: key.kind,
    cure: `rename the file and make an identity with: ogpu keys new node --dir '${folder}'`,
  });
}

/**
 * The secret of an encrypted key: 32 bytes.
 *
 * @throws KeystoreError with the path of the file, KEYSTORE_PASSWORD_WRONG above all
 */
export function openKey(key: Stored<ValidatorKey | AccountKey>, password: string): Promise<Uint8Array> {
  return atPath(key.file, () =>
    key.kind === 'validator' ? openEip2335(key.keystore, password) : openWeb3(key.keystore, password),
  );
}

/**
 * Encrypts the key anew and replaces its file in one step; id, path and description stay.
 *
 * @throws SecretFileError, KeystoreError, PasswordError
 */
export async function changePassword(
  key: Stored<ValidatorKey | AccountKey>,
  oldPassword: string,
  newPassword: string,
  kdf: KdfParams = STANDARD_SCRYPT,
): Promise<void> {
  checkNewPassword(newPassword);
  const secret = await openKey(key, oldPassword);
  if (key.kind === 'validator') {
    const { path, description, uuid } = key.keystore;
    const keystore = await sealEip2335(secret, newPassword, { path, description, uuid, kdf });
    await replaceKeyFile(key.file, { kind: 'validator', keystore });
  } else {
    const keystore = await sealWeb3(secret, newPassword, { id: key.keystore.id, kdf });
    await replaceKeyFile(key.file, { kind: 'account', keystore });
  }
}

export interface KeyList {
  readonly keys: readonly Stored[];
  /** Files that should be keys and are not usable, with the reason. */
  readonly faults: readonly { readonly file: string; readonly error: SecretFileError | KeystoreError }[];
}

/**
 * All `*.json` of the folder by name. One bad file does not hide the others.
 *
 * @throws KeyringError KEYRING_TOO_MANY_FILES | KEYRING_IO
 */
export async function listKeys(folder: string): Promise<KeyList> {
  const keys: Stored[] = [];
  const faults: { file: string; error: SecretFileError | KeystoreError }[] = [];
  for (const name of await keyFileNames(folder)) {
    const file = join(folder, name);
    try {
      keys.push({ ...(await readKeyFile(file)), file });
    } catch (error) {
      if (!(error instanceof SecretFileError) && !(error instanceof KeystoreError)) throw error;
      faults.push({ file, error });
    }
  }
  return { keys, faults };
}

/**
 * The key that `name` means: a path, the name of a file in `folder` (with or without .json), or an unambiguous part of
 * one, such as the first digits of a public key or address.
 *
 * @throws KeyringError KEYRING_KEY_NOT_FOUND | KEYRING_KEY_AMBIGUOUS
 * @throws SecretFileError, KeystoreError
 */
export async function findKey(folder: string, name: string): Promise<Stored> {
  const file = name.includes(sep) ? resolve(name) : join(folder, await matchName(folder, name));
  return { ...(await readKeyFile(file)), file };
}

async function matchName(folder: string, name: string): Promise<string> {
  const names = await keyFileNames(folder);
  const wanted = name.toLowerCase();
  const exact = names.find((candidate) => candidate === name || candidate === `${name}.json`);
  const matches =
    exact === undefined ? names.filter((candidate) => candidate.toLowerCase().includes(wanted)) : [exact];
  const [match, ...others] = matches;
  if (match === undefined) {
    throw new KeyringError('KEYRING_KEY_NOT_FOUND', `no key in the folder matches ${name}`, {
      folder,
      cure: `see what is there: ogpu keys list --dir '${folder}'`,
    });
  }
  if (others.length > 0) {
    throw new KeyringError('KEYRING_KEY_AMBIGUOUS', `${matches.length} keys match ${name}`, {
      folder,
      matches: matches.slice(0, 8),
      cure: 'give more of the name',
    });
  }
  return match;
}

/** Names of the key files, sorted; dotfiles are unfinished writes. */
async function keyFileNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const cure = 'choose the folder with --dir, or make a first key with: ogpu keys new';
    throw new KeyringError('KEYRING_IO', `cannot list the keys: ${reason}`, { folder, cure }, { cause });
  });
  const names = entries.filter((entry) => entry.endsWith('.json') && !entry.startsWith('.')).sort();
  if (names.length > MAX_KEY_FILES) {
    throw new KeyringError(
      'KEYRING_TOO_MANY_FILES',
      `the folder has more than ${MAX_KEY_FILES} .json files`,
      {
        folder,
        cure: 'keep keys in a folder of their own',
      },
    );
  }
  return names;
}
