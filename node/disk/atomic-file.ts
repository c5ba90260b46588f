import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/*
 * Files that appear under their name whole and durable, or not at all. Errors are those of Node: whoever calls knows what the file is for,
 * and says what to do. What a crash leaves begins with a dot and ends in `.tmp`.
 */

/** Permissions of files and folders that only their owner may reach. */
export const PRIVATE_FILE_MODE = 0o600;
export const PRIVATE_FOLDER_MODE = 0o700;

export type Content = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Creates a file; its folder must be there. @throws EEXIST where the name is taken, even by a dangling link */
export async function createFile(path: string, content: Content, mode: number): Promise<void> {
  // link() refuses an existing name, which rename() would silently replace.
  await publish(path, content, mode, (temporary) => link(temporary, path));
}

/** Creates a file or replaces it in one step: after a crash there is the old content or the new one. */
export async function replaceFile(path: string, content: Content, mode: number): Promise<void> {
  await publish(path, content, mode, (temporary) => rename(temporary, path));
}

/** Makes a folder and those it lies in. A new one outlasts a loss of power. */
export async function makeFolder(path: string, mode: number = PRIVATE_FOLDER_MODE): Promise<void> {
  const whole = resolve(path);
  const outermost = await mkdir(whole, { recursive: true, mode });
  if (outermost === undefined) return;
  for (let made = whole; made.length >= outermost.length; made = dirname(made))
    await syncFolder(dirname(made));
}

/** Makes the entries of a folder outlast a loss of power. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await handle.sync().finally(() => handle.close());
}

async function publish(
  path: string,
  content: Content,
  mode: number,
  put: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await writeSynced(temporary, content, mode);
    await put(temporary);
  } finally {
    // After a rename there is nothing to remove.
    await rm(temporary, { force: true });
  }
  await syncFolder(dirname(path));
}

async function writeSynced(path: string, content: Content, mode: number): Promise<void> {
  // 'x' follows no link and shares the name with nobody.
  const file = await open(path, 'wx', mode);
  try {
    // What the process masks by default is wanted here.
    await file.chmod(mode);
    const chunks = content instanceof Uint8Array ? [content] : content;
    for await (const chunk of chunks) await file.writeFile(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}
