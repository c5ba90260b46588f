import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  createSecretFile,
  MAX_SECRET_FILE_BYTES,
  readSecretFile,
  replaceSecretFile,
} from '../../../node/keys/secret-file.js';
import { mockSync, rejectsWith, temporaryFolder, writePrivate } from './support.js';

const SECRET = new TextEncoder().encode('a secret');
const OTHER = new TextEncoder().encode('another');

describe('createSecretFile', () => {
  test('makes the folders 0700 and the file 0600, whatever the umask is', async (t) => {
    const folder = join(await temporaryFolder(t), 'a', 'b');
    const file = join(folder, 'key.json');
    const umask = process.umask(0o277);
    try {
      process.umask(0o000);
      await createSecretFile(file, SECRET);
    } finally {
      process.umask(umask);
    }
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    assert.equal((await stat(join(folder, '..'))).mode & 0o777, 0o700);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(await readSecretFile(file), SECRET);
  });

  test('a strict umask cannot make the file unreadable', async (t) => {
    const file = join(await temporaryFolder(t), 'key');
    const umask = process.umask(0o477);
    try {
      await createSecretFile(file, SECRET);
    } finally {
      process.umask(umask);
    }
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  });

  test('never replaces a file, and leaves no debris', async (t) => {
    const folder = await temporaryFolder(t);
    const file = join(folder, 'key');
    await createSecretFile(file, SECRET);
    const data = await rejectsWith(createSecretFile(file, OTHER), 'SECRET_FILE_EXISTS');
    assert.equal(data.path, file);
    assert.equal(typeof data.cure, 'string');
    assert.deepEqual(await readSecretFile(file), SECRET);
    assert.deepEqual(await readdir(folder), ['key']);
  });

  test('never writes through a dangling symbolic link', async (t) => {
    const folder = await temporaryFolder(t);
    await symlink(join(folder, 'elsewhere'), join(folder, 'key'));
    await rejectsWith(createSecretFile(join(folder, 'key'), SECRET), 'SECRET_FILE_EXISTS');
    assert.deepEqual(await readdir(folder), ['key']);
  });

  test('of many writers at once exactly one wins, with its whole content', async (t) => {
    const folder = await temporaryFolder(t);
    const file = join(folder, 'key');
    const contents = Array.from({ length: 8 }, (_, i) => new Uint8Array(1000).fill(i));
    const results = await Promise.allSettled(contents.map((content) => createSecretFile(file, content)));
    const winners = results.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []));
    assert.equal(winners.length, 1);
    assert.deepEqual(await readSecretFile(file), contents[winners[0] ?? -1]);
    assert.deepEqual(await readdir(folder), ['key']);
  });

  test('syncs the entries of the folders it makes, from the file up to the folder that was there', async (t) => {
    if (!existsSync('/proc/self/fd')) {
      t.skip('nothing tells which file a descriptor is');
      return;
    }
    const existing = await temporaryFolder(t);
    const synced: string[] = [];
    await mockSync(t, (fd) => void synced.push(readlinkSync(`/proc/self/fd/${fd}`)));
    await createSecretFile(join(existing, 'a', 'b', 'key'), SECRET);
    const folders = [existing, join(existing, 'a'), join(existing, 'a', 'b')];
    assert.deepEqual(synced.filter((path) => folders.includes(path)).sort(), folders);
    synced.length = 0;
    await createSecretFile(join(existing, 'a', 'b', 'other'), SECRET);
    assert.deepEqual(
      synced.filter((path) => folders.includes(path)),
      [join(existing, 'a', 'b')],
    );
  });

  test('refuses a folder that others can reach', async (t) => {
    const folder = join(await temporaryFolder(t), 'open');
    await mkdir(folder);
    await chmod(folder, 0o755);
    const data = await rejectsWith(createSecretFile(join(folder, 'key'), SECRET), 'SECRET_FILE_FOLDER');
    assert.match(String(data.cure), /chmod 700/);
    assert.deepEqual(await readdir(folder), []);
  });

  test('says what is wrong when the folder is a file', async (t) => {
    const file = await writePrivate(join(await temporaryFolder(t), 'file'), SECRET);
    const data = await rejectsWith(createSecretFile(join(file, 'key'), SECRET), 'SECRET_FILE_IO');
    assert.equal(data.path, file);
  });
});

