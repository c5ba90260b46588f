import { toHex } from '../../protocol/bytes.js';
import type { BlobDisk } from './disk.js';
import {
  BLOB_NAME,
  fileBytes,
  INCOMING,
  NO_UPLOADER,
  PARTIAL,
  partialPath,
  PINS,
  WHOLE,
  wholePath,
} from './layout.js';
import { readFooter } from './open-blob.js';
import { Pins } from './pins.js';
import { Quota } from './quota.js';

export interface CatalogueEntry {
  readonly lengthBytes: number;
  /** Digest in hex; undefined where it came from peers. */
  readonly uploader: string | undefined;
  /** Unix milliseconds. */
  readonly usedMs: number;
}

export interface IdleEntry {
  readonly name: string;
  readonly entry: CatalogueEntry;
  readonly isWhole: boolean;
}

/** What lies in the folder of a store. */
export class BlobCatalogue {
  readonly quota: Quota;
  readonly #whole = new Map<string, CatalogueEntry>();
  readonly #partial = new Map<string, CatalogueEntry>();

  /** Reads the folder, and removes what a crash has left half-done. */
  static async load(
    disk: BlobDisk,
    limits: { readonly maxBytes: number; readonly maxUploaderBytes: number },
  ): Promise<{ readonly catalogue: BlobCatalogue; readonly pins: Pins }> {
    for (const folder of ['.', WHOLE, PARTIAL, INCOMING, PINS]) await disk.makeFolder(folder);
    await disk.syncFolder('.');
    for (const { name } of await disk.list(INCOMING)) await disk.remove(`${INCOMING}/${name}`);
    const catalogue = new BlobCatalogue(new Quota(limits.maxBytes, limits.maxUploaderBytes));
    await catalogue.#load(disk);
    return { catalogue, pins: await Pins.open(disk) };
  }

  private constructor(quota: Quota) {
    this.quota = quota;
  }

  get count(): number {
    return this.#whole.size + this.#partial.size;
  }

  get figures(): { readonly blobs: number; readonly partials: number; readonly usedBytes: number } {
    return { blobs: this.#whole.size, partials: this.#partial.size, usedBytes: this.quota.usedBytes };
  }

  whole(name: string): CatalogueEntry | undefined {
    return this.#whole.get(name);
  }

  partial(name: string): CatalogueEntry | undefined {
    return this.#partial.get(name);
  }

  addWhole(name: string, entry: CatalogueEntry): void {
    this.#whole.set(name, entry);
  }

  addPartial(name: string, entry: CatalogueEntry): void {
    this.#partial.set(name, entry);
  }

  removeWhole(name: string): void {
    this.#whole.delete(name);
  }

  removePartial(name: string): void {
    this.#partial.delete(name);
  }

  use(name: string, usedMs: number): void {
    const entry = this.#whole.get(name);
    if (entry !== undefined) this.#whole.set(name, { ...entry, usedMs });
  }

  /** Used before then, longest ago first. */
  idleSince(untilMs: number): IdleEntry[] {
    const listed = (entries: Map<string, CatalogueEntry>, isWhole: boolean): IdleEntry[] =>
      [...entries].map(([name, entry]) => ({ name, entry, isWhole }));
    return [...listed(this.#whole, true), ...listed(this.#partial, false)]
      .filter(({ entry }) => entry.usedMs <= untilMs)
      .sort((a, b) => a.entry.usedMs - b.entry.usedMs);
  }

  async #load(disk: BlobDisk): Promise<void> {
    for (const folder of await disk.folders(WHOLE)) {
      for (const { name, writtenMs } of await disk.list(`${WHOLE}/${folder}`)) {
        if (BLOB_NAME.test(name) && name.startsWith(folder))
          await this.#loadFile(disk, name, true, writtenMs);
      }
    }
    for (const { name, writtenMs } of await disk.list(PARTIAL)) {
      if (BLOB_NAME.test(name)) await this.#loadFile(disk, name, false, writtenMs);
    }
  }

  /** A file that is no blob is worth nothing: without its length nobody can say what is missing. */
  async #loadFile(disk: BlobDisk, name: string, isWhole: boolean, writtenMs: number): Promise<void> {
    const path = isWhole ? wholePath(name) : partialPath(name);
    const file = await disk.open(path, 'read');
    const footer = file && (await readFooter(file).finally(() => file.close()));
    if (footer === undefined || (!isWhole && this.#whole.has(name))) {
      await disk.remove(path);
      return;
    }
    const { lengthBytes, uploader: digest } = footer;
    const isCharged = isWhole && digest.some((byte, i) => byte !== NO_UPLOADER[i]);
    const uploader = isCharged ? toHex(digest) : undefined;
    const entry = { lengthBytes, uploader, usedMs: writtenMs };
    if (isWhole) this.#whole.set(name, entry);
    else this.#partial.set(name, entry);
    this.quota.count(fileBytes(lengthBytes), uploader);
  }
}
