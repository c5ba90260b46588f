import { bytesEqual, concatBytes, toHex } from '../../../protocol/bytes.js';
import type { Bls, BlsPublicKey, SignedBy, SignedMessage } from '../../../protocol/crypto/bls.js';
import { sha256 } from '../../../protocol/crypto/hash.js';

/**
 * Stands in for BLS where thousands of nodes sign: a signature is a hash under the public key, an aggregate the sum of its bytes. Anybody could
 * forge it; simulated criminals do not, except where they say so.
 */
export const hashBls: Bls = {
  name: 'keyed hash',
  publicKey,
  sign: (secretKey, message) => signatureOf(publicKey(secretKey), message),
  parsePublicKey: (bytes) => ({ bytes }),
  verify,
  aggregateSignatures: sum,
  fastAggregateVerify: (keys, message, signature) =>
    keys.length > 0 && bytesEqual(sum(keys.map((key) => signatureOf(key.bytes, message))), signature),
  aggregateVerify: (keys, messages, signature) =>
    keys.length > 0 &&
    keys.length === messages.length &&
    bytesEqual(
      sum(keys.map((key, i) => signatureOf(key.bytes, messages[i] ?? new Uint8Array(0)))),
      signature,
    ),
  verifySameMessage: (entries, message) => entries.length > 0 && findInvalid(entries, message).length === 0,
  findInvalid,
  verifyBatch: (entries: readonly SignedMessage[]) =>
    entries.length > 0 && entries.every(({ key, message, signature }) => verify(key, message, signature)),
  provePossession: (secretKey) => signatureOf(publicKey(secretKey), POSSESSION),
  verifyPossession: (key, proof) => bytesEqual(signatureOf(key, POSSESSION), proof),
};

const POSSESSION = new Uint8Array(32).fill(0xff);

function publicKey(secretKey: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(48).fill(0x80);
  bytes.set(sha256(secretKey));
  return bytes;
}

function signatureOf(key: Uint8Array, message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(96).fill(0x90);
  bytes.set(sha256(concatBytes(key, message)));
  return bytes;
}

function verify(key: BlsPublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  return bytesEqual(signatureOf(key.bytes, message), signature);
}

function findInvalid(entries: readonly SignedBy[], message: Uint8Array): number[] {
  return entries.flatMap(({ key, signature }, index) => (verify(key, message, signature) ? [] : [index]));
}

function sum(signatures: readonly Uint8Array[]): Uint8Array {
  const total = new Uint8Array(96);
  for (const signature of signatures) {
    for (const [index, byte] of signature.entries()) total[index] = ((total[index] ?? 0) + byte) & 0xff;
  }
  return total;
}

/** Short name of bytes for stories. */
export function shortName(bytes: Uint8Array): string {
  return toHex(bytes).slice(2, 10);
}
