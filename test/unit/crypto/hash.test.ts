import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromHex, toHex } from '../../../protocol/bytes.js';
import { keccak256, sha256 } from '../../../protocol/crypto/hash.js';
import { createPrng } from '../../support/prng.js';
import { KECCAK256_BACKENDS, SHA256_BACKENDS } from './both-backends.js';

const ABC = new TextEncoder().encode('abc');
const EMPTY = new Uint8Array(0);

// FIPS 180-4 examples; Keccak-256 of the Keccak team's known-answer tests (original padding).
const SHA256_VECTORS = [
  [EMPTY, '0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  [ABC, '0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    new Uint8Array(1_000_000).fill(0x61),
    '0xcdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0',
  ],
] as const;
const KECCAK256_VECTORS = [
  [EMPTY, '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'],
  [ABC, '0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45'],
  [fromHex('0xcc'), '0xeead6dbfc7340a56caedc044696a168870549a6a7f6f56961e84a54bd9970b8a'],
] as const;

for (const [title, backends, vectors] of [
  ['sha256', SHA256_BACKENDS, SHA256_VECTORS],
  ['keccak256', KECCAK256_BACKENDS, KECCAK256_VECTORS],
] as const) {
  describe(title, () => {
    for (const { name, hash } of backends) {
      test(`${name}: published vectors`, () => {
        for (const [input, digest] of vectors) assert.equal(toHex(hash(input)), digest);
      });

      test(`${name}: the digest is plain bytes that later calls leave alone`, () => {
        const first = hash(ABC);
        const before = toHex(first);
        hash(EMPTY);
        assert.equal(toHex(first), before);
        assert.equal(Object.getPrototypeOf(first), Uint8Array.prototype);
        first.fill(0);
        assert.equal(toHex(hash(ABC)), before);
      });

      test(`${name}: hashes a view, not the buffer behind it`, () => {
        const buffer = new Uint8Array([9, 9, ...ABC, 9]);
        assert.deepEqual(hash(buffer.subarray(2, 5)), hash(ABC));
        assert.deepEqual(hash(Buffer.from(ABC)), hash(ABC));
      });
    }

    test('backends agree around block boundaries and beyond the buffers of the WebAssembly hasher', () => {
      const prng = createPrng(1);
      const lengths = [55, 56, 63, 64, 65, 135, 136, 137, 271, 272, 273, 16_383, 16_384, 16_385, 40_000];
      for (const length of lengths) {
        const input = prng.bytes(length);
        const [native, fallback] = backends.map(({ hash }) => hash(input));
        assert.deepEqual(native, fallback, `length ${length}`);
      }
    });
  });
}

test('the exported functions are the native ones', () => {
  assert.equal(sha256, SHA256_BACKENDS[0]?.hash);
  assert.equal(keccak256, KECCAK256_BACKENDS[0]?.hash);
});
