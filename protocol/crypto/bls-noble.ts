import { pippenger } from '@noble/curves/abstract/curve.js';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { concatBytes } from '../bytes.js';
import type { BlsEngine, DecodedKey, EngineMessage } from './bls-engine.js';
import { sha256 } from './hash.js';

const SIGNATURE_TAG = 'BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_';
const BATCH_TAG = new TextEncoder().encode('OGPU_BLS_BATCH_COEFFICIENTS');
const COEFFICIENT_LENGTH = 16;
const FLAGS = 0xe0;

const { longSignatures: scheme, fields } = bls12_381;
const G1 = bls12_381.G1.Point;
const G2 = bls12_381.G2.Point;
type PointG1 = typeof G1.BASE;
type PointG2 = typeof G2.BASE;

/** Portable and slow: what browsers use, and the oracle of the native engine's tests. */
export const nobleBlsEngine: BlsEngine<PointG1> = {
  name: '@noble/curves',
  publicKey: (secretKey) => scheme.getPublicKey(secretKey).toBytes(),
  sign: (secretKey, message) => scheme.sign(hashToG2(message), secretKey).toBytes(),
  decodeKey,
  isInSubgroup: (signature) => decodeSignature(signature) !== undefined,
  aggregateSignatures: (signatures) => {
    const total = decodeSignatures(signatures)?.reduce((sum, point) => sum.add(point), G2.ZERO);
    // A sum that vanishes is not always in the one form of zero that the library encodes.
    return (total?.is0() === true ? G2.ZERO : total)?.toBytes();
  },
  verify: (key, message, signature) => verifyPairing([{ key, message }], decodeSignature(signature)),
  fastAggregateVerify: (keys, message, signature) =>
    verifyPairing(
      [{ key: keys.reduce((sum, key) => sum.add(key), G1.ZERO), message }],
      decodeSignature(signature),
    ),
  aggregateVerify: (keys, messages, signature) => {
    const pairs = messages.map((message, i) => ({ key: keys[i] ?? G1.ZERO, message }));
    return verifyPairing(pairs, decodeSignature(signature));
  },
  verifySameMessage: (entries, message) => {
    const points = decodeSignatures(entries.map(({ signature }) => signature));
    if (points === undefined) return false;
    const scalars = batchCoefficients(entries.map((entry) => ({ ...entry, message })));
    const keys = entries.map(({ key }) => key);
    return verifyPairing([{ key: pippenger(G1, keys, scalars), message }], pippenger(G2, points, scalars));
  },
  verifyBatch: (entries) => {
    const points = decodeSignatures(entries.map(({ signature }) => signature));
    if (points === undefined) return false;
    const scalars = batchCoefficients(entries);
    const pairs = entries.map(({ key, message }, i) => ({
      key: key.multiplyUnsafe(scalars[i] ?? 0n),
      message,
    }));
    return verifyPairing(pairs, pippenger(G2, points, scalars));
  },
};

/** Π e(keyᵢ, H(messageᵢ)) = e(g1, signature). The identity as key or signature is refused. */
function verifyPairing(
  pairs: readonly { readonly key: PointG1; readonly message: Uint8Array }[],
  signature: PointG2 | undefined,
): boolean {
  if (signature === undefined || signature.is0() || pairs.some(({ key }) => key.is0())) return false;
  const left = pairs.map(({ key, message }) => ({ g1: key, g2: hashToG2(message) }));
  const product = bls12_381.pairingBatch([...left, { g1: G1.BASE.negate(), g2: signature }]);
  return fields.Fp12.eql(product, fields.Fp12.ONE);
}

/**
 * One 128-bit coefficient per entry, drawn by hashing the whole batch (Fiat and Shamir's way), since protocol code has no
 * randomness. Whoever chooses the signatures thereby fixes the coefficients, and to make errors cancel must find a batch
 * whose own hash satisfies an equation that one in 2^128 random hashes does: as hard as breaking the group.
 */
function batchCoefficients(entries: readonly EngineMessage<PointG1>[]): bigint[] {
  const parts = entries.flatMap(({ key, message, signature }) => [key.toBytes(), sha256(message), signature]);
  const seed = sha256(concatBytes(BATCH_TAG, ...parts));
  return entries.map((_, i) => {
    const digest = sha256(concatBytes(seed, Uint8Array.of(i >>> 8, i & 0xff)));
    return (
      digest.subarray(0, COEFFICIENT_LENGTH).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) || 1n
    );
  });
}

function hashToG2(message: Uint8Array): PointG2 {
  return scheme.hash(message, SIGNATURE_TAG);
}

function decodeKey(bytes: Uint8Array): DecodedKey<PointG1> {
  try {
    return { ok: true, key: G1.fromBytes(bytes) };
  } catch {
    return { ok: false, fault: isOnCurve(bytes) ? 'not-in-subgroup' : 'not-on-curve' };
  }
}

/** Whether x³ + 4 has a square root. */
function isOnCurve(compressedKey: Uint8Array): boolean {
  const { Fp } = fields;
  const x = Uint8Array.from(compressedKey);
  x[0] = (x[0] ?? 0) & ~FLAGS;
  const ySquared = Fp.add(Fp.pow(Fp.fromBytes(x), 3n), 4n);
  try {
    return Fp.eql(Fp.sqr(Fp.sqrt(ySquared)), ySquared);
  } catch {
    return false;
  }
}

function decodeSignature(bytes: Uint8Array): PointG2 | undefined {
  try {
    const point = G2.fromBytes(bytes);
    point.assertValidity();
    return point;
  } catch {
    return undefined;
  }
}

function decodeSignatures(signatures: readonly Uint8Array[]): PointG2[] | undefined {
  const points: PointG2[] = [];
  for (const signature of signatures) {
    const point = decodeSignature(signature);
    if (point === undefined) return undefined;
    points.push(point);
  }
  return points;
}
