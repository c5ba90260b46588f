import type { Entry, KeyRange, Store } from '../store/store.js';

/** Keys whose first field is a height. */
export interface HeightSpace {
  range(height: number): KeyRange;
  decode(key: Uint8Array): readonly [height: number, ...rest: unknown[]];
}

/** Reads a space that is ordered by height upwards, height by height, in one go: a search each would take several times as long. */
export class HeightReader {
  readonly #heightOf: (key: Uint8Array) => number;
  readonly #pages: AsyncIterator<readonly Entry[], unknown>;
  #page: readonly Entry[] | undefined = [];
  #at = 0;

  /** Of heights from ≤ height < to. */
  constructor(store: Store, space: HeightSpace, from: number, to: number) {
    this.#heightOf = (key) => space.decode(key)[0];
    const [{ gte }, { gte: lt }] = [space.range(from), space.range(to)];
    this.#pages = store.range({ gte, lt, limit: Number.MAX_SAFE_INTEGER })[Symbol.asyncIterator]();
  }

  /** The entries of a height; to be asked for each height once, in order. */
  async take(height: number): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (let entry = await this.#peek(); entry !== undefined; entry = await this.#peek()) {
      if (this.#heightOf(entry.key) > height) break;
      entries.push(entry);
      this.#at++;
    }
    return entries;
  }

  async close(): Promise<void> {
    await this.#pages.return?.();
  }

  async #peek(): Promise<Entry | undefined> {
    if (this.#page === undefined || this.#at < this.#page.length) return this.#page?.[this.#at];
    const next = await this.#pages.next();
    this.#page = next.done === true ? undefined : next.value;
    this.#at = 0;
    return this.#page?.[0];
  }
}
