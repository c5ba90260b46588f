import { bls12_381 } from '@noble/curves/bls12-381.js';
import { concatBytes } from '../../../protocol/bytes.js';
import type { Prng } from '../../support/prng.js';

const { Fp, Fp2, Fr } = bls12_381.fields;
const G2 = bls12_381.G2.Point;
type PointG2 = typeof G2.BASE;

/** Encoding of a point of the curve that is outside the prime-order subgroup of G1. */
export function keyOutsideSubgroup(prng: Prng): Uint8Array {
  for (;;) {
    const x = Fp.create(prng.bigint(380));
    const y = squareRoot(Fp, Fp.add(Fp.pow(x, 3n), 4n));
    if (y !== undefined) return flagged(Fp.toBytes(x), y * 2n > Fp.ORDER ? 0xa0 : 0x80);
  }
}

/** Encoding whose x belongs to no point of the curve. */
export function keyOffCurve(prng: Prng): Uint8Array {
  for (;;) {
    const x = Fp.create(prng.bigint(380));
    if (squareRoot(Fp, Fp.add(Fp.pow(x, 3n), 4n)) === undefined) return flagged(Fp.toBytes(x), 0x80);
  }
}

export function signatureOutsideSubgroup(prng: Prng): Uint8Array {
  return encodeUnchecked(twistPoint(prng));
}

/** The signature moved by a point whose order is not r: without a subgroup check a pairing may not see it. */
export function signaturePlusTorsion(signature: Uint8Array, prng: Prng): Uint8Array {
  const point = twistPoint(prng);
  const torsion = point.multiplyUnsafe(Fr.ORDER - 1n).add(point);
  return encodeUnchecked(G2.fromBytes(signature).add(torsion));
}

/** Two signatures moved by opposite points of the subgroup: their sum stays what it was. */
export function cancellingPair(
  first: Uint8Array,
  second: Uint8Array,
  offset: bigint,
): [Uint8Array, Uint8Array] {
  const error = G2.BASE.multiply(offset);
  return [G2.fromBytes(first).add(error).toBytes(), G2.fromBytes(second).subtract(error).toBytes()];
}

/** −P of an encoded point: the sign flag turned. */
export function negatedPoint(encoded: Uint8Array): Uint8Array {
  return flagged(encoded, (encoded[0] ?? 0) ^ 0x20, 0xff);
}

/** The same bytes with the first one's bits under `mask` replaced. */
export function flagged(bytes: Uint8Array, first: number, mask = 0xe0): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[0] = ((copy[0] ?? 0) & ~mask) | (first & mask);
  return copy;
}

/** x + p when it still fits under the flags: the same point to a decoder that reduces. */
export function withUnreducedX(encoded: Uint8Array): Uint8Array | undefined {
  const flags = (encoded[0] ?? 0) & 0xe0;
  const x = Fp.fromBytes(flagged(encoded.subarray(0, 48), 0)) + Fp.ORDER;
  if (x >> 381n !== 0n) return undefined;
  const copy = Uint8Array.from(encoded);
  for (let i = 0; i < 48; i++) copy[i] = Number((x >> BigInt(8 * (47 - i))) & 0xffn);
  return flagged(copy, flags);
}

function twistPoint(prng: Prng): PointG2 {
  const b = Fp2.fromBigTuple([4n, 4n]);
  for (;;) {
    const x = Fp2.fromBigTuple([prng.bigint(380), prng.bigint(380)]);
    const y = squareRoot(Fp2, Fp2.add(Fp2.pow(x, 3n), b));
    if (y !== undefined) return G2.fromAffine({ x, y });
  }
}

/** The library's own encoder refuses points outside the subgroup. */
function encodeUnchecked(point: PointG2): Uint8Array {
  const { x, y } = point.toAffine();
  const deciding = y.c1 === 0n ? y.c0 : y.c1;
  return flagged(concatBytes(Fp.toBytes(x.c1), Fp.toBytes(x.c0)), deciding * 2n > Fp.ORDER ? 0xa0 : 0x80);
}

function squareRoot<Element>(field: { sqrt(value: Element): Element }, value: Element): Element | undefined {
  try {
    return field.sqrt(value);
  } catch {
    return undefined;
  }
}
