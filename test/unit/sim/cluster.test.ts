import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Cluster } from '../../sim/cluster.js';
import type { Checker, Observation } from '../../sim/checker.js';
import type { Fault, FaultBody } from '../../sim/faults.js';
import { constantLatency } from '../../sim/latency.js';
import { Recorder } from '../../sim/recorder.js';
import type { DiskKind, Environment, Inhabitant, Scenario } from '../../sim/scenario.js';
import { Scheduler } from '../../sim/scheduler.js';
import { createStreams } from '../../sim/streams.js';
import { unleash } from '../../sim/trouble.js';

/** A disk that counts what was written, and takes its time. */
interface Tally {
  owner: number | undefined;
  written: number;
  isFull: boolean;
  write(): Promise<void>;
}

const createTally = (
  { owner, written }: Pick<Tally, 'owner' | 'written'>,
  delay: () => Promise<void>,
): Tally => ({
  owner,
  written,
  isFull: false,
  async write() {
    await delay();
    if (!this.isFull) this.written++;
  },
});

const TALLIES: DiskKind<Tally> = {
  create: (_random, delay) => createTally({ owner: undefined, written: 0 }, delay),
  crash: (tally, _random, delay) => createTally(tally, delay),
  copy: (tally, _random, delay) => createTally(tally, delay),
  isBlank: ({ written }) => written === 0,
  setFull: (tally, isFull) => {
    tally.isFull = isFull;
  },
};

type Home = Environment<string, Tally, Observation>;

/** A cluster whose nodes do what `boot` says. */
function createCluster(
  boot: (home: Home) => Inhabitant<string> | Promise<Inhabitant<string>>,
  { nodes = 2, checkers = [] as readonly Checker<Observation>[] } = {},
) {
  const scheduler = new Scheduler();
  const recorder = new Recorder(() => scheduler.nowUs);
  const scenario: Scenario<string, Tally, Observation> = {
    name: 'test',
    isSynchronous: false,
    disks: TALLIES,
    crimes: [],
    maxByzantine: () => 0,
    cues: { names: ['voted'], of: ({ line }) => line },
    topics: {
      names: ['vote'],
      of: (message) => {
        const [topic, round] = message.split(' ');
        return topic === undefined ? undefined : { topic, round: Number(round) };
      },
    },
    network: () => ({
      latency: constantLatency(1000),
      isOrdered: true,
      maxInFlight: 100,
      overflow: 'drop-newest',
    }),
    boot,
    checkers: () => checkers,
  };
  const setting = { seed: 1, nodes, crimes: new Map<number, string>() };
  const cluster = new Cluster(
    scenario,
    setting,
    { scheduler, recorder, streams: createStreams(1) },
    checkers,
  );
  cluster.start(0);
  const story = (): string[] => recorder.story().map((line) => line.trim().replace(/^\S+ +/, ''));
  return { cluster, scheduler, recorder, story };
}

const CENSOR: Extract<FaultBody, { readonly kind: 'censor' }> = {
  kind: 'censor',
  topic: 'vote',
  sender: undefined,
  exempt: 2,
  rounds: 'all',
  isMute: false,
};

const deaf: Inhabitant<string> = { receive: () => undefined };

