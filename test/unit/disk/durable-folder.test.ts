import assert from 'node:assert/strict';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { DiskError } from '../../../consensus/disk/disk.js';
import { openFolder } from '../../../node/disk/open-folder.js';
import { SimulatedCrash, SimulatedDisk } from '../../sim/disk.js';
import { createPrng } from '../../support/prng.js';

const OLD = Uint8Array.from({ length: 300 }, () => 1);
const NEW = Uint8Array.from({ length: 500 }, () => 2);

describe('a file written atomically', () => {
  test('is old or new after a crash in any step, and new once the write was acknowledged', async () => {
    const seen = { old: 0, new: 0 };
    for (let step = 1; step <= 6; step++) {
      for (let seed = 0; seed < 40; seed++) {
        const disk = await diskWith({ a: OLD }, seed);
        disk.crashAt = { step: disk.steps + step };
        const acknowledged = await disk
          .openFolder('f')
          .folder.writeFile('a', NEW)
          .then(() => true, isCrash);
        const found = await read(disk.crash(), 'a');
        assert.ok(found?.length === OLD.length || found?.length === NEW.length, `step ${step}, seed ${seed}`);
        assert.deepEqual(found, found.length === OLD.length ? OLD : NEW);
        if (acknowledged) assert.deepEqual(found, NEW);
        seen[found.length === OLD.length ? 'old' : 'new']++;
      }
    }
    assert.ok(seen.old > 20 && seen.new > 20, 'both happen');
  });

  test('is untouched when the disk fills at any byte, and can be written when there is space again', async () => {
    for (let capacity = OLD.length; capacity < OLD.length + NEW.length; capacity += 7) {
      const disk = await diskWith({ a: OLD }, capacity);
      disk.capacityBytes = capacity;
      const { folder } = disk.openFolder('f');
      await assert.rejects(folder.writeFile('a', NEW), code('DISK_FULL'));
      assert.deepEqual(await folder.readFile('a', 1000), OLD);
      disk.capacityBytes = Infinity;
      await folder.writeFile('a', NEW);
      assert.deepEqual(await read(disk.crash(), 'a'), NEW);
    }
  });
});

describe('a change that fails when it may have reached the disk', () => {
  test('breaks the folder: every further call refuses, until it is opened anew', async () => {
    // Steps of the write: open, append, sync-file, rename, sync-folder, close.
    for (const step of [3, 4, 5]) {
      const disk = await diskWith({ a: OLD }, step);
      disk.failAt = disk.steps + step;
      const { folder, unlock } = disk.openFolder('f');
      await assert.rejects(folder.writeFile('a', NEW), code('DISK_FAILED'));
      for (const call of [
        () => folder.writeFile('b', NEW),
        () => folder.readFile('a', 1000),
        () => folder.createLog('log', NEW),
        () => folder.remove('a'),
        () => folder.list(),
      ]) {
        await assert.rejects(call, code('DISK_BROKEN'));
      }
      await unlock();
      await disk.openFolder('f').folder.writeFile('a', NEW);
    }
  });

  test('in a log refuses every further append and sync', async () => {
    for (const failing of ['append', 'sync'] as const) {
      const disk = new SimulatedDisk({ prng: createPrng(7) });
      const { folder } = disk.openFolder('f');
      const log = await folder.createLog('log', new Uint8Array(0));
      disk.failAt = disk.steps + (failing === 'append' ? 1 : 2);
      await assert.rejects(async () => {
        await log.append(NEW);
        await log.sync();
      }, code('DISK_FAILED'));
      await assert.rejects(log.append(NEW), code('DISK_BROKEN'));
      await assert.rejects(log.sync(), code('DISK_BROKEN'));
    }
  });

  test('on a real disk too', async (context) => {
    await withRealFolder(async (path) => {
      const { folder, unlock } = await openFolder(path);
      const log = await folder.createLog('log', new Uint8Array(0));
      await log.append(NEW);
      await failNextDataSync(context, path);
      await assert.rejects(log.sync(), (error) => code('DISK_FAILED')(error));
      await assert.rejects(log.sync(), code('DISK_BROKEN'));
      await assert.rejects(folder.writeFile('a', NEW), code('DISK_BROKEN'));
      await log.close();
      await unlock();
    });
  });
});

