import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compareBytes, toHex } from '../../../protocol/bytes.js';
import { MemoryStore } from '../../../state/store/memory.js';
import { Overlay } from '../../../state/store/overlay.js';
import type { Reader } from '../../../state/store/store.js';
import { createPrng } from '../../support/prng.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const reader = (content: Readonly<Record<string, string>>): Reader => ({
  get: (key) => {
    const value = content[new TextDecoder().decode(key)];
    return value === undefined ? undefined : bytes(value);
  },
});
const on = (base: Reader, maxBytes = 1_000_000): Overlay => new Overlay(base, { maxBytes });
const shown = (overlay: Overlay): string[] =>
  overlay.changes().map(({ key, old, value }) => {
    const text = (part: Uint8Array | undefined): string =>
      part === undefined ? '-' : new TextDecoder().decode(part);
    return `${text(key)}: ${text(old)} → ${text(value)}`;
  });

describe('an overlay', () => {
  test('falls through, buffers puts and deletes, and tells old from new in key order', () => {
    const overlay = on(reader({ a: '1', b: '2', c: '3' }));
    overlay.put(bytes('d'), bytes('4'));
    overlay.put(bytes('b'), bytes('20'));
    overlay.delete(bytes('a'));
    overlay.delete(bytes('x'));
    overlay.put(bytes('c'), bytes('30'));
    overlay.put(bytes('c'), bytes('3'));
    assert.deepEqual(
      ['a', 'b', 'c', 'd', 'x'].map((key) => overlay.has(bytes(key))),
      [false, true, true, true, false],
    );
    assert.deepEqual(shown(overlay), ['a: 1 → -', 'b: 2 → 20', 'd: - → 4']);
  });

  test('its changes written to the store below give what it showed; their old values undo them', async () => {
    const store = new MemoryStore();
    await store.write([
      { key: bytes('a'), value: bytes('1') },
      { key: bytes('b'), value: bytes('2') },
    ]);
    const before = store.snapshot();
    const overlay = on(store);
    overlay.put(bytes('a'), bytes('10'));
    overlay.delete(bytes('b'));
    overlay.put(bytes('c'), bytes('3'));
    const changes = overlay.changes();
    await store.write(changes);
    assert.deepEqual(store.getMany(['a', 'b', 'c'].map(bytes)), [bytes('10'), undefined, bytes('3')]);
    await store.write(changes.map(({ key, old }) => ({ key, value: old })));
    const keys = ['a', 'b', 'c'].map(bytes);
    assert.deepEqual(store.getMany(keys), before.getMany(keys));
  });

  test('stacks on another overlay', () => {
    const block = on(reader({ a: '1' }));
    block.put(bytes('a'), bytes('2'));
    const call = on(block);
    call.put(bytes('a'), bytes('3'));
    call.delete(bytes('b'));
    assert.deepEqual(shown(call), ['a: 2 → 3']);
    assert.deepEqual(block.get(bytes('a')), bytes('2'));
  });

  test('rolls back to the innermost checkpoint and commits into the one around it', () => {
    const overlay = on(reader({ a: '0' }));
    const a = (): string => new TextDecoder().decode(overlay.get(bytes('a')));
    overlay.checkpoint();
    overlay.put(bytes('a'), bytes('1'));
    overlay.checkpoint();
    overlay.put(bytes('a'), bytes('2'));
    overlay.checkpoint();
    overlay.put(bytes('a'), bytes('3'));
    overlay.rollback();
    assert.equal(a(), '2');
    overlay.commit();
    assert.equal(a(), '2');
    overlay.rollback();
    assert.equal(a(), '0');
    assert.deepEqual([overlay.depth, overlay.sizeBytes, shown(overlay)], [0, 0, []]);
  });

  test('without a checkpoint there is nothing to roll back or commit', () => {
    const violated = { code: 'INVARIANT_VIOLATED' };
    const overlay = on(reader({}));
    assert.throws(() => overlay.rollback(), violated);
    assert.throws(() => overlay.commit(), violated);
    for (let i = 0; i < 2048; i++) overlay.checkpoint();
    assert.throws(() => overlay.checkpoint(), violated);
  });

  test('refuses to grow above its bound, and then has changed nothing', () => {
    const overlay = on(reader({}), 10_000);
    overlay.put(bytes('a'), new Uint8Array(5000));
    overlay.checkpoint();
    const size = overlay.sizeBytes;
    assert.throws(() => overlay.put(bytes('b'), new Uint8Array(6000)), { code: 'STORE_OVERLAY_FULL' });
    assert.throws(() => overlay.put(bytes('a'), new Uint8Array(6000)), { code: 'STORE_OVERLAY_FULL' });
    assert.throws(() => overlay.put(new Uint8Array(0), new Uint8Array(1)), { code: 'STORE_KEY_INVALID' });
    assert.deepEqual([overlay.sizeBytes, overlay.has(bytes('b'))], [size, false]);
    overlay.commit();
    overlay.put(bytes('a'), new Uint8Array(100));
    assert.ok(overlay.sizeBytes < size);
  });

  test('writing one key over and over inside a checkpoint takes no more memory than once', () => {
    const overlay = on(reader({}));
    overlay.checkpoint();
    overlay.put(bytes('a'), bytes('0'));
    const size = overlay.sizeBytes;
    for (let i = 0; i < 1000; i++) {
      overlay.checkpoint();
      overlay.put(bytes('a'), bytes(String(i % 10)));
      overlay.commit();
    }
    assert.equal(overlay.sizeBytes, size);
  });
});

