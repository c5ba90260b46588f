import { logPlaceCodec, type LogPlace } from '../../state/chain/records.js';
import { NODE_KEYS } from '../../state/store/keys.js';
import type { Entry, Store } from '../../state/store/store.js';

/** A log as an index names it: its number in its block, and where it is found there. */
export interface Spot {
  readonly height: number;
  readonly number: number;
  readonly place: LogPlace;
}

/** Walks over spots upwards, and can leap. */
export interface SpotCursor {
  /** Undefined past the end. */
  readonly at: Spot | undefined;
  /** Moves to the first spot that is not before the given one; never back. */
  seek(height: number, number: number): Promise<void>;
}

/** Logs of one emitter, or with one topic at one position. */
export interface LogIndex {
  key(height: number, number: number): Uint8Array;
  parse(key: Uint8Array): { readonly height: number; readonly number: number };
}

export function emitterIndex(address: Uint8Array): LogIndex {
  return {
    key: (height, number) => NODE_KEYS.logAddress.encode(address, height, number),
    parse: (key) => {
      const [, height, number] = NODE_KEYS.logAddress.decode(key);
      return { height, number };
    },
  };
}

export function topicIndex(position: number, topic: Uint8Array): LogIndex {
  return {
    key: (height, number) => NODE_KEYS.logTopic.encode(position, topic, height, number),
    parse: (key) => {
      const [, , height, number] = NODE_KEYS.logTopic.decode(key);
      return { height, number };
    },
  };
}

const FIRST_LOAD = 16;
const MAX_LOAD = 1_024;

/** Walks over one index, reading ahead more the longer it is walked without leaps. */
export class IndexCursor implements SpotCursor {
  readonly #store: Store;
  readonly #index: LogIndex;
  readonly #end: Uint8Array;
  readonly #count: (entries: number) => Promise<void>;
  #entries: readonly Entry[] = [];
  #position = 0;
  #isLast = false;
  #load = FIRST_LOAD;
  at: Spot | undefined;

  /** @param count told of each entry that is read: may throw, or wait */
  constructor(store: Store, index: LogIndex, toHeight: number, count: (entries: number) => Promise<void>) {
    this.#store = store;
    this.#index = index;
    this.#end = index.key(toHeight + 1, 0);
    this.#count = count;
  }

  async seek(height: number, number: number): Promise<void> {
    for (; this.#position < this.#entries.length; this.#position++) {
      const spot = this.#spotAt(this.#position);
      if (spot !== undefined && !isBefore(spot, height, number)) {
        this.at = spot;
        return;
      }
    }
    this.at = this.#isLast ? undefined : await this.#read(height, number);
  }

  async #read(height: number, number: number): Promise<Spot | undefined> {
    const entries: Entry[] = [];
    const query = { gte: this.#index.key(height, number), lt: this.#end, limit: this.#load };
    for await (const page of this.#store.range(query)) entries.push(...page);
    await this.#count(entries.length);
    this.#isLast = entries.length < this.#load;
    this.#load = Math.min(2 * this.#load, MAX_LOAD);
    this.#entries = entries;
    this.#position = 0;
    return this.#spotAt(0);
  }

  #spotAt(position: number): Spot | undefined {
    const entry = this.#entries[position];
    if (entry === undefined) return undefined;
    return { ...this.#index.parse(entry.key), place: logPlaceCodec.decode(entry.value) };
  }
}

/** Spots of any of several cursors, each once. */
export class UnionCursor implements SpotCursor {
  readonly #cursors: readonly SpotCursor[];

  constructor(cursors: readonly SpotCursor[]) {
    this.#cursors = cursors;
  }

  get at(): Spot | undefined {
    let first: Spot | undefined;
    for (const { at } of this.#cursors) {
      if (at !== undefined && (first === undefined || isBefore(at, first.height, first.number))) first = at;
    }
    return first;
  }

  async seek(height: number, number: number): Promise<void> {
    for (const cursor of this.#cursors) await cursor.seek(height, number);
  }
}

/** Spots that are in all of several cursors, from `fromHeight` on. */
export async function* intersection(
  cursors: readonly SpotCursor[],
  fromHeight: number,
): AsyncGenerator<Spot, void, undefined> {
  let [height, number] = [fromHeight, 0];
  for (;;) {
    let spot: Spot | undefined;
    let isShared = true;
    for (const cursor of cursors) {
      await cursor.seek(height, number);
      if (cursor.at === undefined) return;
      if (spot !== undefined && isBefore(spot, cursor.at.height, cursor.at.number)) isShared = false;
      spot = cursor.at;
      [height, number] = [spot.height, spot.number];
    }
    if (spot === undefined) return;
    if (!isShared) continue;
    yield spot;
    number++;
  }
}

function isBefore(spot: Spot, height: number, number: number): boolean {
  return spot.height < height || (spot.height === height && spot.number < number);
}
