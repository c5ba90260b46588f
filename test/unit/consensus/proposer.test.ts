import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_TOTAL_POWER } from '../../../consensus/power.js';
import { proposerOf } from '../../../consensus/proposer.js';
import { toHex } from '../../../protocol/bytes.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { NO_ROUND } from '../../../protocol/types/proposal.js';
import type { Validator, ValidatorSet } from '../../../protocol/types/validators.js';
import { codeOf } from '../../support/error-code.js';

const CHAIN_ID = 64_782;

const setOf = (...powers: readonly number[]): ValidatorSet =>
  powers.map((votingPower, i) => ({
    id: new Uint8Array(20).fill(i),
    blsPublicKey: new Uint8Array(48),
    votingPower,
  }));

const beaconOf = (number: number): Uint8Array => sha256(Uint8Array.of(number >>> 16, number >>> 8, number));

const drawn = (set: ValidatorSet, beacon: Uint8Array, round: number): number =>
  set.indexOf(set.find(({ id }) => id === proposerOf(CHAIN_ID, set, beacon, round).id) as Validator);

test('in every cycle of rounds each member proposes once, and cycles differ', () => {
  const set = setOf(10, 11, 12, 13, 14);
  const orders = [0, 1, 2, 7].map((cycle) => {
    const order = set.map((_, place) => drawn(set, beaconOf(1), cycle * set.length + place));
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      [0, 1, 2, 3, 4],
    );
    return order.join();
  });
  assert.ok(new Set(orders).size > 1);
});

/** Probability above 99.99 % of a sum of squares below this for three degrees of freedom, when the hypothesis is true. */
const CHI_SQUARE_3 = 21.1;

function chiSquare(counts: readonly number[], expected: readonly number[]): number {
  return counts.reduce((sum, count, i) => sum + (count - (expected[i] ?? 0)) ** 2 / (expected[i] ?? 0), 0);
}

test('a validator proposes as often as it has stake', () => {
  const set = setOf(1, 2, 3, 4);
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 20_000; i++) {
    const index = drawn(set, beaconOf(i), 0);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  assert.ok(chiSquare(counts, [2_000, 4_000, 6_000, 8_000]) < CHI_SQUARE_3, counts.join());
});

test('the second of a cycle is drawn by stake among the others', () => {
  const powers = [1, 2, 3, 4];
  const set = setOf(...powers);
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 20_000; i++) {
    const index = drawn(set, beaconOf(i), 1);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  const expected = powers.map((own, i) =>
    powers.reduce((sum, other, j) => (i === j ? sum : sum + 20_000 * (other / 10) * (own / (10 - other))), 0),
  );
  assert.ok(chiSquare(counts, expected) < CHI_SQUARE_3, `${counts.join()} of ${expected.join()}`);
});

/** The specification once more, in bigint and without tricks. Counts the words it refused. */
function naiveProposer(
  set: ValidatorSet,
  beacon: Uint8Array,
  round: number,
): { id: string; refused: number } {
  const little = (value: number, length: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return bytes.subarray(0, length);
  };
  const purpose = Buffer.alloc(32);
  purpose.write('proposer-draw');
  let members = [...set];
  let refused = 0;
  for (let place = 0; ; place++) {
    const total = members.reduce((sum, { votingPower }) => sum + BigInt(votingPower), 0n);
    let point = -1n;
    for (let attempt = 0; point < 0n; attempt++) {
      const hash = createHash('sha256').update(purpose).update(little(CHAIN_ID, 8)).update(beacon);
      const cycle = Math.floor(round / set.length);
      const digest = hash
        .update(little(cycle, 4))
        .update(little(place, 4))
        .update(little(attempt, 4))
        .digest();
      const word = digest.readBigUInt64LE() & ((1n << 53n) - 1n);
      if (word < ((1n << 53n) / total) * total) point = word % total;
      else refused++;
    }
    const lengths = members.flatMap((_, i) =>
      members.slice(0, i + 1).reduce((sum, { votingPower }) => sum + BigInt(votingPower), 0n),
    );
    const at = lengths.findIndex((end) => end > point);
    const chosen = members[at];
    assert.ok(chosen);
    if (place === round % set.length) return { id: toHex(chosen.id), refused };
    members = members.filter((_, i) => i !== at);
  }
}

test('the specification in other words agrees, with total stakes at which words are refused', () => {
  let refused = 0;
  const powers = fc.array(fc.integer({ min: 1, max: Math.floor(MAX_TOTAL_POWER / 8) }), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(powers, fc.nat(1 << 23), fc.nat(40), (some, number, round) => {
      const set = setOf(...some);
      const expected = naiveProposer(set, beaconOf(number), round);
      refused += expected.refused;
      assert.equal(toHex(proposerOf(CHAIN_ID, set, beaconOf(number), round).id), expected.id);
    }),
    { seed: 11, numRuns: 1_000 },
  );
  assert.ok(refused > 0, 'the sample has refused words in it');
});

test('the draw depends on chain, beacon and round', () => {
  const set = setOf(...Array.from({ length: 1_000 }, () => 1));
  const ids = [
    proposerOf(CHAIN_ID, set, beaconOf(1), 0),
    proposerOf(CHAIN_ID + 1, set, beaconOf(1), 0),
    proposerOf(CHAIN_ID, set, beaconOf(2), 0),
    proposerOf(CHAIN_ID, set, beaconOf(1), 1),
    proposerOf(CHAIN_ID, set, beaconOf(1), 1_000),
  ].map(({ id }) => set.findIndex((member) => member.id === id));
  assert.equal(new Set(ids).size, ids.length);
});

test('the highest round has a proposer, and what is no round has none', () => {
  const set = setOf(1, 2, 3);
  assert.ok(proposerOf(CHAIN_ID, set, beaconOf(1), NO_ROUND - 1));
  for (const round of [-1, NO_ROUND, 0.5]) {
    assert.equal(
      codeOf(() => proposerOf(CHAIN_ID, set, beaconOf(1), round)),
      'INVARIANT_VIOLATED',
    );
  }
  assert.equal(
    codeOf(() => proposerOf(CHAIN_ID, [], beaconOf(1), 0)),
    'INVARIANT_VIOLATED',
  );
});
