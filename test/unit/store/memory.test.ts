import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from '../../../state/store/memory.js';
import { entriesOf, find, insert, remove, type OrderedTree } from '../../../state/store/ordered-tree.js';
import { createPrng } from '../../support/prng.js';

test('a snapshot and its origin go their own ways', async () => {
  const key = Uint8Array.of(1);
  const store = new MemoryStore();
  await store.write([{ key, value: Uint8Array.of(1) }]);
  const snapshot = store.snapshot();
  await store.write([{ key, value: Uint8Array.of(2) }]);
  await snapshot.write([{ key: Uint8Array.of(2), value: Uint8Array.of(3) }]);
  assert.deepEqual([store.get(key), snapshot.get(key)], [Uint8Array.of(2), Uint8Array.of(1)]);
  assert.equal(store.has(Uint8Array.of(2)), false);
  await store.close();
  assert.equal(snapshot.has(key), true);
});

test('every version of the tree stays what it was, sorted and balanced', () => {
  const prng = createPrng(5);
  const model = new Map<string, number>();
  const versions: { tree: OrderedTree; content: string[] }[] = [];
  let tree: OrderedTree;
  for (let i = 0; i < 6000; i++) {
    const text = String.fromCharCode(prng.below(16), prng.below(32));
    if (prng.chance(3, 5)) {
      tree = insert(tree, text, { key: Uint8Array.of(i & 0xff), value: Uint8Array.of(i >> 8) });
      model.set(text, i);
    } else {
      tree = remove(tree, text);
      model.delete(text);
    }
    assert.equal(find(tree, text) !== undefined, model.has(text));
    if (i % 500 === 0) versions.push({ tree, content: [...model.keys()].sort() });
  }
  for (const { tree: version, content } of versions) assert.deepEqual(textsOf(version), content);
  assertBalanced(tree);
  assert.equal([...entriesOf(tree, '', '\uffff', true)].length, model.size);
});

test('is balanced whatever the order of insertion', () => {
  let ascending: OrderedTree;
  for (let i = 0; i < 4096; i++) {
    ascending = insert(ascending, String.fromCharCode(i), {
      key: new Uint8Array(1),
      value: new Uint8Array(0),
    });
  }
  assertBalanced(ascending);
  assert.ok((ascending?.height ?? 99) <= 13);
});

function textsOf(tree: OrderedTree): string[] {
  return tree === undefined ? [] : [...textsOf(tree.left), tree.text, ...textsOf(tree.right)];
}

function assertBalanced(tree: OrderedTree): number {
  if (tree === undefined) return 0;
  const [left, right] = [assertBalanced(tree.left), assertBalanced(tree.right)];
  assert.ok(Math.abs(left - right) <= 1);
  assert.equal(tree.height, 1 + Math.max(left, right));
  return tree.height;
}
