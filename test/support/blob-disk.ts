import type { BlobDisk, BlobFile, ListedFile } from '../../compute/blobs/disk.js';
import { BlobError } from '../../compute/blobs/errors.js';
import type { Prng } from './prng.js';

/** The process is gone: nothing it awaited comes back. */
export class BlobCrash extends Error {}

interface Inode {
  bytes: Uint8Array;
  /** Bytes written since the last sync, in order. */
  unsynced: { readonly position: number; readonly before: Uint8Array; readonly sizeBefore: number }[];
}

/** Undoes a change of names. */
type Undo = () => void;

/**
 * A disk for the blob store that crashes at a chosen step. After a kill of the process all steps that were done are there; after a loss of
 * power, of what was not synced any part, drawn from `prng`: writes of a file from the last back, and changes of names of a folder from the
 * last back.
 */
export class BlobTestDisk {
  readonly #prng: Prng;
  readonly #names = new Map<string, Inode>();
  readonly #folders = new Set<string>();
  #undo: { readonly folders: readonly string[]; readonly undo: Undo }[] = [];
  #epoch = 0;
  #left = Infinity;
  #failure: 'crash' | 'full' = 'crash';
  nowMs = 1_000_000;
  /** Steps that change something. */
  steps = 0;
  /** Bytes of the largest write or read. */
  largestBytes = 0;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  /** The `step`-th change from now (0 is the next) meets a crash, or a full disk. */
  plan(step: number, failure: 'crash' | 'full' = 'crash'): void {
    this.#left = step;
    this.#failure = failure;
  }

  /** What is left for the next process. */
  crash(isPowerLost: boolean): void {
    this.#epoch++;
    this.#left = Infinity;
    if (!isPowerLost) return;
    let count = this.#prng.below(this.#undo.length + 1);
    while (count-- > 0) this.#undo.pop()?.undo();
    this.#undo = [];
    for (const inode of new Set(this.#names.values())) {
      let lost = this.#prng.below(inode.unsynced.length + 1);
      while (lost-- > 0) {
        const last = inode.unsynced.pop();
        if (last === undefined) break;
        inode.bytes.set(last.before, last.position);
        // The file may be as long as it was made and hold nothing.
        if (this.#prng.chance(1, 2)) inode.bytes = inode.bytes.slice(0, last.sizeBefore);
      }
      inode.unsynced = [];
    }
  }

  /** Changes a byte behind the store's back. */
  damage(path: string, position: number): void {
    const bytes = this.#names.get(path)?.bytes;
    if (bytes !== undefined) bytes[position] = (bytes[position] ?? 0) ^ 0x40;
  }

  paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  mount(): BlobDisk {
    const epoch = this.#epoch;
    const step = async (): Promise<void> => {
      await Promise.resolve();
      if (epoch !== this.#epoch) throw new BlobCrash('dead');
    };
    const change = async (): Promise<void> => {
      await step();
      this.steps++;
      if (this.#left-- > 0) return;
      if (this.#failure === 'full') {
        this.#left = Infinity;
        throw new BlobError('BLOB_DISK_FULL', 'no space left for blobs');
      }
      this.#epoch++;
      throw new BlobCrash('crash');
    };
    return {
      create: async (path) => {
        await change();
        if (this.#names.has(path)) throw new BlobError('BLOB_DISK_FAILED', 'EEXIST', { path });
        const inode = { bytes: new Uint8Array(0), unsynced: [] };
        this.#name(path, inode);
        return this.#file(inode, step, change);
      },
      open: async (path) => {
        await step();
        const inode = this.#names.get(path);
        return inode && this.#file(inode, step, change);
      },
      rename: async (from, to) => {
        await change();
        const [inode, replaced] = [this.#names.get(from), this.#names.get(to)];
        if (inode === undefined) throw new BlobError('BLOB_DISK_FAILED', 'ENOENT', { from });
        this.#names.delete(from);
        this.#names.set(to, inode);
        this.#undo.push({
          folders: [folderOf(from), folderOf(to)],
          undo: () => {
            this.#names.set(from, inode);
            if (replaced === undefined) this.#names.delete(to);
            else this.#names.set(to, replaced);
          },
        });
      },
      remove: async (path) => {
        await change();
        const inode = this.#names.get(path);
        if (inode === undefined) return;
        this.#names.delete(path);
        this.#undo.push({ folders: [folderOf(path)], undo: () => this.#names.set(path, inode) });
      },
      makeFolder: async (path) => {
        await change();
        this.#folders.add(path);
      },
      syncFolder: async (path) => {
        await change();
        this.#undo = this.#undo.filter(({ folders }) => !folders.includes(path));
      },
      list: async (path): Promise<ListedFile[]> => {
        await step();
        return [...this.#names]
          .filter(([name]) => folderOf(name) === path)
          .map(([name, { bytes }]) => ({
            name: name.slice(path.length + 1),
            bytes: bytes.length,
            writtenMs: this.nowMs,
          }));
      },
      folders: async (path) => {
        await step();
        return [...this.#folders]
          .filter((name) => folderOf(name) === path)
          .map((name) => name.slice(path.length + 1));
      },
    };
  }

  #name(path: string, inode: Inode): void {
    this.#names.set(path, inode);
    this.#undo.push({ folders: [folderOf(path)], undo: () => this.#names.delete(path) });
  }

  #file(inode: Inode, step: () => Promise<void>, change: () => Promise<void>): BlobFile {
    return {
      write: async (bytes, position) => {
        await change();
        this.largestBytes = Math.max(this.largestBytes, bytes.length);
        const sizeBefore = inode.bytes.length;
        this.#grow(inode, position + bytes.length);
        inode.unsynced.push({
          position,
          before: inode.bytes.slice(position, position + bytes.length),
          sizeBefore,
        });
        inode.bytes.set(bytes, position);
      },
      read: async (position, bytes) => {
        await step();
        this.largestBytes = Math.max(this.largestBytes, bytes);
        return inode.bytes.slice(position, position + bytes);
      },
      size: async () => {
        await step();
        return inode.bytes.length;
      },
      truncate: async (bytes) => {
        await change();
        this.#grow(inode, bytes);
      },
      sync: async () => {
        await change();
        inode.unsynced = [];
      },
      close: step,
    };
  }

  #grow(inode: Inode, bytes: number): void {
    if (bytes <= inode.bytes.length) return;
    const grown = new Uint8Array(bytes);
    grown.set(inode.bytes);
    inode.bytes = grown;
  }
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
