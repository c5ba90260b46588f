import { compareBytes } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import type { Change, KeyRange } from './store.js';

/** Since the cache was made. */
export interface CacheStatistics {
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  readonly entries: number;
  /** Of the entries; what was replaced and is not yet reused is not counted. */
  readonly bytes: number;
  readonly maxBytes: number;
}

/**
 * The values read lately, and the absences. It holds what was *read*; a written batch updates what is held and adds nothing, so bulk
 * writes of blocks and indices do not push out live state. What a block changes was read before it was changed.
 *
 * All of it lies in one array, without an object for each entry: a million objects would cost more memory than what they hold, and
 * the garbage collector would visit them again and again. The array is divided into pages that are filled in turn. When the turn
 * comes to a page that is full, what was read since the last time stays and moves together, and the rest is dropped (CLOCK).
 */
export class ReadCache {
  readonly #maxBytes: number;
  /** Entries, page by page: `ENTRY` header ‖ key ‖ value. */
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #pageBytes: number;
  /** Where the entries of each page end. */
  readonly #ends: Uint32Array;
  /** Place of an entry plus one, 0 where there is none. Keys that collide share `WAYS` slots, whoever chose them: no chain to attack. */
  readonly #slots: Uint32Array;
  #page = 0;
  #hits = 0;
  #misses = 0;
  #evictions = 0;
  #entries = 0;
  #entryBytes = 0;

  /** @param maxBytes of memory, up to 4 GiB; 0 switches the cache off */
  constructor(maxBytes: number) {
    invariant(
      Number.isSafeInteger(maxBytes) && maxBytes >= 0 && maxBytes <= MAX_CACHE_BYTES,
      'the bound of a cache is a number of bytes',
    );
    const slots = slotCount(maxBytes);
    this.#maxBytes = maxBytes;
    this.#slots = new Uint32Array(slots);
    this.#pageBytes = Math.floor((maxBytes - this.#slots.byteLength) / PAGES);
    this.#bytes = new Uint8Array(PAGES * this.#pageBytes);
    this.#view = new DataView(this.#bytes.buffer);
    this.#ends = Uint32Array.from({ length: PAGES }, (_, page) => page * this.#pageBytes);
  }

  /** The held value, or what `load` returns, which is held from then on. A held value is returned as a copy. */
  get(key: Uint8Array, load: (key: Uint8Array) => Uint8Array | undefined): Uint8Array | undefined {
    const hash = hashOf(key);
    const slot = this.#find(key, hash);
    if (slot !== NOT_FOUND) {
      this.#hits++;
      const place = this.#placeIn(slot);
      this.#bytes[place] = ENTRY.used;
      return this.#valueAt(place);
    }
    this.#misses++;
    const value = load(key);
    this.#insert(key, hash, value);
    return value;
  }

  /** Brings what is held up to a batch that was written. */
  update(batch: readonly Change[]): void {
    if (this.#entries === 0) return;
    for (const { key, value } of batch) {
      const hash = hashOf(key);
      const slot = this.#find(key, hash);
      if (slot === NOT_FOUND) continue;
      const place = this.#placeIn(slot);
      if (value?.length === this.#valueLengthAt(place)) {
        if (value !== undefined) this.#bytes.set(value, place + ENTRY_HEADER_BYTES + key.length);
      } else {
        this.#drop(slot);
        this.#insert(key, hash, value);
      }
    }
  }

  /** Forgets a range of keys. Looks at every entry. */
  forgetRange({ gte, lt }: KeyRange): void {
    for (let page = 0; page < PAGES; page++) {
      const end = this.#ends[page] ?? 0;
      for (let place = page * this.#pageBytes; place < end; place += this.#sizeAt(place)) {
        if (this.#bytes[place] === ENTRY.dropped) continue;
        const key = this.#keyAt(place);
        if (compareBytes(key, gte) >= 0 && compareBytes(key, lt) < 0) this.#drop(this.#slotOf(place));
      }
    }
  }

  statistics(): CacheStatistics {
    return {
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
      entries: this.#entries,
      bytes: this.#entryBytes,
      maxBytes: this.#maxBytes,
    };
  }

  #insert(key: Uint8Array, hash: number, value: Uint8Array | undefined): void {
    const size = ENTRY_HEADER_BYTES + key.length + (value?.length ?? 0);
    // One huge value must not push out everything else.
    if (size > this.#pageBytes) return;
    const place = this.#reserve(size);
    this.#bytes[place] = ENTRY.held;
    this.#bytes[place + 1] = key.length;
    this.#view.setUint32(place + VALUE_LENGTH_OFFSET, value?.length ?? ABSENT);
    this.#view.setUint32(place + HASH_OFFSET, hash);
    this.#bytes.set(key, place + ENTRY_HEADER_BYTES);
    if (value !== undefined) this.#bytes.set(value, place + ENTRY_HEADER_BYTES + key.length);
    this.#slots[this.#freeSlot(hash)] = place + 1;
    this.#entries++;
    this.#entryBytes += size;
  }

  /** Room at the end of a page. A first round over full pages finds everything used; in the second nothing is any more. */
  #reserve(size: number): number {
    for (let turn = 0; turn <= 2 * PAGES; turn++) {
      const end = this.#ends[this.#page] ?? 0;
      if (end + size <= (this.#page + 1) * this.#pageBytes) {
        this.#ends[this.#page] = end + size;
        return end;
      }
      this.#page = (this.#page + 1) % PAGES;
      this.#compact(this.#page);
    }
    throw new RangeError('a page without used entries is empty');
  }

  /** Keeps what was used since the last time, moved to the beginning of the page. */
  #compact(page: number): void {
    const end = this.#ends[page] ?? 0;
    let kept = page * this.#pageBytes;
    for (let place = kept, size; place < end; place += size) {
      size = this.#sizeAt(place);
      const state = this.#bytes[place];
      if (state === ENTRY.dropped) continue;
      const slot = this.#slotOf(place);
      if (state === ENTRY.held) {
        this.#evictions++;
        this.#drop(slot);
        continue;
      }
      this.#bytes.copyWithin(kept, place, place + size);
      this.#bytes[kept] = ENTRY.held;
      this.#slots[slot] = kept + 1;
      kept += size;
    }
    this.#ends[page] = kept;
  }

  #drop(slot: number): void {
    const place = this.#placeIn(slot);
    this.#bytes[place] = ENTRY.dropped;
    this.#slots[slot] = 0;
    this.#entries--;
    this.#entryBytes -= this.#sizeAt(place);
  }

