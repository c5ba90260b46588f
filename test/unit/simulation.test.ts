import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../sim/votes/simulation.js';

const options = { nodes: 7, heights: 5 };

test('30 seeds: exactly the honest votes count, equivocators are found, commits verify', () => {
  let [committed, crimes] = [0, 0];
  for (let seed = 1; seed <= 30; seed++) {
    const result = simulate(seed, options);
    committed += result.committed;
    crimes += result.crimes;
  }
  assert.ok(
    committed > 30 && crimes > 100,
    `${committed} heights and ${crimes} crimes: too few to mean anything`,
  );
});

test('equal seeds give equal events, different seeds do not', () => {
  assert.equal(simulate(1, options).eventHash, simulate(1, options).eventHash);
  assert.notEqual(simulate(1, options).eventHash, simulate(2, options).eventHash);
});
