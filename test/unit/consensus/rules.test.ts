import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HeightDriver } from '../../../consensus/core/driver.js';
import { applyRules, INITIAL_STATE, startRound } from '../../../consensus/core/state-machine.js';
import type { Knowledge, Output, RoundState } from '../../../consensus/core/state-machine.js';
import type { CoreVote, VoteTarget } from '../../../consensus/core/types.js';
import { createPrng, type Prng } from '../../support/prng.js';

const NOTHING: Knowledge = {
  isProposer: () => false,
  proposal: () => undefined,
  validity: () => 'valid',
  polka: () => undefined,
  latestPolka: () => undefined,
  hasAnyQuorum: () => false,
  commit: () => undefined,
  roundToSkipTo: () => undefined,
};

describe('the lock rule of L29, with whatever might be known', () => {
  const lockedAt = (round: number): RoundState => ({
    ...INITIAL_STATE,
    round: 5,
    step: 'propose',
    locked: { round, block: 'X' },
    valid: { round, block: 'X' },
  });
  const cases: readonly { block: string; locked: number; vr: number; prevote: VoteTarget }[] = [
    { block: 'Y', locked: 2, vr: 1, prevote: null },
    { block: 'Y', locked: 2, vr: 2, prevote: 'Y' },
    { block: 'Y', locked: 2, vr: 3, prevote: 'Y' },
    { block: 'X', locked: 2, vr: 1, prevote: 'X' },
  ];
  for (const { block, locked, vr, prevote } of cases) {
    test(`locked X@${locked}, ${block} with a polka in ${vr}: ${prevote ?? 'nil'}`, () => {
      const known: Knowledge = {
        ...NOTHING,
        proposal: () => ({ round: 5, block, validRound: vr, isTimely: true }),
        polka: (round) => (round === vr ? block : undefined),
      };
      const expected: Output = { kind: 'vote', vote: 'prevote', round: 5, target: prevote };
      assert.deepEqual(applyRules(lockedAt(locked), known)?.outputs, [expected]);
    });
  }
});

test('rounds only rise', () => {
  const { state } = startRound(INITIAL_STATE, 3, NOTHING);
  assert.throws(() => startRound(state, 3, NOTHING), /rounds only rise/);
});

/*
 * The rules look at what is known, never at the order in which it came: what is known before the start counts as one. Once it has started
 * a node may wait or vote nil by its clock, but without a clock its votes are the same in every order, as far as they go.
 */
describe('the order of messages', () => {
  for (let seed = 0; seed < 60; seed++) {
    test(`makes no difference, seed ${seed}`, () => {
      const prng = createPrng(seed);
      const inputs = randomInputs(prng);
      const first = playAll(inputs, 'before');
      const orders = Array.from({ length: 12 }, () => shuffled(prng, inputs));
      for (const order of orders) assert.deepEqual(playAll(order, 'before'), first);
      const votes = new Map<string, VoteTarget>();
      const decisions = new Set<string | undefined>();
      for (const order of orders) {
        const outputs = playAll(order, 'after');
        decisions.add(outputs.find((output) => output.kind === 'decide')?.decision.block);
        for (const output of outputs) {
          if (output.kind !== 'vote') continue;
          const place = `${output.vote} ${output.round}`;
          if (votes.has(place)) assert.equal(output.target, votes.get(place));
          votes.set(place, output.target);
        }
      }
      assert.equal(decisions.size, 1);
    });
  }
});

type Tell = (driver: HeightDriver<CoreVote>) => Output[];

/** A round of d's: one proposal, executions, and at most one vote of each other validator and kind. */
function randomInputs(prng: Prng): Tell[] {
  const target = (): VoteTarget => prng.pick(['X', 'X', 'X', 'X', 'Y', null]);
  const block = prng.pick(['X', 'X', 'Y']);
  const validity = prng.chance(5, 6) ? 'valid' : 'invalid';
  const isTimely = prng.chance(9, 10);
  const inputs: Tell[] = [
    (driver) => driver.addProposal({ round: 0, block, validRound: null, isTimely }),
    (driver) => driver.setValidity('X', validity),
    (driver) => driver.setValidity('Y', 'valid'),
  ];
  for (const validator of ['a', 'b', 'c']) {
    for (const kind of ['prevote', 'precommit'] as const) {
      const vote = { kind, round: 0, target: target(), validator };
      if (prng.chance(7, 8)) inputs.push((driver) => driver.addVote(vote).outputs);
    }
  }
  return inputs;
}

function playAll(inputs: readonly Tell[], when: 'before' | 'after'): Output[] {
  const powers = new Map(['a', 'b', 'c', 'd'].map((name) => [name, 1]));
  const driver = new HeightDriver({ own: 'd', powers, proposerOf: () => 'a' });
  const outputs: Output[] = [];
  const follow = (first: readonly Output[]): void => {
    const queue = [...first];
    for (let output = queue.shift(); output !== undefined; output = queue.shift()) {
      outputs.push(output);
      if (output.kind !== 'vote') continue;
      const { vote: kind, round, target } = output;
      queue.push(...driver.addVote({ kind, round, target, validator: 'd' }).outputs);
    }
  };
  if (when === 'after') follow(driver.start());
  for (const input of inputs) follow(input(driver));
  if (when === 'before') follow(driver.start());
  return outputs;
}

function shuffled<T>(prng: Prng, items: readonly T[]): T[] {
  const rest = [...items];
  return items.flatMap(() => rest.splice(prng.below(rest.length), 1));
}
