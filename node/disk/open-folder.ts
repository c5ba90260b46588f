import { join, resolve } from 'node:path';
import { Level } from 'level';
import type { Folder } from '../../consensus/disk/disk.js';
import { DiskError } from '../../consensus/disk/disk.js';
import { durableFolder } from '../../consensus/disk/durable-folder.js';
import { codeOf } from '../database/errors.js';
import { makeFolder } from './atomic-file.js';
import { diskError, realDirectory } from './real-directory.js';

export interface LockedFolder {
  readonly folder: Folder;
  /** Lets others have the folder. Close its files first. */
  readonly unlock: () => Promise<void>;
}

/**
 * Opens a folder for this process alone, making it (mode 0700) where it is missing.
 *
 * @throws DiskError DISK_LOCKED | DISK_FULL | DISK_FAILED
 */
export async function openFolder(path: string): Promise<LockedFolder> {
  const whole = resolve(path);
  await makeFolder(whole).catch((cause: unknown) => {
    throw diskError(whole, cause);
  });
  const lock = await takeLock(whole);
  return { folder: durableFolder(realDirectory(whole)), unlock: () => lock.close() };
}

/**
 * Node has no file locks, but LevelDB takes one (fcntl) on every database, which the kernel lets go when its process ends in
 * whatever way. So an empty database serves as the lock: unlike a file with a process id in it, it is never stale.
 */
async function takeLock(path: string): Promise<Level> {
  const lockPath = join(path, LOCK_FOLDER);
  const lock = new Level(lockPath);
  try {
    await lock.open();
    return lock;
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    if (codeOf(cause) !== 'LEVEL_LOCKED') {
      const cure = `make sure that no other node uses the folder, then delete ${lockPath}`;
      throw new DiskError('DISK_FAILED', 'cannot lock the folder', { path, cure }, { cause });
    }
    throw new DiskError(
      'DISK_LOCKED',
      'another process has the folder',
      { path, cure: 'stop the other node first; two nodes never share a signer or a log' },
      { cause },
    );
  }
}

const LOCK_FOLDER = 'lock';
