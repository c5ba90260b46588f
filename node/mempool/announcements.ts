import { MempoolError } from './errors.js';

/** What a reader has not seen yet. */
export interface Announced {
  /** Transaction hashes in the order of arrival; some may have left the pool since. */
  readonly hashes: readonly Uint8Array[];
  /** Where to go on reading. */
  readonly cursor: number;
  /** Announcements between the cursor asked for and the first one here, lost because the reader came too late. */
  readonly missed: number;
}

const MAX_LISTENERS = 16;

/** The latest announcements. Each reader keeps its own place, so that a slow one costs nobody memory. */
export class Announcements {
  readonly #ring: Uint8Array[] = [];
  readonly #capacity: number;
  readonly #listeners = new Set<() => void>();
  #end = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Cursor of what is announced next. */
  get end(): number {
    return this.#end;
  }

  append(hash: Uint8Array): void {
    this.#ring[this.#end % this.#capacity] = hash;
    this.#end++;
    for (const wake of this.#listeners) wake();
  }

  /** At most `limit` announcements from `cursor` on, or from the oldest there is. */
  read(cursor: number, limit: number): Announced {
    const from = Math.min(Math.max(cursor, this.#end - this.#capacity, 0), this.#end);
    const to = Math.min(this.#end, from + Math.max(limit, 0));
    const hashes: Uint8Array[] = [];
    for (let i = from; i < to; i++) {
      const hash = this.#ring[i % this.#capacity];
      if (hash !== undefined) hashes.push(hash);
    }
    return { hashes, cursor: to, missed: Math.max(0, from - Math.max(cursor, 0)) };
  }

  /**
   * Calls `wake` after every announcement; it should only take note. Returns how to end that.
   *
   * @throws MempoolError MEMPOOL_TOO_MANY_SUBSCRIBERS
   */
  subscribe(wake: () => void): () => void {
    if (this.#listeners.size >= MAX_LISTENERS) {
      const data = { maxSubscribers: MAX_LISTENERS };
      throw new MempoolError('MEMPOOL_TOO_MANY_SUBSCRIBERS', 'too many listen to the pool', data);
    }
    const listener = (): void => {
      wake();
    };
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
