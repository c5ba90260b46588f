import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IndexedHeap, type HeapNode } from '../../../node/mempool/indexed-heap.js';
import { createPrng } from '../../support/prng.js';

interface Item extends HeapNode {
  priority: number;
}

test('an indexed heap has the first on top and parents before children, whatever is placed, changed, removed or rebuilt', () => {
  const prng = createPrng(1);
  const heap = new IndexedHeap<Item>((a, b) => a.priority < b.priority);
  const items = Array.from({ length: 60 }, (): Item => ({ slot: -1, priority: prng.below(40) }));
  const members = new Set<Item>();
  for (let step = 0; step < 4_000; step++) {
    if (prng.chance(1, 50)) {
      for (const item of items) item.priority = prng.below(40);
      heap.rebuild();
    } else {
      const item = prng.pick(items);
      item.priority = prng.below(40);
      const isMember = prng.chance(3, 5);
      heap.place(item, isMember);
      if (isMember) members.add(item);
      else members.delete(item);
    }
    assert.equal(heap.size, members.size);
    assert.equal(heap.at(0)?.priority, [...members].map(({ priority }) => priority).sort((a, b) => a - b)[0]);
    for (let i = 0; i < heap.size; i++) {
      const node = heap.at(i);
      assert.ok(node !== undefined && members.has(node) && node.slot === i);
      assert.ok(i === 0 || (heap.at((i - 1) >> 1)?.priority ?? Infinity) <= node.priority);
    }
  }
});
