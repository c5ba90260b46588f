import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exceedsOneThird, isQuorum, MAX_TOTAL_POWER, powerOf, totalPower } from '../../../consensus/power.js';
import type { ValidatorSet } from '../../../protocol/types/validators.js';
import { codeOf } from '../../support/error-code.js';

const setOf = (...powers: readonly number[]): ValidatorSet =>
  powers.map((votingPower, i) => ({
    id: new Uint8Array(20).fill(i),
    blsPublicKey: new Uint8Array(48),
    votingPower,
  }));

test('two thirds are no quorum, one unit more is', () => {
  assert.equal(isQuorum(2, 3), false);
  assert.equal(isQuorum(3, 3), true);
  assert.equal(isQuorum(100, 150), false);
  assert.equal(isQuorum(101, 150), true);
  assert.equal(exceedsOneThird(50, 150), false);
  assert.equal(exceedsOneThird(51, 150), true);
});

test('comparisons are exact up to the whole supply', () => {
  const power = fc.integer({ min: 0, max: MAX_TOTAL_POWER });
  fc.assert(
    fc.property(power, power, (part, total) => {
      assert.equal(isQuorum(part, total), 3n * BigInt(part) > 2n * BigInt(total));
      assert.equal(exceedsOneThird(part, total), 3n * BigInt(part) > BigInt(total));
    }),
    { seed: 7, numRuns: 2_000 },
  );
  const twoThirds = (MAX_TOTAL_POWER / 3) * 2;
  assert.equal(isQuorum(twoThirds, MAX_TOTAL_POWER), false);
  assert.equal(isQuorum(twoThirds + 1, MAX_TOTAL_POWER), true);
});

test('powers add up, and what no chain can have is refused', () => {
  assert.equal(totalPower(setOf(1, 2, MAX_TOTAL_POWER - 3)), MAX_TOTAL_POWER);
  assert.equal(powerOf(setOf(4, 5)), 9);
  for (const set of [setOf(1, 0), setOf(1, MAX_TOTAL_POWER), setOf(Number.MAX_SAFE_INTEGER, 1)]) {
    assert.equal(
      codeOf(() => totalPower(set)),
      'POWER_OUT_OF_RANGE',
    );
  }
});
