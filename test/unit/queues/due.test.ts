import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compareBytes, fromHex, toHex } from '../../../protocol/bytes.js';
import { InvariantError } from '../../../protocol/invariant.js';
import {
  cancel,
  findScheduled,
  nextDue,
  schedule,
  takeDue,
  type BlockMoment,
  type DueItem,
} from '../../../state/queues/due.js';
import { STATE_KEYS } from '../../../state/store/keys.js';
import { Overlay } from '../../../state/store/overlay.js';
import { CountedState } from '../../support/counted-state.js';
import { createPrng, type Prng } from '../../support/prng.js';

const due = (timeMs: number, height: number, kind = 0, subject = '0xaa'): DueItem => ({
  timeMs,
  height,
  kind,
  subject: fromHex(subject),
});
const shown = ({ timeMs, height, kind, subject }: DueItem): string =>
  `${timeMs}ms ${height} ${kind} ${toHex(subject)}`;
const show = (items: readonly DueItem[]): string[] => items.map(shown);
const stateOf = (...items: readonly DueItem[]): Overlay => {
  const state = new Overlay({ get: () => undefined }, { maxBytes: 2 ** 30 });
  for (const item of items) schedule(state, item);
  return state;
};

describe('what falls due', () => {
  test('is taken in the first block that has come to its time and its height', () => {
    const item = due(1000, 10);
    for (const [timeMs, height, isDue] of [
      [999, 10, false],
      [999, 99, false],
      [1000, 9, false],
      [9999, 9, false],
      [1000, 10, true],
      [1001, 11, true],
    ] as const) {
      const state = stateOf(item);
      assert.deepEqual(takeDue(state, { timeMs, height }, 9), isDue ? [item] : [], `${timeMs}ms ${height}`);
      assert.deepEqual(takeDue(state, { timeMs: 9999, height: 99 }, 9), isDue ? [] : [item]);
      assert.deepEqual(state.changes(), []);
    }
  });

  test('can be foreseen: the next time, and the height that is waited for', () => {
    assert.deepEqual(nextDue(stateOf()), { timeMs: undefined, height: undefined });
    const state = stateOf(due(5, 50, 1), due(7, 3, 2), due(6, 40, 3));
    assert.deepEqual(nextDue(state), { timeMs: 5, height: undefined });
    takeDue(state, { timeMs: 6, height: 1 }, 9);
    assert.deepEqual(nextDue(state), { timeMs: 7, height: 40 });
    takeDue(state, { timeMs: 7, height: 49 }, 9);
    assert.deepEqual(nextDue(state), { timeMs: undefined, height: 50 });
  });

  test('is taken by time, height, kind and subject', () => {
    const order = [
      due(1, 9, 8, '0xff'),
      due(2, 1, 9, '0xff'),
      due(2, 2, 0, '0xff'),
      due(2, 2, 1, '0x'),
      due(2, 2, 1, '0x00'),
      due(2, 2, 1, '0x00ff'),
      due(2, 2, 1, '0x01'),
      due(256, 0, 0, '0x00'),
    ];
    for (const scheduled of [order, order.toReversed()]) {
      assert.deepEqual(takeDue(stateOf(...scheduled), { timeMs: 256, height: 9 }, 99), order);
    }
  });

  test('does not wait behind an item whose height is yet to come', () => {
    const [late, next] = [due(1, 50, 1), due(2, 5, 2)];
    const state = stateOf(late, next);
    assert.deepEqual(takeDue(state, { timeMs: 2, height: 5 }, 1), [next]);
    assert.deepEqual(findScheduled(state, late.kind, late.subject), late);
    assert.deepEqual(takeDue(state, { timeMs: 3, height: 49 }, 1), []);
    const third = due(4, 0, 3);
    schedule(state, third);
    assert.deepEqual(takeDue(state, { timeMs: 4, height: 50 }, 9), [late, third]);
    assert.deepEqual(state.changes(), []);
  });

  test('what waited for its height comes by height, then time', () => {
    const waited = [due(3, 10, 3), due(1, 11, 1), due(2, 11, 2)];
    const state = stateOf(...waited);
    assert.deepEqual(takeDue(state, { timeMs: 3, height: 9 }, 9), []);
    assert.deepEqual(takeDue(state, { timeMs: 4, height: 11 }, 9), waited);
  });

  test('is scheduled once for each kind and subject: again means anew, from either heap', () => {
    const state = stateOf(due(1, 1), due(1, 1, 1), due(1, 50, 2));
    const now = { timeMs: 2, height: 1 };
    schedule(state, due(7, 1));
    assert.deepEqual(takeDue(state, now, 9), [due(1, 1, 1)]);
    schedule(state, due(9, 2, 2));
    assert.deepEqual(findScheduled(state, 2, fromHex('0xaa')), due(9, 2, 2));
    assert.deepEqual(takeDue(state, { timeMs: 9, height: 60 }, 9), [due(7, 1), due(9, 2, 2)]);
    assert.deepEqual(state.changes(), []);
  });

  test('is cancelled in either heap', () => {
    const state = stateOf(due(1, 1), due(1, 50, 1));
    assert.equal(cancel(state, 0, fromHex('0xaa')), true);
    assert.equal(cancel(state, 0, fromHex('0xaa')), false);
    assert.equal(cancel(state, 1, fromHex('0xab')), false);
    assert.deepEqual(takeDue(state, { timeMs: 1, height: 1 }, 9), []);
    assert.equal(cancel(state, 1, fromHex('0xaa')), true);
    assert.equal(findScheduled(state, 1, fromHex('0xaa')), undefined);
    assert.deepEqual(state.changes(), []);
  });

  test('beyond the limit stays for the next block; a limit of 0 takes nothing', () => {
    const items = Array.from({ length: 7 }, (_, i) => due(i, 0, i));
    const state = stateOf(...items);
    const now = { timeMs: 100, height: 1 };
    assert.deepEqual(takeDue(state, now, 0), []);
    assert.deepEqual(takeDue(state, now, 3), items.slice(0, 3));
    assert.deepEqual(takeDue(state, now, 3), items.slice(3, 6));
    assert.deepEqual(takeDue(state, now, 3), items.slice(6));
  });

  test('keeps the entries of the specification', () => {
    const state = new CountedState();
    state.block((overlay) => {
      schedule(overlay, due(0x0102, 3, 4, '0xbb'));
      takeDue(overlay, { timeMs: 0x0102, height: 2 }, 1);
      schedule(overlay, due(0x0506, 7, 8, '0xcc'));
    });
    const hex = (text: string): string => toHex(new TextEncoder().encode(text));
    const byHeight = hex('\x0bdueByHeight').slice(2);
    const byTime = hex('\x09dueByTime').slice(2);
    assert.deepEqual(state.dump(), [
      `${hex('heap/')}${byTime}00000000 = 0x0000000000000506000000000000000708cc`,
      `${hex('heap/')}${byHeight}00000000 = 0x0000000000000003000000000000010204bb`,
      `${hex('hplc/')}${byTime}00 = 0x00000001`,
      `${hex('hplc/')}${byTime}0208cc = 0x00000000`,
      `${hex('hplc/')}${byHeight}00 = 0x00000001`,
      `${hex('hplc/')}${byHeight}0204bb = 0x00000000`,
    ]);
  });

  test('refuses what it could not keep, and a time that goes back', () => {
    const now = { timeMs: 9, height: 1 };
    for (const wrong of [
      due(-1, 1),
      due(1, -1),
      due(Number.MAX_SAFE_INTEGER + 1, 1),
      due(1, 2 ** 53),
      due(1, 1, 256),
      due(1, 1, -1),
      due(1, 1, 0, `0x${'00'.repeat(33)}`),
    ]) {
      assert.throws(() => stateOf(wrong), InvariantError, shown(wrong));
    }
    const largest = due(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 255, `0x${'ff'.repeat(32)}`);
    const state = stateOf(largest, due(9, 9));
    assert.deepEqual(findScheduled(state, 255, largest.subject), largest);
    assert.throws(() => takeDue(state, now, -1), InvariantError);
    assert.deepEqual(takeDue(state, now, 9), []);
    assert.throws(() => takeDue(state, { timeMs: 8, height: 9 }, 9), InvariantError);
  });

  test('refuses a damaged item', () => {
    const ends: readonly [string, string][] = [
      ['0x0020000000000000', '00aa'],
      ['0x0000000000000001', `00${'00'.repeat(33)}`],
    ];
    for (const [timeMs, subject] of ends) {
      const state = new CountedState();
      const put = (key: Uint8Array, value: string): void => state.set(key, fromHex(value));
      put(STATE_KEYS.heapItem.encode('dueByTime', 0), `${timeMs}0000000000000001${subject}`);
      put(STATE_KEYS.heapPlace.encode('dueByTime', new Uint8Array(0)), '0x00000001');
      assert.throws(() => state.block((overlay) => takeDue(overlay, { timeMs: 1, height: 1 }, 1)), {
        code: 'QUEUE_CORRUPT',
      });
    }
  });
});

