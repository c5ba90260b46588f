import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { WalRecord } from '../../../consensus/wal/group.js';
import { openWal, type OpenedWal } from '../../../consensus/wal/wal.js';
import { OgpuError } from '../../../protocol/errors.js';
import { SimulatedDisk, type CrashKind } from '../../sim/disk.js';
import { createPrng, type Prng } from '../../support/prng.js';
import { IDENTITY, record } from './support.js';

/** What whoever uses the log knows of it: what a crash must not contradict. */
interface Expectation {
  /** Height whose start was acknowledged last. */
  height: number | undefined;
  /** Height whose start was asked for last. */
  asked: number | undefined;
  /** Appended at `height`, in order, and how many of them a sync acknowledged. */
  appended: WalRecord[];
  synced: number;
}

type Step = (wal: OpenedWal['wal'], known: Expectation) => Promise<void>;

const start =
  (height: number): Step =>
  async (wal, known) => {
    known.asked = height;
    await wal.startHeight(height);
    Object.assign(known, { height, appended: [], synced: 0 });
  };

const append =
  (...records: readonly WalRecord[]): Step =>
  (wal, known) => {
    for (const each of records) {
      wal.append(each);
      known.appended.push(each);
    }
    return Promise.resolve();
  };

const sync: Step = async (wal, known) => {
  const { length } = known.appended;
  await wal.sync();
  known.synced = Math.max(known.synced, length);
};

/** Two who wait for the disk at once, the second with more to wait for. */
const syncTwice =
  (between: WalRecord): Step =>
  async (wal, known) => {
    const first = sync(wal, known);
    await append(between)(wal, known);
    await Promise.all([first, sync(wal, known)]);
  };

const SCRIPT: readonly Step[] = [
  start(5),
  append(record(1, 3), record(2, 0)),
  sync,
  append(record(3, 40)),
  syncTwice(record(4, 9)),
  append(record(5, 1)),
  start(6),
  append(record(6, 20), record(7, 5)),
  sync,
  sync,
  append(record(8, 2)),
];

describe('a log whose process dies or whose power fails', () => {
  test('in any step has what was synced, in order, and nothing that was not appended', async () => {
    const steps = await stepsOf(SCRIPT);
    for (const kind of ['process', 'power'] as const) {
      for (let step = 1; step <= steps; step++) {
        for (let seed = 0; seed < 8; seed++) await crashAndRecover({ step }, kind, seed);
      }
    }
  });

  test('at any byte', async () => {
    const disk = new SimulatedDisk({ prng: createPrng(1) });
    await run(disk, SCRIPT, nothingKnown());
    for (const kind of ['process', 'power'] as const) {
      for (let byte = 1; byte <= disk.appendedBytes; byte++) await crashAndRecover({ byte }, kind, byte);
    }
  });

  test('in any step of its recovery, as often as that', async () => {
    for (let seed = 0; seed < 150; seed++) {
      const prng = createPrng(seed);
      const known = nothingKnown();
      let disk = new SimulatedDisk({ prng });
      disk.crashAt = { step: 10 + prng.below(30) };
      await runUntilCrash(disk, SCRIPT, known);
      for (let crash = 0; crash < 4; crash++) {
        disk = disk.crash(prng.pick(['process', 'power']));
        disk.crashAt = { step: 1 + prng.below(14) };
        await open(disk).catch(() => undefined);
      }
      await recoverAndCheck(disk.crash(), known);
    }
  });

  test('under random use', async () => {
    for (let seed = 0; seed < 200; seed++) await randomHistory(createPrng(seed));
  });
});

