import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Folder } from '../../../consensus/disk/disk.js';
import { DiskError } from '../../../consensus/disk/disk.js';
import { InvariantError } from '../../../protocol/invariant.js';
import { openFolder } from '../../../node/disk/open-folder.js';
import { SimulatedDisk } from '../../sim/disk.js';
import { createPrng } from '../../support/prng.js';

/** Opens the folder of a disk; a second time in the same test it is the same folder. */
type Open = (name: string) => Promise<{ readonly folder: Folder; readonly unlock: () => Promise<void> }>;

const DISKS: Readonly<Record<string, (use: (open: Open) => Promise<void>) => Promise<void>>> = {
  'a real disk': async (use) => {
    const root = await mkdtemp(join(tmpdir(), 'ogpu-disk-'));
    try {
      await use((name) => openFolder(join(root, 'deep', name)));
    } finally {
      await rm(root, { recursive: true });
    }
  },
  'a simulated disk': async (use) => {
    const disk = new SimulatedDisk({ prng: createPrng(1) });
    await use((name) => Promise.resolve().then(() => disk.openFolder(name)));
  },
};

for (const [name, withDisk] of Object.entries(DISKS)) {
  describe(`a folder on ${name}`, () => {
    test('has nothing at first, and knows no file', () =>
      withDisk(async (open) => {
        const { folder, unlock } = await open('one');
        assert.deepEqual(await folder.list(), []);
        assert.equal(await folder.readFile('absent', 10), undefined);
        await folder.remove('absent');
        await unlock();
      }));

    test('holds files, replaces them whole and lists them in order', () =>
      withDisk(async (open) => {
        const { folder, unlock } = await open('one');
        await folder.writeFile('b', Uint8Array.of(1, 2, 3));
        await folder.writeFile('a', Uint8Array.of(4));
        await folder.writeFile('b', Uint8Array.of(5));
        assert.deepEqual(await folder.list(), ['a', 'b']);
        assert.deepEqual(await read(folder, 'b'), [5]);
        await folder.remove('a');
        assert.deepEqual(await folder.list(), ['b']);
        await unlock();
      }));

    test('appends to a log, which takes the place of the one before', () =>
      withDisk(async (open) => {
        const first = await open('one');
        const old = await first.folder.createLog('log', Uint8Array.of(9, 9));
        await old.append(Uint8Array.of(9));
        await old.close();
        const log = await first.folder.createLog('log', Uint8Array.of(1));
        await log.append(Uint8Array.of(2, 3));
        await log.append(new Uint8Array(0));
        await log.append(Uint8Array.of(4));
        await log.sync();
        await log.close();
        await first.unlock();
        const second = await open('one');
        assert.deepEqual(await read(second.folder, 'log'), [1, 2, 3, 4]);
        await second.unlock();
      }));

    test('gives what it reads as a copy, up to the bound of the reader', () =>
      withDisk(async (open) => {
        const { folder, unlock } = await open('one');
        await folder.writeFile('a', Uint8Array.of(1, 2, 3));
        (await folder.readFile('a', 3))?.fill(9);
        assert.deepEqual(await read(folder, 'a'), [1, 2, 3]);
        await assert.rejects(folder.readFile('a', 2), code('DISK_TOO_LARGE'));
        assert.deepEqual(await read(folder, 'a'), [1, 2, 3], 'a refused reading breaks nothing');
        await unlock();
      }));

    test('refuses names that could lead elsewhere or look like its own temporary files', () =>
      withDisk(async (open) => {
        const { folder, unlock } = await open('one');
        for (const bad of ['', '.', '..', '../a', 'a/b', '.a.tmp', 'A', 'a\0', 'a'.repeat(65)]) {
          await assert.rejects(folder.writeFile(bad, new Uint8Array(1)), InvariantError);
          await assert.rejects(folder.createLog(bad, new Uint8Array(1)), InvariantError);
        }
        assert.deepEqual(await folder.list(), []);
        await unlock();
      }));

    test('belongs to one at a time', () =>
      withDisk(async (open) => {
        const { unlock } = await open('one');
        await assert.rejects(open('one'), code('DISK_LOCKED'));
        const other = await open('two');
        await other.unlock();
        await unlock();
        await (await open('one')).unlock();
      }));
  });
}

async function read(folder: Folder, name: string): Promise<number[] | undefined> {
  const bytes = await folder.readFile(name, 1000);
  return bytes && [...bytes];
}

function code(expected: DiskError['code']): (error: unknown) => boolean {
  return (error) => error instanceof DiskError && error.code === expected;
}
