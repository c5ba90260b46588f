import type { BlobTree } from '../../protocol/blob.js';
import { toHex } from '../../protocol/bytes.js';
import { BlobCatalogue, type CatalogueEntry } from './catalogue.js';
import type { BlobDisk, BlobFile } from './disk.js';
import { BlobError } from './errors.js';
import { writeIncoming, type BlobSource } from './incoming.js';
import {
  fileBytes,
  INCOMING,
  nameOf,
  PARTIAL,
  partialPath,
  uploaderDigest,
  WHOLE,
  wholeFolder,
  wholePath,
} from './layout.js';
import { corrupt, OpenBlob, readTree } from './open-blob.js';
import { PartialBlob } from './partial-blob.js';
import type { PinReason, Pins } from './pins.js';
import { TreeCache } from './tree-cache.js';

export interface BlobLimits {
  /** Bytes on the disk: whole blobs and downloads. */
  readonly maxBytes: number;
  /** Of them, brought by one uploader. */
  readonly maxUploaderBytes: number;
  /** Of one blob that is uploaded or fetched. */
  readonly maxBlobBytes: number;
  /** Blobs and downloads. */
  readonly maxCount: number;
  /** Where room is needed, an unpinned blob makes room when nobody has used it for so long. */
  readonly graceMs: number;
}

export const DEFAULT_BLOB_LIMITS: BlobLimits = {
  maxBytes: 16 * 2 ** 30,
  maxUploaderBytes: 4 * 2 ** 30,
  maxBlobBytes: 2 ** 30,
  maxCount: 16_384,
  // Time to post the job that pins it.
  graceMs: 10 * 60_000,
};

export interface BlobStoreOptions {
  readonly disk: BlobDisk;
  readonly limits: BlobLimits;
  /** Unix milliseconds. */
  readonly nowMs: () => number;
}

export interface BlobStatus {
  readonly state: 'whole' | 'partial' | 'absent';
  /** Undefined where it is not here at all. */
  readonly lengthBytes: number | undefined;
  readonly pins: Readonly<Record<PinReason['kind'], number>>;
  /** Unix milliseconds; since a restart, or when it was stored. */
  readonly usedMs: number | undefined;
}

export interface BlobFigures {
  readonly blobs: number;
  readonly partials: number;
  readonly usedBytes: number;
  readonly maxBytes: number;
  readonly pins: number;
  /** Since the start, as are those that follow. */
  readonly collected: number;
  readonly corrupted: number;
}

export interface Collected {
  readonly blobs: number;
  readonly bytes: number;
}

/** Files that one collection removes at most. */
export const MAX_COLLECTED = 256;

/**
 * Blobs on a disk, by their ids. One owner at a time: nobody else may change the folder. Bytes pass through chunk by chunk; what is read is
 * verified.
 */
export class BlobStore {
  readonly limits: BlobLimits;
  readonly #disk: BlobDisk;
  readonly #nowMs: () => number;
  readonly #catalogue: BlobCatalogue;
  readonly #pins: Pins;
  readonly #trees = new TreeCache();
  /** Downloads in progress. */
  readonly #open = new Set<string>();
  #changes: Promise<unknown> = Promise.resolve();
  #incoming = 0;
  #collected = 0;
  #corrupted = 0;
  #isClosed = false;

  /** Reads what is there, and removes what a crash has left half-done. @throws BlobError as the disk */
  static async open(options: BlobStoreOptions): Promise<BlobStore> {
    const { catalogue, pins } = await BlobCatalogue.load(options.disk, options.limits);
    return new BlobStore(options, catalogue, pins);
  }

  private constructor({ disk, limits, nowMs }: BlobStoreOptions, catalogue: BlobCatalogue, pins: Pins) {
    this.limits = limits;
    this.#disk = disk;
    this.#nowMs = nowMs;
    this.#catalogue = catalogue;
    this.#pins = pins;
  }

  get figures(): BlobFigures {
    return {
      ...this.#catalogue.figures,
      maxBytes: this.limits.maxBytes,
      pins: this.#pins.count,
      collected: this.#collected,
      corrupted: this.#corrupted,
    };
  }

  /** Length of a blob that is here as a whole. */
  lengthOf(id: Uint8Array): number | undefined {
    return this.#catalogue.whole(nameOf(id))?.lengthBytes;
  }

  status(id: Uint8Array): BlobStatus {
    const name = nameOf(id);
    const whole = this.#catalogue.whole(name);
    const entry = whole ?? this.#catalogue.partial(name);
    const state = whole !== undefined ? 'whole' : entry === undefined ? 'absent' : 'partial';
    const pins = this.#pins.kindsOf(name);
    return { state, lengthBytes: entry?.lengthBytes, pins, usedMs: entry?.usedMs };
  }

