import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FairQueue } from '../../../../consensus/votes/fair-queue.js';

interface Item {
  readonly name: string;
}

const item = (name: string): Item => ({ name });
const names = (queue: FairQueue<Item>, most: number, mostPerPeer = most): string[] =>
  queue.take(most, mostPerPeer).map(({ peer, item: { name } }) => `${peer}${name}`);

function filled(): FairQueue<Item> {
  const queue = new FairQueue<Item>({ maxItems: 8, maxItemsPerPeer: 5 });
  for (const name of ['1', '2', '3', '4']) assert.equal(queue.push('a', item(name)), 'queued');
  assert.equal(queue.push('b', item('1')), 'queued');
  assert.equal(queue.push('c', item('1')), 'queued');
  return queue;
}

test('peers are served in turns, each in the order it sent', () => {
  assert.deepEqual(names(filled(), 6), ['a1', 'b1', 'c1', 'a2', 'a3', 'a4']);
  const queue = filled();
  assert.deepEqual(names(queue, 2), ['a1', 'b1']);
  assert.deepEqual(names(queue, 2), ['c1', 'a2']);
  assert.deepEqual(names(queue, 9), ['a3', 'a4']);
  assert.equal(queue.size, 0);
  assert.deepEqual(names(queue, 9), []);
});

test('no peer fills a batch alone', () => {
  const queue = filled();
  assert.deepEqual(names(queue, 6, 2), ['a1', 'b1', 'c1', 'a2']);
  assert.equal(queue.size, 2);
});

test('a peer sends an item once, and no more than its bound', () => {
  const queue = filled();
  assert.equal(queue.push('a', item('2')), 'duplicate');
  assert.equal(queue.push('a', item('5')), 'queued');
  assert.equal(queue.push('a', item('6')), 'full');
  assert.equal(queue.size, 7);
  assert.deepEqual(names(queue, 1), ['a1']);
  assert.equal(queue.push('a', item('1')), 'queued', 'what was taken may come again');
});

test('when the whole is full the peer with most makes room', () => {
  const queue = filled();
  queue.push('b', item('2'));
  queue.push('b', item('3'));
  assert.equal(queue.size, 8);
  assert.equal(queue.push('a', item('5')), 'full', 'the longest makes no room for itself');
  assert.equal(queue.push('d', item('1')), 'queued');
  assert.equal(queue.push('d', item('2')), 'queued');
  assert.equal(queue.size, 8);
  assert.deepEqual(names(queue, 9), ['a1', 'b1', 'c1', 'd1', 'a2', 'b2', 'd2', 'b3']);
});

test('a peer and unwanted items are forgotten, the order stays', () => {
  const queue = filled();
  queue.removePeer('b');
  queue.removeWhere(({ name }) => name === '2');
  assert.equal(queue.size, 4);
  assert.deepEqual(names(queue, 9), ['a1', 'c1', 'a3', 'a4']);
});

test('bounds and counts hold whatever is done', () => {
  const action = fc.record({
    peer: fc.constantFrom('a', 'b', 'c', 'd'),
    name: fc.nat(12),
    take: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
      const queue = new FairQueue<Item>({ maxItems: 9, maxItemsPerPeer: 6 });
      for (const { peer, name, take } of actions) {
        if (take) queue.take(2, 1);
        else queue.push(peer, item(String(name)));
        assert.ok(queue.size <= 9);
      }
      const expected = queue.size;
      const rest = queue.take(100, 100);
      assert.equal(rest.length, expected);
      assert.equal(new Set(rest.map(({ peer, item: { name } }) => `${peer} ${name}`)).size, expected);
    }),
    { seed: 5, numRuns: 300 },
  );
});
