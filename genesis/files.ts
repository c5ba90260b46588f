import { createReadStream } from 'node:fs';
import { access, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OgpuError } from '../protocol/errors.js';
import { GenesisError } from './faults.js';

/** 120 bytes for each account of the largest table, and a little more. */
export const MAX_CSV_BYTES = 2 ** 31;

/**
 * The bytes of a file in order, at most `maxBytes`.
 *
 * @throws GenesisError GENESIS_FILE
 */
export async function* readChunks(path: string, maxBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path, {
      highWaterMark: 1 << 18,
    }) as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge(path, maxBytes);
      yield chunk;
    }
  } catch (error) {
    throw fileError('read', path, error);
  }
}

/** @throws GenesisError GENESIS_FILE */
export async function readTextFile(path: string, maxBytes: number): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > maxBytes) throw tooLarge(path, maxBytes);
    return await readFile(path, 'utf8');
  } catch (error) {
    throw fileError('read', path, error);
  }
}

/**
 * Writes a whole file or nothing: into a temporary sibling, flushed, renamed, and the directory flushed.
 *
 * @throws GenesisError GENESIS_FILE
 */
export async function writeFileAtomically(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      for await (const chunk of chunks) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    const directory = await open(dirname(path), 'r');
    await directory.sync().finally(() => directory.close());
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileError('write', path, error);
  }
}

/** @throws GenesisError GENESIS_EXISTS when one of `paths` is there */
export async function refuseExisting(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (exists) throw new GenesisError('GENESIS_EXISTS', `${path} is already there; --force replaces it`);
  }
}

function tooLarge(path: string, maxBytes: number): GenesisError {
  return new GenesisError('GENESIS_FILE', `${path} is larger than ${maxBytes} bytes`);
}

/** What a failed file operation is reported as. Errors of this project pass unchanged. */
export function fileError(verb: 'read' | 'write', path: string, cause: unknown): unknown {
  if (cause instanceof OgpuError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new GenesisError('GENESIS_FILE', `cannot ${verb} ${path}: ${reason}`, [], 0, { cause });
}