  /**
   * Takes a blob in. When it resolves, the blob outlasts a loss of power.
   *
   * @returns its id, and whether it is new here
   * @throws BlobError BLOB_TOO_LARGE | BLOB_LENGTH | BLOB_ID_MISMATCH | BLOB_STORE_FULL | BLOB_UPLOADER_FULL; as the disk; what its source throws
   */
  async write(
    source: BlobSource,
  ): Promise<{ readonly id: Uint8Array; readonly lengthBytes: number; readonly isNew: boolean }> {
    this.#assertOpen();
    const { maxBlobBytes } = this.limits;
    if (source.lengthBytes !== undefined && source.lengthBytes > maxBlobBytes)
      throw new BlobError('BLOB_TOO_LARGE', `more than ${maxBlobBytes} bytes`, { maxBytes: maxBlobBytes });
    const uploader = toHex(uploaderDigest(source.uploader));
    const path = `${INCOMING}/${this.#incoming++}`;
    let takenBytes = 0;
    let isKept = false;
    try {
      const file = await this.#disk.create(path);
      const written = await writeIncoming(file, source, maxBlobBytes, async (bytes) => {
        await this.#take(bytes, uploader);
        takenBytes += bytes;
      }).finally(() => file.close());
      isKept = await this.#exclusively(() => this.#keep(path, written, uploader));
      await this.#exclusively(() => this.#syncMoved(INCOMING, nameOf(written.id)));
      return { ...written, isNew: isKept };
    } finally {
      if (!isKept) {
        this.#catalogue.quota.count(-takenBytes, uploader);
        await this.#disk.remove(path).catch(() => undefined);
      }
    }
  }

  /** A blob to be read. @throws BlobError BLOB_UNKNOWN | BLOB_CORRUPT; as the disk */
  async read(id: Uint8Array): Promise<OpenBlob> {
    this.#assertOpen();
    const name = nameOf(id);
    const file =
      this.#catalogue.whole(name) === undefined ? undefined : await this.#disk.open(wholePath(name), 'read');
    if (file === undefined) throw new BlobError('BLOB_UNKNOWN', 'the blob is not here', { blob: name });
    this.#catalogue.use(name, this.#nowMs());
    const onCorrupt = (): Promise<void> => this.#setAside(name);
    try {
      const tree = this.#trees.get(name) ?? (await this.#readTree(name, id, file));
      return new OpenBlob(id, tree, file, onCorrupt);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * A blob to be fetched, or to go on with. Close it.
   *
   * @throws BlobError BLOB_BUSY; as the disk
   */
  async fetch(id: Uint8Array): Promise<PartialBlob> {
    this.#assertOpen();
    const name = nameOf(id);
    if (this.#open.has(name)) throw new BlobError('BLOB_BUSY', 'the blob is being fetched', { blob: name });
    this.#open.add(name);
    try {
      return await PartialBlob.open({
        id,
        open: () => this.#disk.open(partialPath(name), 'write'),
        create: (lengthBytes) => this.#createPartial(name, lengthBytes),
        discard: () => this.#exclusively(() => this.#removePartial(name)),
        finish: () => this.#exclusively(() => this.#finishPartial(name)),
        release: () => this.#open.delete(name),
      });
    } catch (error) {
      this.#open.delete(name);
      throw error;
    }
  }

  /** @throws BlobError BLOB_TOO_MANY_PINS; as the disk */
  pin(id: Uint8Array, reason: PinReason): Promise<void> {
    this.#assertOpen();
    return this.#pins.add(nameOf(id), reason);
  }

  unpin(id: Uint8Array, reason: PinReason): Promise<void> {
    this.#assertOpen();
    return this.#pins.remove(nameOf(id), reason);
  }

  /** Unpins all blobs of a job or a source. */
  release(reason: PinReason): Promise<void> {
    this.#assertOpen();
    return this.#pins.release(reason);
  }

  /** Removes what nobody has pinned and nobody has used for `idleMs`: the oldest, {@link MAX_COLLECTED} at most. */
  async collect(idleMs: number): Promise<Collected> {
    return this.#exclusively(() => this.#evict(idleMs, Infinity));
  }

  /** Lets changes that have begun come to their end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#changes;
  }

  async #keep(
    path: string,
    { id, lengthBytes }: { readonly id: Uint8Array; readonly lengthBytes: number },
    uploader: string,
  ): Promise<boolean> {
    const name = nameOf(id);
    if (this.#catalogue.whole(name) !== undefined) {
      this.#catalogue.use(name, this.#nowMs());
      return false;
    }
    await this.#moveIn(path, name);
    this.#catalogue.addWhole(name, { lengthBytes, uploader, usedMs: this.#nowMs() });
    if (!this.#open.has(name)) await this.#removePartial(name);
    return true;
  }

  async #finishPartial(name: string): Promise<void> {
    const entry = this.#catalogue.partial(name);
    if (this.#catalogue.whole(name) !== undefined || entry === undefined) {
      await this.#removePartial(name);
      return;
    }
    await this.#moveIn(partialPath(name), name);
    this.#catalogue.removePartial(name);
    this.#catalogue.addWhole(name, { ...entry, usedMs: this.#nowMs() });
    await this.#syncMoved(PARTIAL, name);
  }

  async #moveIn(path: string, name: string): Promise<void> {
    await this.#disk.makeFolder(wholeFolder(name));
    await this.#disk.syncFolder(WHOLE);
    await this.#disk.rename(path, wholePath(name));
  }

  /** Makes the new name outlast a loss of power, then the end of the old one. */
  async #syncMoved(from: string, name: string): Promise<void> {
    await this.#disk.syncFolder(wholeFolder(name));
    await this.#disk.syncFolder(from);
  }

  async #createPartial(name: string, lengthBytes: number): Promise<BlobFile> {
    const { maxBlobBytes } = this.limits;
    if (lengthBytes > maxBlobBytes)
      throw new BlobError('BLOB_TOO_LARGE', `more than ${maxBlobBytes} bytes`, {
        lengthBytes,
        maxBytes: maxBlobBytes,
      });
    await this.#take(fileBytes(lengthBytes), undefined);
    this.#catalogue.addPartial(name, { lengthBytes, uploader: undefined, usedMs: this.#nowMs() });
    try {
      return await this.#disk.create(partialPath(name));
    } catch (error) {
      await this.#exclusively(() => this.#removePartial(name));
      throw error;
    }
  }

  async #removePartial(name: string): Promise<void> {
    const entry = this.#catalogue.partial(name);
    if (entry === undefined) return;
    await this.#disk.remove(partialPath(name));
    this.#catalogue.removePartial(name);
    this.#catalogue.quota.count(-fileBytes(entry.lengthBytes), undefined);
  }