/** The rules with nothing but lists. */
class Lists {
  items: readonly { readonly item: DueItem; readonly waits: boolean }[] = [];

  schedule(item: DueItem): void {
    this.cancel(item.kind, item.subject);
    this.items = [...this.items, { item, waits: false }];
  }

  cancel(kind: number, subject: Uint8Array): boolean {
    const before = this.items.length;
    this.items = this.items.filter(
      ({ item }) => item.kind !== kind || compareBytes(item.subject, subject) !== 0,
    );
    return this.items.length < before;
  }

  takeDue(now: BlockMoment, limit: number): DueItem[] {
    const taken: DueItem[] = [];
    const byHeight = this.#sorted(true, ({ height, timeMs }) => [height, timeMs]);
    for (const item of byHeight) {
      if (item.height <= now.height && taken.length < limit) taken.push(item);
    }
    let moves = 0;
    for (const item of this.#sorted(false, ({ height, timeMs }) => [timeMs, height])) {
      if (item.timeMs > now.timeMs) break;
      if (item.height <= now.height) {
        if (taken.length === limit) break;
        taken.push(item);
      } else {
        if (moves++ === limit) break;
        this.items = this.items.map((held) => (held.item === item ? { item, waits: true } : held));
      }
    }
    this.items = this.items.filter(({ item }) => !taken.includes(item));
    return taken;
  }

