import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { bytesEqual } from '../../protocol/bytes.js';
import { bls, BlsError } from '../../protocol/crypto/bls.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { checkKdfBounds, STANDARD_SCRYPT, type KdfParams } from './kdf.js';
import { KeystoreError } from './keystore-error.js';
import {
  bareHex,
  hexBytes,
  parseFields,
  pbkdf2Fields,
  requireSupported,
  scryptFields,
  uuidText,
} from './keystore-schema.js';
import { openSecret, sealSecret, type SealedSecret } from './sealed-secret.js';

/** A BLS12-381 private key under a password, EIP-2335 (version 4). */
export interface Eip2335Keystore {
  readonly sealed: SealedSecret;
  /** Compressed G1 point, 48 bytes. Some tools leave it out; files written here always have it. */
  readonly publicKey: Uint8Array | undefined;
  /** EIP-2334 path the key was derived at; empty when it was not derived. */
  readonly path: string;
  readonly uuid: string;
  readonly description: string;
}

export interface Eip2335Options {
  /** EIP-2334 path of a derived key. */
  readonly path?: string;
  readonly description?: string;
  readonly uuid?: string;
  readonly kdf?: KdfParams;
}

/**
 * Encrypts a BLS secret key (32 bytes, big-endian) with AES-128-CTR under scrypt, checksum SHA-256.
 *
 * @throws KeystoreError KEYSTORE_SECRET_INVALID | KEYSTORE_KDF_BOUNDS | KEYSTORE_KDF_FAILED
 */
export async function sealEip2335(
  secretKey: Uint8Array,
  password: string,
  { path = '', description = '', uuid = randomUUID(), kdf = STANDARD_SCRYPT }: Eip2335Options = {},
): Promise<Eip2335Keystore> {
  const publicKey = blsPublicKey(secretKey);
  const sealed = await sealSecret(secretKey, encodeEip2335Password(password), kdf, sha256);
  return { sealed, publicKey, path, uuid, description };
}

/**
 * The BLS secret key, 32 bytes, checked against the public key in the file.
 *
 * @throws KeystoreError KEYSTORE_PASSWORD_WRONG | KEYSTORE_CHECKSUM_CORRUPT | KEYSTORE_PUBLIC_KEY_MISMATCH |
 * KEYSTORE_SECRET_INVALID | KEYSTORE_KDF_BOUNDS | KEYSTORE_KDF_FAILED
 */
export async function openEip2335(keystore: Eip2335Keystore, password: string): Promise<Uint8Array> {
  const { publicKey: expected, sealed } = keystore;
  const belongs = (candidate: Uint8Array): boolean => {
    const publicKey = tryPublicKey(candidate);
    return expected !== undefined && publicKey !== undefined && bytesEqual(publicKey, expected);
  };
  const secret = await openSecret(sealed, [encodeEip2335Password(password)], sha256, belongs);
  if (expected === undefined) blsPublicKey(secret);
  else if (!belongs(secret)) {
    throw new KeystoreError(
      'KEYSTORE_PUBLIC_KEY_MISMATCH',
      'the secret is not the one of the public key in the file',
      {
        publicKeyInFile: bareHex(expected),
        cure: 'restore the file from a backup, or correct its "pubkey" if you know why it differs',
      },
    );
  }
  return secret;
}

/**
 * NFKD, then C0, C1 and Delete control codes removed, then UTF-8 (EIP-2335, "Password requirements").
 */
export function encodeEip2335Password(password: string): Uint8Array {
  return new TextEncoder().encode(password.normalize('NFKD').replace(/\p{Cc}/gu, ''));
}

/**
 * Reads the JSON of a keystore; nothing is decrypted.
 *
 * @throws KeystoreError KEYSTORE_INVALID | KEYSTORE_VERSION_UNSUPPORTED | KEYSTORE_KDF_UNSUPPORTED |
 * KEYSTORE_CIPHER_UNSUPPORTED | KEYSTORE_CHECKSUM_UNSUPPORTED | KEYSTORE_KDF_BOUNDS
 */
