import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { concatBytes } from '../../../protocol/bytes.js';
import { crc32 } from '../../../protocol/crc32.js';
import { createPrng } from '../../support/prng.js';

describe('CRC-32', () => {
  test('has the check value of its specification', () => {
    assert.equal(crc32(new TextEncoder().encode('123456789')), 0xcbf43926);
    assert.equal(crc32(new Uint8Array(0)), 0);
  });

  test("is zlib's for every short length and any alignment", () => {
    const prng = createPrng(32);
    for (let length = 0; length < 200; length++) {
      const buffer = prng.bytes(length + 3);
      for (let offset = 0; offset < 4; offset++) {
        const bytes = buffer.subarray(offset, offset + length);
        assert.equal(crc32(bytes), zlibCrc32(bytes));
      }
    }
  });

  test('goes on from the checksum of what came before', () => {
    const prng = createPrng(33);
    for (let run = 0; run < 100; run++) {
      const [first, second] = [prng.bytes(prng.below(40)), prng.bytes(prng.below(40))];
      assert.equal(crc32(second, crc32(first)), crc32(concatBytes(first, second)));
    }
  });
});
