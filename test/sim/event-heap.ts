import { invariant } from '../../protocol/invariant.js';

/** What the heap orders: by time, and at one time in the order in which it was put in. */
export interface HeapEntry {
  readonly atUs: number;
  readonly order: number;
  /** Where the heap keeps it; -1 when it does not. Nobody else writes it. */
  index: number;
}

/** A binary heap from which an entry can also be taken out of the middle, so that cancelled timers do not pile up. */
export class EventHeap<Entry extends HeapEntry> {
  readonly #entries: Entry[] = [];
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.length;
  }

  peek(): Entry | undefined {
    return this.#entries[0];
  }

  push(entry: Entry): void {
    invariant(this.#entries.length < this.#capacity, `no more than ${this.#capacity} events are pending`);
    this.#entries.push(entry);
    this.#rise(entry, this.#entries.length - 1);
  }

  pop(): Entry | undefined {
    const first = this.#entries[0];
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Whether the entry was there. */
  remove(entry: Entry): boolean {
    const { index } = entry;
    if (index < 0) return false;
    const last = this.#entries.pop() as Entry;
    entry.index = -1;
    if (last === entry) return true;
    this.#sink(last, index);
    this.#rise(last, last.index);
    return true;
  }

  #rise(entry: Entry, from: number): void {
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#entries[above] as Entry;
      if (!isBefore(entry, parent)) break;
      this.#put(parent, index);
      index = above;
    }
    this.#put(entry, index);
  }

  #sink(entry: Entry, from: number): void {
    const { length } = this.#entries;
    let index = from;
    for (let below = 2 * index + 1; below < length; below = 2 * index + 1) {
      let child = this.#entries[below] as Entry;
      const right = this.#entries[below + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        below++;
      }
      if (!isBefore(child, entry)) break;
      this.#put(child, index);
      index = below;
    }
    this.#put(entry, index);
  }

  #put(entry: Entry, index: number): void {
    this.#entries[index] = entry;
    entry.index = index;
  }
}

function isBefore(a: HeapEntry, b: HeapEntry): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}
