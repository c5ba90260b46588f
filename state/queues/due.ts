import { bigEndianBytes, concatBytes, toHex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import type { BlockMoment } from '../../protocol/moment.js';
import type { Overlay } from '../store/overlay.js';
import type { Reader } from '../store/store.js';
import { QueueError } from './errors.js';
import { createHeap, type HeapItem } from './heap.js';

export { hasCome, type BlockMoment } from '../../protocol/moment.js';

/** Something to be done in the first block that has come to this time and to this height. */
export interface DueItem extends BlockMoment {
  /** What is to be done: 0 to 255. */
  readonly kind: number;
  /** To what: at most 32 bytes. One subject is scheduled once for each kind. */
  readonly subject: Uint8Array;
}

/** Schedules an item, in place of the one of its kind and subject. */
export function schedule(state: Overlay, item: DueItem): void {
  const subject = encodeSubject(item.kind, item.subject);
  BY_HEIGHT.remove(state, subject);
  BY_TIME.put(state, { priority: encodeNumbers(item.timeMs, item.height), subject });
}

/** Whether it was scheduled. */
export function cancel(state: Overlay, kind: number, subject: Uint8Array): boolean {
  const encoded = encodeSubject(kind, subject);
  return BY_TIME.remove(state, encoded) || BY_HEIGHT.remove(state, encoded);
}

/** The item of this kind and subject, if it is still to come. @throws QueueError QUEUE_CORRUPT */
export function findScheduled(state: Reader, kind: number, subject: Uint8Array): DueItem | undefined {
  const encoded = encodeSubject(kind, subject);
  const inTime = BY_TIME.find(state, encoded);
  if (inTime !== undefined) return decodeByTime(inTime);
  const waiting = BY_HEIGHT.find(state, encoded);
  return waiting && decodeByHeight(waiting);
}

/**
 * Removes and returns what is due: first what had waited for its height, by height, time, kind and subject, then by time, height, kind
 * and subject. Besides taking at most `limit` items it puts at most `limit` aside whose height is yet to come. The rest stays for
 * the next block.
 *
 * @param now of the block; neither its time nor its height is below that of an earlier call
 * @throws QueueError QUEUE_CORRUPT
 */
export function takeDue(state: Overlay, now: BlockMoment, limit: number): DueItem[] {
  invariant(Number.isSafeInteger(limit) && limit >= 0, 'a limit is a whole number');
  const waited = takeWaiting(state, now, limit);
  return [...waited, ...takeInTime(state, now, limit - waited.length, limit)];
}

/**
 * What is next: the time at which the first item that waits for its time comes to it, and the height for which the first one waits that has
 * come to its time.
 *
 * @throws QueueError QUEUE_CORRUPT
 */
export function nextDue(state: Reader): {
  readonly timeMs: number | undefined;
  readonly height: number | undefined;
} {
  const [inTime, waiting] = [BY_TIME.peek(state), BY_HEIGHT.peek(state)];
  return {
    timeMs: inTime && decodeByTime(inTime).timeMs,
    height: waiting && decodeByHeight(waiting).height,
  };
}

/** What had come to its time before, and has come to its height. */
function takeWaiting(state: Overlay, now: BlockMoment, limit: number): DueItem[] {
  const taken: DueItem[] = [];
  while (taken.length < limit) {
    const next = BY_HEIGHT.peek(state);
    if (next === undefined) break;
    const item = decodeByHeight(next);
    invariant(item.timeMs <= now.timeMs, 'time does not go back');
    if (item.height > now.height) break;
    BY_HEIGHT.remove(state, next.subject);
    taken.push(item);
  }
  return taken;
}

/** What has come to its time: taken if it has come to its height too, else put aside, out of the way of those behind it. */
function takeInTime(state: Overlay, now: BlockMoment, limit: number, maxMoves: number): DueItem[] {
  const taken: DueItem[] = [];
  for (let moves = 0; ;) {
    const next = BY_TIME.peek(state);
    if (next === undefined) break;
    const item = decodeByTime(next);
    if (item.timeMs > now.timeMs) break;
    const isDue = item.height <= now.height;
    if (isDue ? taken.length === limit : moves === maxMoves) break;
    BY_TIME.remove(state, next.subject);
    if (isDue) taken.push(item);
    else {
      BY_HEIGHT.put(state, { priority: encodeNumbers(item.height, item.timeMs), subject: next.subject });
      moves++;
    }
  }
  return taken;
}

const PRIORITY_BYTES = 16;

/** Every item begins here, ordered by time; one that comes to its time before its height goes on to the other. */
const BY_TIME = createHeap('dueByTime', PRIORITY_BYTES);
const BY_HEIGHT = createHeap('dueByHeight', PRIORITY_BYTES);

const MAX_SUBJECT_BYTES = 32;

/** kind (1 byte) ‖ subject */
function encodeSubject(kind: number, subject: Uint8Array): Uint8Array {
  invariant(Number.isInteger(kind) && kind >= 0 && kind <= 255, 'a kind is a byte');
  invariant(subject.length <= MAX_SUBJECT_BYTES, 'a subject has at most 32 bytes');
  return concatBytes(Uint8Array.of(kind), subject);
}

/** Two numbers, 8 bytes each, big-endian. */
function encodeNumbers(first: number, second: number): Uint8Array {
  for (const number of [first, second]) {
    invariant(Number.isSafeInteger(number) && number >= 0, 'a time or height is a whole number');
  }
  return concatBytes(bigEndianBytes(BigInt(first), 8), bigEndianBytes(BigInt(second), 8));
}

function decodeByTime(item: HeapItem): DueItem {
  const [timeMs, height] = decodeNumbers(item);
  return { timeMs, height, ...decodeSubject(item) };
}

function decodeByHeight(item: HeapItem): DueItem {
  const [height, timeMs] = decodeNumbers(item);
  return { timeMs, height, ...decodeSubject(item) };
}

function decodeNumbers(item: HeapItem): [number, number] {
  const view = new DataView(item.priority.buffer, item.priority.byteOffset, PRIORITY_BYTES);
  const [first, second] = [Number(view.getBigUint64(0)), Number(view.getBigUint64(8))];
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(second)) throw corrupt(item);
  return [first, second];
}

function decodeSubject(item: HeapItem): { kind: number; subject: Uint8Array } {
  const [kind] = item.subject;
  if (kind === undefined || item.subject.length > 1 + MAX_SUBJECT_BYTES) throw corrupt(item);
  return { kind, subject: item.subject.slice(1) };
}

function corrupt({ priority, subject }: HeapItem): QueueError {
  return new QueueError('QUEUE_CORRUPT', 'no item of what falls due', {
    priority: toHex(priority),
    subject: toHex(subject),
  });
}