  #sorted(waits: boolean, rank: (item: DueItem) => readonly [number, number]): DueItem[] {
    const order = (a: DueItem, b: DueItem): number =>
      rank(a)[0] - rank(b)[0] ||
      rank(a)[1] - rank(b)[1] ||
      a.kind - b.kind ||
      compareBytes(a.subject, b.subject);
    return this.items
      .filter((held) => held.waits === waits)
      .map(({ item }) => item)
      .sort(order);
  }
}

describe('what falls due against lists', () => {
  const randomItem = (prng: Prng, now: BlockMoment): DueItem => ({
    timeMs: Math.max(0, now.timeMs - 5 + prng.below(40)),
    height: Math.max(0, now.height - 2 + prng.below(12)),
    kind: prng.below(3),
    subject: Uint8Array.from({ length: prng.below(3) }, () => prng.below(4)),
  });

  for (let seed = 1; seed <= 12; seed++) {
    test(`seed ${seed}`, () => {
      const prng = createPrng(seed);
      const model = new Lists();
      const state = new CountedState();
      let now: BlockMoment = { timeMs: 0, height: 0 };
      let takenInAll = 0;
      const take = (overlay: Overlay, limit: number): void => {
        const all = show(model.items.map(({ item }) => item));
        const expected = model.takeDue(now, limit);
        const taken = takeDue(overlay, now, limit);
        assert.deepEqual(show(taken), show(expected));
        assert.ok(taken.length <= limit);
        for (const item of taken) assert.ok(item.timeMs <= now.timeMs && item.height <= now.height);
        const left = show(model.items.map(({ item }) => item));
        assert.deepEqual([...left, ...show(taken)].sort(), all.sort(), 'nothing is lost or made');
        if (limit >= 1000) {
          const isDue = model.items.some(
            ({ item }) => item.timeMs <= now.timeMs && item.height <= now.height,
          );
          assert.ok(!isDue, 'without a limit all that is due is taken');
        }
        takenInAll += taken.length;
      };
      for (let block = 0; block < 120; block++) {
        now = { timeMs: now.timeMs + prng.below(prng.chance(1, 10) ? 60 : 6), height: now.height + 1 };
        state.block((overlay) => {
          take(overlay, prng.pick([0, 1, 2, 5, 1000]));
          for (let step = 0; step < 8; step++) {
            const undo = prng.chance(1, 5);
            const before = model.items;
            if (undo) overlay.checkpoint();
            const item = randomItem(prng, now);
            if (prng.chance(1, 4)) {
              assert.equal(cancel(overlay, item.kind, item.subject), model.cancel(item.kind, item.subject));
            } else {
              schedule(overlay, item);
              model.schedule(item);
            }
            if (undo) {
              if (prng.chance(1, 2)) takeDue(overlay, now, 3);
              overlay.rollback();
              model.items = before;
            }
          }
        });
        for (const { item } of model.items) {
          assert.deepEqual(findScheduled(state, item.kind, item.subject), item);
        }
      }
      now = { timeMs: now.timeMs + 1000, height: now.height + 1000 };
      state.block((overlay) => take(overlay, 1000));
      assert.equal(state.size, 0);
      assert.ok(takenInAll > 100);
    });
  }
});