describe('a simulated disk', () => {
  test('loses, tears and garbles what was not synced, and never what was', async () => {
    const fates = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const disk = new SimulatedDisk({ prng: createPrng(seed) });
      const { folder } = disk.openFolder('f');
      const log = await folder.createLog('log', new Uint8Array(0));
      await log.append(OLD);
      await log.sync();
      await log.append(NEW);
      const found = await read(disk.crash(), 'log');
      assert.deepEqual(found?.subarray(0, OLD.length), OLD);
      const rest = found.subarray(OLD.length);
      if (rest.some((byte) => byte !== 2)) fates.add('garbled');
      else fates.add(rest.length === 0 ? 'lost' : rest.length === NEW.length ? 'kept' : 'torn');
    }
    assert.deepEqual([...fates].sort(), ['garbled', 'kept', 'lost', 'torn']);
  });

  test('undoes a rename that the folder was not synced after', async () => {
    const lengths = new Set<number | undefined>();
    for (let seed = 0; seed < 50; seed++) {
      const disk = await diskWith({ a: OLD }, seed);
      const directory = disk.directory('f');
      const file = await directory.open('.a.tmp');
      await file.append(NEW);
      await file.sync();
      await directory.rename('.a.tmp', 'a');
      lengths.add((await read(disk.crash(), 'a'))?.length);
    }
    assert.deepEqual([...lengths].sort(), [OLD.length, NEW.length]);
  });

  test('keeps all of it when only the process dies, at exactly the byte asked for, and can lose it later', async () => {
    const lengths = new Set<number | undefined>();
    for (let byte = 1; byte <= NEW.length; byte += 9) {
      const disk = new SimulatedDisk({ prng: createPrng(byte) });
      disk.crashAt = { byte };
      const log = await disk.openFolder('f').folder.createLog('log', new Uint8Array(0));
      await assert.rejects(log.append(NEW), SimulatedCrash);
      await assert.rejects(log.sync());
      const next = disk.crash('process');
      assert.equal((await read(next, 'log'))?.length, byte);
      lengths.add((await read(next.crash(), 'log'))?.length);
    }
    assert.ok(lengths.size > 20);
  });

  test('waits for its hook before every step', async () => {
    const steps: string[] = [];
    const disk = new SimulatedDisk({
      prng: createPrng(1),
      delay: (step) => {
        steps.push(step);
        return Promise.resolve();
      },
    });
    await disk.openFolder('f').folder.writeFile('a', NEW);
    assert.deepEqual(steps, ['open', 'append', 'sync-file', 'rename', 'sync-folder', 'close']);
  });
});

async function diskWith(files: Readonly<Record<string, Uint8Array>>, seed: number): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ prng: createPrng(seed) });
  const { folder, unlock } = disk.openFolder('f');
  for (const [name, bytes] of Object.entries(files)) await folder.writeFile(name, bytes);
  await unlock();
  return disk;
}

async function read(disk: SimulatedDisk, name: string): Promise<Uint8Array | undefined> {
  const { folder, unlock } = disk.openFolder('f');
  const bytes = await folder.readFile(name, 10_000);
  await unlock();
  return bytes;
}

function isCrash(error: unknown): false {
  assert.ok(error instanceof SimulatedCrash);
  return false;
}

function code(expected: DiskError['code']): (error: unknown) => boolean {
  return (error) => error instanceof DiskError && error.code === expected;
}

async function withRealFolder(use: (path: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'ogpu-disk-'));
  await use(path).finally(() => rm(path, { recursive: true }));
}

/** The next fdatasync of any file answers EIO: what a disk that lost a write answers once, and then forgets. */
async function failNextDataSync(context: TestContext, path: string): Promise<void> {
  const handle = await open(path, 'r');
  const prototype: unknown = Object.getPrototypeOf(handle);
  await handle.close();
  assert.ok(typeof prototype === 'object' && prototype !== null);
  const failing = context.mock.method(prototype as typeof handle, 'datasync');
  failing.mock.mockImplementationOnce(() =>
    Promise.reject(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' })),
  );
}
