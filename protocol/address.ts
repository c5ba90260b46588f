import { keccak256 } from './crypto/hash.js';
import { OgpuError } from './errors.js';

export const ADDRESS_LENGTH = 20;

/** An account: 20 bytes. Text exists only at the edges of the program. */
export type Address = Uint8Array;

export class AddressError extends OgpuError<'ADDRESS_SYNTAX' | 'ADDRESS_CHECKSUM' | 'ADDRESS_PUBLIC_KEY'> {}

/**
 * The last 20 bytes of keccak256(x ‖ y).
 *
 * @param publicKey uncompressed secp256k1 key, 04 ‖ x ‖ y; the point is not checked
 * @throws AddressError ADDRESS_PUBLIC_KEY
 */
export function addressFromPublicKey(publicKey: Uint8Array): Address {
  if (publicKey.length !== 65 || publicKey[0] !== 0x04) {
    throw new AddressError('ADDRESS_PUBLIC_KEY', 'expected a 65-byte uncompressed public key', {
      length: publicKey.length,
    });
  }
  return keccak256(publicKey.subarray(1)).slice(12);
}

/**
 * EIP-55 text: 0x and 40 digits whose letters are upper-case where the hash of the lower-case text says so.
 *
 * @throws AddressError ADDRESS_SYNTAX when there are not 20 bytes
 */
export function toChecksumAddress(address: Address): string {
  if (address.length !== ADDRESS_LENGTH) {
    throw new AddressError('ADDRESS_SYNTAX', 'an address has 20 bytes', { length: address.length });
  }
  const hash = keccak256(lowerCaseDigits(address));
  let text = '0x';
  for (let i = 0; i < ADDRESS_LENGTH; i++) {
    const caseBits = caseBitsOf(hash, i);
    text += DIGITS_OF[((address[i] ?? 0) << 2) | caseBits] ?? '';
  }
  return text;
}

/**
 * Bytes of a textual address: 0x and 40 hex digits, all of one case or in the mixed case of EIP-55.
 *
 * @throws AddressError ADDRESS_SYNTAX | ADDRESS_CHECKSUM
 */
export function parseAddress(text: string): Address {
  if (text.length !== 2 + 2 * ADDRESS_LENGTH || !text.startsWith('0x')) throw syntaxError(text);
  const address = new Uint8Array(ADDRESS_LENGTH);
  let seen = 0;
  for (let i = 0; i < ADDRESS_LENGTH; i++) {
    const high = NIBBLE_OF[text.charCodeAt(2 + 2 * i)] ?? NOT_HEX;
    const low = NIBBLE_OF[text.charCodeAt(3 + 2 * i)] ?? NOT_HEX;
    seen |= high | low;
    address[i] = ((high & 15) << 4) | (low & 15);
  }
  if ((seen & NOT_HEX) !== 0) throw syntaxError(text);
  const isMixedCase = (seen & LOWER) !== 0 && (seen & UPPER) !== 0;
  if (isMixedCase && toChecksumAddress(address) !== text) {
    throw new AddressError('ADDRESS_CHECKSUM', 'address does not match its EIP-55 checksum', {
      received: text,
    });
  }
  return address;
}

function syntaxError(text: string): AddressError {
  return new AddressError('ADDRESS_SYNTAX', 'expected 0x and 40 hex digits', { received: text.slice(0, 80) });
}

const LOWER = 0x10;
const UPPER = 0x20;
const NOT_HEX = 0x40;
const HEX_DIGITS = '0123456789abcdef';
const HEX_CODES = Uint8Array.from(HEX_DIGITS, (_, value) => HEX_DIGITS.charCodeAt(value));

/** By character code: the digit's value, with LOWER or UPPER when it is a letter. */
const NIBBLE_OF = new Uint8Array(128).fill(NOT_HEX);
for (let value = 0; value < 16; value++) {
  const digit = HEX_DIGITS.charAt(value);
  NIBBLE_OF[digit.charCodeAt(0)] = value < 10 ? value : value | LOWER;
  if (value >= 10) NIBBLE_OF[digit.toUpperCase().charCodeAt(0)] = value | UPPER;
}

/** By byte and two case bits (2: first digit upper-case, 1: second): the two digits. */
const DIGITS_OF = Array.from({ length: 256 * 4 }, (_, index) => {
  const first = HEX_DIGITS.charAt(index >> 6);
  const second = HEX_DIGITS.charAt((index >> 2) & 15);
  return (
    ((index & 2) === 0 ? first : first.toUpperCase()) + ((index & 1) === 0 ? second : second.toUpperCase())
  );
});

/** EIP-55: digit k is upper-case when nibble k of the hash is 8 or more. */
function caseBitsOf(hash: Uint8Array, index: number): number {
  const byte = hash[index] ?? 0;
  return ((byte >> 6) & 2) | ((byte >> 3) & 1);
}

function lowerCaseDigits(address: Address): Uint8Array {
  const digits = new Uint8Array(2 * ADDRESS_LENGTH);
  for (let i = 0; i < ADDRESS_LENGTH; i++) {
    const byte = address[i] ?? 0;
    digits[2 * i] = HEX_CODES[byte >> 4] ?? 0;
    digits[2 * i + 1] = HEX_CODES[byte & 15] ?? 0;
  }
  return digits;
}
