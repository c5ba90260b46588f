import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  AddressError,
  addressFromPublicKey,
  parseAddress,
  toChecksumAddress,
} from '../../../protocol/address.js';
import { fromHex, toHex } from '../../../protocol/bytes.js';
import { secp256k1 } from '../../../protocol/crypto/secp256k1.js';

// EIP-55, "Test Cases": all caps, all lower, normal.
const EIP55_EXAMPLES = [
  '0x52908400098527886E0F7030069857D2E4169EE7',
  '0x8617E340B3D01FA5F11F306F4090FD50E238070D',
  '0xde709f2102306220921060314715629080e2fb77',
  '0x27b1fdb04752bbc536007a920d24acb045561c26',
  '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
  '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
  '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
] as const;
const MIXED = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';

function rejects(text: string, code: AddressError['code']): void {
  assert.throws(
    () => parseAddress(text),
    (error) => error instanceof AddressError && error.code === code,
    text,
  );
}

describe('EIP-55', () => {
  for (const example of EIP55_EXAMPLES) {
    test(example, () => {
      const bytes = fromHex(example.toLowerCase(), 20);
      assert.equal(toChecksumAddress(bytes), example);
      for (const text of [example, example.toLowerCase(), `0x${example.slice(2).toUpperCase()}`]) {
        assert.deepEqual(parseAddress(text), bytes);
      }
    });
  }

  test('any one letter in the wrong case is refused', () => {
    let flipped = 0;
    for (let i = 2; i < MIXED.length; i++) {
      const letter = MIXED.charAt(i);
      const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
      if (other === letter) continue;
      rejects(MIXED.slice(0, i) + other + MIXED.slice(i + 1), 'ADDRESS_CHECKSUM');
      flipped++;
    }
    assert.ok(flipped > 10);
  });
});

test('refuses what is not 0x and 40 hex digits', () => {
  const digits = MIXED.slice(2);
  const malformed = [
    '',
    '0x',
    digits,
    `0X${digits}`,
    MIXED.slice(0, -1),
    `${MIXED}0`,
    `${MIXED.slice(0, -1)}g`,
    `${MIXED.slice(0, -1)} `,
    ` ${MIXED.slice(0, -1)}`,
    `${MIXED.slice(0, -1)}\u0661`,
    `${MIXED.slice(0, -1)}\uff11`,
    `${MIXED.slice(0, -1)}\u0000`,
    '0x'.padEnd(42, '/'),
    '0x'.padEnd(42, ':'),
    '0x'.padEnd(42, '@'),
    '0x'.padEnd(42, 'G'),
    '0x'.padEnd(42, '`'),
  ];
  for (const text of malformed) rejects(text, 'ADDRESS_SYNTAX');
});

test('a refusal does not repeat an endless text', () => {
  assert.throws(
    () => parseAddress('x'.repeat(1_000_000)),
    (error) => error instanceof AddressError && String(error.data['received']).length <= 80,
  );
});

test('the address of secret key 1 is the well-known one', () => {
  const secretKey = new Uint8Array(32);
  secretKey[31] = 1;
  const address = addressFromPublicKey(secp256k1.publicKey(secretKey));
  assert.equal(toChecksumAddress(address), '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf');
});

test('refuses other forms of a public key and other lengths of an address', () => {
  const compressed = new Uint8Array(33).fill(2);
  const hybrid = new Uint8Array(65).fill(6);
  for (const key of [compressed, hybrid, new Uint8Array(64).fill(4), new Uint8Array(0)]) {
    assert.throws(
      () => addressFromPublicKey(key),
      (error) => error instanceof AddressError && error.code === 'ADDRESS_PUBLIC_KEY',
      toHex(key),
    );
  }
  for (const length of [0, 19, 21]) {
    assert.throws(
      () => toChecksumAddress(new Uint8Array(length)),
      (error) => error instanceof AddressError && error.code === 'ADDRESS_SYNTAX',
    );
  }
});