for (const seed of [1, 2, 3, 4]) {
  test(`agrees with a stack of whole copies, seed ${seed}`, () => {
    const prng = createPrng(seed);
    const base = new Map<string, Uint8Array>();
    const key = (): Uint8Array => Uint8Array.of(prng.below(4), prng.below(6));
    for (let i = 0; i < 12; i++) base.set(toHex(key()), prng.bytes(3));
    const overlay = on({ get: (k) => base.get(toHex(k)) });
    let current = new Map(base);
    const saved: Map<string, Uint8Array>[] = [];
    for (let i = 0; i < 4000; i++) {
      const action = prng.below(10);
      const k = key();
      if (action < 4) {
        const value = prng.bytes(prng.below(4));
        overlay.put(k, value);
        current.set(toHex(k), value);
      } else if (action < 6) {
        overlay.delete(k);
        current.delete(toHex(k));
      } else if (action < 8 && saved.length < 12) {
        overlay.checkpoint();
        saved.push(new Map(current));
      } else if (saved.length > 0) {
        const before = saved.pop();
        if (prng.chance(1, 2)) {
          overlay.rollback();
          current = before ?? current;
        } else {
          overlay.commit();
        }
      }
      assert.equal(overlay.depth, saved.length);
      assert.deepEqual(overlay.get(k), current.get(toHex(k)));
      if (i % 50 === 0) assertSame(overlay, base, current);
    }
    while (overlay.depth > 0) overlay.commit();
    assertSame(overlay, base, current);
    assert.equal(overlay.sizeBytes, sizeWithoutCheckpoints(overlay));
  });
}

/** The same changes made afresh, without checkpoints: what was kept for rollbacks must be gone. */
function sizeWithoutCheckpoints(overlay: Overlay): number {
  const fresh = on({ get: () => undefined });
  for (let a = 0; a < 4; a++) {
    for (let b = 0; b < 6; b++) {
      const key = Uint8Array.of(a, b);
      const value = overlay.get(key);
      if (value === undefined) fresh.delete(key);
      else fresh.put(key, value);
    }
  }
  return fresh.sizeBytes;
}

function assertSame(
  overlay: Overlay,
  base: ReadonlyMap<string, Uint8Array>,
  current: ReadonlyMap<string, Uint8Array>,
): void {
  const changes = overlay.changes();
  const keys = changes.map(({ key }) => key);
  assert.deepEqual(keys, [...keys].sort(compareBytes));
  const applied = new Map(base);
  for (const { key, value, old } of changes) {
    assert.deepEqual(old, base.get(toHex(key)));
    assert.notDeepEqual(old, value);
    if (value === undefined) applied.delete(toHex(key));
    else applied.set(toHex(key), value);
  }
  assert.deepEqual(new Map([...applied].sort()), new Map([...current].sort()));
}