describe('a backlog', () => {
  const LIMIT = 50;
  /** Measured: 28 reads and 10 writes for each item taken or put aside. */
  const MAX_READS = 40 * LIMIT;
  const MAX_WRITES = 15 * LIMIT;
  const subjectOf = (i: number): string => `0x${i.toString(16).padStart(64, '0')}`;

  test('whose height is yet to come is put aside in bounded steps, each item once, and taken in bounded steps', () => {
    const waiting = Array.from({ length: 3000 }, (_, i) => due(i, 1000 + (i % 7), 1, subjectOf(i)));
    const behind = Array.from({ length: 60 }, (_, i) => due(5000, 0, 2, subjectOf(i)));
    const state = new CountedState();
    state.block((overlay) => {
      for (const item of [...waiting, ...behind]) schedule(overlay, item);
    });
    const run = (height: number): { taken: DueItem[]; writes: number; reads: number } => {
      let taken: DueItem[] = [];
      const cost = state.block((overlay) => {
        taken = takeDue(overlay, { timeMs: 6000, height }, LIMIT);
      });
      assert.ok(cost.reads <= MAX_READS && cost.writes <= MAX_WRITES, JSON.stringify(cost));
      return { taken, ...cost };
    };
    for (let height = 1; height < 60; height++) {
      assert.deepEqual(run(height).taken, [], `height ${height}`);
    }
    assert.deepEqual(run(60).taken, behind.slice(0, 50));
    assert.deepEqual(run(61).taken, behind.slice(50));
    const idle = run(62);
    assert.equal(idle.writes, 0);
    assert.ok(idle.reads <= 4);

    const taken: DueItem[] = [];
    for (let height = 1006; height < 1066; height++) taken.push(...run(height).taken);
    const byHeight = waiting.toSorted((a, b) => a.height - b.height || a.timeMs - b.timeMs);
    assert.deepEqual(show(taken), show(byHeight));
    assert.equal(state.size, 0);
  });
});