export function parseEip2335(json: unknown): Eip2335Keystore {
  const { version, crypto } = parseFields(OUTLINE, json, FORMAT);
  requireSupported('KEYSTORE_VERSION_UNSUPPORTED', 'keystore version', version, [4]);
  requireSupported('KEYSTORE_KDF_UNSUPPORTED', 'key derivation function', crypto.kdf.function, [
    'scrypt',
    'pbkdf2',
  ]);
  requireSupported('KEYSTORE_CHECKSUM_UNSUPPORTED', 'checksum', crypto.checksum.function, ['sha256']);
  requireSupported('KEYSTORE_CIPHER_UNSUPPORTED', 'cipher', crypto.cipher.function, ['aes-128-ctr']);

  const fields = parseFields(KEYSTORE, json, FORMAT);
  const { kdf, checksum, cipher } = fields.crypto;
  const kdfParams: KdfParams =
    kdf.function === 'scrypt'
      ? { function: 'scrypt', n: kdf.params.n, r: kdf.params.r, p: kdf.params.p }
      : { function: 'pbkdf2', c: kdf.params.c };
  checkKdfBounds(kdfParams);
  return {
    sealed: {
      kdf: kdfParams,
      salt: kdf.params.salt,
      iv: cipher.params.iv,
      ciphertext: cipher.message,
      checksum: checksum.message,
    },
    publicKey: fields.pubkey,
    path: fields.path,
    uuid: fields.uuid,
    description: fields.description ?? '',
  };
}

/** The keystore as the JSON text of EIP-2335. */
export function formatEip2335({ sealed, publicKey, path, uuid, description }: Eip2335Keystore): string {
  const { function: name, ...params } = sealed.kdf;
  const prf = name === 'pbkdf2' ? { prf: 'hmac-sha256' } : {};
  const document = {
    crypto: {
      kdf: {
        function: name,
        params: { dklen: 32, ...params, ...prf, salt: bareHex(sealed.salt) },
        message: '',
      },
      checksum: { function: 'sha256', params: {}, message: bareHex(sealed.checksum) },
      cipher: {
        function: 'aes-128-ctr',
        params: { iv: bareHex(sealed.iv) },
        message: bareHex(sealed.ciphertext),
      },
    },
    description,
    pubkey: publicKey === undefined ? undefined : bareHex(publicKey),
    path,
    uuid,
    version: 4,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

const FORMAT = 'EIP-2335 keystore';

const NAMED = z.object({ function: z.string() });
const OUTLINE = z.object({
  version: z.number(),
  crypto: z.object({ kdf: NAMED, checksum: NAMED, cipher: NAMED }),
});

const KEYSTORE = z.object({
  crypto: z.object({
    kdf: z.discriminatedUnion('function', [
      z.object({ function: z.literal('scrypt'), params: z.object(scryptFields) }),
      z.object({ function: z.literal('pbkdf2'), params: z.object(pbkdf2Fields) }),
    ]),
    checksum: z.object({ message: hexBytes(32) }),
    cipher: z.object({ params: z.object({ iv: hexBytes(16) }), message: hexBytes(32) }),
  }),
  description: z.string().max(1024).nullish(),
  pubkey: hexBytes(48).optional(),
  path: z.string().max(256),
  uuid: uuidText,
});

/** The 48-byte public key of a secret. @throws KeystoreError KEYSTORE_SECRET_INVALID */
export function blsPublicKey(secretKey: Uint8Array): Uint8Array {
  const publicKey = tryPublicKey(secretKey);
  if (publicKey !== undefined) return publicKey;
  throw new KeystoreError('KEYSTORE_SECRET_INVALID', 'the secret is not a BLS12-381 private key', {
    cure: 'a private key has 32 bytes and is a number from 1 below the group order',
  });
}

function tryPublicKey(secretKey: Uint8Array): Uint8Array | undefined {
  try {
    return bls.publicKey(secretKey);
  } catch (error) {
    if (error instanceof BlsError) return undefined;
    throw error;
  }
}
