import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { addressFromPublicKey, toChecksumAddress, type Address } from '../../protocol/address.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { keccak256 } from '../../protocol/crypto/hash.js';
import { secp256k1, Secp256k1Error } from '../../protocol/crypto/secp256k1.js';
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

/** An account's secp256k1 private key under a password, Web3 Secret Storage Definition version 3. */
export interface Web3Keystore {
  readonly sealed: SealedSecret;
  /** The definition makes it optional (privacy); files written here always have it. */
  readonly address: Address | undefined;
  readonly id: string;
}

export interface Web3Options {
  readonly id?: string;
  readonly kdf?: KdfParams;
}

/**
 * Encrypts a secp256k1 private key (32 bytes) with AES-128-CTR under scrypt, MAC keccak-256.
 *
 * @throws KeystoreError KEYSTORE_SECRET_INVALID | KEYSTORE_KDF_BOUNDS | KEYSTORE_KDF_FAILED
 */
export async function sealWeb3(
  privateKey: Uint8Array,
  password: string,
  { id = randomUUID(), kdf = STANDARD_SCRYPT }: Web3Options = {},
): Promise<Web3Keystore> {
  const address = accountAddress(privateKey);
  const [encoded] = encodeWeb3Password(password);
  const sealed = await sealSecret(privateKey, encoded, kdf, keccak256);
  return { sealed, address, id };
}

/**
 * The private key, 32 bytes, checked against the address in the file.
 *
 * @throws KeystoreError KEYSTORE_PASSWORD_WRONG | KEYSTORE_CHECKSUM_CORRUPT | KEYSTORE_PUBLIC_KEY_MISMATCH |
 * KEYSTORE_SECRET_INVALID | KEYSTORE_KDF_BOUNDS | KEYSTORE_KDF_FAILED
 */
export async function openWeb3(keystore: Web3Keystore, password: string): Promise<Uint8Array> {
  const { address: expected, sealed } = keystore;
  const belongs = (candidate: Uint8Array): boolean => {
    const address = tryAddress(candidate);
    return expected !== undefined && address !== undefined && bytesEqual(address, expected);
  };
  const opened = await openSecret(sealed, encodeWeb3Password(password), keccak256, (secret) =>
    belongs(padKey(secret)),
  );
  const secret = padKey(opened);
  if (expected === undefined) accountAddress(secret);
  else if (!belongs(secret)) {
    throw new KeystoreError(
      'KEYSTORE_PUBLIC_KEY_MISMATCH',
      'the secret is not the one of the address in the file',
      {
        addressInFile: toChecksumAddress(expected),
        cure: 'restore the file from a backup, or correct its "address" if you know why it differs',
      },
    );
  }
  return secret;
}

/**
 * UTF-8 of the password's NFKC form, as ethers writes it, then of the password as typed, as geth does, where they
 * differ. The definition is silent about Unicode.
 */
export function encodeWeb3Password(password: string): readonly [Uint8Array, ...Uint8Array[]] {
  const encoder = new TextEncoder();
  const normalized = password.normalize('NFKC');
  const first = encoder.encode(normalized);
  return normalized === password ? [first] : [first, encoder.encode(password)];
}

/** The 20-byte address of a private key. @throws KeystoreError KEYSTORE_SECRET_INVALID */
export function accountAddress(privateKey: Uint8Array): Address {
  const address = tryAddress(privateKey);
  if (address !== undefined) return address;
  throw new KeystoreError('KEYSTORE_SECRET_INVALID', 'the secret is not a secp256k1 private key', {
    cure: 'a private key has 32 bytes and is a number from 1 below the group order',
  });
}

/**
 * Reads the JSON of a keystore; nothing is decrypted.
 *
 * @throws KeystoreError KEYSTORE_INVALID | KEYSTORE_VERSION_UNSUPPORTED | KEYSTORE_KDF_UNSUPPORTED |
 * KEYSTORE_CIPHER_UNSUPPORTED | KEYSTORE_KDF_BOUNDS
 */
export function parseWeb3(json: unknown): Web3Keystore {
  const value = withLowerCaseCrypto(json);
  const { version, crypto } = parseFields(OUTLINE, value, FORMAT);
  requireSupported('KEYSTORE_VERSION_UNSUPPORTED', 'keystore version', version, [3]);
  requireSupported('KEYSTORE_KDF_UNSUPPORTED', 'key derivation function', crypto.kdf, ['scrypt', 'pbkdf2']);
  requireSupported('KEYSTORE_CIPHER_UNSUPPORTED', 'cipher', crypto.cipher, ['aes-128-ctr']);

  const fields = parseFields(KEYSTORE, value, FORMAT);
  const { kdf, kdfparams } = fields.crypto;
  const kdfParams: KdfParams =
    kdf === 'scrypt'
      ? { function: 'scrypt', n: kdfparams.n, r: kdfparams.r, p: kdfparams.p }
      : { function: 'pbkdf2', c: kdfparams.c };
  checkKdfBounds(kdfParams);
  return {
    sealed: {
      kdf: kdfParams,
      salt: kdfparams.salt,
      iv: fields.crypto.cipherparams.iv,
      ciphertext: fields.crypto.ciphertext,
      checksum: fields.crypto.mac,
    },
    address: fields.address,
    id: fields.id,
  };
}

/** The keystore as JSON text. */
export function formatWeb3({ sealed, address, id }: Web3Keystore): string {
  const { function: kdf, ...params } = sealed.kdf;
  const prf = kdf === 'pbkdf2' ? { prf: 'hmac-sha256' } : {};
  const document = {
    address: address === undefined ? undefined : bareHex(address),
    crypto: {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: bareHex(sealed.iv) },
      ciphertext: bareHex(sealed.ciphertext),
      kdf,
      kdfparams: { dklen: 32, ...params, ...prf, salt: bareHex(sealed.salt) },
      mac: bareHex(sealed.checksum),
    },
    id,
    version: 3,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

const FORMAT = 'Web3 Secret Storage';
const PRIVATE_KEY_BYTES = 32;

/** Old versions of geth dropped the leading zeros of a key. */
function padKey(secret: Uint8Array): Uint8Array {
  const key = new Uint8Array(PRIVATE_KEY_BYTES);
  key.set(secret, PRIVATE_KEY_BYTES - secret.length);
  return key;
}

const OUTLINE = z.object({
  version: z.number(),
  crypto: z.object({ cipher: z.string(), kdf: z.string() }),
});

const COMMON = {
  cipherparams: z.object({ iv: hexBytes(16) }),
  ciphertext: hexBytes(1, PRIVATE_KEY_BYTES),
  mac: hexBytes(32),
};
const KEYSTORE = z.object({
  address: hexBytes(20).optional(),
  crypto: z.discriminatedUnion('kdf', [
    z.object({ kdf: z.literal('scrypt'), kdfparams: z.object(scryptFields), ...COMMON }),
    z.object({ kdf: z.literal('pbkdf2'), kdfparams: z.object(pbkdf2Fields), ...COMMON }),
  ]),
  id: uuidText,
});

/** ethers and MyEtherWallet write "Crypto". */
function withLowerCaseCrypto(json: unknown): unknown {
  if (typeof json !== 'object' || json === null || !('Crypto' in json)) return json;
  return { crypto: json.Crypto, ...json };
}

function tryAddress(privateKey: Uint8Array): Address | undefined {
  try {
    return addressFromPublicKey(secp256k1.publicKey(privateKey));
  } catch (error) {
    if (error instanceof Secp256k1Error) return undefined;
    throw error;
  }
}
