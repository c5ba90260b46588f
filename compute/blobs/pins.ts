import { toHex } from '../../protocol/bytes.js';
import type { BlobDisk } from './disk.js';
import { BlobError } from './errors.js';
import { BLOB_NAME, PINS } from './layout.js';

/** Why a blob must stay. */
export type PinReason =
  | { readonly kind: 'job'; readonly id: Uint8Array }
  /** Weights of a source. */
  | { readonly kind: 'source'; readonly id: Uint8Array }
  | { readonly kind: 'operator' };

export const MAX_PINS = 65_536;

/**
 * Which blobs must stay, and for whom: an empty file each, so that each change is one step of the file system. A blob may be pinned before it
 * is here.
 */
export class Pins {
  readonly #disk: BlobDisk;
  /** Names of files by name of blob. */
  readonly #byBlob = new Map<string, Set<string>>();
  readonly #byReason = new Map<string, Set<string>>();
  #count = 0;

  static async open(disk: BlobDisk): Promise<Pins> {
    const pins = new Pins(disk);
    for (const { name } of await disk.list(PINS)) {
      const [blob = '', reason = ''] = name.split('.');
      if (BLOB_NAME.test(blob) && REASON.test(reason)) pins.#remember(blob, reason);
    }
    return pins;
  }

  private constructor(disk: BlobDisk) {
    this.#disk = disk;
  }

  get count(): number {
    return this.#count;
  }

  isPinned(blob: string): boolean {
    return this.#byBlob.has(blob);
  }

  /** How many of each kind. */
  kindsOf(blob: string): Readonly<Record<PinReason['kind'], number>> {
    const kinds = { job: 0, source: 0, operator: 0 };
    for (const reason of this.#byBlob.get(blob) ?? []) kinds[kindOf(reason)]++;
    return kinds;
  }

  /** Durable when it resolves. The same pin twice is one. @throws BlobError BLOB_TOO_MANY_PINS, and as the disk */
  async add(blob: string, reason: PinReason): Promise<void> {
    const name = textOf(reason);
    if (this.#byBlob.get(blob)?.has(name) === true) return;
    if (this.#count >= MAX_PINS)
      throw new BlobError('BLOB_TOO_MANY_PINS', 'more pins than the store keeps', { maxPins: MAX_PINS });
    // Before the file is there: nobody may collect the blob meanwhile.
    this.#remember(blob, name);
    try {
      const path = `${PINS}/${blob}.${name}`;
      const file = (await this.#disk.open(path, 'write')) ?? (await this.#disk.create(path));
      await file.close();
      await this.#disk.syncFolder(PINS);
    } catch (error) {
      this.#forget(blob, name);
      throw error;
    }
  }

  async remove(blob: string, reason: PinReason): Promise<void> {
    await this.#drop([blob], textOf(reason));
  }

  /** Unpins everything that was pinned for this reason. */
  async release(reason: PinReason): Promise<void> {
    const name = textOf(reason);
    await this.#drop([...(this.#byReason.get(name) ?? [])], name);
  }

  async #drop(blobs: readonly string[], reason: string): Promise<void> {
    for (const blob of blobs) {
      if (this.#byBlob.get(blob)?.has(reason) !== true) continue;
      await this.#disk.remove(`${PINS}/${blob}.${reason}`);
      this.#forget(blob, reason);
    }
  }

  #remember(blob: string, reason: string): void {
    addTo(this.#byBlob, blob, reason);
    addTo(this.#byReason, reason, blob);
    this.#count++;
  }

  #forget(blob: string, reason: string): void {
    removeFrom(this.#byBlob, blob, reason);
    removeFrom(this.#byReason, reason, blob);
    this.#count--;
  }
}

const REASON = /^(?:operator|(?:job|source)-[0-9a-f]{64})$/;

function textOf(reason: PinReason): string {
  return reason.kind === 'operator' ? 'operator' : `${reason.kind}-${toHex(reason.id).slice(2)}`;
}

function kindOf(reason: string): PinReason['kind'] {
  if (reason.startsWith('job-')) return 'job';
  return reason.startsWith('source-') ? 'source' : 'operator';
}

function addTo(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key) ?? new Set();
  values.add(value);
  map.set(key, values);
}

function removeFrom(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key);
  values?.delete(value);
  if (values?.size === 0) map.delete(key);
}
