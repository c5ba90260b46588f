import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requiredBondWei } from '../../../consensus/verification/bond.js';
import {
  allSeatsProbability,
  bestPlacement,
  collusionBound,
  passProbability,
  singleDetection,
  weakestDetection,
} from '../../../consensus/verification/detection.js';
import { compare, fraction, power, type Fraction } from '../../../consensus/verification/fraction.js';
import { strata } from '../../../consensus/verification/sampling.js';
import { PRESETS } from '../../../protocol/presets.js';
import { PRICE_WEI } from '../../support/audit-world.js';
import { createPrng } from '../../support/prng.js';

const of = (kind: 'batch' | 'chain', segments: number, sampled: number, full = false) => ({
  ...{ kind, segments, sampled, full },
});

/** The draw of the specification, all outcomes with their chances. */
function enumerate(kind: 'batch' | 'chain', segments: number, sampled: number): [number[], number][] {
  let outcomes: [number[], number][] = [[[], 1]];
  strata(segments, sampled).forEach(({ first, size }, j, cut) => {
    const before = cut[j - 1]?.size;
    outcomes = outcomes.flatMap(([drawn, chance]) =>
      Array.from({ length: size }, (_, i): [number[], number] => {
        let step = 1 / size;
        if (kind === 'chain' && before !== undefined) {
          const toFirst = drawn.at(-1) === first - 1 ? 0 : before / (size * (before - 1));
          step = i === 0 ? toFirst : (1 - toFirst) / (size - 1);
        }
        return [[...drawn, first + i], chance * step];
      }),
    );
  });
  return outcomes;
}

const valueOf = ({ numerator, denominator }: Fraction): number => Number(numerator) / Number(denominator);

test('the chance to pass is that of all draws of the specification, one by one', () => {
  const prng = createPrng(11);
  for (const kind of ['batch', 'chain'] as const) {
    for (const [segments, sampled] of [
      [12, 3],
      [13, 3],
      [16, 4],
    ] as const) {
      const all = enumerate(kind, segments, sampled);
      for (let i = 0; i < 20; i++) {
        const bad = new Set(Array.from({ length: 1 + prng.below(6) }, () => prng.below(segments)));
        const expected = all.reduce(
          (sum, [drawn, chance]) => (drawn.some((s) => bad.has(s)) ? sum : sum + chance),
          0,
        );
        assert.ok(Math.abs(valueOf(passProbability(of(kind, segments, sampled), bad)) - expected) < 1e-12);
      }
    }
  }
});

test('at the best placement a batch passes with (1 − m/n)^k, and no placement is better', () => {
  for (const m of [4, 16, 32, 60]) {
    const pass = passProbability(of('batch', 64, 4), bestPlacement(64, 4, m));
    assert.equal(compare(pass, power(fraction(BigInt(64 - m), 64n), 4)), 0);
  }
  for (let m = 0; m <= 7; m++) {
    const best = passProbability(of('batch', 7, 3), bestPlacement(7, 3, m));
    for (let mask = 0; mask < 128; mask++) {
      const bad = new Set(Array.from({ length: 7 }, (_, i) => i).filter((i) => (mask >> i) & 1));
      if (bad.size === m) assert.ok(compare(passProbability(of('batch', 7, 3), bad), best) <= 0);
    }
  }
});

test('one bad segment is drawn with 1/⌈n/k⌉ at least, in a chain, too; always in a full audit', () => {
  for (const kind of ['batch', 'chain'] as const) {
    for (const segments of [16, 19, 64]) {
      const least = Array.from({ length: segments }, (_, i) =>
        passProbability(of(kind, segments, 4), new Set([i])),
      ).reduce((a, b) => (compare(a, b) > 0 ? a : b));
      const { numerator, denominator } = singleDetection(of(kind, segments, 4));
      assert.equal(compare(least, fraction(denominator - numerator, denominator)), 0);
    }
  }
  assert.equal(valueOf(passProbability(of('batch', 64, 4, true), new Set([1]))), 0);
  assert.equal(valueOf(passProbability(of('batch', 64, 4, true), new Set())), 1);
});

test('draws without replacement favour a coalition less than α^c', () => {
  // 5 of 15 equal operators: C(5, 5) / C(15, 5).
  assert.equal(compare(allSeatsProbability(Array<number>(5).fill(1), 15, 5), fraction(1n, 3003n)), 0);
  assert.equal(valueOf(allSeatsProbability([1], 4, 2)), 0);
  assert.ok(compare(allSeatsProbability([3, 2], 15, 2), collusionBound(2)) < 0);
});

test('the bond makes the mean of the weakest cheat negative, whatever job it is', () => {
  const prng = createPrng(12);
  for (let i = 0; i < 300; i++) {
    const segments = 1 + prng.below(300);
    const terms = {
      ...of(
        prng.pick(['batch', 'chain']),
        segments,
        1 + prng.below(Math.min(8, segments)),
        prng.chance(1, 4),
      ),
      ...{ seats: 1 + prng.below(8), priceWei: prng.bigint(70), auditFeeWei: prng.bigint(69) },
    };
    const valueWei = terms.priceWei + prng.bigint(72);
    const operators = 1 + prng.below(20);
    const { jobs } = PRESETS.mainnet.params;
    const bondWei = requiredBondWei(jobs, { ...terms, valueWei }, operators, operators);
    const { numerator, denominator } = weakestDetection(terms, Math.min(terms.seats, operators));
    assert.ok((denominator - numerator) * valueWei < numerator * bondWei);
    assert.ok(bondWei >= 10n * terms.priceWei);
  }
});

test('at the defaults d is 4.15 % and a bond 23.1 times the value; of a full audit 66.4 % and ten times the price', () => {
  const { jobs } = PRESETS.mainnet.params;
  const sampled = weakestDetection(of('batch', 64, 4), 5);
  assert.equal(compare(sampled, fraction(121n, 2916n)), 0);
  const terms = {
    ...of('batch', 64, 4),
    seats: 5,
    priceWei: PRICE_WEI,
    auditFeeWei: 0n,
    valueWei: PRICE_WEI,
  };
  const bond = (full: boolean): bigint => requiredBondWei(jobs, { ...terms, full }, 20, 20);
  assert.equal((bond(false) * 100n) / PRICE_WEI, 2309n);
  assert.equal(bond(true), 10n * PRICE_WEI);
});
