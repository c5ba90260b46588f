import type { Level } from 'level';
import { bytesEqual } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { ReadCache, type CacheStatistics } from '../../state/store/cache.js';
import { StoreError } from '../../state/store/errors.js';
import {
  checkBatch,
  checkQuery,
  checkRange,
  MAX_KEY_BYTES,
  PAGE_BYTES,
  PAGE_ENTRIES,
} from '../../state/store/limits.js';
import type {
  Change,
  Entry,
  KeyRange,
  RangeQuery,
  Snapshot,
  SnapshotStore,
  WriteOptions,
} from '../../state/store/store.js';
import { closedError, readError, writeError } from './errors.js';
import { seal, unseal } from './seal.js';
import { SharedSnapshot } from './shared-snapshot.js';
import { Turns } from './turns.js';

type Bytes = Level<Uint8Array, Uint8Array>;

/** `Store` over an opened LevelDB whose keys and values are bytes ("view"); owns it from then on. */
export class LevelStore implements SnapshotStore {
  readonly #level: Bytes;
  readonly #cache: ReadCache;
  /** While a write runs: the state before it, so that no reader sees it early or in part. */
  #before: SharedSnapshot | undefined;
  readonly #writes = new Turns();
  readonly #compactions = new Turns();
  #poison: StoreError | undefined;
  #closing: Promise<void> | undefined;

  constructor(level: Bytes, options: { readonly readCacheBytes: number }) {
    this.#level = level;
    this.#cache = new ReadCache(options.readCacheBytes);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#assertOpen();
    return this.#cache.get(key, this.#read);
  }

  getMany(keys: readonly Uint8Array[]): (Uint8Array | undefined)[] {
    return keys.map((key) => this.get(key));
  }

  has(key: Uint8Array): boolean {
    return this.get(key) !== undefined;
  }

  async *range(query: RangeQuery): AsyncGenerator<readonly Entry[], void, undefined> {
    yield* this.#pages(query, this.#before);
  }

