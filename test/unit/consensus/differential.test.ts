import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeightDriver } from '../../../consensus/core/driver.js';
import type { Output, RoundState } from '../../../consensus/core/state-machine.js';
import type { CoreVote, TimeoutKind } from '../../../consensus/core/types.js';
import { createPrng, type Prng } from '../../support/prng.js';
import { NaiveHeight } from './naive-height.js';

const SEQUENCES = 2_000;
const INPUTS = 60;
const BLOCKS = ['X', 'Y', 'Z'];

/** Two who are told the same: the driver, and the algorithm as it is printed. Own votes come back to both. */
class Twins {
  readonly driver: HeightDriver<CoreVote>;
  readonly naive: NaiveHeight;
  readonly #own: string;

  constructor(own: string, powers: ReadonlyMap<string, number>) {
    const names = [...powers.keys()];
    const proposerOf = (round: number): string => names[round % names.length] ?? '';
    this.#own = own;
    this.driver = new HeightDriver({ own, powers, proposerOf });
    this.naive = new NaiveHeight(own, powers, proposerOf);
  }

  /** More than a third have lied, and the block of the first is not here: which of them counts is open. */
  get hasTwoCommits(): boolean {
    return this.naive.commits().size > 1;
  }

  tell(
    driver: (driver: HeightDriver<CoreVote>) => Output[],
    naive: (naive: NaiveHeight) => Output[],
    isAnswered: boolean,
  ): Output[] {
    const outputs = driver(this.driver);
    const expected = naive(this.naive);
    if (this.hasTwoCommits) return [];
    assert.deepEqual(outputs, expected);
    assert.deepEqual(this.driver.state.step, this.naive.step);
    assert.deepEqual(placesOf(this.driver.state), [
      this.naive.lockedValue,
      this.naive.lockedRound,
      this.naive.validValue,
      this.naive.validRound,
    ]);
    const all = [...outputs];
    for (const output of isAnswered ? outputs : []) {
      if (output.kind !== 'vote') continue;
      const { vote: kind, round, target } = output;
      all.push(...this.votes([{ kind, round, target, validator: this.#own }]));
    }
    return all;
  }

  votes(votes: readonly CoreVote[]): Output[] {
    return this.tell(
      (driver) => driver.addVotes(votes).outputs,
      (naive) => naive.votes(votes),
      true,
    );
  }
}

test('the driver does what the printed algorithm does', () => {
  const seen = new Map<string, number>();
  for (let seed = 0; seed < SEQUENCES; seed++) {
    const prng = createPrng(seed);
    const twins = createTwins(prng);
    for (let i = 0; i < INPUTS; i++) {
      for (const { kind } of tellSomething(prng, twins)) seen.set(kind, (seen.get(kind) ?? 0) + 1);
      if (twins.hasTwoCommits) break;
    }
    if (twins.driver.state.round > 2) seen.set('later rounds', (seen.get('later rounds') ?? 0) + 1);
    const { locked, valid } = twins.driver.state;
    if (locked !== null) seen.set('lock', (seen.get('lock') ?? 0) + 1);
    if (valid?.round !== locked?.round) seen.set('valid alone', (seen.get('valid alone') ?? 0) + 1);
  }
  // The sequences come to all that matters, again and again.
  for (const what of ['decide', 'propose', 'lock', 'valid alone', 'later rounds']) {
    assert.ok((seen.get(what) ?? 0) > SEQUENCES / 200, `${what}: ${seen.get(what) ?? 0}`);
  }
});

function createTwins(prng: Prng): Twins {
  const names = ['a', 'b', 'c', 'd', 'e'].slice(0, prng.pick([1, 3, 4, 4, 4, 5]));
  const powers = new Map(names.map((name) => [name, prng.chance(1, 2) ? 1 : 1 + prng.below(5)]));
  return new Twins(prng.pick([...names, 'watcher']), powers);
}

/** Random inputs of rounds close by; blocks are mostly the same, so that quorums come about. */
function tellSomething(prng: Prng, twins: Twins): Output[] {
  const { round, step } = twins.driver.state;
  const near = Math.max(0, round - 1 + prng.pick([0, 0, 1, 1, 1, 1, 1, 1, 2, 3]));
  const favourite = BLOCKS[round % 2] ?? 'X';
  const block = (): string => (prng.chance(4, 5) ? favourite : prng.pick(BLOCKS));
  const vote = (): CoreVote => ({
    kind: prng.pick(['prevote', 'precommit']),
    round: near,
    target: prng.chance(1, 4) ? null : block(),
    validator: prng.pick(['a', 'b', 'c', 'd', 'e']),
  });
  if (step === 'unstarted' && prng.chance(1, 3)) {
    return twins.tell(
      (driver) => driver.start(),
      (naive) => naive.start(),
      true,
    );
  }
  switch (prng.below(8)) {
    case 0: {
      const timeout = prng.pick<TimeoutKind>(['propose', 'prevote', 'precommit']);
      return twins.tell(
        (driver) => driver.timeoutElapsed(timeout, near),
        (naive) => naive.timeout(timeout, near),
        true,
      );
    }
    case 1: {
      const name = prng.pick(BLOCKS);
      const isValid = prng.chance(5, 6);
      return twins.tell(
        (driver) => driver.setValidity(name, isValid ? 'valid' : 'invalid'),
        (naive) => naive.verdict(name, isValid),
        true,
      );
    }
    case 2: {
      const validRound = prng.chance(1, 2) ? null : prng.below(round + 2);
      const proposal = { round: near, block: block(), validRound, isTimely: prng.chance(5, 6) };
      return twins.tell(
        (driver) => driver.addProposal(proposal),
        (naive) => naive.proposal(proposal),
        true,
      );
    }
    default:
      return twins.votes(Array.from({ length: prng.pick([1, 1, 2, 4]) }, vote));
  }
}

function placesOf({ locked, valid }: RoundState): unknown[] {
  return [locked?.block ?? null, locked?.round ?? -1, valid?.block ?? null, valid?.round ?? -1];
}
