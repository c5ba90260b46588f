import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import type { Reputation } from '../../../state/providers/provider.js';
import { drawWeights, weightOfClaim } from '../../../state/providers/weight.js';
import { createPrng } from '../../support/prng.js';

const NEW: Reputation = {
  ...{ accepted: 0, rejected: 0, withheld: 0, abandoned: 0, inconclusive: 0, released: 0 },
  ...{ earnedWei: 0n, slashedWei: 0n },
};
const MAX = 100n * WEI_PER_OGPU;

function weight(priceWei: bigint, reputation: Partial<Reputation> = {}): number {
  return weightOfClaim({ priceWei, maxPriceWei: MAX, reputation: { ...NEW, ...reputation } });
}

describe('the weight of a claim', () => {
  test('a newcomer at full price is the measure; price counts up to fourfold, experience threefold', () => {
    assert.equal(weight(MAX), 1_000);
    assert.equal(weight(MAX / 2n), 2_000);
    assert.equal(weight(MAX / 4n), 4_000);
    assert.equal(weight(1n), 4_000);
    assert.equal(weight(0n), 4_000);
    assert.equal(weight(MAX, { accepted: 64 }), 3_000);
    assert.equal(weight(0n, { accepted: 10_000 }), 12_000);
  });

  test('faults cost by what they did to others, and good work makes up for them', () => {
    assert.equal(weight(MAX, { rejected: 1 }), 200);
    assert.equal(weight(MAX, { withheld: 1 }), 200);
    assert.equal(weight(MAX, { abandoned: 1 }), 500);
    assert.equal(weight(MAX, { inconclusive: 1 }), 800);
    assert.equal(weight(MAX, { released: 1 }), 941);
    const veteran = weight(MAX, { accepted: 1_000, abandoned: 10 });
    assert.ok(veteran > 2_800 && veteran < 3_000, `${veteran}`);
    assert.equal(weight(MAX, { rejected: 2 ** 53 - 1, abandoned: 2 ** 53 - 1 }), 1);
  });

  test('more is never worse than less of what is good, and never better of what is bad', () => {
    const prng = createPrng(7);
    const random = (): Reputation => ({
      ...NEW,
      accepted: prng.below(100),
      rejected: prng.below(3),
      withheld: prng.below(3),
      abandoned: prng.below(6),
      inconclusive: prng.below(6),
      released: prng.below(9),
    });
    for (let round = 0; round < 500; round++) {
      const reputation = random();
      const [cheap, dear] = [1n + prng.bigint(60), 0n].map((wei) => MAX - (wei % MAX)) as [bigint, bigint];
      assert.ok(weight(cheap, reputation) >= weight(dear, reputation));
      assert.ok(
        weight(dear, { ...reputation, accepted: reputation.accepted + 1 }) >= weight(dear, reputation),
      );
      for (const fault of ['rejected', 'withheld', 'abandoned', 'inconclusive', 'released'] as const) {
        const worse = { ...reputation, [fault]: reputation[fault] + 1 };
        assert.ok(weight(dear, worse) <= weight(dear, reputation), fault);
      }
    }
  });
});

describe('the weights of a draw', () => {
  test('nobody has more than the cap, or twice an equal part where there are few', () => {
    assert.deepEqual(drawWeights([], 3_000), []);
    assert.deepEqual(drawWeights([7], 3_000), [7]);
    assert.deepEqual(drawWeights([12_000, 1], 3_000), [12_000, 1]);
    assert.deepEqual(drawWeights([12_000, 1_000, 1_000], 3_000), [4_000, 1_000, 1_000]);
    const ten = drawWeights([12_000, 12_000, ...Array<number>(8).fill(100)], 3_000);
    assert.deepEqual(ten.slice(0, 3), [600, 600, 100]);
    const prng = createPrng(11);
    for (let round = 0; round < 400; round++) {
      const weights = Array.from({ length: 1 + prng.below(40) }, () => 1 + prng.below(12_000));
      const capBps = 1 + prng.below(10_000);
      const drawn = drawWeights(weights, capBps);
      const total = drawn.reduce((sum, each) => sum + each, 0);
      const cap = Math.max(capBps, Math.ceil(20_000 / weights.length));
      for (const [index, each] of drawn.entries()) {
        assert.ok(each >= 1 && each <= (weights[index] ?? 0));
        // A rounded cap can miss by one unit of weight.
        assert.ok((each - 1) * 10_000 <= cap * total, `${each} of ${total} with a cap of ${cap}`);
      }
    }
  });

  test('it does not matter in which order claims come', () => {
    const prng = createPrng(13);
    const weights = Array.from({ length: 12 }, () => 1 + prng.below(12_000));
    const once = drawWeights(weights, 1_500).toSorted((a, b) => a - b);
    assert.deepEqual(
      drawWeights(weights.toReversed(), 1_500).toSorted((a, b) => a - b),
      once,
    );
  });
});