  openSnapshot(): Snapshot {
    this.#assertOpen();
    const shared = this.#before ?? new SharedSnapshot(this.#level.snapshot());
    if (shared === this.#before) shared.share();
    let isClosed = false;
    return {
      get: (key) => {
        this.#assertOpen();
        return this.#readFrom(key, shared);
      },
      range: (query) => this.#pages(query, shared),
      close: async () => {
        if (isClosed) return;
        isClosed = true;
        await this.#release(shared);
      },
    };
  }

  async write(batch: readonly Change[], options: WriteOptions = {}): Promise<void> {
    this.#assertOpen();
    checkBatch(batch);
    await this.#change({
      run: () => this.#commit(batch, options.sync ?? true),
      then: () => this.#cache.update(batch),
    });
  }

  async clearRange(range: KeyRange): Promise<void> {
    this.#assertOpen();
    checkRange(range);
    await this.#change({
      run: async () => {
        if (bytesEqual(range.gte, range.lt)) return;
        await this.#level.clear({ gte: range.gte, lt: range.lt });
        // Clearing does not sync; a synced change after it does.
        await this.#commit([{ key: range.gte, value: undefined }], true);
      },
      then: () => this.#cache.forgetRange(range),
    });
  }

  async compactRange({ gte, lt }: KeyRange): Promise<void> {
    this.#assertOpen();
    checkRange({ gte, lt });
    await this.#compactions.run(async () => {
      this.#assertHealthy();
      await compact(this.#level, gte, lt).catch((cause: unknown) => this.#fail(cause));
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeWhenIdle();
    return this.#closing;
  }

  cacheStatistics(): CacheStatistics {
    return this.#cache.statistics();
  }

  async *#pages(
    query: RangeQuery,
    from: SharedSnapshot | undefined,
  ): AsyncGenerator<readonly Entry[], void, undefined> {
    this.#assertOpen();
    checkQuery(query);
    const { gte, lt, reverse = false, limit } = query;
    const iterator = this.#level.iterator({
      gte,
      lt,
      reverse,
      limit,
      fillCache: false,
      highWaterMarkBytes: PAGE_BYTES,
      ...(from === undefined ? {} : { snapshot: from.snapshot }),
    });
    from?.share();
    try {
      for (;;) {
        const page = await iterator.nextv(PAGE_ENTRIES);
        this.#assertOpen();
        if (page.length === 0) return;
        yield page.map(([key, value]) => ({ key: plain(key), value: this.#unseal(key, value) }));
      }
    } catch (error) {
      throw this.#closing === undefined ? readError(this.#level.location, error) : closedError();
    } finally {
      await iterator.close();
      if (from !== undefined) await this.#release(from);
    }
  }

  readonly #read = (key: Uint8Array): Uint8Array | undefined => this.#readFrom(key, this.#before);

  #readFrom(key: Uint8Array, from: SharedSnapshot | undefined): Uint8Array | undefined {
    try {
      const lentKey = lend(key);
      const value =
        from === undefined
          ? this.#level.getSync(lentKey)
          : this.#level.getSync<Uint8Array, Uint8Array>(lentKey, { snapshot: from.snapshot });
      return value === undefined ? undefined : this.#unseal(key, value);
    } catch (error) {
      throw readError(this.#level.location, error);
    }
  }

  #unseal(key: Uint8Array, sealed: Uint8Array): Uint8Array {
    return unseal(this.#level.location, key, sealed);
  }

  /** One change of what is on disk, in its turn. Readers see it when `then` has run, which is when all of it is there. */
  async #change({ run, then }: { run: () => Promise<void>; then: () => void }): Promise<void> {
    this.#assertHealthy();
    await this.#writes.run(async () => {
      this.#assertHealthy();
      const before = new SharedSnapshot(this.#level.snapshot());
      this.#before = before;
      // After a failure the snapshot stays: readers keep the last acknowledged state, whatever is on disk.
      await run().catch((cause: unknown) => this.#fail(cause));
      this.#before = undefined;
      then();
      await this.#release(before);
    });
  }

  /** Ranges that are being read from it keep it. */
  async #release(before: SharedSnapshot): Promise<void> {
    await before
      .release()
      .catch((cause: unknown) => (this.#poison ??= writeError(this.#level.location, cause)));
  }

  #fail(cause: unknown): never {
    this.#poison ??= writeError(this.#level.location, cause);
    throw this.#poison;
  }

  async #commit(changes: readonly Change[], sync: boolean): Promise<void> {
    const batch = this.#level.batch();
    for (const { key, value } of changes) {
      const lentKey = lend(key);
      if (value === undefined) batch.del(lentKey);
      else batch.put(lentKey, seal(key, value));
    }
    await batch.write({ sync });
  }

  async #closeWhenIdle(): Promise<void> {
    await Promise.all([this.#writes.idle(), this.#compactions.idle()]);
    await this.#level.close().catch((cause: unknown) => this.#fail(cause));
  }

  #assertHealthy(): void {
    if (this.#poison !== undefined) throw poisoned(this.#poison);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }
}

/**
 * The key as a view that the next call overwrites, for what copies it at once. V8 keeps a small array inside its heap until native code
 * asks for its memory; then it moves to an allocation of its own, with many times its size in bookkeeping, until it is collected. A block
 * has a hundred thousand of them.
 */
function lend(key: Uint8Array): Uint8Array {
  const view = LENT[key.length];
  if (view === undefined) return key;
  view.set(key);
  return view;
}

const LENT_BYTES = new Uint8Array(MAX_KEY_BYTES);
const LENT = Array.from({ length: MAX_KEY_BYTES + 1 }, (_, length) => LENT_BYTES.subarray(0, length));

/** LevelDB in Node compacts on demand; the type it shares with the browser does not say so. */
async function compact(level: Bytes, gte: Uint8Array, lt: Uint8Array): Promise<void> {
  invariant(
    'compactRange' in level && typeof level.compactRange === 'function',
    'the LevelDB of Node compacts on demand',
  );
  await Reflect.apply(level.compactRange, level, [gte, lt]);
}

function poisoned(cause: StoreError): StoreError {
  return new StoreError(
    'STORE_POISONED',
    'an earlier write failed: close the store and start again',
    { ...cause.data },
    { cause },
  );
}

/** A plain view: `slice` of a Buffer shares memory where that of a Uint8Array copies. */
function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