describe('a log on a disk that fills up', () => {
  test('at any byte acknowledges nothing that it does not have, and works again once there is space', async () => {
    const whole = new SimulatedDisk({ prng: createPrng(1) });
    await run(whole, SCRIPT, nothingKnown());
    for (let capacityBytes = 0; capacityBytes < whole.appendedBytes; capacityBytes++) {
      const disk = new SimulatedDisk({ prng: createPrng(capacityBytes), capacityBytes });
      const known = nothingKnown();
      const error = await runUntilCrash(disk, SCRIPT, known);
      if (error !== undefined) {
        assert.ok(error instanceof OgpuError);
        assert.match(String(error.code), /^(DISK_FULL|WAL_BROKEN)$/);
      }
      disk.capacityBytes = Infinity;
      await recoverAndCheck(disk.crash('process', { capacityBytes: Infinity }), known);
    }
  });

  test('cannot be opened while there is no room to write it anew, and loses nothing by that', async () => {
    const disk = new SimulatedDisk({ prng: createPrng(3) });
    const known = nothingKnown();
    await run(disk, SCRIPT.slice(0, 5), known);
    const full = disk.crash('power', { capacityBytes: 0 });
    await assert.rejects(open(full), /no space left/);
    await recoverAndCheck(full.crash('power', { capacityBytes: Infinity }), known);
  });
});

async function randomHistory(prng: Prng): Promise<void> {
  let disk = new SimulatedDisk({ prng });
  let known = nothingKnown();
  let serial = 0;
  for (let life = 0; life < 4; life++) {
    disk.crashAt = { step: 1 + prng.below(60) };
    const steps: Step[] = Array.from({ length: 30 }, () => {
      if (prng.chance(1, 8)) return (wal, state) => start((state.asked ?? 0) + 1)(wal, state);
      if (prng.chance(1, 3)) return sync;
      return (wal, state) =>
        state.height === undefined
          ? Promise.resolve()
          : append(record(++serial % 256, prng.below(30)))(wal, state);
    });
    await runUntilCrash(disk, [(wal, state) => start((state.asked ?? 0) + 1)(wal, state), ...steps], known);
    disk = disk.crash(prng.pick<CrashKind>(['process', 'power']));
    known = await recoverAndCheck(disk, known);
    disk = disk.crash('process');
  }
}

async function crashAndRecover(
  crashAt: { readonly step?: number; readonly byte?: number },
  kind: CrashKind,
  seed: number,
): Promise<void> {
  const disk = new SimulatedDisk({ prng: createPrng(seed) });
  disk.crashAt = crashAt;
  const known = nothingKnown();
  await runUntilCrash(disk, SCRIPT, known);
  await recoverAndCheck(disk.crash(kind), known);
}

/** Opens the log, compares it with what is known, and opens it after a loss of power: what recovery showed is durable. */
async function recoverAndCheck(disk: SimulatedDisk, known: Expectation): Promise<Expectation> {
  const { recovered, wal } = await open(disk);
  const records = [...(recovered?.records ?? [])];
  if (recovered?.height === known.height) {
    assert.ok(records.length >= known.synced, `${records.length} of ${known.synced} synced records`);
    assert.deepEqual(records, known.appended.slice(0, records.length));
  } else {
    assert.equal(recovered?.height, known.asked, 'a height nobody asked for');
    assert.deepEqual(records, []);
  }
  const again = await open(disk.crash('power'));
  assert.deepEqual(again.recovered?.records.map(plain), recovered?.records.map(plain));
  assert.equal(again.recovered?.tornBytes ?? 0, 0);
  assert.equal(wal.height, recovered?.height);
  return { height: recovered?.height, asked: recovered?.height, appended: records, synced: records.length };
}

function plain({ kind, payload }: WalRecord): unknown {
  return [kind, ...payload];
}

async function open(disk: SimulatedDisk): Promise<OpenedWal> {
  const { folder } = disk.openFolder('wal');
  const entropy = createPrng(disk.steps);
  return openWal({ folder, identity: IDENTITY, randomBytes: (length) => entropy.bytes(length) });
}

async function run(disk: SimulatedDisk, script: readonly Step[], known: Expectation): Promise<void> {
  const { wal } = await open(disk);
  for (const step of script) await step(wal, known);
}

async function runUntilCrash(
  disk: SimulatedDisk,
  script: readonly Step[],
  known: Expectation,
): Promise<unknown> {
  return run(disk, script, known).catch((error: unknown) => error);
}

async function stepsOf(script: readonly Step[]): Promise<number> {
  const disk = new SimulatedDisk({ prng: createPrng(1) });
  await run(disk, script, nothingKnown());
  return disk.steps;
}

function nothingKnown(): Expectation {
  return { height: undefined, asked: undefined, appended: [], synced: 0 };
}