describe('a node', () => {
  test('killed at its Nth effect does nothing more, and the first N - 1 were real', async () => {
    for (const atEffect of [1, 3, 5]) {
      const received: string[] = [];
      const { cluster, scheduler } = createCluster((home) => {
        if (home.node === 1) return { receive: (_from, message) => void received.push(message) };
        home.setTimer(10_000, () => {
          for (let i = 0; i < 6; i++) home.send(1, String(i), 1);
          home.setTimer(1, () => assert.fail('a timer of a dead node'));
        });
        return deaf;
      });
      await scheduler.run({ untilUs: 5_000 });
      cluster.kill(0, atEffect);
      await scheduler.run({ untilUs: 50_000 });
      assert.equal(received.length, atEffect - 1);
    }
  });

  test('is killed a few effects after what was lain in wait for, once, and is up again afterwards', async () => {
    const received: string[] = [];
    const { cluster, scheduler, story } = createCluster((home) => {
      if (home.node === 1) return { receive: (_from, message) => void received.push(message) };
      home.setTimer(10_000, () => {
        home.send(1, 'before', 1);
        home.observe({ line: 'voted' });
        for (const message of ['first', 'second', 'third']) home.send(1, message, 1);
      });
      return deaf;
    });
    await scheduler.run({ untilUs: 5_000 });
    cluster.lieInWait(0, 'voted', 3);
    await scheduler.run({ untilUs: 15_000 });
    assert.deepEqual(received, ['before', 'first', 'second']);
    assert.ok(story().includes('node 0 dies'));
    await cluster.release(0);
    await scheduler.run({ untilUs: 40_000 });
    assert.deepEqual(received.slice(3), ['before', 'first', 'second', 'third']);
  });

  test('censored, hears nothing of a topic in some rounds, but for one node, which may be mute', async () => {
    const received: string[] = [];
    const homes: Home[] = [];
    const { cluster, scheduler } = createCluster(
      (home) => {
        homes[home.node] = home;
        return { receive: (from, message) => void received.push(`${from}>${home.node} ${message}`) };
      },
      { nodes: 3 },
    );
    const everybodySays = async (...messages: readonly string[]): Promise<readonly string[]> => {
      received.length = 0;
      for (const home of homes) {
        for (let to = 0; to < 3; to++)
          if (to !== home.node) messages.forEach((text) => home.send(to, text, 1));
      }
      await scheduler.run({ untilUs: scheduler.nowUs + 5_000 });
      return received.filter((line) => messages.some((text) => line.endsWith(text))).sort();
    };
    await scheduler.run({ untilUs: 1_000 });
    const end = cluster.censor({ ...CENSOR, rounds: 'even' });
    assert.deepEqual(await everybodySays('vote 0'), ['0>2 vote 0', '1>2 vote 0', '2>0 vote 0', '2>1 vote 0']);
    assert.equal((await everybodySays('vote 1', 'block 0')).length, 12);
    end();
    assert.equal((await everybodySays('vote 0')).length, 6);
    const endOfOne = cluster.censor({ ...CENSOR, sender: 0 });
    const heard = await everybodySays('vote 0');
    assert.deepEqual(heard, ['0>2 vote 0', '1>0 vote 0', '1>2 vote 0', '2>0 vote 0', '2>1 vote 0']);
    endOfOne();
    cluster.censor({ ...CENSOR, isMute: true });
    assert.deepEqual(await everybodySays('vote 1'), ['0>2 vote 1', '1>2 vote 1']);
    assert.equal((await everybodySays('block 0')).length, 4);
  });

  test('killed while its disk works never hears of it, and finds on its disk what the crash left', async () => {
    const found: number[] = [];
    const { cluster, scheduler, story } = createCluster(
      (home) => {
        found.push(home.disk.written);
        const work = async (): Promise<void> => {
          for (;;) await home.disk.write();
        };
        home.setTimer(0, work);
        return deaf;
      },
      { nodes: 1 },
    );
    cluster.setDiskLatency(0, 1000);
    await scheduler.run({ untilUs: 10_500 });
    cluster.kill(0, 0);
    await scheduler.run({ untilUs: 20_000 });
    await cluster.release(0);
    await scheduler.run({ untilUs: 20_001 });
    assert.deepEqual(found, [0, 10]);
    assert.deepEqual(story(), ['node 0 starts, life 1', 'node 0 dies', 'node 0 starts, life 2']);
  });

  test('stays down while any fault holds it, and survives a threat that is taken back', async () => {
    const { cluster, scheduler, story } = createCluster(() => deaf, { nodes: 1 });
    await scheduler.run({ untilUs: 1 });
    cluster.kill(0, 0);
    cluster.kill(0, 0);
    await cluster.release(0);
    assert.equal(story().length, 2);
    await cluster.release(0);
    cluster.kill(0, 100);
    await cluster.release(0);
    await scheduler.run({ untilUs: 100 });
    assert.deepEqual(story(), ['node 0 starts, life 1', 'node 0 dies', 'node 0 starts, life 2']);
  });

  test('that stands still does everything later, in order', async () => {
    const log: string[] = [];
    const { cluster, scheduler } = createCluster((home) => {
      const note = (what: string) => () => void log.push(`${what}@${scheduler.nowUs}`);
      if (home.node === 0) {
        const cancelled = home.setTimer(3_000, () => assert.fail('cancelled before the node came to it'));
        home.setTimer(2_000, () => {
          note('timer')();
          cancelled.cancel();
        });
        return { receive: (_from, message) => note(message)() };
      }
      home.setTimer(1_500, () => home.send(0, 'message', 1));
      return deaf;
    });
    await scheduler.run({ untilUs: 1 });
    cluster.pause(0);
    await scheduler.run({ untilUs: 90_000 });
    assert.deepEqual(log, []);
    cluster.resume(0);
    await scheduler.run({ untilUs: 90_001 });
    assert.deepEqual(log, ['timer@90000', 'message@90000']);
  });

  test('has timers by its own clock', async () => {
    const fired: number[] = [];
    const { cluster, scheduler } = createCluster(
      (home) => {
        home.setTimer(1_000, () => {
          home.setTimer(1_000_000, () => void fired.push(scheduler.nowUs));
        });
        return deaf;
      },
      { nodes: 1 },
    );
    cluster.clock(0).setDrift(-100_000);
    await scheduler.run({ untilUs: 2_000_000 });
    assert.deepEqual(fired, [1_112 + 1_111_112]);
  });

  test('that throws, rejects or does not start is a failure of the run', async () => {
    const failing: [RegExp, (home: Home) => Inhabitant<string> | Promise<Inhabitant<string>>][] = [
      [
        /node 0 threw: in a timer/,
        (home) => {
          home.setTimer(5, () => {
            throw new Error('in a timer');
          });
          return deaf;
        },
      ],
      [
        /node 0 threw: after a while/,
        (home) => {
          home.setTimer(5, async () => {
            await home.sleep(100);
            throw new Error('after a while');
          });
          return deaf;
        },
      ],
      [
        /node 0 does not start: at once/,
        () => {
          throw new Error('at once');
        },
      ],
      [
        /node 0 does not start: later/,
        async (home) => {
          await home.sleep(10);
          throw new Error('later');
        },
      ],
    ];
    for (const [message, boot] of failing) {
      await assert.rejects(createCluster(boot, { nodes: 1 }).scheduler.run(), message);
    }
  });

  test('that ends itself, or cannot start on a full disk, is started again a second later', async () => {
    const starts: number[] = [];
    const { cluster, scheduler, story } = createCluster(
      (home) => {
        starts.push(scheduler.nowUs);
        if (home.disk.isFull) throw new Error('no space');
        if (starts.length === 1) home.setTimer(5_000, () => home.exit('the disk failed'));
        return deaf;
      },
      { nodes: 1 },
    );
    await scheduler.run({ untilUs: 10_000 });
    cluster.setDiskFull(0, true);
    await scheduler.run({ untilUs: 2_500_000 });
    cluster.setDiskFull(0, false);
    await scheduler.run({ untilUs: 9_000_000 });
    assert.deepEqual(starts, [0, 1_005_000, 2_005_000, 3_005_000]);
    assert.equal(story().filter((line) => line === 'node 0 ends itself: no space').length, 2);
  });

  test('cannot hide a broken promise by catching what its observation throws', async () => {
    const checker: Checker<Observation> = {
      name: 'never',
      observe: () => {
        throw new Error('seen');
      },
    };
    const boot = (home: Home): Inhabitant<string> => {
      try {
        home.observe({ line: 'something' });
      } catch {
        assert.fail('nothing to catch');
      }
      return deaf;
    };
    await assert.rejects(createCluster(boot, { checkers: [checker] }).scheduler.run(), /seen/);
  });

  test('must refuse the disk of another, and then runs on its own again', async () => {
    const play = (refuses: boolean) => {
      const { cluster, scheduler, story } = createCluster(async ({ disk, node }) => {
        await disk.write();
        disk.owner ??= node;
        if (refuses && disk.owner !== node) throw new Error('not mine');
        return deaf;
      });
      return { cluster, scheduler, story };
    };
    const good = play(true);
    await good.scheduler.run({ untilUs: 50_000 });
    const end = good.cluster.giveForeignDisk(0, 1);
    await good.scheduler.run({ untilUs: 100_000 });
    void end();
    await good.scheduler.run({ untilUs: 200_000 });
    assert.deepEqual(good.story().slice(2), [
      'node 0 dies',
      'node 0 refuses the disk of node 1: not mine',
      'node 0 starts, life 2',
    ]);
    const bad = play(false);
    await bad.scheduler.run({ untilUs: 50_000 });
    bad.cluster.giveForeignDisk(0, 1);
    await assert.rejects(bad.scheduler.run({ untilUs: 100_000 }), /node 0 started on the disk of node 1/);
  });
});

test('faults that overlap end when the last of them does', async () => {
  const disks: Tally[] = [];
  const { cluster, scheduler, recorder } = createCluster(
    ({ disk }) => {
      disks.push(disk);
      return deaf;
    },
    { nodes: 2 },
  );
  const faults: Fault[] = [
    { kind: 'disk-full', node: 0, atUs: 1_000, durationUs: 4_000 },
    { kind: 'drift', node: 1, ppm: 1_000, atUs: 1_000, durationUs: 8_000 },
    { kind: 'disk-full', node: 0, atUs: 2_000, durationUs: 8_000 },
    { kind: 'drift', node: 1, ppm: 100_000, atUs: 3_000, durationUs: 2_000 },
  ];
  unleash(faults, cluster, { scheduler, recorder, streams: createStreams(1) });
  const full: boolean[] = [];
  for (const untilUs of [500, 1_500, 3_000, 6_000, 11_000]) {
    await scheduler.run({ untilUs });
    full.push(disks[0]?.isFull ?? false);
  }
  assert.deepEqual(full, [false, true, true, true, false]);
  assert.equal(cluster.clock(1).monotonicUs(), 11_000 + 2 + 200 + 4);
});
