import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Slab } from '../../../state/tree/slab.js';

test('arrays of a slab are zero, as long as asked for, and never overlap', () => {
  const slab = new Slab();
  const lengths = Array.from({ length: 2000 }, (_, i) => (i * 37) % 1540);
  const arrays = lengths.map((length, i) => {
    const array = slab.allocate(length);
    assert.equal(array.length, length);
    assert.ok(array.every((byte) => byte === 0));
    return array.fill(i & 0xff);
  });
  arrays.forEach((array, i) => {
    assert.ok(array.every((byte) => byte === (i & 0xff)));
  });
});

test('one array keeps little memory in a small update and a bounded slab in a large one', () => {
  const slab = new Slab();
  assert.equal(slab.allocate(100).buffer.byteLength, 1024);
  for (let i = 0; i < 1000; i++) assert.ok(slab.allocate(700).buffer.byteLength <= 65_536);
  assert.equal(slab.allocate(100_000).length, 100_000);
  assert.ok(slab.allocate(700).buffer.byteLength <= 65_536);
});
