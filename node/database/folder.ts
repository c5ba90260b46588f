import { mkdir, open, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StoreError } from '../../state/store/errors.js';
import { codeOf, corrupt, messageOf } from './errors.js';

/**
 * Looks before LevelDB opens, because it would make a database among files of any kind, and because it deletes every
 * table it finds when the file that lists them (CURRENT) is missing.
 *
 * @throws StoreError STORE_NOT_A_DATABASE | STORE_CORRUPT | STORE_OPEN_FAILED
 */
export async function inspectFolder(path: string): Promise<Folder> {
  const names = await listFolder(path);
  const strange = names.find((name) => !LEVELDB_FILE.test(name));
  if (strange !== undefined) {
    throw new StoreError('STORE_NOT_A_DATABASE', 'the folder holds files that are not of a database', {
      path,
      file: strange,
      cure: 'name an empty folder, or one that this software made',
    });
  }
  if (names.includes('CURRENT')) return { isNew: false };
  const content = names.find((name) => /^\d+\.(?:ldb|sst|log)$/.test(name));
  if (content !== undefined) throw corrupt(path, `the file CURRENT is missing, but there is ${content}`);
  return { isNew: true };
}

export interface Folder {
  /** No database yet, or one whose creation was interrupted. */
  readonly isNew: boolean;
}

/** Makes the entry of a new folder and its files survive a loss of power. */
export async function syncFolder(path: string): Promise<void> {
  for (const folder of [path, dirname(path)]) {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

const LEVELDB_FILE = /^(?:CURRENT|LOCK|LOG|LOG\.old|MANIFEST-\d+|\d+\.(?:ldb|sst|log|dbtmp))$/;

async function listFolder(path: string): Promise<string[]> {
  try {
    await mkdir(path, { recursive: true });
    return await readdir(path);
  } catch (cause) {
    throw new StoreError(
      'STORE_OPEN_FAILED',
      `cannot use the folder: ${messageOf(cause)}`,
      { path, errno: codeOf(cause) ?? 'unknown', cure: 'check the path and the permissions of its folders' },
      { cause },
    );
  }
}
