import { invariant } from '../../protocol/invariant.js';
import { keyText } from './key-text.js';
import type { Change, KeyRange } from './store.js';

/** Since the cache was made. */
export interface CacheStatistics {
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  readonly entries: number;
  readonly bytes: number;
  readonly maxBytes: number;
}

/**
 * The values read last, and the absences, up to `maxBytes`: the least recently used go first. It holds what was *read*;
 * a written batch updates what is held and adds nothing, so bulk writes of blocks and indices do not push out live state.
 * What a block changes was read before it was changed.
 */
export class ReadCache {
  readonly #maxBytes: number;
  readonly #items = new Map<string, Item>();
  #newest: Item | undefined;
  #oldest: Item | undefined;
  #bytes = 0;
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  /** @param maxBytes of keys and values with what it takes to hold them; 0 switches the cache off */
  constructor(maxBytes: number) {
    invariant(Number.isSafeInteger(maxBytes) && maxBytes >= 0, 'the bound of a cache is a number of bytes');
    this.#maxBytes = maxBytes;
  }

  /** The held value, or what `load` returns, which is held from then on. */
  get(key: Uint8Array, load: (key: Uint8Array) => Uint8Array | undefined): Uint8Array | undefined {
    const text = keyText(key);
    const item = this.#items.get(text);
    if (item !== undefined) {
      this.#hits++;
      this.#unlink(item);
      this.#linkNewest(item);
      return item.value;
    }
    this.#misses++;
    const value = load(key);
    this.#insert(text, value);
    return value;
  }

  /** Brings what is held up to a batch that was written. */
  update(batch: readonly Change[]): void {
    if (this.#items.size === 0) return;
    for (const { key, value } of batch) {
      const text = keyText(key);
      const item = this.#items.get(text);
      if (item === undefined) continue;
      this.#remove(item);
      this.#insert(text, value);
    }
  }

  /** Forgets a range of keys. Looks at every entry. */
  forgetRange(range: KeyRange): void {
    const [gte, lt] = [keyText(range.gte), keyText(range.lt)];
    for (const item of this.#items.values()) {
      if (item.text >= gte && item.text < lt) this.#remove(item);
    }
  }

  statistics(): CacheStatistics {
    return {
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
      entries: this.#items.size,
      bytes: this.#bytes,
      maxBytes: this.#maxBytes,
    };
  }

  #insert(text: string, value: Uint8Array | undefined): void {
    const cost = costOf(text, value);
    // One huge value must not push out everything else.
    if (cost * LARGEST_SHARE > this.#maxBytes) return;
    const item: Item = { text, value: unshared(value), cost, newer: undefined, older: undefined };
    this.#items.set(text, item);
    this.#bytes += cost;
    this.#linkNewest(item);
    while (this.#bytes > this.#maxBytes) {
      invariant(this.#oldest !== undefined, 'an empty cache weighs nothing');
      this.#evictions++;
      this.#remove(this.#oldest);
    }
  }

  #remove(item: Item): void {
    this.#unlink(item);
    this.#items.delete(item.text);
    this.#bytes -= item.cost;
  }

  #linkNewest(item: Item): void {
    item.older = this.#newest;
    if (this.#newest !== undefined) this.#newest.newer = item;
    this.#newest = item;
    this.#oldest ??= item;
  }

  #unlink(item: Item): void {
    if (item.newer === undefined) this.#newest = item.older;
    else item.newer.older = item.older;
    if (item.older === undefined) this.#oldest = item.newer;
    else item.older.newer = item.newer;
    item.newer = undefined;
    item.older = undefined;
  }
}

interface Item {
  readonly text: string;
  readonly value: Uint8Array | undefined;
  readonly cost: number;
  newer: Item | undefined;
  older: Item | undefined;
}

/** What an entry takes besides its bytes (map slot, item, string header), and what a value adds (array, buffer). Measured, rounded up. */
export const ITEM_OVERHEAD_BYTES = 128;
export const VALUE_OVERHEAD_BYTES = 512;

/** A value above 1/16 of the cache is not held. */
const LARGEST_SHARE = 16;

function costOf(text: string, value: Uint8Array | undefined): number {
  const valueBytes = value === undefined ? 0 : value.length + VALUE_OVERHEAD_BYTES;
  return text.length + valueBytes + ITEM_OVERHEAD_BYTES;
}

/** A slice of a large buffer would keep all of it alive. */
function unshared(value: Uint8Array | undefined): Uint8Array | undefined {
  return value === undefined || value.byteLength === value.buffer.byteLength ? value : value.slice();
}
