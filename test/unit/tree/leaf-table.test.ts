import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvariantError } from '../../../protocol/invariant.js';
import { LeafTable } from '../../../state/tree/leaf-table.js';
import { createPrng } from '../../support/prng.js';
import { hex, hostileKeyHashes } from './support.js';

test('the shares take every leaf once; parts hold all of a share, by the first 16 bits, none longer than asked for', () => {
  fc.assert(
    fc.property(
      fc.record({
        seed: fc.nat(),
        leaves: fc.integer({ min: 0, max: 80 }),
        shares: fc.integer({ min: 1, max: 5 }),
        size: fc.integer({ min: 1, max: 30 }),
        capacity: fc.integer({ min: 0, max: 20 }),
      }),
      ({ seed, leaves: count, shares, size, capacity }) => {
        const prng = createPrng(seed);
        const leaves = hostileKeyHashes(prng, count).map((keyHash) => ({
          keyHash,
          valueHash: prng.bytes(32),
        }));
        const taken = Array.from({ length: shares }, (_, index) => {
          const table = new LeafTable({ index, of: shares }, capacity);
          for (const leaf of leaves) if (table.takes(leaf.keyHash)) table.add(leaf);
          const parts = [...table.parts(size)];
          assert.ok(parts.every((part, i) => part.length === size || i === parts.length - 1));
          assert.equal(parts.flat().length, table.length);
          return parts.flat();
        }).flat();
        const buckets = taken.map(({ keyHash }) => hex(keyHash).slice(0, 4));
        assert.deepEqual(buckets, [...buckets].sort());
        const texts = (list: typeof leaves): string[] =>
          list.map(({ keyHash, valueHash }) => hex(keyHash) + hex(valueHash)).sort();
        assert.deepEqual(texts(taken), texts(leaves));
      },
    ),
    { seed: 7, numRuns: 200 },
  );
});

test('a leaf of another share is refused', () => {
  const table = new LeafTable({ index: 1, of: 2 }, 1);
  const low = { keyHash: new Uint8Array(32), valueHash: new Uint8Array(32) };
  assert.throws(() => table.add(low), InvariantError);
});
