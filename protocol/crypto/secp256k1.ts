import { bigEndianBytes, compareBytes } from '../bytes.js';
import { OgpuError } from '../errors.js';
import type { Loaded } from './native.js';
import { bindingsEngine, nobleEngine, type Secp256k1Engine } from './secp256k1-engines.js';

export const SECRET_KEY_LENGTH = 32;
export const DIGEST_LENGTH = 32;
export const SIGNATURE_LENGTH = 64;
export const PUBLIC_KEY_LENGTH = 65;
export const COMPRESSED_PUBLIC_KEY_LENGTH = 33;

export class Secp256k1Error extends OgpuError<
  'SECP256K1_SECRET_KEY' | 'SECP256K1_DIGEST_LENGTH' | 'SECP256K1_PUBLIC_KEY'
> {}

export interface RecoverableSignature {
  /** r ‖ s, 64 bytes, s in the lower half of the order. */
  readonly signature: Uint8Array;
  /** Parity of the y coordinate of the nonce point, as in EIP-1559 transactions. */
  readonly yParity: 0 | 1;
}

/**
 * ECDSA over secp256k1 (SEC 2 §2.4.1) on 32-byte digests, with Ethereum's rules: low s only (EIP-2), no recovery ids
 * 2 and 3, no hybrid (06/07) public keys. A digest is a number: 0 and values ≥ n are legal and taken modulo n.
 */
export interface Secp256k1 {
  readonly name: string;
  /**
   * Uncompressed public key: 04 ‖ x ‖ y.
   *
   * @throws Secp256k1Error SECP256K1_SECRET_KEY unless the key is 32 bytes in [1, n)
   */
  publicKey(secretKey: Uint8Array): Uint8Array;
  /**
   * Deterministic signature, RFC 6979 with SHA-256.
   *
   * @throws Secp256k1Error SECP256K1_SECRET_KEY | SECP256K1_DIGEST_LENGTH
   */
  sign(digest: Uint8Array, secretKey: Uint8Array): RecoverableSignature;
  /** False for anything malformed: wrong lengths, r or s outside [1, n), high s, an invalid public key. */
  verify(signature: Uint8Array, digest: Uint8Array, publicKey: Uint8Array): boolean;
  /**
   * The uncompressed key that signed, or undefined when there is none: wrong lengths, r or s outside [1, n), high s, r
   * not an x coordinate, a result at infinity. An implementation of the `ecrecover` precompile, which takes a high s,
   * calls this with (n − s, 1 − yParity): the same key.
   */
  recover(digest: Uint8Array, signature: Uint8Array, yParity: number): Uint8Array | undefined;
  /** Uncompressed form of a 33- or 65-byte key, or undefined when it is not a point of the curve. */
  uncompress(publicKey: Uint8Array): Uint8Array | undefined;
}

export const nobleSecp256k1: Secp256k1 = createSecp256k1(nobleEngine);
export const nativeSecp256k1: Loaded<Secp256k1> = bindingsEngine.ok
  ? { ok: true, module: createSecp256k1(bindingsEngine.module) }
  : bindingsEngine;

/** The fastest implementation that loads here. */
export const secp256k1: Secp256k1 = nativeSecp256k1.ok ? nativeSecp256k1.module : nobleSecp256k1;

/** Whether s ≤ n/2, for callers that must tell a malleable signature from a broken one. */
export function isLowS(signature: Uint8Array): boolean {
  return (
    signature.length === SIGNATURE_LENGTH && compareBytes(signature.subarray(32), SECP256K1_HALF_ORDER) <= 0
  );
}

/**
 * 33-byte form of an uncompressed key; the point itself is not checked.
 *
 * @throws Secp256k1Error SECP256K1_PUBLIC_KEY unless the key is 04 and 64 more bytes
 */
export function compressPublicKey(publicKey: Uint8Array): Uint8Array {
  if (publicKey.length !== PUBLIC_KEY_LENGTH || publicKey[0] !== 0x04) {
    throw new Secp256k1Error('SECP256K1_PUBLIC_KEY', 'expected an uncompressed public key', {
      length: publicKey.length,
    });
  }
  const compressed = Uint8Array.prototype.slice.call(publicKey, 0, COMPRESSED_PUBLIC_KEY_LENGTH);
  compressed[0] = 0x02 | ((publicKey[64] ?? 0) & 1);
  return compressed;
}

/** n, the order of the group (SEC 2 §2.4.1), big-endian. */
export const SECP256K1_ORDER: Uint8Array = bigEndianBytes(
  0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  32,
);

/** n / 2 rounded down: the largest s that EIP-2 allows, big-endian. */
export const SECP256K1_HALF_ORDER: Uint8Array = bigEndianBytes(
  0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n,
  32,
);

/** Checks what the engines would each judge in their own way, so that both see only clean input. */
function createSecp256k1(engine: Secp256k1Engine): Secp256k1 {
  return {
    name: engine.name,
    publicKey: (secretKey) => {
      assertSecretKey(secretKey);
      return engine.publicKey(secretKey);
    },
    sign: (digest, secretKey) => {
      assertSecretKey(secretKey);
      if (digest.length !== DIGEST_LENGTH) {
        throw new Secp256k1Error('SECP256K1_DIGEST_LENGTH', 'a digest has 32 bytes', {
          length: digest.length,
        });
      }
      return engine.sign(reduceDigest(digest), secretKey);
    },
    verify: (signature, digest, publicKey) =>
      digest.length === DIGEST_LENGTH &&
      isSignature(signature) &&
      isPublicKeyShape(publicKey) &&
      engine.verify(signature, digest, publicKey),
    recover: (digest, signature, yParity) =>
      digest.length === DIGEST_LENGTH && isSignature(signature) && (yParity === 0 || yParity === 1)
        ? engine.recover(digest, signature, yParity)
        : undefined,
    uncompress: (publicKey) => (isPublicKeyShape(publicKey) ? engine.uncompress(publicKey) : undefined),
  };
}

function assertSecretKey(secretKey: Uint8Array): void {
  if (secretKey.length !== SECRET_KEY_LENGTH || !isScalar(secretKey)) {
    throw new Secp256k1Error('SECP256K1_SECRET_KEY', 'a secret key is 32 bytes in [1, n)', {
      length: secretKey.length,
    });
  }
}

function isSignature(signature: Uint8Array): boolean {
  return (
    signature.length === SIGNATURE_LENGTH &&
    isScalar(signature.subarray(0, 32)) &&
    isScalar(signature.subarray(32)) &&
    isLowS(signature)
  );
}

/** In [1, n). */
function isScalar(bytes: Uint8Array): boolean {
  return compareBytes(bytes, SECP256K1_ORDER) < 0 && bytes.some((byte) => byte !== 0);
}

function isPublicKeyShape(publicKey: Uint8Array): boolean {
  const tag = publicKey[0];
  if (publicKey.length === COMPRESSED_PUBLIC_KEY_LENGTH) return tag === 0x02 || tag === 0x03;
  return publicKey.length === PUBLIC_KEY_LENGTH && tag === 0x04;
}

/** RFC 6979 §3.2d feeds the nonce generator the digest modulo n; libsecp256k1 feeds it what it is given. */
function reduceDigest(digest: Uint8Array): Uint8Array {
  if (compareBytes(digest, SECP256K1_ORDER) < 0) return digest;
  return bigEndianBytes(bytesToScalar(digest) - bytesToScalar(SECP256K1_ORDER), 32);
}

function bytesToScalar(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
