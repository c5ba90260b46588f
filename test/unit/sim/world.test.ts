import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createPrng } from '../../support/prng.js';
import { EPOCH_MS, NodeClock } from '../../sim/clock.js';
import { copyMessage } from '../../sim/copy-message.js';
import { EventHash } from '../../sim/event-hash.js';
import { FAULT_KINDS, describeFault } from '../../sim/faults.js';
import { heavyTailLatency, regionLatency, spreadOverRegions, uniformLatency } from '../../sim/latency.js';
import { planCrimes, planFaults } from '../../sim/nemesis.js';
import { Recorder } from '../../sim/recorder.js';
import { REGIONS, ROUND_TRIP_US } from '../../sim/regions.js';
import { sealed } from '../../sim/sealed.js';
import { createStreams } from '../../sim/streams.js';

describe('streams of randomness', () => {
  test('one purpose gives the same sequence again; purposes and seeds differ', () => {
    const first = (seed: number, purpose: string): number => createStreams(seed)(purpose).u32();
    assert.equal(first(1, 'a'), first(1, 'a'));
    const all = new Set<number>();
    for (let seed = 0; seed < 50; seed++) {
      for (let node = 0; node < 20; node++) all.add(first(seed, `node/${node}`));
    }
    assert.equal(all.size, 1000);
  });

  test('a draw more in one leaves the others as they were', () => {
    const streams = createStreams(7);
    const [a, b] = [streams('a'), streams('b')];
    a.u32();
    assert.equal(b.u32(), createStreams(7)('b').u32());
  });
});

describe('a clock', () => {
  const createClock = () => {
    const world = { nowUs: 0 };
    return { world, clock: new NodeClock(() => world.nowUs) };
  };

  test('shows skew on the wall and drift everywhere', () => {
    const { world, clock } = createClock();
    world.nowUs = 1_000_000;
    assert.equal(clock.wallMs(), EPOCH_MS + 1000);
    clock.jump(-250_000);
    assert.deepEqual([clock.wallMs(), clock.monotonicUs()], [EPOCH_MS + 750, 1_000_000]);
    clock.setDrift(100_000);
    world.nowUs = 2_000_000;
    assert.deepEqual([clock.wallMs(), clock.monotonicUs()], [EPOCH_MS + 1850, 2_100_000]);
    clock.correct();
    assert.equal(clock.wallMs(), EPOCH_MS + 2000);
    world.nowUs = 3_000_000;
    assert.deepEqual([clock.wallMs(), clock.monotonicUs()], [EPOCH_MS + 3000, 3_100_000]);
  });

  test('counts a delay in its own time and never runs back', () => {
    const steps = fc.array(fc.tuple(fc.nat(5_000_000), fc.integer({ min: -200_000, max: 200_000 })), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(steps, (script) => {
        const { world, clock } = createClock();
        let last = 0;
        for (const [elapsedUs, ppm] of script) {
          clock.setDrift(ppm);
          const [beforeUs, delayUs] = [clock.monotonicUs(), clock.trueDelayUs(elapsedUs)];
          assert.ok(beforeUs >= last);
          world.nowUs += delayUs;
          last = clock.monotonicUs();
          assert.ok(last - beforeUs >= elapsedUs && last - beforeUs <= elapsedUs + 2);
        }
      }),
      { seed: 2, numRuns: 200 },
    );
  });
});

describe('latencies', () => {
  test('the matrix is complete, nearly symmetric, and no detour is absurd', () => {
    assert.equal(new Set(REGIONS).size, REGIONS.length);
    assert.equal(ROUND_TRIP_US.length, REGIONS.length);
    ROUND_TRIP_US.forEach((row, from) => {
      assert.equal(row.length, REGIONS.length);
      row.forEach((thereUs, to) => {
        const backUs = ROUND_TRIP_US[to]?.[from] ?? 0;
        assert.ok(Math.abs(thereUs - backUs) <= 0.04 * thereUs, `${REGIONS[from]} ${REGIONS[to]}`);
        assert.ok(from === to ? thereUs < 10_000 : thereUs > 20_000 && thereUs < 500_000);
      });
    });
  });

  test('are whole, bounded, and follow from the seed', () => {
    const regional = regionLatency(spreadOverRegions(24));
    const random = createPrng(3);
    for (let i = 0; i < 5000; i++) {
      const [from, to] = [random.below(24), random.below(24)];
      const delayUs = regional(from, to, random);
      const halfUs = (ROUND_TRIP_US[from % 12]?.[to % 12] ?? 0) / 2;
      assert.ok(Number.isInteger(delayUs) && delayUs >= halfUs - 1 && delayUs <= 2.05 * halfUs + 1);
    }
    const uniform = Array.from({ length: 1000 }, () => uniformLatency(5, 9)(0, 1, random));
    assert.deepEqual([Math.min(...uniform), Math.max(...uniform)], [5, 9]);
    const draw = (seed: number): number[] => {
      const own = createPrng(seed);
      return Array.from({ length: 100 }, () => regional(0, 5, own));
    };
    assert.deepEqual(draw(1), draw(1));
    assert.notDeepEqual(draw(1), draw(2));
  });

  test('a heavy tail is heavy: about 1 in 8 doubles, about 1 in 64 twice', () => {
    const random = createPrng(4);
    const delays = Array.from({ length: 20_000 }, () => heavyTailLatency(1000)(0, 1, random));
    const above = (us: number): number => delays.filter((delay) => delay >= us).length / delays.length;
    assert.ok(above(4000) > 0.01 && above(4000) < 0.03, String(above(4000)));
    assert.ok(above(16_000) > 0 && above(16_000) < 0.002, String(above(16_000)));
    assert.ok(Math.min(...delays) >= 1000);
  });
});

