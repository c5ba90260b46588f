/** What can be read one key at a time: a store, or an overlay on one. */
export interface Reader {
  /** The value, or undefined where there is none. */
  get(key: Uint8Array): Uint8Array | undefined;
}

/**
 * An ordered map from bytes to bytes that survives a crash.
 *
 * Reads see the last *acknowledged* write and see it whole: a batch shows up for every reader at once, when its promise
 * resolves, never half and never before it is as durable as was asked.
 *
 * Once a write has failed nobody knows what is on disk, so the store is poisoned: every later write is refused with
 * STORE_POISONED while reads keep showing the last acknowledged state. Close it and start again; opening sorts it out.
 *
 * Bytes handed in or out are shared, not copied: nobody changes them afterwards.
 */
export interface Store extends Reader {
  /** @throws StoreError STORE_CLOSED | STORE_CORRUPT | STORE_READ_FAILED */
  get(key: Uint8Array): Uint8Array | undefined;

  /** Values in the order of `keys`, all of one state. Throws as `get` does. */
  getMany(keys: readonly Uint8Array[]): (Uint8Array | undefined)[];

  /** Throws as `get` does. */
  has(key: Uint8Array): boolean;

  /**
   * Entries of a range in key order, in pages of at most `PAGE_ENTRIES` entries that end at the first one past
   * `PAGE_BYTES`. All pages show the state at the time the first one was asked for. No page is empty.
   *
   * @throws StoreError STORE_RANGE_INVALID, and as `get` does
   */
  range(query: RangeQuery): AsyncIterable<readonly Entry[]>;

  /**
   * Applies all changes or none. Of several changes of one key the last wins. Writes are applied one after the other in
   * the order of the calls.
   *
   * @throws StoreError STORE_CLOSED | STORE_POISONED | STORE_BUSY | STORE_WRITE_FAILED, and for what may not be stored
   * STORE_KEY_INVALID | STORE_VALUE_TOO_LARGE | STORE_BATCH_TOO_LARGE; after those three the store is as it was
   */
  write(batch: readonly Change[], options?: WriteOptions): Promise<void>;

  /**
   * Deletes a range. Neither atomic nor durable by itself: after a crash some of it may be there again, so it is for what
   * may be deleted twice. Takes its turn among the writes; throws as `write` does.
   */
  clearRange(range: KeyRange): Promise<void>;

  /** Gives the space of deleted and replaced entries of a range back to the disk. Throws as `write` does. */
  compactRange(range: KeyRange): Promise<void>;

  /** Refuses everything new, waits for the writes already taken, then lets go. Closing twice is closing once. */
  close(): Promise<void>;
}

/** A store as it was at one moment. What it holds back from being dropped takes space until it is closed. */
export interface Snapshot extends Reader {
  range(query: RangeQuery): AsyncIterable<readonly Entry[]>;
  close(): Promise<void>;
}

/** A store that can be looked at as it is, while it changes. */
export interface SnapshotStore extends Store {
  /** The last acknowledged state. @throws StoreError STORE_CLOSED */
  openSnapshot(): Snapshot;
}

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface Change {
  readonly key: Uint8Array;
  /** Undefined deletes the key. */
  readonly value: Uint8Array | undefined;
}

/** Keys k with gte ≤ k < lt, in the order of their bytes. */
export interface KeyRange {
  readonly gte: Uint8Array;
  readonly lt: Uint8Array;
}

export interface RangeQuery extends KeyRange {
  /** From the largest key down. */
  readonly reverse?: boolean;
  /** Entries at most, over all pages. */
  readonly limit: number;
}

export interface WriteOptions {
  /**
   * Whether the promise waits until the batch would survive a loss of power. True unless told otherwise. An unsynced batch
   * survives the death of the process; a loss of power may take it even where a later unsynced one stays.
   */
  readonly sync?: boolean;
}
