import { formatEip2335, parseEip2335, type Eip2335Keystore } from './eip2335.js';
import { atPath, KeystoreError } from './keystore-error.js';
import {
  formatNodeIdentity,
  isIdentityProtobuf,
  nodeIdentityFromProtobuf,
  parseNodeIdentity,
  type NodeIdentity,
} from './node-identity.js';
import { createSecretFile, readSecretFile, replaceSecretFile } from './secret-file.js';
import { formatWeb3, parseWeb3, type Web3Keystore } from './web3-secret-storage.js';

export const KEY_KINDS = ['validator', 'account', 'node'] as const;
export type KeyKind = (typeof KEY_KINDS)[number];
/** A kind of key that a file encrypts. */
export type SealedKind = Exclude<KeyKind, 'node'>;

export interface ValidatorKey {
  readonly kind: 'validator';
  readonly keystore: Eip2335Keystore;
}

export interface AccountKey {
  readonly kind: 'account';
  readonly keystore: Web3Keystore;
}

export interface NodeKey {
  readonly kind: 'node';
  readonly identity: NodeIdentity;
}

/** A key as it lies on disk: validator and account keys are still encrypted. */
export type Key = ValidatorKey | AccountKey | NodeKey;

/**
 * Reads a key file of any kind; nothing is decrypted.
 *
 * @throws SecretFileError
 * @throws KeystoreError KEYSTORE_FORMAT_UNKNOWN and what `parseEip2335`, `parseWeb3` and `parseNodeIdentity` throw
 */
export async function readKeyFile(path: string): Promise<Key> {
  const bytes = await readSecretFile(path);
  return atPath(path, () => parseKey(bytes));
}

/** @throws SecretFileError SECRET_FILE_EXISTS and what `createSecretFile` throws */
export async function createKeyFile(path: string, key: Key): Promise<void> {
  await createSecretFile(path, new TextEncoder().encode(formatKey(key)));
}

/** @throws SecretFileError what `replaceSecretFile` throws */
export async function replaceKeyFile(path: string, key: Key): Promise<void> {
  await replaceSecretFile(path, new TextEncoder().encode(formatKey(key)));
}

/**
 * Recognises EIP-2335, Web3 Secret Storage and libp2p identities (JSON or bare protobuf) by their shape, so that a
 * newer version of a format is reported as that and not as rubbish.
 */
export async function parseKey(bytes: Uint8Array): Promise<Key> {
  if (isIdentityProtobuf(bytes)) return { kind: 'node', identity: await nodeIdentityFromProtobuf(bytes) };
  const json = parseJson(bytes);
  if (typeof json === 'object' && json !== null) {
    if ('privKey' in json) return { kind: 'node', identity: await parseNodeIdentity(json) };
    if ('Crypto' in json) return { kind: 'account', keystore: parseWeb3(json) };
    if ('crypto' in json) return hasModules(json.crypto) ? validator(json) : account(json);
  }
  throw unknownFormat();
}

function formatKey(key: Key): string {
  switch (key.kind) {
    case 'validator':
      return formatEip2335(key.keystore);
    case 'account':
      return formatWeb3(key.keystore);
    case 'node':
      return formatNodeIdentity(key.identity);
  }
}

function validator(json: object): ValidatorKey {
  return { kind: 'validator', keystore: parseEip2335(json) };
}

function account(json: object): AccountKey {
  return { kind: 'account', keystore: parseWeb3(json) };
}

/** EIP-2335 describes its functions as objects, Web3 Secret Storage names them. */
function hasModules(crypto: unknown): boolean {
  if (typeof crypto !== 'object' || crypto === null || !('kdf' in crypto)) return false;
  return typeof crypto.kdf === 'object';
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // The parser's message would quote the file, which may hold a secret.
    throw unknownFormat();
  }
}

function unknownFormat(): KeystoreError {
  return new KeystoreError('KEYSTORE_FORMAT_UNKNOWN', 'not a key file of a known format', {
    supported: ['EIP-2335 (validator)', 'Web3 Secret Storage v3 (account)', 'libp2p Ed25519 identity (node)'],
    cure: 'check that this is the file you meant; a bare private key can be imported with --as',
  });
}
