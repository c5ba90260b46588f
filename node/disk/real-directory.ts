import { constants } from 'node:fs';
import { open, readdir, rename, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Directory, OpenFile } from '../../consensus/disk/directory.js';
import { DiskError } from '../../consensus/disk/disk.js';
import { syncFolder } from './atomic-file.js';

/** A folder of the file system, which must exist. */
export function realDirectory(path: string): Directory {
  return {
    path,
    open: (name) => attempt(join(path, name), () => openEmpty(join(path, name))),
    read: (name, maxBytes) => attempt(join(path, name), () => readAtMost(join(path, name), maxBytes)),
    rename: (from, to) => attempt(join(path, to), () => rename(join(path, from), join(path, to))),
    remove: (name) => attempt(join(path, name), () => removeIfThere(join(path, name))),
    sync: () => attempt(path, () => syncFolder(path)),
    list: () => attempt(path, () => listFiles(path)),
  };
}

/** What a failed call of the file system is reported as. Errors of a disk pass unchanged. */
export function diskError(path: string, cause: unknown): DiskError {
  if (cause instanceof DiskError) return cause;
  const errno = errnoOf(cause) ?? 'unknown';
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (NO_SPACE.has(errno)) {
    const cure = 'free space on the disk, then start the node again';
    return new DiskError('DISK_FULL', 'no space left to write', { path, errno, cure }, { cause });
  }
  const cure = 'check the disk and the permissions of the folder, then start the node again';
  return new DiskError('DISK_FAILED', `the disk failed: ${reason}`, { path, errno, cure }, { cause });
}

/** No space, quota used up, limit on the size of a file. */
const NO_SPACE = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const FILE_MODE = 0o600;

async function openEmpty(path: string): Promise<OpenFile> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const handle = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC | O_NOFOLLOW, FILE_MODE);
  return {
    // Goes on after a short write, unlike write().
    append: (bytes) => attempt(path, () => handle.appendFile(bytes)),
    sync: () => attempt(path, () => handle.datasync()),
    close: () => attempt(path, () => handle.close()),
  };
}

/** Reads one byte more than allowed, so that a file growing while it is read is caught as well. */
async function readAtMost(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  const handle = await openToRead(path);
  if (handle === undefined) return undefined;
  try {
    const { size } = await handle.stat();
    const buffer = new Uint8Array(Math.min(size, maxBytes) + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) return buffer.slice(0, length);
      length += bytesRead;
    }
  } finally {
    await handle.close();
  }
  throw new DiskError('DISK_TOO_LARGE', `the file is longer than ${maxBytes} bytes`, { path, maxBytes });
}

async function openToRead(path: string): Promise<FileHandle | undefined> {
  // Without O_NONBLOCK, opening a FIFO would wait for a writer for ever.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  return open(path, flags).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
}

async function removeIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
  });
}

async function listFiles(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

async function attempt<T>(path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    throw diskError(path, cause);
  }
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
