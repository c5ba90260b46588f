import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { blobIdOf } from '../../protocol/blob.js';
import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { makeFolder, PRIVATE_FILE_MODE, replaceFile } from '../disk/atomic-file.js';
import { diskError } from '../disk/real-directory.js';

interface Entry {
  readonly lengthBytes: number;
  usedMs: number;
}

const NAME = /^[0-9a-f]{64}$/;

/**
 * Weights of programs on the disk, by the ids of their blobs, so that neither each job nor each start fetches them again. What was used longest
 * ago makes room. A file that is damaged is none.
 */
export class WeightsFolder {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #entries: Map<string, Entry>;

  private constructor(path: string, maxBytes: number, entries: Map<string, Entry>) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#entries = entries;
  }

  /** Makes the folder where it is missing. One process at a time. @throws DiskError */
  static async open(path: string, maxBytes: number): Promise<WeightsFolder> {
    try {
      await makeFolder(path);
      const entries = new Map<string, Entry>();
      for (const name of await readdir(path)) {
        // What a crash has left of a file under way.
        if (name.endsWith('.tmp')) await rm(join(path, name), { force: true });
        if (!NAME.test(name)) continue;
        const { size, mtimeMs } = await stat(join(path, name));
        entries.set(name, { lengthBytes: size, usedMs: mtimeMs });
      }
      const folder = new WeightsFolder(path, maxBytes, entries);
      await folder.#makeRoom(0);
      return folder;
    } catch (error) {
      throw diskError(path, error);
    }
  }

  /** @returns undefined where it is not here. @throws DiskError */
  async find(id: Uint8Array, lengthBytes: number): Promise<Uint8Array | undefined> {
    const name = nameOf(id);
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    try {
      const bytes = entry.lengthBytes === lengthBytes ? await readFile(join(this.#path, name)) : undefined;
      if (bytes === undefined || !bytesEqual(blobIdOf(bytes), id)) {
        await this.#remove(name);
        return undefined;
      }
      const now = new Date();
      entry.usedMs = now.getTime();
      await utimes(join(this.#path, name), now, now);
      return bytes;
    } catch (error) {
      throw diskError(join(this.#path, name), error);
    }
  }

  /** Keeps them where they fit; they are those of the id. @throws DiskError */
  async keep(id: Uint8Array, bytes: Uint8Array): Promise<void> {
    if (bytes.length > this.#maxBytes) return;
    const name = nameOf(id);
    try {
      await this.#makeRoom(bytes.length);
      await replaceFile(join(this.#path, name), bytes, PRIVATE_FILE_MODE);
      this.#entries.set(name, { lengthBytes: bytes.length, usedMs: Date.now() });
    } catch (error) {
      throw diskError(join(this.#path, name), error);
    }
  }

  async #makeRoom(neededBytes: number): Promise<void> {
    const oldestFirst = [...this.#entries].sort(([, a], [, b]) => a.usedMs - b.usedMs);
    let bytes = oldestFirst.reduce((sum, [, { lengthBytes }]) => sum + lengthBytes, neededBytes);
    for (const [name, { lengthBytes }] of oldestFirst) {
      if (bytes <= this.#maxBytes) return;
      await this.#remove(name);
      bytes -= lengthBytes;
    }
  }

  async #remove(name: string): Promise<void> {
    this.#entries.delete(name);
    await rm(join(this.#path, name), { force: true });
  }
}

function nameOf(id: Uint8Array): string {
  return toHex(id).slice(2);
}