  async #removeWhole(name: string, entry: CatalogueEntry): Promise<void> {
    this.#catalogue.removeWhole(name);
    this.#trees.forget(name);
    try {
      await this.#disk.remove(wholePath(name));
    } catch (error) {
      this.#catalogue.addWhole(name, entry);
      throw error;
    }
    this.#catalogue.quota.count(-fileBytes(entry.lengthBytes), entry.uploader);
  }

  async #readTree(name: string, id: Uint8Array, file: BlobFile): Promise<BlobTree> {
    const tree = await readTree(file, id);
    if (tree === undefined) {
      await this.#setAside(name);
      throw corrupt(id);
    }
    this.#trees.keep(name, tree);
    return tree;
  }

  /** A damaged blob becomes a download: what is still right of it need not be fetched again. */
  #setAside(name: string): Promise<void> {
    return this.#exclusively(async () => {
      const entry = this.#catalogue.whole(name);
      if (entry === undefined) return;
      this.#corrupted++;
      if (this.#open.has(name)) {
        await this.#removeWhole(name, entry);
        return;
      }
      await this.#removePartial(name);
      await this.#disk.rename(wholePath(name), partialPath(name));
      this.#catalogue.removeWhole(name);
      this.#trees.forget(name);
      this.#catalogue.addPartial(name, { ...entry, uploader: undefined });
      this.#catalogue.quota.count(-fileBytes(entry.lengthBytes), entry.uploader);
      this.#catalogue.quota.count(fileBytes(entry.lengthBytes), undefined);
    });
  }

  /** Makes room, where that is possible, and takes it. */
  async #take(bytes: number, uploader: string | undefined): Promise<void> {
    const { quota } = this.#catalogue;
    quota.checkUploader(bytes, uploader);
    const { maxBytes, maxCount, graceMs } = this.limits;
    const isFull = (): boolean => quota.shortOf(bytes) > 0 || this.#catalogue.count >= maxCount;
    if (isFull()) {
      await this.#exclusively(async () => {
        // Some more than is needed, so that not every chunk has to look for room.
        if (isFull()) await this.#evict(graceMs, quota.shortOf(bytes) + Math.floor(maxBytes / 64));
      });
      if (this.#catalogue.count >= maxCount)
        throw new BlobError('BLOB_STORE_FULL', 'there are as many blobs as the store keeps', { maxCount });
    }
    quota.take(bytes, uploader);
  }

  /** Removes unpinned blobs and forgotten downloads, those used longest ago first, until so many bytes are free. */
  async #evict(idleMs: number, wantedBytes: number): Promise<Collected> {
    const untilMs = this.#nowMs() - idleMs;
    let blobs = 0;
    let bytes = 0;
    for (const { name, entry, isWhole } of this.#catalogue.idleSince(untilMs)) {
      if (bytes >= wantedBytes || blobs >= MAX_COLLECTED) break;
      if (isWhole ? this.#pins.isPinned(name) : this.#open.has(name)) continue;
      if (isWhole) await this.#removeWhole(name, entry);
      else await this.#removePartial(name);
      blobs++;
      bytes += fileBytes(entry.lengthBytes);
    }
    this.#collected += blobs;
    return { blobs, bytes };
  }

  /** One change of names after the other. */
  #exclusively<Result>(change: () => Promise<Result>): Promise<Result> {
    const done = this.#changes.then(change);
    this.#changes = done.catch(() => undefined);
    return done;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new BlobError('BLOB_STORE_CLOSED', 'the store of blobs was closed');
  }
}
