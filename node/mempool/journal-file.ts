import { open, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { JournalFile } from './journal.js';

/** A journal on disk. Appended bytes survive the death of the process; only `replace` waits for the disk. */
export function journalFileAt(path: string): JournalFile {
  // Kept open from one append to the next: opening costs as much as writing.
  let appending: FileHandle | undefined;
  const close = async (): Promise<void> => {
    const open = appending;
    appending = undefined;
    await open?.close();
  };
  return {
    read: (maxBytes) => readAtMost(path, maxBytes),
    append: async (bytes) => {
      appending ??= await open(path, 'a', FILE_MODE);
      await appending.appendFile(bytes);
    },
    replace: async (chunks) => {
      await close();
      await replaceFile(path, chunks);
    },
    close,
  };
}

const FILE_MODE = 0o600;

async function readAtMost(path: string, maxBytes: number): Promise<Uint8Array> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return new Uint8Array(0);
  try {
    const { size } = await file.stat();
    const bytes = new Uint8Array(Math.min(size, maxBytes));
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await file.close();
  }
}

/** After a crash the file has the old content or the new, never a part of either. */
async function replaceFile(path: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', FILE_MODE);
  try {
    for (const chunk of chunks) await file.writeFile(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
