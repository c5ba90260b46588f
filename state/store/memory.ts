import { StoreError } from './errors.js';
import { keyText } from './key-text.js';
import { checkBatch, checkQuery, checkRange, PAGE_BYTES, PAGE_ENTRIES } from './limits.js';
import { entriesOf, find, insert, remove, type OrderedTree } from './ordered-tree.js';
import type { Change, Entry, KeyRange, RangeQuery, SnapshotStore } from './store.js';

/** A store in memory, for tests and simulation. Nothing outlives it. */
export class MemoryStore implements SnapshotStore {
  #tree: OrderedTree;
  #closed = false;

  /** @param tree content to begin with */
  constructor(tree?: OrderedTree) {
    this.#tree = tree;
  }

  /** A store of its own with the same content, at no cost: neither sees the other's later writes. */
  snapshot(): MemoryStore {
    this.#assertOpen();
    return new MemoryStore(this.#tree);
  }

  openSnapshot(): MemoryStore {
    return this.snapshot();
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#assertOpen();
    return find(this.#tree, keyText(key))?.value;
  }

  getMany(keys: readonly Uint8Array[]): (Uint8Array | undefined)[] {
    return keys.map((key) => this.get(key));
  }

  has(key: Uint8Array): boolean {
    return this.get(key) !== undefined;
  }

  async *range(query: RangeQuery): AsyncGenerator<readonly Entry[], void, undefined> {
    this.#assertOpen();
    checkQuery(query);
    for (const page of pagesOf(this.#tree, query)) {
      this.#assertOpen();
      await Promise.resolve();
      yield page;
    }
  }

  async write(batch: readonly Change[]): Promise<void> {
    this.#assertOpen();
    checkBatch(batch);
    await Promise.resolve();
    for (const { key, value } of batch) {
      const text = keyText(key);
      // A copy: what is written may be a small part of a large array.
      this.#tree =
        value === undefined
          ? remove(this.#tree, text)
          : insert(this.#tree, text, { key, value: new Uint8Array(value) });
    }
  }

  async clearRange(range: KeyRange): Promise<void> {
    this.#assertOpen();
    checkRange(range);
    await Promise.resolve();
    const texts = [...entriesOf(this.#tree, keyText(range.gte), keyText(range.lt), false)];
    for (const { key } of texts) this.#tree = remove(this.#tree, keyText(key));
  }

  async compactRange(range: KeyRange): Promise<void> {
    this.#assertOpen();
    checkRange(range);
    await Promise.resolve();
  }

  async close(): Promise<void> {
    this.#closed = true;
    // Writes taken before this call are one turn ahead of it.
    await Promise.resolve();
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreError('STORE_CLOSED', 'the store is closed');
  }
}

function* pagesOf(tree: OrderedTree, query: RangeQuery): Generator<readonly Entry[], void, undefined> {
  const { gte, lt, reverse = false, limit } = query;
  let page: Entry[] = [];
  let pageBytes = 0;
  let left = limit;
  for (const entry of left === 0 ? [] : entriesOf(tree, keyText(gte), keyText(lt), reverse)) {
    page.push(entry);
    pageBytes += entry.key.length + entry.value.length;
    left--;
    if (page.length === PAGE_ENTRIES || pageBytes > PAGE_BYTES) {
      yield page;
      page = [];
      pageBytes = 0;
    }
    if (left === 0) break;
  }
  if (page.length > 0) yield page;
}
