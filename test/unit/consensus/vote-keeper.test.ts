import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CoreVote, VoteKind, VoteTarget } from '../../../consensus/core/types.js';
import { MAX_FUTURE_ROUNDS, MAX_PAST_ROUNDS, VoteKeeper } from '../../../consensus/core/vote-keeper.js';
import { createPrng } from '../../support/prng.js';

const KINDS = ['prevote', 'precommit'] as const;

function fourEqual(): VoteKeeper<CoreVote> {
  return new VoteKeeper(new Map(['a', 'b', 'c', 'd'].map((name) => [name, 1])));
}

function vote(validator: string, kind: VoteKind, round: number, target: VoteTarget): CoreVote {
  return { validator, kind, round, target };
}

describe('quorums', () => {
  test('the first quorum of a round and kind stands, one for nil as well', () => {
    const keeper = fourEqual();
    for (const name of ['a', 'b', 'c']) keeper.add(vote(name, 'prevote', 0, null), 0);
    assert.equal(keeper.quorum('prevote', 0), null);
    keeper.addCertificate('prevote', 0, 'X');
    assert.equal(keeper.quorum('prevote', 0), null);
  });

  test('the first commit stands', () => {
    const keeper = fourEqual();
    keeper.addCertificate('precommit', 3, null);
    assert.equal(keeper.commit(), undefined);
    keeper.addCertificate('precommit', 2, 'X');
    keeper.addCertificate('precommit', 1, 'Y');
    assert.deepEqual(keeper.commit(), { round: 2, block: 'X' });
  });

  test('a certificate of a later round leads there; the lowest comes first', () => {
    const keeper = fourEqual();
    keeper.addCertificate('prevote', 5, 'X');
    keeper.addCertificate('prevote', 3, null);
    assert.equal(keeper.roundToSkipTo(0), 3);
    assert.equal(keeper.roundToSkipTo(3), 5);
    assert.equal(keeper.roundToSkipTo(5), undefined);
  });

  test('a certificate is votes of more than two thirds', () => {
    const keeper = fourEqual();
    assert.equal(keeper.hasAnyQuorum('precommit', 0), false);
    keeper.addCertificate('precommit', 0, 'X');
    assert.equal(keeper.hasAnyQuorum('precommit', 0), true);
    assert.equal(keeper.hasAnyQuorum('prevote', 0), false);
  });
});

describe('against counting by hand', () => {
  for (let seed = 1; seed <= 40; seed++) {
    test(`seed ${seed}`, () => {
      const prng = createPrng(seed);
      const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].slice(0, 1 + prng.below(7));
      const powers = new Map(names.map((name) => [name, 1 + prng.below(prng.pick([1, 3, 1000]))]));
      const keeper = new VoteKeeper(powers);
      const counted: CoreVote[] = [];
      for (let i = 0; i < 120; i++) {
        const next = vote(
          prng.pick([...names, 'stranger']),
          prng.pick(KINDS),
          prng.below(MAX_FUTURE_ROUNDS),
          prng.pick(['X', 'Y', null]),
        );
        const same = counted.find(
          (one) => one.validator === next.validator && one.kind === next.kind && one.round === next.round,
        );
        const expected = same === undefined ? 'added' : same.target === next.target ? 'repeated' : 'conflict';
        const isKnown = powers.has(next.validator);
        assert.equal(keeper.add(next, 0).kind, isKnown ? expected : 'ignored');
        if (isKnown && same === undefined) counted.push(next);
        compare(keeper, counted, powers);
      }
    });
  }
});

/** Everything the keeper answers, against sums over all counted votes, of distinct validators. */
function compare(
  keeper: VoteKeeper<CoreVote>,
  counted: readonly CoreVote[],
  powers: ReadonlyMap<string, number>,
): void {
  const total = [...powers.values()].reduce((sum, power) => sum + power, 0);
  const powerOf = (votes: readonly CoreVote[]): number =>
    [...new Set(votes.map(({ validator }) => validator))].reduce(
      (sum, name) => sum + (powers.get(name) ?? 0),
      0,
    );
  let skip: number | undefined;
  for (let round = MAX_FUTURE_ROUNDS; round >= 0; round--) {
    const inRound = counted.filter((one) => one.round === round);
    if (round > 0 && powerOf(inRound) > total / 3) skip = round;
    for (const kind of KINDS) {
      const ofKind = inRound.filter((one) => one.kind === kind);
      const targets = ['X', 'Y', null].filter(
        (target) => powerOf(ofKind.filter((one) => one.target === target)) > (2 * total) / 3,
      );
      assert.deepEqual(keeper.quorum(kind, round), targets[0]);
      assert.equal(keeper.hasAnyQuorum(kind, round), powerOf(ofKind) > (2 * total) / 3);
      assert.deepEqual(keeper.votesOf(kind, round), ofKind);
      assert.deepEqual(
        keeper.votesFor(kind, round, 'X'),
        ofKind.filter((one) => one.target === 'X'),
      );
    }
  }
  assert.equal(keeper.roundToSkipTo(0), skip);
}

