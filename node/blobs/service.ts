import type { BlobSource } from '../../compute/blobs/incoming.js';
import type { OpenBlob } from '../../compute/blobs/open-blob.js';
import type { PinReason } from '../../compute/blobs/pins.js';
import { realDisk } from '../../compute/blobs/disk.js';
import {
  BlobStore,
  type BlobFigures,
  type BlobLimits,
  type BlobStatus,
  type Collected,
} from '../../compute/blobs/store.js';
import type { BlobShelf } from '../../p2p/blob-requests.js';
import { monotonicClock, type Clock } from '../../p2p/clock.js';
import { toHex } from '../../protocol/bytes.js';
import { openFolder } from '../disk/open-folder.js';
import type { SyncNetwork } from '../sync/sync-network.js';
import { BlobFetchError } from './errors.js';
import { BlobDownload, type FetchFigures, type FetchOptions } from './fetcher.js';
import { PeerBudgets } from './holders.js';

/** What an operator decides. */
export interface BlobOptions {
  readonly folder: string;
  readonly limits: BlobLimits;
  /** What nobody has pinned is dropped when nobody has used it for so long. */
  readonly keepMs: number;
  readonly fetchTimeoutMs: number;
}

export interface BlobServiceOptions extends BlobOptions {
  /** Undefined until there is one. */
  readonly network: () => SyncNetwork | undefined;
  readonly onFailure: (error: unknown) => void;
  readonly clock?: Clock;
}

export interface BlobServiceFigures extends BlobFigures, Readonly<FetchFigures> {
  readonly fetching: number;
  readonly fetched: number;
  readonly fetchFailures: number;
  /** At this time. */
  readonly uploading: number;
  readonly uploads: number;
  readonly uploadedBytes: number;
}

/** Blobs that are fetched at a time, and that wait for it. */
const MAX_FETCHING = 4;
const MAX_WAITING = 64;
const MAX_UPLOADS = 4;
const COLLECT_EVERY_MS = 60_000;
/** How long nobody may have a blob, unless told otherwise. */
const PATIENCE_MS = 5_000;

interface Fetch {
  readonly done: Promise<void>;
  readonly controller: AbortController;
  waiting: number;
}

