import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPrng } from '../../support/prng.js';
import { HostileNetwork } from './hostile-network.js';

const SEEDS = 200;
const CHAOTIC_STEPS = 500;

/** Once the network is fair, a round decides whose proposer is honest and has seen the latest lock. */
const ROUNDS_TO_DECIDE = 8;

describe('agreement under attack', () => {
  let latest = 0;
  for (let first = 0; first < SEEDS; first += 20) {
    test(`seeds ${first}–${first + 19}`, () => {
      for (let seed = first; seed < first + 20; seed++) latest = Math.max(latest, play(seed));
    });
  }

  test('the chaos had no lack of rounds and of late decisions', () => {
    assert.ok(latest > 1, `rounds to decide: ${latest}`);
  });
});

/** @returns rounds it took to decide once the network had turned fair */
function play(seed: number): number {
  const network = new HostileNetwork(createPrng(seed));
  network.chaos(CHAOTIC_STEPS);
  const from = network.highestRound;
  while (!network.isDecided) {
    network.fairTurn();
    assert.ok(network.highestRound - from <= ROUNDS_TO_DECIDE, `seed ${seed} decides`);
  }
  network.checkAgreement();
  network.checkVotes();
  return network.highestRound - from;
}