describe('bounds', () => {
  test('a flooder of rounds to come keeps its last few, and displaces nobody else', () => {
    const keeper = fourEqual();
    const honest = vote('b', 'precommit', 2, 'X');
    keeper.add(honest, 0);
    for (let round = 1; round <= 100_000; round++) {
      for (const kind of KINDS) keeper.add(vote('a', kind, round, `B${round}`), 0);
    }
    const kept = Array.from({ length: 100_001 }, (_, round) =>
      KINDS.flatMap((kind) => keeper.votesOf(kind, round)),
    ).flat();
    assert.equal(kept.filter(({ validator }) => validator === 'a').length, 2 * MAX_FUTURE_ROUNDS);
    assert.equal(keeper.roundCount, 1 + MAX_FUTURE_ROUNDS);
    assert.deepEqual(keeper.votesOf('precommit', 2), [honest]);
    assert.equal(keeper.roundToSkipTo(0), undefined);
    keeper.add(vote('c', 'prevote', 2, null), 0);
    assert.equal(keeper.roundToSkipTo(0), 2);
  });

  test('downwards the flooder gets nothing in that is not among its last', () => {
    const keeper = fourEqual();
    const results = Array.from(
      { length: 1_000 },
      (_, i) => keeper.add(vote('a', 'prevote', 1_000 - i, 'X'), 0).kind,
    );
    assert.equal(results.filter((kind) => kind === 'added').length, MAX_FUTURE_ROUNDS);
    assert.equal(results.at(-1), 'ignored');
  });

  test('a displaced vote counts no more, and its round is as empty as before', () => {
    const keeper = fourEqual();
    keeper.add(vote('a', 'prevote', 1, 'X'), 0);
    keeper.add(vote('b', 'prevote', 1, 'X'), 0);
    for (let round = 2; round <= 1 + MAX_FUTURE_ROUNDS; round++)
      keeper.add(vote('a', 'prevote', round, 'X'), 0);
    assert.deepEqual(keeper.votesOf('prevote', 1), [vote('b', 'prevote', 1, 'X')]);
    assert.equal(keeper.roundToSkipTo(0), undefined);
    keeper.add(vote('c', 'prevote', 1, 'X'), 1);
    assert.equal(keeper.hasAnyQuorum('prevote', 1), false);
    keeper.add(vote('d', 'prevote', 1, 'Y'), 1);
    assert.equal(keeper.quorum('prevote', 1), undefined);
    assert.equal(keeper.hasAnyQuorum('prevote', 1), true);
    keeper.add(vote('a', 'prevote', 1, 'X'), 1);
    assert.equal(keeper.quorum('prevote', 1), 'X');
  });

  test('a certificate stays where votes are displaced', () => {
    const keeper = fourEqual();
    keeper.addCertificate('precommit', 1, 'X');
    for (let round = 1; round <= 1 + MAX_FUTURE_ROUNDS; round++)
      keeper.add(vote('a', 'prevote', round, 'X'), 0);
    assert.deepEqual(keeper.votesOf('prevote', 1), []);
    assert.equal(keeper.quorum('precommit', 1), 'X');
  });

  test('what has become the past makes room for what is to come', () => {
    const keeper = fourEqual();
    for (let round = 1; round <= 50; round++) {
      assert.equal(keeper.add(vote('a', 'prevote', round, 'X'), round - 1).kind, 'added');
    }
    for (let round = 1; round <= 50; round++) assert.equal(keeper.votesOf('prevote', round).length, 1);
  });

  test('old rounds are dropped, but for those that are kept and the commit', () => {
    const keeper = fourEqual();
    for (let round = 0; round < 10; round++) keeper.add(vote('a', 'prevote', round, 'X'), round);
    keeper.addCertificate('precommit', 3, 'X');
    keeper.prune(MAX_PAST_ROUNDS + 6, [1]);
    const kept = Array.from({ length: 10 }, (_, round) => round).filter(
      (round) => keeper.votesOf('prevote', round).length > 0,
    );
    assert.deepEqual(kept, [1, 3, 6, 7, 8, 9]);
    const present = MAX_PAST_ROUNDS + 6;
    assert.equal(keeper.add(vote('b', 'prevote', 5, 'X'), present).kind, 'ignored');
    assert.equal(keeper.add(vote('b', 'prevote', 6, 'X'), present).kind, 'added');
  });

  test('powers that could not be compared exactly are refused', () => {
    assert.throws(() => new VoteKeeper(new Map([['a', Number.MAX_SAFE_INTEGER]])), /safe integer/);
  });
});
