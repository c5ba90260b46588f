import { bls12_381 } from '@noble/curves/bls12-381.js';
import { BLS_PUBLIC_KEY_LENGTH, BLS_SIGNATURE_LENGTH, classifyPoint } from './bls-encoding.js';

const POSSESSION_TAG = 'BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_';

const scheme = bls12_381.longSignatures;

/** PopProve, for a secret key in [1, r) and its public key. */
export function provePossession(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return scheme.sign(scheme.hash(publicKey, POSSESSION_TAG), secretKey).toBytes();
}

/** PopVerify, including KeyValidate of the key. */
export function verifyPossession(publicKey: Uint8Array, proof: Uint8Array): boolean {
  if (classifyPoint(publicKey, BLS_PUBLIC_KEY_LENGTH) !== 'point') return false;
  if (classifyPoint(proof, BLS_SIGNATURE_LENGTH) !== 'point') return false;
  try {
    return scheme.verify(proof, scheme.hash(publicKey, POSSESSION_TAG), publicKey);
  } catch {
    return false;
  }
}
