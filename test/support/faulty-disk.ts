import { createHash } from 'node:crypto';
import { StoreError } from '../../state/store/errors.js';
import { checkBatch } from '../../state/store/limits.js';
import { MemoryStore } from '../../state/store/memory.js';
import type { Change, Entry, KeyRange, RangeQuery, Store, WriteOptions } from '../../state/store/store.js';
import type { Prng } from './prng.js';

/** What goes wrong with one write. */
export type Fault =
  /** No space: part of the record is on the disk, perhaps all of it. The store lives on, poisoned. */
  | 'disk-full'
  /** The process dies while the record is written: part of it is there, perhaps all. */
  | 'process-dies'
  /** Loss of power while the record is written: as before, and unsynced records before it may be gone too. */
  | 'power-fails';

/** The process that used the store is gone: nothing it awaited will ever be acknowledged. */
export class Crash extends Error {}

/**
 * A disk with a write-ahead log in segments, as LevelDB has: a batch is one checksummed record, and reopening replays every
 * segment up to its first broken record. What a crash leaves of the records that were never synced is drawn from `prng`.
 */
export class FaultyDisk {
  readonly #prng: Prng;
  #segments: Segment[] = [newSegment()];
  #store: FaultyStore | undefined;
  #planned: { fault: Fault; inWrites: number } | undefined;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  /** Mounts the disk: what survived, and nothing of a record that is not whole. */
  async open(): Promise<Store> {
    if (this.#store !== undefined && !this.#store.isDead)
      throw new StoreError('STORE_LOCKED', 'the disk is in use');
    const content = new MemoryStore();
    for (const segment of this.#segments) {
      const { batches, length } = replay(segment.bytes);
      segment.bytes = segment.bytes.subarray(0, length);
      segment.syncedLength = length;
      for (const batch of batches) await content.write(batch);
    }
    this.#store = new FaultyStore(this, content);
    return this.#store;
  }

  /** Lets the `inWrites`-th write from now (1 is the next) meet a fault. */
  plan(fault: Fault, inWrites = 1): void {
    this.#planned = { fault, inWrites };
  }

  /** The process dies between two writes: the operating system still has every record. */
  killProcess(): void {
    this.#store?.die();
  }

  /** The power fails between two writes: any part of what was not synced may be gone, in each segment on its own. */
  failPower(): void {
    this.killProcess();
    for (const segment of this.#segments) {
      const unsynced = segment.bytes.length - segment.syncedLength;
      segment.bytes = segment.bytes.subarray(0, segment.syncedLength + this.#part(unsynced));
    }
  }

  /** Appends a record, or meets the planned fault. */
  append(batch: readonly Change[], sync: boolean): void {
    const record = encodeRecord(batch);
    const segment = this.#currentSegment();
    const fault = this.#faultNow();
    if (fault !== undefined) {
      const written = this.#part(record.length);
      segment.bytes = Buffer.concat([segment.bytes, record.subarray(0, written)]);
      if (fault === 'disk-full') throw new StoreError('STORE_WRITE_FAILED', 'no space left on the disk');
      if (fault === 'power-fails') this.failPower();
      else this.killProcess();
      throw new Crash(fault);
    }
    segment.bytes = Buffer.concat([segment.bytes, record]);
    if (sync) segment.syncedLength = segment.bytes.length;
  }

  /** How much of `length` bytes made it: any part, and often all. */
  #part(length: number): number {
    return this.#prng.chance(1, 3) ? length : this.#prng.below(length + 1);
  }

  #currentSegment(): Segment {
    if (this.#prng.chance(1, 8)) this.#segments.push(newSegment());
    const segment = this.#segments.at(-1);
    if (segment === undefined) throw new RangeError('a disk has a segment');
    return segment;
  }

  #faultNow(): Fault | undefined {
    if (this.#planned === undefined || --this.#planned.inWrites > 0) return undefined;
    const { fault } = this.#planned;
    this.#planned = undefined;
    return fault;
  }
}

class FaultyStore implements Store {
  readonly #disk: FaultyDisk;
  readonly #content: MemoryStore;
  #poisoned = false;
  #closed = false;
  #dead = false;

