import { OgpuError, type ErrorData } from '../../protocol/errors.js';

export type KeystoreErrorCode =
  /** The bytes are no key file of any known format. */
  | 'KEYSTORE_FORMAT_UNKNOWN'
  /** JSON of the right kind with missing or malformed fields; `faults` lists all of them. */
  | 'KEYSTORE_INVALID'
  | 'KEYSTORE_VERSION_UNSUPPORTED'
  | 'KEYSTORE_KDF_UNSUPPORTED'
  | 'KEYSTORE_CIPHER_UNSUPPORTED'
  | 'KEYSTORE_CHECKSUM_UNSUPPORTED'
  /** Parameters that are no input of the KDF, or would cost too much memory or time; no work was done. */
  | 'KEYSTORE_KDF_BOUNDS'
  | 'KEYSTORE_KDF_FAILED'
  /** Wrong password, or a damaged salt, IV, ciphertext or KDF parameter: the cryptography cannot tell them apart. */
  | 'KEYSTORE_PASSWORD_WRONG'
  /** The password is right (the secret belongs to the stored public key) but the stored checksum is damaged. */
  | 'KEYSTORE_CHECKSUM_CORRUPT'
  /** The decrypted secret does not belong to the public key or address in the file. */
  | 'KEYSTORE_PUBLIC_KEY_MISMATCH'
  /** The decrypted bytes are no private key of the scheme. */
  | 'KEYSTORE_SECRET_INVALID'
  /** A node identity whose parts contradict each other, or whose key is not Ed25519. */
  | 'KEYSTORE_IDENTITY_INVALID';

/** A key file that cannot be opened; `data` has the `cure`, and the `path` once the file is known. */
export class KeystoreError extends OgpuError<KeystoreErrorCode> {}

/** Runs `work` on the file at `path`, naming it in every KeystoreError that comes out. */
export async function atPath<Result>(path: string, work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof KeystoreError)) throw error;
    const data: ErrorData = { path, ...error.data };
    throw new KeystoreError(error.code, error.message, data, { cause: error.cause });
  }
}
