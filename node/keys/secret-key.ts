import { randomBytes } from 'node:crypto';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { deriveMaster } from 'micro-key-producer/bls.js';
import { fromHex } from '../../protocol/bytes.js';
import { KeystoreError } from './keystore-error.js';

/** A new BLS secret key: KeyGen of 32 random bytes (draft-irtf-cfrg-bls-signature-05 §2.3, EIP-2333 master key). */
export function generateValidatorSecret(): Uint8Array {
  return deriveMaster(randomBytes(32));
}

/** A new secp256k1 private key, uniform in [1, n). */
export function generateAccountSecret(): Uint8Array {
  return secp256k1.utils.randomSecretKey();
}

/**
 * A private key written as 64 hex digits, with or without 0x, and nothing else but white space around it.
 *
 * @throws KeystoreError KEYSTORE_FORMAT_UNKNOWN, never quoting the text
 */
export function parseBareSecret(text: string): Uint8Array {
  const match = /^\s*(?:0x)?([0-9a-fA-F]{64})\s*$/.exec(text);
  if (match?.[1] !== undefined) return fromHex(`0x${match[1]}`, 32);
  throw new KeystoreError('KEYSTORE_FORMAT_UNKNOWN', 'not a bare private key: expected 64 hex digits', {
    cure: 'leave --as away to import an encrypted key file',
  });
}
