import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes of a file, or of all files in a folder; 0 where nothing is. Files may come and go meanwhile. */
export async function sizeOf(path: string): Promise<number> {
  const status = await lstat(path).catch(() => undefined);
  if (status === undefined) return 0;
  if (!status.isDirectory()) return status.size;
  const names = await readdir(path, { recursive: true }).catch(() => []);
  let bytes = 0;
  for (const name of names) {
    const entry = await lstat(join(path, name)).catch(() => undefined);
    if (entry?.isFile() === true) bytes += entry.size;
  }
  return bytes;
}
