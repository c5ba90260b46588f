import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PeerBudget } from '../../../node/consensus/peer-budget.js';

const BOUNDS = { most: 3, windowMs: 100, silenceMs: 1_000 };

test('a peer gets a few different things in a window, each once', () => {
  const budget = new PeerBudget(BOUNDS);
  const granted = ['a', 'a', 'b', 'c', 'd'].map((thing) => budget.spend('x', thing, 5_000));
  assert.deepEqual(granted, [true, false, true, true, false]);
  assert.ok(budget.spend('y', 'd', 5_000), 'others have their own');
  assert.ok(!budget.spend('x', 'd', 5_099));
  assert.ok(budget.spend('x', 'd', 5_100));
});

test('who was silenced gets nothing for a while, unless the clock goes back', () => {
  const budget = new PeerBudget(BOUNDS);
  budget.silence('x', 5_000);
  assert.ok(!budget.spend('x', 'a', 5_999));
  assert.ok(budget.spend('x', 'a', 6_000));
  budget.silence('x', 6_000);
  assert.ok(budget.spend('x', 'a', 100), 'a clock set right is no reason to wait for years');
});

test('as many peers are remembered as there may be', () => {
  const budget = new PeerBudget(BOUNDS);
  for (let peer = 0; peer < 5_000; peer++) budget.spend(String(peer), 'a', 5_000);
  assert.equal(budget.size, 1_024);
  assert.ok(!budget.spend('4999', 'a', 5_000));
  budget.forgetPeer('4999');
  assert.ok(budget.spend('4999', 'a', 5_000));
});
