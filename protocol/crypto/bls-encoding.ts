import { bigEndianBytes, compareBytes } from '../bytes.js';

export const BLS_SECRET_KEY_LENGTH = 32;
export const BLS_PUBLIC_KEY_LENGTH = 48;
export const BLS_SIGNATURE_LENGTH = 96;

const FIELD_ELEMENT_LENGTH = 48;
const COMPRESSED_FLAG = 0x80;
const INFINITY_FLAG = 0x40;
const SIGN_FLAG = 0x20;
const FLAGS = COMPRESSED_FLAG | INFINITY_FLAG | SIGN_FLAG;

/** p, the order of the base field, big-endian. */
const FIELD_ORDER = bigEndianBytes(
  0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn,
  FIELD_ELEMENT_LENGTH,
);

/** r, the order of the groups, big-endian. */
const GROUP_ORDER = bigEndianBytes(
  0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n,
  BLS_SECRET_KEY_LENGTH,
);

export type PointEncoding = 'point' | 'infinity' | 'length' | 'non-canonical';

/**
 * Judges a compressed point by its bytes alone (draft-irtf-cfrg-pairing-friendly-curves, appendix C): the flags are
 * possible, infinity is all zeros, each coordinate is below p. That x is on the curve and in the subgroup is not
 * decided here.
 */
export function classifyPoint(bytes: Uint8Array, length: number): PointEncoding {
  if (bytes.length !== length) return 'length';
  const first = bytes[0] ?? 0;
  if ((first & COMPRESSED_FLAG) === 0) return 'non-canonical';
  if ((first & INFINITY_FLAG) !== 0) {
    const isClean =
      first === (COMPRESSED_FLAG | INFINITY_FLAG) && bytes.subarray(1).every((byte) => byte === 0);
    return isClean ? 'infinity' : 'non-canonical';
  }
  for (let offset = 0; offset < length; offset += FIELD_ELEMENT_LENGTH) {
    if (!isFieldElement(bytes.subarray(offset, offset + FIELD_ELEMENT_LENGTH), offset === 0 ? FLAGS : 0)) {
      return 'non-canonical';
    }
  }
  return 'point';
}

/** 32 bytes in [1, r). */
export function isBlsSecretKey(bytes: Uint8Array): boolean {
  return (
    bytes.length === BLS_SECRET_KEY_LENGTH &&
    compareBytes(bytes, GROUP_ORDER) < 0 &&
    bytes.some((byte) => byte !== 0)
  );
}

function isFieldElement(bytes: Uint8Array, flags: number): boolean {
  const high = (bytes[0] ?? 0) & ~flags;
  const orderHigh = FIELD_ORDER[0] ?? 0;
  if (high !== orderHigh) return high < orderHigh;
  return compareBytes(bytes.subarray(1), FIELD_ORDER.subarray(1)) < 0;
}
