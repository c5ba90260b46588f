import { blobChunkBytes, blobChunkCount, blobIdOfLeaves, blobLeaf } from '../../protocol/blob.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { HASH_LENGTH } from '../../protocol/crypto/hash.js';
import { invariant } from '../../protocol/invariant.js';
import { BLOB_CHUNK_BYTES } from '../../protocol/limits.js';
import type { BlobFile } from './disk.js';
import { encodeFooter, fileBytes, leafPosition, NO_UPLOADER } from './layout.js';
import { corrupt, readFooter, readLeaves } from './open-blob.js';

/** What a download asks of its store. */
export interface PartialHome {
  readonly id: Uint8Array;
  /** The file of a download that was broken off; undefined where there is none. */
  open(): Promise<BlobFile | undefined>;
  /** Counts the room for it, and makes its file. */
  create(lengthBytes: number): Promise<BlobFile>;
  /** Gives it back, with its file. */
  discard(): Promise<void>;
  /** It is whole and synced: it becomes a blob. */
  finish(): Promise<void>;
  /** The download ends, whole or not. */
  release(): void;
}

/** A blob that is being fetched. What has come outlasts the process; what a crash has damaged is noticed and fetched again. */
export class PartialBlob {
  readonly id: Uint8Array;
  readonly #home: PartialHome;
  #file: BlobFile | undefined;
  #beginning: Promise<BlobFile> | undefined;
  #lengthBytes: number | undefined;
  /** Undefined for those that are missing. */
  #leaves: (Uint8Array | undefined)[] = [];
  #heldCount = 0;

  /** Goes on with what there is: every chunk is looked at again. @throws as the disk */
  static async open(home: PartialHome): Promise<PartialBlob> {
    const partial = new PartialBlob(home);
    await partial.#resume();
    return partial;
  }

  private constructor(home: PartialHome) {
    this.id = home.id;
    this.#home = home;
  }

  /** Undefined until the first chunk has proved it. */
  get lengthBytes(): number | undefined {
    return this.#lengthBytes;
  }

  get heldCount(): number {
    return this.#heldCount;
  }

  get isWhole(): boolean {
    return this.#lengthBytes !== undefined && this.#heldCount === this.#leaves.length;
  }

  has(index: number): boolean {
    return this.#leaves[index] !== undefined;
  }

  /**
   * Keeps a chunk.
   *
   * @param leaf as `provenBlobLeaf` has found it: nothing is kept that is not proved
   * @throws BlobError BLOB_STORE_FULL with the first chunk; as the disk
   */
  async put(lengthBytes: number, index: number, bytes: Uint8Array, leaf: Uint8Array): Promise<void> {
    // What the disk says of the length has not been proved.
    if (this.#lengthBytes !== undefined && this.#lengthBytes !== lengthBytes) await this.#discard();
    const file = this.#file ?? (await (this.#beginning ??= this.#begin(lengthBytes)));
    if (this.has(index)) return;
    await file.write(bytes, index * BLOB_CHUNK_BYTES);
    await file.write(leaf, leafPosition(lengthBytes, index));
    if (this.has(index)) return;
    this.#leaves[index] = leaf;
    this.#heldCount++;
  }

  /** Makes a blob of it when all of it is here. @throws BlobError BLOB_CORRUPT; as the disk */
  async finish(): Promise<void> {
    const lengthBytes = this.#lengthBytes;
    invariant(lengthBytes !== undefined && this.#file !== undefined && this.isWhole, 'all chunks are here');
    const leaves = this.#leaves.filter((leaf) => leaf !== undefined);
    if (!bytesEqual(blobIdOfLeaves(lengthBytes, leaves), this.id)) {
      // What was resumed had been changed on the disk, data and leaf alike.
      await this.#discard();
      throw corrupt(this.id);
    }
    await this.#file.sync();
    await this.#closeFile();
    await this.#home.finish();
  }

  /** Leaves what there is for later. */
  async close(): Promise<void> {
    try {
      await this.#closeFile();
    } finally {
      this.#home.release();
    }
  }

  async #begin(lengthBytes: number): Promise<BlobFile> {
    const file = await this.#home.create(lengthBytes);
    try {
      const bytes = fileBytes(lengthBytes);
      await file.truncate(bytes);
      const footer = encodeFooter({ lengthBytes, uploader: NO_UPLOADER });
      await file.write(footer, bytes - footer.length);
    } catch (error) {
      await file.close();
      await this.#discard();
      throw error;
    }
    this.#file = file;
    this.#expect(lengthBytes);
    return file;
  }

  #expect(lengthBytes: number): void {
    this.#lengthBytes = lengthBytes;
    this.#leaves = new Array<Uint8Array | undefined>(blobChunkCount(lengthBytes)).fill(undefined);
    this.#heldCount = 0;
  }

  async #resume(): Promise<void> {
    const file = await this.#home.open();
    if (file === undefined) return;
    this.#file = file;
    const footer = await readFooter(file);
    if (footer === undefined) {
      await this.#discard();
      return;
    }
    const { lengthBytes } = footer;
    this.#expect(lengthBytes);
    for (const [index, leaf] of (await readLeaves(file, lengthBytes)).entries()) {
      if (bytesEqual(leaf, MISSING)) continue;
      const bytes = await file.read(index * BLOB_CHUNK_BYTES, blobChunkBytes(lengthBytes, index));
      if (bytesEqual(blobLeaf(bytes), leaf)) {
        this.#leaves[index] = leaf;
        this.#heldCount++;
      } else {
        await file.write(MISSING, leafPosition(lengthBytes, index));
      }
    }
  }

  async #discard(): Promise<void> {
    await this.#closeFile();
    this.#beginning = undefined;
    this.#lengthBytes = undefined;
    this.#leaves = [];
    this.#heldCount = 0;
    await this.#home.discard();
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

const MISSING = new Uint8Array(HASH_LENGTH);
