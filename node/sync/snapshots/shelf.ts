import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  MAX_SNAPSHOTS,
  type PageRequest,
  type SnapshotOffer,
  type SnapshotSource,
} from '../../../p2p/snapshot-requests.js';
import { fromHex } from '../../../protocol/bytes.js';
import { invariant } from '../../../protocol/invariant.js';
import { readHead } from '../../../state/chain/marks.js';
import type { SnapshotStore } from '../../../state/store/store.js';
import { INDEX_FILE, makeSnapshot, pagesFile, SnapshotAborted, type SnapshotIndex } from './make-snapshot.js';

export interface ShelfOptions {
  readonly store: SnapshotStore;
  /** Of the snapshots alone; made where it is missing. */
  readonly folder: string;
  /** A snapshot is made of each block whose height is a multiple of it. The same for all nodes, so that each page can come from any. */
  readonly intervalBlocks: number;
  /** Snapshots kept, the latest ones: 1 to `MAX_SNAPSHOTS`. */
  readonly keep?: number;
  /** A snapshot could not be made: the node goes on without it. */
  readonly onFailure?: (error: unknown) => void;
}

const KEEP = 2;

/**
 * The snapshots that a node has made and gives away. On disk each takes as much as the state itself. While one is made the database keeps what
 * it shows, and the thread is busy for some 8 seconds in all for each million entries, a few milliseconds at a time.
 */
export class SnapshotShelf implements SnapshotSource {
  readonly #options: ShelfOptions;
  readonly #stop = new AbortController();
  /** Ascending by height. */
  #snapshots: Shelved[] = [];
  #making: Promise<void> | undefined;

  private constructor(options: ShelfOptions, snapshots: readonly Shelved[]) {
    this.#options = options;
    this.#snapshots = [...snapshots];
  }

  /** Finds what was made before; what was not finished is thrown away. */
  static async open(options: ShelfOptions): Promise<SnapshotShelf> {
    const { folder, intervalBlocks, keep = KEEP } = options;
    invariant(Number.isSafeInteger(intervalBlocks) && intervalBlocks > 1, 'snapshots are some blocks apart');
    invariant(keep >= 1 && keep <= MAX_SNAPSHOTS, 'a few snapshots are kept');
    await mkdir(folder, { recursive: true });
    const snapshots: Shelved[] = [];
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const index = NAME.test(name) ? await readIndex(path) : undefined;
      if (index === undefined) await rm(path, { recursive: true, force: true });
      else snapshots.push({ path, index });
    }
    snapshots.sort((a, b) => a.index.height - b.index.height);
    return new SnapshotShelf(options, snapshots);
  }

  /** To be called when a block is final and in the store; does not wait for what follows. */
  onBlock(height: number): void {
    const { store, intervalBlocks } = this.#options;
    if (height % intervalBlocks !== 0 || this.#making !== undefined || this.#stop.signal.aborted) return;
    if (readHead(store)?.height !== height || this.#find(height) !== undefined) return;
    this.#making = this.#make(height).finally(() => (this.#making = undefined));
  }

  offers(): SnapshotOffer[] {
    return this.#snapshots.map(({ index: { height, blockId, segmentBits, entries, bytes } }) => ({
      ...{ height, segmentBits, entries, bytes },
      blockId: fromHex(blockId),
    }));
  }

  async page({ height, segment, page }: PageRequest): Promise<Uint8Array | undefined> {
    const snapshot = this.#find(height);
    const lengths = snapshot?.index.pages[segment];
    const length = lengths?.[page];
    if (snapshot === undefined || lengths === undefined || length === undefined) return undefined;
    const offset = lengths.slice(0, page).reduce((sum, bytes) => sum + bytes, 0);
    const file = await open(join(snapshot.path, pagesFile(segment))).catch(unlessGone);
    if (file === undefined) return undefined;
    try {
      const bytes = new Uint8Array(length);
      const { bytesRead } = await file.read(bytes, 0, length, offset);
      return bytesRead === length ? bytes : undefined;
    } finally {
      await file.close();
    }
  }

  /** Resolves when the snapshot that is being made is done. */
  async whenIdle(): Promise<void> {
    await this.#making;
  }

  /** Gives up what is being made. To be called before the store is closed. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#making;
  }

  async #make(height: number): Promise<void> {
    const { store, folder, keep = KEEP, onFailure } = this.#options;
    const view = store.openSnapshot();
    try {
      const path = join(folder, String(height));
      const index = await makeSnapshot(view, path, this.#stop.signal);
      this.#snapshots.push({ path, index });
      for (const old of this.#snapshots.splice(0, this.#snapshots.length - keep)) {
        await rm(old.path, { recursive: true, force: true });
      }
    } catch (error) {
      if (!(error instanceof SnapshotAborted)) onFailure?.(error);
    } finally {
      await view.close();
    }
  }

  #find(height: number): Shelved | undefined {
    return this.#snapshots.find(({ index }) => index.height === height);
  }
}

/** A snapshot that was dropped a moment ago. */
function unlessGone(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}

interface Shelved {
  readonly path: string;
  readonly index: SnapshotIndex;
}

const NAME = /^\d+$/;

/** A folder has its name only once it is whole. */
async function readIndex(path: string): Promise<SnapshotIndex> {
  return JSON.parse(await readFile(join(path, INDEX_FILE), 'utf8')) as SnapshotIndex;
}
