import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { OgpuError } from '../protocol/errors.js';
import { GenesisError } from './faults.js';

/** 120 bytes for each account of the largest table, and a little more. */
export const MAX_CSV_BYTES = 2 ** 31;
const CHUNK_BYTES = 1 << 18;

/**
 * The bytes of a regular file in order, at most `maxBytes`.
 *
 * @throws GenesisError GENESIS_FILE | GENESIS_FILE_NOT_REGULAR
 */
export async function* readChunks(path: string, maxBytes: number): AsyncGenerator<Uint8Array> {
  try {
    const file = await openRegular(path);
    try {
      yield* chunksOf(file, path, maxBytes);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError('read', path, error);
  }
}

/**
 * The text of a regular file in UTF-8, a byte order mark included.
 *
 * @throws GenesisError GENESIS_FILE | GENESIS_FILE_NOT_REGULAR | GENESIS_FILE_ENCODING
 */
export async function readTextFile(path: string, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readChunks(path, maxBytes)) chunks.push(chunk);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new GenesisError('GENESIS_FILE_ENCODING', `${path} is not in UTF-8`, [], 0, { cause });
  }
}

export interface WriteOptions {
  /** Replaces what is there; otherwise that is refused. */
  readonly replace: boolean;
}

/**
 * Writes a whole file or nothing: into a temporary sibling, flushed, put under its name in one step, and the directory
 * flushed.
 *
 * @throws GenesisError GENESIS_EXISTS | GENESIS_FILE
 */
export async function writeFileAtomically(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: WriteOptions,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    // 'x' follows no link and shares the name with nobody.
    const file = await open(temporary, 'wx');
    try {
      await writeSynced(file, chunks);
      await publish(temporary, path, options);
    } finally {
      await rm(temporary, { force: true });
    }
    await syncDirectory(dirname(path));
  } catch (error) {
    throw fileError('write', path, error);
  }
}

/**
 * Puts a file under the name `path` in one step, within one file system; its old name may stay.
 *
 * @throws GenesisError GENESIS_EXISTS | GENESIS_FILE
 */
export async function publish(from: string, path: string, { replace }: WriteOptions): Promise<void> {
  try {
    // link() refuses an existing name, which rename() would silently replace.
    await (replace ? rename(from, path) : link(from, path));
  } catch (error) {
    if (!replace && errnoOf(error) === 'EEXIST') throw alreadyThere(path);
    throw fileError('write', path, error);
  }
}

export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await directory.sync().finally(() => directory.close());
}

/**
 * Refuses early what {@link publish} would: a path that is taken, or one that cannot be replaced.
 *
 * @throws GenesisError GENESIS_EXISTS | GENESIS_FILE_NOT_REGULAR | GENESIS_FILE
 */
export async function checkTargets(paths: readonly string[], { replace }: WriteOptions): Promise<void> {
  for (const path of paths) {
    const status = await lstat(path).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw fileError('write', path, error);
    });
    if (status === undefined) continue;
    if (!replace) throw alreadyThere(path);
    if (!status.isFile() && !status.isSymbolicLink()) throw notRegular(path);
  }
}

async function openRegular(path: string): Promise<FileHandle> {
  // Without O_NONBLOCK, opening a FIFO would wait for a writer for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw notRegular(path);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function* chunksOf(file: FileHandle, path: string, maxBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for (;;) {
    const { bytesRead, buffer } = await file.read(new Uint8Array(CHUNK_BYTES));
    if (bytesRead === 0) return;
    bytes += bytesRead;
    if (bytes > maxBytes) {
      throw new GenesisError('GENESIS_FILE', `${path} is larger than ${maxBytes} bytes`);
    }
    yield buffer.subarray(0, bytesRead);
  }
}

async function writeSynced(
  file: FileHandle,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  try {
    for await (const chunk of chunks) await file.writeFile(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

function alreadyThere(path: string): GenesisError {
  return new GenesisError('GENESIS_EXISTS', `${path} is already there; --force replaces it`);
}

function notRegular(path: string): GenesisError {
  return new GenesisError('GENESIS_FILE_NOT_REGULAR', `${path} is not a regular file`);
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What a failed file operation is reported as. Errors of this project pass unchanged. */
export function fileError(verb: 'read' | 'write', path: string, cause: unknown): unknown {
  if (cause instanceof OgpuError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new GenesisError('GENESIS_FILE', `cannot ${verb} ${path}: ${reason}`, [], 0, { cause });
}
