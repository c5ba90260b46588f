import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addLiens, convertLiens, takeLiens, withoutLiensFor } from '../../../state/staking/liens.js';
import type { Lien } from '../../../state/staking/codecs.js';
import { createPrng } from '../../support/prng.js';

const [A, B] = [1, 2].map((number) => new Uint8Array(20).fill(number)) as [Uint8Array, Uint8Array];

function lien(shares: bigint, changes: Partial<Lien> = {}): Lien {
  return { validator: A, epoch: 3, untilMs: 1_000, untilHeight: 10, shares, ...changes };
}

function sharesOf(liens: readonly Lien[]): bigint[] {
  return liens.map(({ shares }) => shares);
}

test('a lien never gets smaller in value by moving, nor bigger than the place it comes to', () => {
  assert.deepEqual(sharesOf(convertLiens([lien(1n), lien(2n), lien(3n)], 3n, 2n)), [1n, 2n, 2n]);
  assert.deepEqual(sharesOf(convertLiens([lien(5n)], 10n, 10n)), [5n]);
  const prng = createPrng(5);
  for (let i = 0; i < 2_000; i++) {
    const [from, to] = [1n + prng.bigint(prng.pick([3, 90])), 1n + prng.bigint(prng.pick([3, 90]))];
    const shares = 1n + (prng.bigint(90) % from);
    const [converted = 0n] = sharesOf(convertLiens([lien(shares)], from, to));
    assert.ok(converted * from >= shares * to && (converted - 1n) * from < shares * to && converted <= to);
  }
});

test('what goes and what stays have each lien in proportion, and are the whole', () => {
  const { taken, kept } = takeLiens([lien(10n), lien(4n, { validator: B }), lien(1n, { epoch: 4 })], 20n, 6n);
  assert.deepEqual(
    [sharesOf(taken), sharesOf(kept)],
    [
      [3n, 2n, 1n],
      [7n, 2n],
    ],
  );
  assert.deepEqual(kept[0]?.validator, A);
  const prng = createPrng(6);
  for (let i = 0; i < 2_000; i++) {
    const place = 1n + prng.bigint(prng.pick([3, 90]));
    const [on, going] = [1n + (prng.bigint(90) % place), prng.bigint(90) % (place + 1n)];
    const divided = takeLiens([lien(on)], place, going);
    const [[gone = 0n], [left = 0n]] = [sharesOf(divided.taken), sharesOf(divided.kept)];
    assert.ok(gone + left === on && gone <= going && left <= place - going);
  }
});

test('liens of one validator and epoch become one, with the later end', () => {
  const added = addLiens(
    [lien(1n), lien(2n, { epoch: 4 })],
    [lien(5n, { untilMs: 900 }), lien(7n, { validator: B }), lien(1n, { epoch: 4, untilMs: 1_100 })],
  );
  assert.deepEqual(added, [lien(6n), lien(3n, { epoch: 4, untilMs: 1_100 }), lien(7n, { validator: B })]);
  assert.deepEqual(withoutLiensFor(added, A), [lien(7n, { validator: B })]);
});
