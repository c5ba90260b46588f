import { bytesEqual, compareBytes, concatBytes, toHex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import type { Reader } from '../store/store.js';
import { QueueError } from './errors.js';
import { childrenOf, siftDown, siftUp, type Places } from './sift.js';

/** What a heap holds about a subject. Items are in the order of their priority, then of their subject, bytewise. */
export interface HeapItem {
  /** As many bytes for each item of one heap. */
  readonly priority: Uint8Array;
  /** 1 to `MAX_SUBJECT_BYTES` bytes; a heap holds at most one item about it. */
  readonly subject: Uint8Array;
}

/**
 * An ordered queue in a state that is read by key only. With n items, finding is O(1) and changing O(log n) reads and writes. An
 * empty heap leaves no entry.
 *
 * Everything throws QueueError QUEUE_CORRUPT where it meets an entry that a heap did not write.
 */
export interface Heap {
  size(state: Reader): number;
  /** The first item. */
  peek(state: Reader): HeapItem | undefined;
  find(state: Reader, subject: Uint8Array): HeapItem | undefined;
  /** The first `count` items in order. Reads at most 8 · count + 1 entries. */
  first(state: Reader, count: number): HeapItem[];
  /** Adds an item, or moves the one about its subject to the new priority. */
  put(state: Overlay, item: HeapItem): void;
  /** Whether there was an item about the subject. */
  remove(state: Overlay, subject: Uint8Array): boolean;
}

/**
 * @param name a word of letters, its own for each heap
 * @param priorityBytes length of every priority
 */
export function createHeap(name: string, priorityBytes: number): Heap {
  const form: Form = { name, priorityBytes };
  return {
    size: (state) => readSize(form, state),
    peek: (state) => first(form, state, 1)[0],
    find: (state, subject) => find(form, state, readSize(form, state), subject)?.item,
    first: (state, count) => first(form, state, count),
    put: (state, item) => put(form, state, item),
    remove: (state, subject) => remove(form, state, subject),
  };
}

/** With the longest name, a key of 103 bytes. */
export const MAX_SUBJECT_BYTES = 64;

interface Form {
  readonly name: string;
  readonly priorityBytes: number;
}

function put(form: Form, state: Overlay, item: HeapItem): void {
  const value = encodeItem(form, item);
  const size = readSize(form, state);
  const found = find(form, state, size, item.subject);
  if (found !== undefined) {
    replace(placesOf(form, state, size), found.place, value);
    return;
  }
  invariant(size < MAX_ITEMS, 'a heap has as many items as a u32 counts');
  writeSize(form, state, size + 1);
  siftUp(placesOf(form, state, size + 1), size, value);
}

/** The last item fills the gap, so that the places stay without gaps. */
function remove(form: Form, state: Overlay, subject: Uint8Array): boolean {
  const size = readSize(form, state);
  const found = find(form, state, size, subject);
  if (found === undefined) return false;
  const last = size - 1;
  const filler = readItem(form, state, last);
  state.delete(STATE_KEYS.heapItem.encode(form.name, last));
  state.delete(STATE_KEYS.heapPlace.encode(form.name, subject));
  writeSize(form, state, last);
  if (found.place < last) replace(placesOf(form, state, last), found.place, filler);
  return true;
}

function replace(places: Places<Uint8Array>, place: number, item: Uint8Array): void {
  const isEarlier = places.compare(item, places.read(place)) < 0;
  if (isEarlier) siftUp(places, place, item);
  else siftDown(places, place, item);
}

/** Best first: the next one is among the children of those already found. */
function first(form: Form, state: Reader, count: number): HeapItem[] {
  invariant(Number.isSafeInteger(count) && count >= 0, 'a count is a whole number');
  const size = readSize(form, state);
  const wanted = Math.min(count, size);
  const found: HeapItem[] = [];
  const candidates: Candidate[] = [];
  let places = [0];
  while (found.length < wanted) {
    for (const place of places) pushCandidate(candidates, { place, value: readItem(form, state, place) });
    const best = popCandidate(candidates);
    found.push(decodeItem(form, best.value));
    places = childrenOf(best.place, size);
  }
  return found;
}

interface Candidate {
  readonly place: number;
  readonly value: Uint8Array;
}

function pushCandidate(candidates: Candidate[], candidate: Candidate): void {
  candidates.push(candidate);
  siftUp(placesIn(candidates), candidates.length - 1, candidate);
}

function popCandidate(candidates: Candidate[]): Candidate {
  const [best] = candidates;
  const last = candidates.pop();
  invariant(best !== undefined && last !== undefined, 'as many are found as there are');
  if (candidates.length > 0) siftDown(placesIn(candidates), 0, last);
  return best;
}

function placesIn(candidates: Candidate[]): Places<Candidate> {
  return {
    size: candidates.length,
    read: (place) => {
      const candidate = candidates[place];
      invariant(candidate !== undefined, 'places are below the size');
      return candidate;
    },
    write: (place, candidate) => {
      candidates[place] = candidate;
    },
    compare: (a, b) => compareBytes(a.value, b.value),
  };
}

/** Priorities are equally long, so the order of encoded items is that of priority, then subject. */
function placesOf(form: Form, state: Overlay, size: number): Places<Uint8Array> {
  return {
    size,
    read: (place) => readItem(form, state, place),
    write: (place, item) => {
      const subject = item.subarray(form.priorityBytes);
      state.put(STATE_KEYS.heapItem.encode(form.name, place), item);
      state.put(STATE_KEYS.heapPlace.encode(form.name, subject), encodeU32(place));
    },
    compare: compareBytes,
  };
}

interface Found {
  readonly place: number;
  readonly item: HeapItem;
}

function find(form: Form, state: Reader, size: number, subject: Uint8Array): Found | undefined {
  assertSubject(subject);
  const bytes = state.get(STATE_KEYS.heapPlace.encode(form.name, subject));
  if (bytes === undefined) return undefined;
  const place = decodeU32(form, bytes);
  if (place >= size) throw corrupt(form, 'a place lies behind the last', { place, size });
  const item = decodeItem(form, readItem(form, state, place));
  if (!bytesEqual(item.subject, subject)) {
    throw corrupt(form, 'the place of a subject holds another', { place, subject: toHex(subject) });
  }
  return { place, item };
}

function readItem(form: Form, state: Reader, place: number): Uint8Array {
  const value = state.get(STATE_KEYS.heapItem.encode(form.name, place));
  const subjectBytes = (value?.length ?? 0) - form.priorityBytes;
  if (value === undefined || subjectBytes < 1 || subjectBytes > MAX_SUBJECT_BYTES) {
    throw corrupt(form, 'no item where there should be one', { place, length: value?.length });
  }
  return value;
}

/** The number of items stands as the place of the subject of no bytes. */
const SIZE_SUBJECT = new Uint8Array(0);
const MAX_ITEMS = 0xffff_ffff;

function readSize(form: Form, state: Reader): number {
  const bytes = state.get(STATE_KEYS.heapPlace.encode(form.name, SIZE_SUBJECT));
  if (bytes === undefined) return 0;
  const size = decodeU32(form, bytes);
  if (size === 0) throw corrupt(form, 'an empty heap is not stored', { size });
  return size;
}

function writeSize(form: Form, state: Overlay, size: number): void {
  const key = STATE_KEYS.heapPlace.encode(form.name, SIZE_SUBJECT);
  if (size === 0) state.delete(key);
  else state.put(key, encodeU32(size));
}

/** priority ‖ subject */
function encodeItem(form: Form, { priority, subject }: HeapItem): Uint8Array {
  assertSubject(subject);
  invariant(priority.length === form.priorityBytes, 'priorities of one heap are equally long');
  return concatBytes(priority, subject);
}

function decodeItem(form: Form, value: Uint8Array): HeapItem {
  return { priority: value.slice(0, form.priorityBytes), subject: value.slice(form.priorityBytes) };
}

function assertSubject(subject: Uint8Array): void {
  invariant(subject.length > 0 && subject.length <= MAX_SUBJECT_BYTES, 'a subject has 1 to 64 bytes');
}

function encodeU32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function decodeU32(form: Form, bytes: Uint8Array): number {
  if (bytes.length !== 4) throw corrupt(form, 'a place has 4 bytes', { length: bytes.length });
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}

function corrupt(form: Form, message: string, data: Readonly<Record<string, unknown>>): QueueError {
  return new QueueError('QUEUE_CORRUPT', `heap ${form.name}: ${message}`, { heap: form.name, ...data });
}
