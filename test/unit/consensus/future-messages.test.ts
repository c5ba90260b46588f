import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FutureMessages } from '../../../consensus/engine/future-messages.js';
import type { Message } from '../../../consensus/messages.js';
import { MESSAGE_SAMPLES } from '../../support/consensus-samples.js';
import { createPrng } from '../../support/prng.js';

const HEIGHT = 7;

function work(height: number): Message {
  return { kind: 'work', work: { height } };
}

test('of each peer the latest 32 messages wait, of at most 1,024 peers', () => {
  const future = new FutureMessages();
  for (let peer = 0; peer < 2_000; peer++) {
    for (let i = 0; i < 40; i++)
      future.add(String(peer), { height: HEIGHT, message: work(i), receivedMs: i });
  }
  const taken = future.take(HEIGHT);
  assert.equal(taken.length, 1_024 * 32);
  assert.deepEqual(
    taken.slice(0, 32).map(({ receivedMs }) => receivedMs),
    Array.from({ length: 32 }, (_, i) => i + 8),
  );
  assert.deepEqual(future.take(HEIGHT), []);
});

test('what is large is kept once of each peer, of few, or not at all', () => {
  const prng = createPrng(1);
  const future = new FutureMessages();
  for (let i = 0; i < 100; i++) {
    for (const kind of ['block', 'compactBody', 'compactBlock'] as const) {
      const message = MESSAGE_SAMPLES[kind](prng);
      future.add(String(i % 50), { height: HEIGHT, message, receivedMs: i });
    }
    future.add(String(i % 50), { height: HEIGHT, message: { kind: 'votes', votes: [] }, receivedMs: i });
  }
  assert.equal(future.take(HEIGHT).length, 16);
});

test('what is earlier than asked for is forgotten, what is later waits', () => {
  const future = new FutureMessages();
  for (const height of [6, 7, 8]) future.add('a', { height, message: work(height), receivedMs: 0 });
  future.add('b', { height: 7, message: work(7), receivedMs: 0 });
  future.forgetPeer('b');
  assert.deepEqual(
    future.take(7).map(({ height }) => height),
    [7],
  );
  assert.deepEqual(
    future.take(8).map(({ height }) => height),
    [8],
  );
});
