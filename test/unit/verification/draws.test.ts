import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleSegments, strata } from '../../../consensus/verification/sampling.js';
import { drawSeats, eligibleVerifiers, type Verifier } from '../../../consensus/verification/seats.js';
import { auditSeed, drawsOf, type Draws } from '../../../consensus/verification/seed.js';
import { toHex } from '../../../protocol/bytes.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { addressOf, AuditWorld, CHAIN_ID } from '../../support/audit-world.js';

const draws = (number: number): Draws =>
  drawsOf(CHAIN_ID, sha256(Uint8Array.of(number >>> 16, number >>> 8, number)));

function chiSquare(counts: readonly number[], expected: readonly number[]): number {
  return counts.reduce((sum, count, i) => sum + (count - (expected[i] ?? 0)) ** 2 / (expected[i] ?? 1), 0);
}

/** Above the 99.99th percentile of chi-square with `degrees` of freedom (Wilson and Hilferty). */
function limitOf(degrees: number): number {
  return degrees * (1 - 2 / (9 * degrees) + 3.72 * Math.sqrt(2 / (9 * degrees))) ** 3;
}

const TIMES = 8_000;

for (const [kind, segments, sampled] of [
  ['batch', 64, 4],
  ['batch', 11, 4],
  ['chain', 64, 4],
  ['chain', 19, 4],
  ['chain', 16, 4],
] as const) {
  test(`of ${segments} segments of a ${kind} one of each of ${sampled} strata is drawn, all with equal chances`, () => {
    const cut = strata(segments, sampled);
    const counts = Array<number>(segments).fill(0);
    for (let i = 0; i < TIMES; i++) {
      const drawn = sampleSegments({ kind, segments, sampled, full: false }, draws(i));
      assert.equal(drawn.length, sampled);
      drawn.forEach((segment, j) => {
        const { first, size } = cut[j] ?? assert.fail();
        assert.ok(segment >= first && segment < first + size);
        if (kind === 'chain') assert.notEqual(segment - 1, drawn[j - 1], 'never two neighbours');
        counts[segment] = (counts[segment] ?? 0) + 1;
      });
    }
    const expected = cut.flatMap(({ size }) => Array<number>(size).fill(TIMES / size));
    assert.ok(chiSquare(counts, expected) < limitOf(segments - sampled), counts.join());
  });
}

test('a full audit judges every segment: asked for, few segments, or a chain too short to draw from', () => {
  const all = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  const of = (kind: 'batch' | 'chain', segments: number, full = false): number[] =>
    sampleSegments({ kind, segments, sampled: 4, full }, draws(1));
  assert.deepEqual(of('batch', 64, true), all(64));
  assert.deepEqual(of('batch', 4), all(4));
  assert.deepEqual(of('batch', 1), all(1));
  assert.deepEqual(of('chain', 15), all(15));
  assert.equal(of('chain', 16).length, 4);
});

const verifier = (id: number, power: number, operator = id): Verifier => ({
  ...{ id: addressOf(1, id), operator: addressOf(2, operator), power },
});

test('seats are drawn by stake, without replacement', () => {
  const powers = [1, 2, 3, 4];
  const verifiers = powers.map((power, i) => verifier(i, power));
  const firsts = [0, 0, 0, 0];
  const seconds = [0, 0, 0, 0];
  for (let i = 0; i < TIMES; i++) {
    const [first, second] = drawSeats(verifiers, i % 64, 2, draws(i));
    assert.ok(first && second && first.id !== second.id);
    for (const [counts, { id }] of [[firsts, first] as const, [seconds, second] as const]) {
      counts[id[19] ?? 9] = (counts[id[19] ?? 9] ?? 0) + 1;
    }
  }
  assert.ok(
    chiSquare(
      firsts,
      powers.map((power) => (TIMES * power) / 10),
    ) < limitOf(3),
    firsts.join(),
  );
  const expected = powers.map((own, i) =>
    powers.reduce((sum, other, j) => (i === j ? sum : sum + TIMES * (other / 10) * (own / (10 - other))), 0),
  );
  assert.ok(chiSquare(seconds, expected) < limitOf(3), seconds.join());
});

test('an operator never has two seats of a segment, and with few operators all have one', () => {
  const verifiers = [verifier(0, 5, 7), verifier(1, 5, 7), verifier(2, 1), verifier(3, 1)];
  for (let i = 0; i < 200; i++) {
    const drawn = drawSeats(verifiers, 3, 5, draws(i));
    assert.equal(drawn.length, 3);
    assert.equal(new Set(drawn.map(({ operator }) => toHex(operator))).size, 3);
  }
  const taken = new Set([toHex(addressOf(2, 7))]);
  assert.equal(drawSeats(verifiers, 3, 5, draws(1), taken).length, 2);
});

test('neither a party nor a validator of its operator judges', () => {
  const { terms } = new AuditWorld({ terms: { parties: [addressOf(1, 0), addressOf(2, 2)] } });
  const eligible = eligibleVerifiers(terms, [
    verifier(0, 1),
    verifier(1, 1),
    verifier(2, 1),
    verifier(3, 1, 2),
  ]);
  assert.deepEqual(
    eligible.map(({ id }) => id[19]),
    [1],
  );
});

test('a seed hangs on beacon, job, attempt, round and root', () => {
  const subject = { chainId: CHAIN_ID, job: new Uint8Array(32), attempt: 0 };
  const zero = new Uint8Array(32);
  const one = new Uint8Array(32).fill(1);
  const seeds = [
    auditSeed(subject, 0, zero, zero),
    auditSeed(subject, 1, zero, zero),
    auditSeed(subject, 0, one, zero),
    auditSeed(subject, 0, zero, one),
    auditSeed({ ...subject, job: one }, 0, zero, zero),
    auditSeed({ ...subject, attempt: 1 }, 0, zero, zero),
    auditSeed({ ...subject, chainId: 1 }, 0, zero, zero),
  ];
  assert.equal(new Set(seeds.map(toHex)).size, seeds.length);
});
