import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { BlobError } from './errors.js';

/**
 * The steps of a file system that the store is made of, one by one, so that tests can fail and crash at each. Paths are relative to the
 * folder of the store, with `/`.
 *
 * Everything throws BlobError BLOB_DISK_FULL | BLOB_DISK_FAILED.
 */
export interface BlobDisk {
  /** A new, empty file. */
  create(path: string): Promise<BlobFile>;
  /** Undefined where there is none. */
  open(path: string, mode: 'read' | 'write'): Promise<BlobFile | undefined>;
  /** Replaces what is there; atomic to whoever looks on, durable after `syncFolder` of both. */
  rename(from: string, to: string): Promise<void>;
  /** Nothing happens where there is no such file. */
  remove(path: string): Promise<void>;
  /** Nothing happens where it is there. */
  makeFolder(path: string): Promise<void>;
  syncFolder(path: string): Promise<void>;
  /** Plain files; nothing where there is no such folder. */
  list(path: string): Promise<readonly ListedFile[]>;
  /** Names of the folders in a folder. */
  folders(path: string): Promise<readonly string[]>;
}

export interface ListedFile {
  readonly name: string;
  readonly bytes: number;
  /** Unix milliseconds. */
  readonly writtenMs: number;
}

export interface BlobFile {
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Fewer bytes where the file ends. */
  read(position: number, bytes: number): Promise<Uint8Array>;
  size(): Promise<number>;
  /** Longer ones are filled with zeros that take no room. */
  truncate(bytes: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** A folder of the file system. */
export function realDisk(root: string): BlobDisk {
  const at = (path: string): string => join(root, path);
  return {
    create: (path) =>
      attempt(at(path), async () => realFile(at(path), await open(at(path), 'wx+', FILE_MODE))),
    open: (path, mode) => attempt(at(path), () => openThere(at(path), mode)),
    rename: (from, to) => attempt(at(to), () => rename(at(from), at(to))),
    remove: (path) => attempt(at(path), () => unlink(at(path)).catch(ignoreMissing)),
    makeFolder: (path) =>
      attempt(at(path), async () => {
        await mkdir(at(path), { recursive: true, mode: FOLDER_MODE });
      }),
    syncFolder: (path) => attempt(at(path), () => syncFolder(at(path))),
    list: (path) => attempt(at(path), () => listFiles(at(path))),
    folders: (path) => attempt(at(path), () => listFolders(at(path))),
  };
}

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** No space, quota used up, limit on the size of a file. */
const NO_SPACE = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

function realFile(path: string, handle: FileHandle): BlobFile {
  return {
    write: (bytes, position) => attempt(path, () => writeAll(handle, bytes, position)),
    read: (position, bytes) => attempt(path, () => readUpTo(handle, position, bytes)),
    size: () => attempt(path, async () => (await handle.stat()).size),
    truncate: (bytes) => attempt(path, () => handle.truncate(bytes)),
    sync: () => attempt(path, () => handle.sync()),
    close: () => attempt(path, () => handle.close()),
  };
}

async function openThere(path: string, mode: 'read' | 'write'): Promise<BlobFile | undefined> {
  // Whatever else lies there is no file of the store: links are not followed, FIFOs not waited for.
  const flags =
    (mode === 'read' ? constants.O_RDONLY : constants.O_RDWR) | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(path, flags).catch(ignoreMissing);
  return handle && realFile(path, handle);
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

async function readUpTo(handle: FileHandle, position: number, bytes: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(bytes);
  let done = 0;
  while (done < bytes) {
    const { bytesRead } = await handle.read(buffer, done, bytes - done, position + done);
    if (bytesRead === 0) return buffer.subarray(0, done);
    done += bytesRead;
  }
  return buffer;
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await handle.sync().finally(() => handle.close());
}

async function listFiles(path: string): Promise<ListedFile[]> {
  const entries = (await readdir(path, { withFileTypes: true }).catch(ignoreMissing)) ?? [];
  const files: ListedFile[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const { size, mtimeMs } = await stat(join(path, entry.name));
    files.push({ name: entry.name, bytes: size, writtenMs: mtimeMs });
  }
  return files;
}

async function listFolders(path: string): Promise<string[]> {
  const entries = (await readdir(path, { withFileTypes: true }).catch(ignoreMissing)) ?? [];
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

function ignoreMissing(error: unknown): undefined {
  if (errnoOf(error) !== 'ENOENT') throw error;
  return undefined;
}

async function attempt<Result>(path: string, step: () => Promise<Result>): Promise<Result> {
  try {
    return await step();
  } catch (cause) {
    if (cause instanceof BlobError) throw cause;
    const errno = errnoOf(cause) ?? 'unknown';
    if (NO_SPACE.has(errno)) {
      const data = { path, errno, cure: 'free space on the disk, or lower blobs.maxBytes' };
      throw new BlobError('BLOB_DISK_FULL', 'no space left for blobs', data, { cause });
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    const data = { path, errno, cure: 'check the disk and the permissions of the folder' };
    throw new BlobError('BLOB_DISK_FAILED', `the disk failed: ${reason}`, data, { cause });
  }
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
