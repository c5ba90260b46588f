import type { Directory, OpenFile } from '../../consensus/disk/directory.js';
import { DiskError, type Folder } from '../../consensus/disk/disk.js';
import { durableFolder } from '../../consensus/disk/durable-folder.js';
import type { Prng } from '../support/prng.js';

/** One step at the file system: where latency, faults and crashes happen. */
export type DiskStep =
  'open' | 'append' | 'sync-file' | 'read' | 'rename' | 'remove' | 'sync-folder' | 'list' | 'close';

/** What the next crash leaves of what was not synced. */
export type CrashKind =
  /** The process dies; the operating system keeps all it was given, durable or not. */
  | 'process'
  /** The power fails: of each file any part of what was not synced may be lost or garbled, and the last entries of folders undone. */
  | 'power';

export interface SimulatedDiskOptions {
  /** Draws what a crash leaves. */
  readonly prng: Prng;
  /** Awaited before every step: for latency, and to crash there. */
  readonly delay?: (step: DiskStep) => Promise<void>;
  /** Bytes that all files together can hold. Default: no bound. */
  readonly capacityBytes?: number;
}

/** What the process that used the disk meets when it is dead: it never learns more. */
export class SimulatedCrash extends Error {}

/** A disk in memory that loses all that POSIX allows it to lose. The folders it opens run the code that runs on real disks. */
export class SimulatedDisk {
  readonly #prng: Prng;
  readonly #delay: ((step: DiskStep) => Promise<void>) | undefined;
  readonly #folders: Map<string, Entries>;
  readonly #locked = new Set<string>();
  #dead = false;
  #steps = 0;
  #appendedBytes = 0;
  /** Can be changed at any time, to fill the disk or to free it. */
  capacityBytes: number;
  /** The process dies in this step, counted from 1, or once so many bytes are appended. */
  crashAt: { readonly step?: number; readonly byte?: number } = {};
  /** This step, counted from 1, fails and says so; a sync or rename that fails may have happened all the same. */
  failAt: number | undefined;

  constructor(options: SimulatedDiskOptions, folders = new Map<string, Entries>()) {
    this.#prng = options.prng;
    this.#delay = options.delay;
    this.capacityBytes = options.capacityBytes ?? Infinity;
    this.#folders = folders;
  }

  /** Steps taken so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Bytes appended to files so far. */
  get appendedBytes(): number {
    return this.#appendedBytes;
  }

