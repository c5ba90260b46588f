import { createCipheriv, createDecipheriv, randomBytes, timingSafeEqual } from 'node:crypto';
import { concatBytes } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { deriveKey, type KdfParams } from './kdf.js';
import { KeystoreError } from './keystore-error.js';

/**
 * A secret under a password: the construction that EIP-2335 and Web3 Secret Storage share. They differ in the hash of
 * the checksum, the encoding of the password and the JSON around it.
 */
export interface SealedSecret {
  readonly kdf: KdfParams;
  readonly salt: Uint8Array;
  /** Initial counter block of AES-128-CTR, 16 bytes. */
  readonly iv: Uint8Array;
  readonly ciphertext: Uint8Array;
  /** hash(derived key [16, 32) ‖ ciphertext), 32 bytes. */
  readonly checksum: Uint8Array;
}

export type ChecksumHash = (bytes: Uint8Array) => Uint8Array;

const SALT_BYTES = 32;
const IV_BYTES = 16;
const AES_KEY_BYTES = 16;

/** Encrypts under a fresh salt and IV. */
export async function sealSecret(
  secret: Uint8Array,
  password: Uint8Array,
  kdf: KdfParams,
  hash: ChecksumHash,
): Promise<SealedSecret> {
  const salt = Uint8Array.from(randomBytes(SALT_BYTES));
  const iv = Uint8Array.from(randomBytes(IV_BYTES));
  const derivedKey = await deriveKey(password, salt, kdf);
  const cipher = createCipheriv('aes-128-ctr', derivedKey.subarray(0, AES_KEY_BYTES), iv);
  const ciphertext = concatBytes(cipher.update(secret), cipher.final());
  return { kdf, salt, iv, ciphertext, checksum: checksumOf(derivedKey, ciphertext, hash) };
}

/**
 * Decrypts with the first of `passwords` (encodings of one password) whose checksum holds.
 *
 * @param belongs whether a secret is the one of the public key stored beside it; tells a damaged checksum from a
 * wrong password
 * @throws KeystoreError KEYSTORE_KDF_BOUNDS | KEYSTORE_KDF_FAILED | KEYSTORE_PASSWORD_WRONG | KEYSTORE_CHECKSUM_CORRUPT
 */
export async function openSecret(
  sealed: SealedSecret,
  passwords: readonly Uint8Array[],
  hash: ChecksumHash,
  belongs: (secret: Uint8Array) => boolean,
): Promise<Uint8Array> {
  for (const password of passwords) {
    const derivedKey = await deriveKey(password, sealed.salt, sealed.kdf);
    const secret = decrypt(sealed, derivedKey);
    if (timingSafeEqual(checksumOf(derivedKey, sealed.ciphertext, hash), sealed.checksum)) return secret;
    if (belongs(secret)) {
      throw new KeystoreError(
        'KEYSTORE_CHECKSUM_CORRUPT',
        'the password is right, but the checksum in the file is damaged',
        { cure: 'restore the file from a backup: the rest of it cannot be trusted either' },
      );
    }
  }
  throw new KeystoreError('KEYSTORE_PASSWORD_WRONG', 'wrong password, or the encrypted part is damaged', {
    cure: 'try the password again; if it is certainly right, restore the file from a backup',
  });
}

function decrypt(sealed: SealedSecret, derivedKey: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('aes-128-ctr', derivedKey.subarray(0, AES_KEY_BYTES), sealed.iv);
  return concatBytes(decipher.update(sealed.ciphertext), decipher.final());
}

function checksumOf(derivedKey: Uint8Array, ciphertext: Uint8Array, hash: ChecksumHash): Uint8Array {
  const checksum = hash(concatBytes(derivedKey.subarray(AES_KEY_BYTES), ciphertext));
  invariant(checksum.length === 32, 'a checksum has 32 bytes');
  return checksum;
}