describe('messages', () => {
  test('are copied: whoever changes the original or the copy changes one of them', () => {
    const original = { list: [1, { bytes: new Uint8Array([1, 2]) }], text: 'x', big: 5n, nothing: null };
    const copied = copyMessage(original);
    assert.deepEqual(copied, original);
    const [, inner] = copied.list as [number, { bytes: Uint8Array }];
    const [, source] = original.list as [number, { bytes: Uint8Array }];
    source.bytes[0] = 9;
    assert.equal(inner.bytes[0], 1);
    assert.throws(() => copied.list.push(3), TypeError);
    assert.throws(() => Object.assign(copied, { text: 'y' }), TypeError);
  });

  test('hold plain data only', () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    for (const bad of [() => 1, { f: () => 1 }, new Map(), new Date(0), Symbol('x'), cycle]) {
      assert.throws(() => copyMessage(bad), { code: 'SIM_MESSAGE' });
    }
  });
});

describe('the record', () => {
  test('a hash tells every number and text from every other, and their order', () => {
    const hashOf = (...values: (number | string)[]): string => {
      const hash = new EventHash();
      for (const value of values)
        if (typeof value === 'number') hash.number(value);
        else hash.text(value);
      return hash.digest();
    };
    const inputs = [
      [],
      [0],
      [0, 0],
      [1],
      [1, 2],
      [2, 1],
      [2 ** 40],
      [2 ** 40 + 1],
      [-1],
      [''],
      ['a'],
      ['ab'],
      ['ba'],
    ];
    assert.equal(new Set(inputs.map((values) => hashOf(...values))).size, inputs.length);
    const many = new Set(Array.from({ length: 20_000 }, (_, i) => hashOf(i)));
    assert.equal(many.size, 20_000);
    assert.match(hashOf(1), /^[0-9a-f]{16}$/);
  });

  test('keeps the last events and the whole story', () => {
    let nowUs = 0;
    const recorder = new Recorder(() => nowUs);
    recorder.tell('begin');
    for (let i = 0; i < 1000; i++) {
      nowUs = i;
      recorder.traffic('deliver', 1, 2, i);
    }
    recorder.tell('end');
    assert.equal(recorder.recorded, 1002);
    assert.deepEqual(
      recorder.lastEvents(2).map((line) => line.trim()),
      ['0.000999s  1 -> 2 deliver (999)', '0.000999s  end'],
    );
    assert.ok(recorder.lastEvents().length < 1000);
    assert.deepEqual(
      recorder.story().map((line) => line.trim()),
      ['0.000000s  begin', '0.000999s  end'],
    );
  });
});

describe('the nemesis', () => {
  test('plans faults of the kinds it may, within its time, in order, each in a readable line', () => {
    const kinds = new Set<string>();
    for (let seed = 0; seed < 300; seed++) {
      const troubleUs = 20_000_000;
      const faults = planFaults(createPrng(seed), {
        ...{ nodes: 5, kinds: FAULT_KINDS, troubleUs },
        ...{ topics: ['vote'], cues: ['vote'] },
      });
      let lastUs = 0;
      for (const fault of faults) {
        kinds.add(fault.kind);
        assert.ok(fault.atUs >= lastUs && fault.atUs + fault.durationUs <= troubleUs && fault.durationUs > 0);
        assert.match(describeFault(fault), /^ *\d+\.\d{6}s {2}\S/);
        lastUs = fault.atUs;
        if (fault.kind !== 'partition') continue;
        assert.deepEqual([...fault.group, ...fault.rest].sort(), [0, 1, 2, 3, 4]);
        assert.ok(fault.group.length > 0 && fault.rest.length > 0);
      }
    }
    assert.equal(kinds.size, FAULT_KINDS.length);
    assert.deepEqual(planFaults(createPrng(1), { nodes: 5, kinds: [], troubleUs: 1000 }), []);
    assert.deepEqual(planFaults(createPrng(1), { nodes: 1, kinds: FAULT_KINDS, troubleUs: 1000 }), []);
  });

  test('makes at most as many nodes Byzantine as it may', () => {
    const sizes = new Set<number>();
    for (let seed = 0; seed < 200; seed++) {
      const crimes = planCrimes(createPrng(seed), { nodes: 7, max: 2, crimes: ['a', 'b'] });
      assert.ok(crimes.size <= 2 && [...crimes.keys()].every((node) => node >= 0 && node < 7));
      sizes.add(crimes.size);
    }
    assert.deepEqual([...sizes].sort(), [0, 1, 2]);
  });
});

test('while sealed, the real clock, timers and randomness throw; afterwards they work', async () => {
  const impure = [
    () => new Date(),
    () => Date(),
    () => Date.now(),
    () => Math.random(),
    () => performance.now(),
    () => setTimeout(() => 1, 1),
  ];
  await sealed(async () => {
    for (const call of impure) assert.throws(call, { code: 'SIM_IMPURE' });
    assert.equal(new Date(5).getTime(), 5);
    assert.ok(new Date(5) instanceof Date);
    await sealed(() => Promise.resolve());
    assert.throws(() => Date.now(), { code: 'SIM_IMPURE' });
  });
  await assert.rejects(
    sealed(() => Promise.reject(new Error('inside'))),
    /inside/,
  );
  assert.ok(new Date().getTime() > 0);
  assert.ok(Date.now() > 0 && performance.now() > 0 && Math.random() < 1);
  clearTimeout(setTimeout(() => 1, 1));
});