  constructor(disk: FaultyDisk, content: MemoryStore) {
    this.#disk = disk;
    this.#content = content;
  }

  get isDead(): boolean {
    return this.#dead || this.#closed;
  }

  die(): void {
    this.#dead = true;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#assertAlive();
    return this.#content.get(key);
  }

  getMany(keys: readonly Uint8Array[]): (Uint8Array | undefined)[] {
    return keys.map((key) => this.get(key));
  }

  has(key: Uint8Array): boolean {
    return this.get(key) !== undefined;
  }

  async *range(query: RangeQuery): AsyncGenerator<readonly Entry[], void, undefined> {
    this.#assertAlive();
    for await (const page of this.#content.range(query)) {
      this.#assertAlive();
      yield page;
    }
  }

  async write(batch: readonly Change[], { sync = true }: WriteOptions = {}): Promise<void> {
    this.#assertAlive();
    checkBatch(batch);
    await this.#append(batch, sync);
  }

  /** Record by record and unsynced, as LevelDB does it. */
  async clearRange(range: KeyRange): Promise<void> {
    this.#assertAlive();
    for await (const page of this.#content.range({ ...range, limit: Number.MAX_SAFE_INTEGER })) {
      for (const { key } of page) await this.#append([{ key, value: undefined }], false);
    }
  }

  async compactRange(range: KeyRange): Promise<void> {
    this.#assertAlive();
    await this.#content.compactRange(range);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#content.close();
  }

  async #append(batch: readonly Change[], sync: boolean): Promise<void> {
    if (this.#poisoned) throw new StoreError('STORE_POISONED', 'an earlier write failed');
    try {
      this.#disk.append(batch, sync);
    } catch (error) {
      this.#poisoned = true;
      throw error;
    }
    await this.#content.write(batch);
  }

  #assertAlive(): void {
    if (this.#dead) throw new Crash('the process is gone');
    if (this.#closed) throw new StoreError('STORE_CLOSED', 'the store is closed');
  }
}

interface Segment {
  bytes: Buffer;
  syncedLength: number;
}

function newSegment(): Segment {
  return { bytes: Buffer.alloc(0), syncedLength: 0 };
}

const CHECKSUM_BYTES = 8;

/** `length u32 ‖ checksum 8 B ‖ payload`; the payload is a list of `key length u32 ‖ key ‖ value length + 1 u32 ‖ value`. */
function encodeRecord(batch: readonly Change[]): Buffer {
  const payload = Buffer.concat(
    batch.flatMap(({ key, value }) => [
      u32(key.length),
      key,
      u32(value === undefined ? 0 : value.length + 1),
      value ?? new Uint8Array(0),
    ]),
  );
  return Buffer.concat([u32(payload.length), checksum(payload), payload]);
}

/** Whole records from the start, and where the last of them ends. */
function replay(log: Buffer): { readonly batches: readonly Change[][]; readonly length: number } {
  const batches: Change[][] = [];
  let at = 0;
  while (at + 4 + CHECKSUM_BYTES <= log.length) {
    const start = at + 4 + CHECKSUM_BYTES;
    const end = start + log.readUInt32BE(at);
    if (end > log.length) break;
    const payload = log.subarray(start, end);
    if (!checksum(payload).equals(log.subarray(at + 4, start))) break;
    batches.push(decodePayload(payload));
    at = end;
  }
  return { batches, length: at };
}

function decodePayload(payload: Buffer): Change[] {
  const batch: Change[] = [];
  let at = 0;
  while (at < payload.length) {
    const keyEnd = at + 4 + payload.readUInt32BE(at);
    const valueLength = payload.readUInt32BE(keyEnd);
    const end = keyEnd + 4 + Math.max(0, valueLength - 1);
    const value = valueLength === 0 ? undefined : new Uint8Array(payload.subarray(keyEnd + 4, end));
    batch.push({ key: new Uint8Array(payload.subarray(at + 4, keyEnd)), value });
    at = end;
  }
  return batch;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function checksum(payload: Buffer): Buffer {
  return createHash('sha256').update(payload).digest().subarray(0, CHECKSUM_BYTES);
}