describe('replaceSecretFile', () => {
  test('puts the new content, mode 0600, and leaves no debris', async (t) => {
    const folder = await temporaryFolder(t);
    const file = join(folder, 'key');
    await createSecretFile(file, SECRET);
    await replaceSecretFile(file, OTHER);
    assert.deepEqual(await readSecretFile(file), OTHER);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(folder), ['key']);
  });
});

describe('readSecretFile', () => {
  for (const mode of [0o640, 0o604, 0o620, 0o601, 0o777]) {
    test(`refuses mode 0${mode.toString(8)}`, async (t) => {
      const file = await writePrivate(join(await temporaryFolder(t), 'key'), SECRET);
      await chmod(file, mode);
      const data = await rejectsWith(readSecretFile(file), 'SECRET_FILE_PERMISSIONS');
      assert.equal(data.mode, `0${mode.toString(8)}`);
      assert.equal(data.cure, `chmod 600 '${file}'`);
    });
  }

  test('takes a file that even its owner cannot write', async (t) => {
    const file = await writePrivate(join(await temporaryFolder(t), 'key'), SECRET);
    await chmod(file, 0o400);
    assert.deepEqual(await readSecretFile(file), SECRET);
  });

  test('refuses a symbolic link', async (t) => {
    const folder = await temporaryFolder(t);
    await writePrivate(join(folder, 'key'), SECRET);
    await symlink(join(folder, 'key'), join(folder, 'link'));
    await rejectsWith(readSecretFile(join(folder, 'link')), 'SECRET_FILE_SYMLINK');
  });

  test('refuses folders and pipes, without waiting for a writer', async (t) => {
    const folder = await temporaryFolder(t);
    await rejectsWith(readSecretFile(folder), 'SECRET_FILE_NOT_REGULAR');
    execFileSync('mkfifo', ['-m', '600', join(folder, 'pipe')]);
    await rejectsWith(readSecretFile(join(folder, 'pipe')), 'SECRET_FILE_NOT_REGULAR');
  });

  test("refuses another user's file", async (t) => {
    if (process.geteuid?.() !== 0) {
      t.skip('only root can give files away');
      return;
    }
    const file = await writePrivate(join(await temporaryFolder(t), 'key'), SECRET);
    await chown(file, 65_534, 65_534);
    const data = await rejectsWith(readSecretFile(file), 'SECRET_FILE_OWNER');
    assert.equal(data.ownerUid, 65_534);
  });

  test('reads the largest file and refuses one byte more', async (t) => {
    const folder = await temporaryFolder(t);
    const largest = new Uint8Array(MAX_SECRET_FILE_BYTES).fill(7);
    await writePrivate(join(folder, 'largest'), largest);
    assert.deepEqual(await readSecretFile(join(folder, 'largest')), largest);
    await writePrivate(join(folder, 'larger'), new Uint8Array(MAX_SECRET_FILE_BYTES + 1));
    await rejectsWith(readSecretFile(join(folder, 'larger')), 'SECRET_FILE_TOO_LARGE');
    await writeFile(join(folder, 'empty'), '', { mode: 0o600 });
    assert.deepEqual(await readSecretFile(join(folder, 'empty')), new Uint8Array(0));
  });

  test('a missing file has its own code', async (t) => {
    const folder = await temporaryFolder(t);
    await rejectsWith(readSecretFile(join(folder, 'none')), 'SECRET_FILE_NOT_FOUND');
  });
});
