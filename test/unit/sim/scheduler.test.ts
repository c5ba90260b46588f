import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { EventHeap, type HeapEntry } from '../../sim/event-heap.js';
import { Scheduler } from '../../sim/scheduler.js';

describe('the event heap', () => {
  test('pops in order of time, then of coming, whatever was taken out between', () => {
    const operations = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('push' as const), atUs: fc.nat(20) }),
        fc.record({ kind: fc.constant('pop' as const) }),
        fc.record({ kind: fc.constant('remove' as const), which: fc.nat(40) }),
      ),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(operations, (script) => {
        const heap = new EventHeap<HeapEntry>(1000);
        let model: HeapEntry[] = [];
        const pushed: HeapEntry[] = [];
        for (const step of script) {
          if (step.kind === 'push') {
            const entry = { atUs: step.atUs, order: pushed.length, index: -1 };
            pushed.push(entry);
            model.push(entry);
            heap.push(entry);
          } else if (step.kind === 'pop') {
            const first = [...model].sort((a, b) => a.atUs - b.atUs || a.order - b.order)[0];
            assert.equal(heap.pop(), first);
            model = model.filter((entry) => entry !== first);
          } else {
            const entry = pushed[step.which];
            if (entry === undefined) continue;
            assert.equal(heap.remove(entry), model.includes(entry));
            model = model.filter((other) => other !== entry);
          }
          assert.equal(heap.size, model.length);
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test('has a bound', () => {
    const heap = new EventHeap<HeapEntry>(1);
    heap.push({ atUs: 0, order: 0, index: -1 });
    assert.throws(() => heap.push({ atUs: 0, order: 1, index: -1 }), { code: 'INVARIANT_VIOLATED' });
  });
});

describe('the scheduler', () => {
  test('runs tasks in order of time, ties in order of asking, and time jumps', () => {
    const scheduler = new Scheduler();
    const seen: string[] = [];
    const note = (name: string) => () => void seen.push(`${name}@${scheduler.nowUs}`);
    scheduler.at(5_000_000, note('late'));
    scheduler.at(10, note('a'));
    scheduler.at(10, note('b'));
    scheduler.after(10, () => void scheduler.after(0, note('c')));
    assert.equal(scheduler.runSync(), 'idle');
    assert.deepEqual(seen, ['a@10', 'b@10', 'c@10', 'late@5000000']);
    assert.equal(scheduler.executed, 5);
  });

  test('a cancelled timer does not run and takes no room', () => {
    const scheduler = new Scheduler();
    const timer = scheduler.after(1, () => assert.fail());
    assert.ok(scheduler.cancel(timer));
    assert.ok(!scheduler.cancel(timer));
    assert.equal(scheduler.pending, 0);
    assert.equal(scheduler.runSync(), 'idle');
  });

  test('stops at a time, which the clock then shows, or when asked to', () => {
    const scheduler = new Scheduler();
    for (const atUs of [10, 20, 30]) scheduler.at(atUs, () => undefined);
    assert.equal(scheduler.runSync({ untilUs: 20 }), 'time');
    assert.deepEqual([scheduler.nowUs, scheduler.pending], [20, 1]);
    assert.equal(scheduler.runSync({ isDone: () => scheduler.executed === 3 }), 'done');
    assert.equal(scheduler.runSync({ untilUs: 100 }), 'idle');
    assert.equal(scheduler.nowUs, 100);
  });

  test('every microtask has run before time moves, however long the chain', async () => {
    const scheduler = new Scheduler();
    const seen: string[] = [];
    const chain = async (name: string, length: number): Promise<void> => {
      for (let i = 0; i < length; i++) await Promise.resolve();
      seen.push(`${name}@${scheduler.nowUs}`);
    };
    // Not returned on purpose: the scheduler does not even know of this promise.
    scheduler.at(0, () => void chain('first', 500));
    scheduler.at(1, () => chain('second', 100));
    scheduler.at(2, () => chain('third', 0));
    await scheduler.run();
    assert.deepEqual(seen, ['first@0', 'second@1', 'third@2']);
  });

  test('sleepers wake at their times and interleave the same way each time', async () => {
    const play = async (): Promise<string[]> => {
      const scheduler = new Scheduler();
      const seen: string[] = [];
      const live = async (name: string, periodUs: number): Promise<void> => {
        for (let i = 0; i < 4; i++) {
          await scheduler.sleep(periodUs);
          seen.push(`${name}@${scheduler.nowUs}`);
        }
      };
      scheduler.at(0, () => live('a', 3));
      scheduler.at(0, () => live('b', 4));
      await scheduler.run();
      return seen;
    };
    const seen = await play();
    assert.deepEqual(seen, ['a@3', 'b@4', 'a@6', 'b@8', 'a@9', 'b@12', 'a@12', 'b@16']);
    assert.deepEqual(await play(), seen);
  });

  test('a task that throws, rejects or never ends, ends the run', async () => {
    const thrower = new Scheduler();
    thrower.at(0, () => {
      throw new TypeError('thrown');
    });
    assert.throws(() => thrower.runSync(), /thrown/);
    const rejecter = new Scheduler();
    rejecter.at(0, async () => {
      await rejecter.sleep(5);
      throw new TypeError('rejected');
    });
    rejecter.at(6, () => assert.fail('time went on'));
    await assert.rejects(rejecter.run(), /rejected/);
    const endless = new Scheduler({ maxEvents: 1000 });
    const again = (): void => void endless.after(0, again);
    again();
    assert.throws(() => endless.runSync(), { code: 'INVARIANT_VIOLATED' });
  });

  test('refuses the past, fractions, and promises in a synchronous run', () => {
    const scheduler = new Scheduler();
    scheduler.at(10, () => undefined);
    scheduler.runSync();
    for (const atUs of [9, 10.5, NaN, Infinity]) {
      assert.throws(() => scheduler.at(atUs, () => undefined), { code: 'INVARIANT_VIOLATED' });
    }
    scheduler.at(10, () => Promise.resolve());
    assert.throws(() => scheduler.runSync(), { code: 'INVARIANT_VIOLATED' });
  });
});