  /** @throws DiskError DISK_LOCKED */
  openFolder(path: string): { readonly folder: Folder; readonly unlock: () => Promise<void> } {
    if (this.#locked.has(path))
      throw new DiskError('DISK_LOCKED', 'another process has the folder', { path });
    this.#locked.add(path);
    return {
      folder: durableFolder(this.directory(path)),
      unlock: () => {
        this.#locked.delete(path);
        return Promise.resolve();
      },
    };
  }

  /** What the disk holds now, on another one: its own process goes on. */
  copy(options: Partial<SimulatedDiskOptions> = {}): SimulatedDisk {
    const copies = new Map<Inode, Inode>();
    const copyOf = (inode: Inode): Inode => {
      const copied = copies.get(inode) ?? inode.copy();
      copies.set(inode, copied);
      return copied;
    };
    const folders = new Map([...this.#folders].map(([path, entries]) => [path, entries.copy(copyOf)]));
    return new SimulatedDisk({ prng: this.#prng, capacityBytes: this.capacityBytes, ...options }, folders);
  }

  /** Ends the process that uses the disk, between two steps or in one: the disk as the next process finds it. */
  crash(kind: CrashKind = 'power', options: Partial<SimulatedDiskOptions> = {}): SimulatedDisk {
    this.#dead = true;
    const survivors = new Map<Inode, Inode>();
    const surviving = (inode: Inode): Inode => {
      const known =
        survivors.get(inode) ?? (kind === 'process' ? inode.copy() : inode.afterPowerLoss(this.#prng));
      survivors.set(inode, known);
      return known;
    };
    const folders = new Map<string, Entries>();
    for (const [path, entries] of this.#folders) {
      folders.set(
        path,
        kind === 'process' ? entries.copy(surviving) : entries.afterPowerLoss(this.#prng, surviving),
      );
    }
    return new SimulatedDisk({ prng: this.#prng, capacityBytes: this.capacityBytes, ...options }, folders);
  }

  /** What is left of a file whatever happens to the disk's process or power. */
  durableContent(path: string, name: string): Uint8Array | undefined {
    return this.#entries(path).durable(name)?.durableContent();
  }

  /** Whether a file of a folder holds anything that a loss of power could take. */
  hasUnsynced(path: string): boolean {
    return this.#entries(path).hasUnsynced();
  }

  /** Changes bytes of a file in place, as rot does. */
  rot(path: string, name: string, change: (bytes: Uint8Array) => Uint8Array): void {
    const inode = this.#entries(path).get(name);
    if (inode === undefined) throw new RangeError(`no file ${name} in ${path}`);
    const rotten = change(inode.content());
    inode.empty();
    inode.append(rotten);
    inode.sync();
  }

  /** As somebody who deletes a file by hand. */
  deleteFile(path: string, name: string): void {
    this.#entries(path).set(name, undefined);
    this.#entries(path).sync();
  }

  /** The steps themselves, for tests of what they promise. */
  directory(path: string): Directory {
    const entries = this.#entries(path);
    const move = (from: string, to: string): void => {
      const inode = entries.get(from);
      if (inode === undefined) throw new DiskError('DISK_FAILED', 'no such file', { path, from });
      entries.rename(from, to, inode);
    };
    return {
      path,
      open: async (name) => {
        await this.#step('open');
        const inode = entries.get(name) ?? new Inode();
        if (entries.get(name) === undefined) entries.set(name, inode);
        inode.empty();
        return this.#file(path, inode);
      },
      read: async (name, maxBytes) => {
        await this.#step('read');
        const bytes = entries.get(name)?.content();
        if (bytes === undefined || bytes.length <= maxBytes) return bytes;
        throw new DiskError('DISK_TOO_LARGE', `the file is longer than ${maxBytes} bytes`, {
          path,
          maxBytes,
        });
      },
      rename: (from, to) => this.#step('rename', () => move(from, to)),
      remove: (name) => this.#step('remove', () => entries.get(name) && entries.set(name, undefined)),
      sync: () => this.#step('sync-folder', () => entries.sync()),
      list: async () => {
        await this.#step('list');
        return entries.names();
      },
    };
  }

  #file(path: string, inode: Inode): OpenFile {
    return {
      append: async (bytes) => {
        await this.#step('append');
        this.#append(path, inode, bytes);
      },
      sync: () => this.#step('sync-file', () => inode.sync()),
      close: () => this.#step('close'),
    };
  }

  /** Writes what fits before the disk is full or the process dies. */
  #append(path: string, inode: Inode, bytes: Uint8Array): void {
    const free = Math.max(0, this.capacityBytes - this.#usedBytes());
    const living = (this.crashAt.byte ?? Infinity) - this.#appendedBytes;
    const fitting = bytes.subarray(0, Math.min(bytes.length, free, living));
    inode.append(fitting);
    this.#appendedBytes += fitting.length;
    if (living <= bytes.length && living <= free) this.#die();
    if (fitting.length === bytes.length) return;
    throw new DiskError('DISK_FULL', 'no space left to write', { path, cure: 'free space on the disk' });
  }

  /** A step that the planned crash or failure meets has happened or not: both are possible. */
  async #step(step: DiskStep, effect: () => void = () => undefined): Promise<void> {
    this.#assertAlive();
    await this.#delay?.(step);
    this.#assertAlive();
    this.#steps++;
    const crashes = this.#steps === this.crashAt.step;
    const fails = this.#steps === this.failAt;
    if ((!crashes && !fails) || this.#prng.chance(1, 2)) effect();
    if (crashes) this.#die();
    if (fails) throw new DiskError('DISK_FAILED', `the disk failed at ${step}`, { step });
  }

  #die(): never {
    this.#dead = true;
    throw new SimulatedCrash('the process dies');
  }

  #assertAlive(): void {
    if (this.#dead) throw new SimulatedCrash('the process is dead');
  }

  #entries(path: string): Entries {
    const entries = this.#folders.get(path) ?? new Entries();
    this.#folders.set(path, entries);
    return entries;
  }

  #usedBytes(): number {
    let used = 0;
    for (const entries of this.#folders.values()) used += entries.usedBytes();
    return used;
  }
}

/** A file: what it holds, and how much of that is durable. */
class Inode {
  #bytes = new Uint8Array(256);
  #length = 0;
  #syncedLength = 0;
  /** What a power loss brings back where the file was emptied and not synced since. */
  #before: Uint8Array | undefined;

  get length(): number {
    return this.#length;
  }

  get isSynced(): boolean {
    return this.#syncedLength === this.#length;
  }

  content(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  durableContent(): Uint8Array {
    return this.#bytes.slice(0, this.#syncedLength);
  }

  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
  }

  empty(): void {
    this.#before ??= this.#bytes.slice(0, this.#syncedLength);
    this.#length = 0;
    this.#syncedLength = 0;
  }

  sync(): void {
    this.#syncedLength = this.#length;
    this.#before = undefined;
  }

  copy(): Inode {
    const copy = new Inode();
    copy.append(this.content());
    copy.#syncedLength = this.#syncedLength;
    copy.#before = this.#before?.slice();
    return copy;
  }

  /** The synced part, and any part of the rest: cut off anywhere, holed anywhere, since pages reach a disk in any order. */
  afterPowerLoss(prng: Prng): Inode {
    const survivor = new Inode();
    if (this.#before !== undefined && prng.chance(1, 2)) {
      survivor.append(this.#before);
    } else {
      const unsynced = this.#bytes.slice(this.#syncedLength, this.#length);
      const kept = unsynced.subarray(0, part(unsynced.length, prng));
      if (prng.chance(1, 2)) spoil(kept, prng);
      survivor.append(this.#bytes.subarray(0, this.#syncedLength));
      survivor.append(kept);
    }
    survivor.sync();
    return survivor;
  }
}

/** All of it and none of it are what happens most. */
function part(length: number, prng: Prng): number {
  return prng.pick([0, length, prng.below(length + 1)]);
}

/** A hole of zeros or of anything. */
function spoil(bytes: Uint8Array, prng: Prng): void {
  const from = prng.below(bytes.length + 1);
  const to = from + prng.below(bytes.length - from + 1);
  if (prng.chance(1, 2)) bytes.fill(0, from, to);
  else bytes.set(prng.bytes(to - from), from);
}

type EntryChange = readonly (readonly [name: string, inode: Inode | undefined])[];

/** The files of a folder by name, and the changes since it was synced, which a power loss undoes from the last one backwards. */
class Entries {
  #current = new Map<string, Inode>();
  #durable = new Map<string, Inode>();
  #unsynced: EntryChange[] = [];

  get(name: string): Inode | undefined {
    return this.#current.get(name);
  }

  durable(name: string): Inode | undefined {
    return this.#durable.get(name);
  }

  names(): string[] {
    return [...this.#current.keys()];
  }

  set(name: string, inode: Inode | undefined): void {
    this.#change([[name, inode]]);
  }

  rename(from: string, to: string, inode: Inode): void {
    this.#change([
      [from, undefined],
      [to, inode],
    ]);
  }

  sync(): void {
    this.#durable = new Map(this.#current);
    this.#unsynced = [];
  }

  hasUnsynced(): boolean {
    return [...this.#current.values()].some((inode) => !inode.isSynced);
  }

  usedBytes(): number {
    let used = 0;
    for (const inode of this.#current.values()) used += inode.length;
    return used;
  }

  copy(surviving: (inode: Inode) => Inode): Entries {
    const copy = new Entries();
    copy.#durable = mapValues(this.#durable, surviving);
    copy.#current = mapValues(this.#current, surviving);
    copy.#unsynced = this.#unsynced.map((change) =>
      change.map(([name, inode]) => [name, inode && surviving(inode)] as const),
    );
    return copy;
  }

  afterPowerLoss(prng: Prng, surviving: (inode: Inode) => Inode): Entries {
    const survivor = new Entries();
    survivor.#current = mapValues(this.#durable, surviving);
    const kept = prng.below(this.#unsynced.length + 1);
    for (const change of this.#unsynced.slice(0, kept)) {
      apply(
        survivor.#current,
        change.map(([name, inode]) => [name, inode && surviving(inode)] as const),
      );
    }
    survivor.sync();
    return survivor;
  }

  #change(change: EntryChange): void {
    apply(this.#current, change);
    this.#unsynced.push(change);
  }
}

function apply(entries: Map<string, Inode>, change: EntryChange): void {
  for (const [name, inode] of change) {
    if (inode === undefined) entries.delete(name);
    else entries.set(name, inode);
  }
}

function mapValues(entries: Map<string, Inode>, to: (inode: Inode) => Inode): Map<string, Inode> {
  return new Map([...entries].map(([name, inode]) => [name, to(inode)]));
}