/** The blobs of a node: its store, what it gives to peers, and what it fetches from them. */
export class BlobService {
  readonly #options: BlobServiceOptions;
  readonly #store: BlobStore;
  readonly #clock: Clock;
  readonly #budgets: PeerBudgets;
  readonly #unlock: () => Promise<void>;
  readonly #fetches = new Map<string, Fetch>();
  readonly #turns: (() => void)[] = [];
  readonly #counts = {
    ...{ receivedBytes: 0, receivedChunks: 0, wastedChunks: 0 },
    ...{ fetched: 0, fetchFailures: 0, uploads: 0, uploadedBytes: 0 },
  };
  #running = 0;
  #uploading = 0;
  #collecting: { cancel(): void } | undefined;
  #isClosed = false;

  /** @throws DiskError DISK_LOCKED | DISK_FULL | DISK_FAILED; BlobError as the disk */
  static async open(options: BlobServiceOptions): Promise<BlobService> {
    const { unlock } = await openFolder(options.folder);
    try {
      const disk = realDisk(options.folder);
      const store = await BlobStore.open({ disk, limits: options.limits, nowMs: Date.now });
      return new BlobService(options, store, unlock);
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  private constructor(options: BlobServiceOptions, store: BlobStore, unlock: () => Promise<void>) {
    this.#options = options;
    this.#store = store;
    this.#unlock = unlock;
    this.#clock = options.clock ?? monotonicClock;
    this.#budgets = new PeerBudgets(options.network, this.#clock);
    this.#collectLater();
  }

  get figures(): BlobServiceFigures {
    const [fetching, uploading] = [this.#fetches.size, this.#uploading];
    return { ...this.#store.figures, ...this.#counts, fetching, uploading };
  }

  get limits(): BlobLimits {
    return this.#store.limits;
  }

  /** What peers are given. */
  get shelf(): BlobShelf {
    const store = this.#store;
    return {
      lengthOf: (id) => store.lengthOf(id),
      chunks: async function* ({ id, first, count }) {
        const blob = await store.read(id);
        try {
          const end = Math.min(blob.chunkCount, first + count);
          for (let index = first; index < end; index++) yield await blob.provenChunk(index);
        } finally {
          await blob.close();
        }
      },
    };
  }

  status(id: Uint8Array): BlobStatus {
    return this.#store.status(id);
  }

  /** @throws BlobError as `BlobStore.write`; BlobFetchError BLOB_TOO_MANY */
  async write(source: BlobSource): ReturnType<BlobStore['write']> {
    if (this.#uploading >= MAX_UPLOADS)
      throw new BlobFetchError('BLOB_TOO_MANY', 'too many blobs are being uploaded', { max: MAX_UPLOADS });
    this.#uploading++;
    try {
      const written = await this.#store.write(source);
      this.#counts.uploads++;
      this.#counts.uploadedBytes += written.lengthBytes;
      return written;
    } finally {
      this.#uploading--;
    }
  }

  /** A blob that is here. @throws BlobError BLOB_UNKNOWN | BLOB_CORRUPT; as the disk */
  read(id: Uint8Array): Promise<OpenBlob> {
    return this.#store.read(id);
  }

  /**
   * Resolves when the blob is here: at once, or when it has been fetched from peers. Who asks for one that is being fetched waits with the
   * others; when nobody waits any more, the download ends, and what has come is kept.
   *
   * @throws BlobFetchError; BlobError of the store
   */
  async obtain(
    id: Uint8Array,
    options: Partial<Pick<FetchOptions, 'hints' | 'timeoutMs' | 'patienceMs' | 'signal'>> = {},
  ): Promise<void> {
    if (this.#store.lengthOf(id) !== undefined) return;
    const name = toHex(id);
    const fetch = this.#fetches.get(name) ?? this.#begin(id, name, options);
    fetch.waiting++;
    try {
      await unlessAborted(fetch.done, options.signal);
    } finally {
      fetch.waiting--;
      if (fetch.waiting === 0) fetch.controller.abort();
    }
  }

  pin(id: Uint8Array, reason: PinReason): Promise<void> {
    return this.#store.pin(id, reason);
  }

  unpin(id: Uint8Array, reason: PinReason): Promise<void> {
    return this.#store.unpin(id, reason);
  }

  release(reason: PinReason): Promise<void> {
    return this.#store.release(reason);
  }

  collect(idleMs: number): Promise<Collected> {
    return this.#store.collect(idleMs);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#collecting?.cancel();
    for (const { controller } of this.#fetches.values()) controller.abort();
    await Promise.allSettled([...this.#fetches.values()].map(({ done }) => done));
    await this.#store.close();
    await this.#unlock();
  }

  #begin(id: Uint8Array, name: string, options: Partial<FetchOptions>): Fetch {
    if (this.#fetches.size >= MAX_FETCHING + MAX_WAITING)
      throw new BlobFetchError('BLOB_TOO_MANY', 'too many blobs are being fetched', {
        max: MAX_FETCHING + MAX_WAITING,
      });
    const controller = new AbortController();
    const done = this.#fetch(id, options, controller.signal).finally(() => this.#fetches.delete(name));
    // Whoever waits is told; where nobody does, nobody has to be.
    done.catch(() => undefined);
    const fetch = { done, controller, waiting: 0 };
    this.#fetches.set(name, fetch);
    return fetch;
  }

  async #fetch(id: Uint8Array, options: Partial<FetchOptions>, signal: AbortSignal): Promise<void> {
    const { hints = [], timeoutMs = this.#options.fetchTimeoutMs, patienceMs = PATIENCE_MS } = options;
    await this.#turn();
    try {
      const target = await this.#store.fetch(id);
      try {
        const download = new BlobDownload(
          target,
          { hints, timeoutMs, patienceMs, signal },
          this.#budgets,
          this.#clock,
          this.#counts,
        );
        await download.run();
        await target.finish();
      } finally {
        await target.close();
      }
      this.#counts.fetched++;
    } catch (error) {
      this.#counts.fetchFailures++;
      throw error;
    } finally {
      this.#running--;
      this.#turns.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    if (this.#running >= MAX_FETCHING) {
      await new Promise<void>((resolve) => {
        this.#turns.push(resolve);
      });
    }
    this.#running++;
  }

  #collectLater(): void {
    if (this.#isClosed) return;
    this.#collecting = this.#clock.setTimer(COLLECT_EVERY_MS, () => {
      this.#store
        .collect(this.#options.keepMs)
        .catch(this.#options.onFailure)
        .finally(() => {
          this.#collectLater();
        });
    });
  }
}

/** @throws what `done` throws; BlobFetchError BLOB_FETCH_ENDED when the signal comes first */
async function unlessAborted(done: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return done;
  const ended = new BlobFetchError('BLOB_FETCH_ENDED', 'nobody waits for the blob any more');
  if (signal.aborted) throw ended;
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(ended);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([done, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