  /** Slot of the key, or `NOT_FOUND`. */
  #find(key: Uint8Array, hash: number): number {
    const first = this.#firstSlot(hash);
    for (let slot = first; slot < first + WAYS; slot++) {
      const place = (this.#slots[slot] ?? 0) - 1;
      if (place >= 0 && this.#view.getUint32(place + HASH_OFFSET) === hash && this.#isKeyAt(place, key))
        return slot;
    }
    return NOT_FOUND;
  }

  /** A slot for a new entry; where all are taken one is given up, rather one that was not used. */
  #freeSlot(hash: number): number {
    const first = this.#firstSlot(hash);
    let victim = first + ((hash >>> 24) % WAYS);
    for (let slot = first; slot < first + WAYS; slot++) {
      if (this.#slots[slot] === 0) return slot;
      if (this.#bytes[this.#placeIn(slot)] === ENTRY.held) victim = slot;
    }
    this.#evictions++;
    this.#drop(victim);
    return victim;
  }

  #slotOf(place: number): number {
    const first = this.#firstSlot(this.#view.getUint32(place + HASH_OFFSET));
    for (let slot = first; slot < first + WAYS; slot++) if (this.#slots[slot] === place + 1) return slot;
    throw new RangeError('every entry that is not dropped has a slot');
  }

  #firstSlot(hash: number): number {
    return ((hash ^ (hash >>> 16)) & (this.#slots.length - 1) & -WAYS) >>> 0;
  }

  #placeIn(slot: number): number {
    return (this.#slots[slot] ?? 0) - 1;
  }

  #isKeyAt(place: number, key: Uint8Array): boolean {
    if (this.#bytes[place + 1] !== key.length) return false;
    const first = place + ENTRY_HEADER_BYTES;
    for (let i = 0; i < key.length; i++) if (this.#bytes[first + i] !== key[i]) return false;
    return true;
  }

  #keyAt(place: number): Uint8Array {
    const first = place + ENTRY_HEADER_BYTES;
    return this.#bytes.subarray(first, first + (this.#bytes[place + 1] ?? 0));
  }

  #valueAt(place: number): Uint8Array | undefined {
    const length = this.#valueLengthAt(place);
    const first = place + ENTRY_HEADER_BYTES + (this.#bytes[place + 1] ?? 0);
    return length === undefined ? undefined : this.#bytes.slice(first, first + length);
  }

  #valueLengthAt(place: number): number | undefined {
    const length = this.#view.getUint32(place + VALUE_LENGTH_OFFSET);
    return length === ABSENT ? undefined : length;
  }

  #sizeAt(place: number): number {
    return ENTRY_HEADER_BYTES + (this.#bytes[place + 1] ?? 0) + (this.#valueLengthAt(place) ?? 0);
  }
}

/** First byte of an entry. `used`: read since its page had its turn. */
const ENTRY = { dropped: 0, held: 1, used: 2 } as const;

/** Header of an entry: one of `ENTRY`, length of the key u8, length of the value u32, hash of the key u32. */
export const ENTRY_HEADER_BYTES = 10;
const VALUE_LENGTH_OFFSET = 2;
const HASH_OFFSET = 6;

/** In place of a value's length: there is no value. */
const ABSENT = 0xffff_ffff;

const NOT_FOUND = -1;
const PAGES = 64;
const WAYS = 8;
/** A slot for so many bytes of memory: about an account, so that memory runs out before slots do. */
const BYTES_PER_SLOT = 64;
const MAX_CACHE_BYTES = 2 ** 32 - 1;

/** A power of two, or 0 where there is not enough for one bucket. */
function slotCount(maxBytes: number): number {
  const wanted = Math.floor(maxBytes / BYTES_PER_SLOT);
  return wanted < WAYS ? 0 : 2 ** (31 - Math.clz32(wanted));
}

/** FNV-1a. */
function hashOf(key: Uint8Array): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ (key[i] ?? 0), 0x0100_0193);
  return hash >>> 0;
}
