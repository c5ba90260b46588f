import { BlobError } from './errors.js';

/** Bytes on the disk, all together and of each uploader. */
export class Quota {
  readonly #maxBytes: number;
  readonly #maxUploaderBytes: number;
  readonly #uploaders = new Map<string, number>();
  #usedBytes = 0;

  constructor(maxBytes: number, maxUploaderBytes: number) {
    this.#maxBytes = maxBytes;
    this.#maxUploaderBytes = maxUploaderBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Bytes to be freed so that so many more fit. */
  shortOf(bytes: number): number {
    return Math.max(0, this.#usedBytes + bytes - this.#maxBytes);
  }

  /**
   * Counts bytes in, or none.
   *
   * @param uploader undefined where nobody is charged
   * @throws BlobError BLOB_STORE_FULL | BLOB_UPLOADER_FULL
   */
  take(bytes: number, uploader: string | undefined): void {
    this.checkUploader(bytes, uploader);
    if (this.shortOf(bytes) > 0) {
      const data = {
        ...{ usedBytes: this.#usedBytes, neededBytes: bytes, maxBytes: this.#maxBytes },
        cure: 'try again later; the operator can raise blobs.maxBytes or unpin what is not needed',
      };
      throw new BlobError('BLOB_STORE_FULL', 'there is no room for the blob', data);
    }
    this.count(bytes, uploader);
  }

  /** @throws BlobError BLOB_UPLOADER_FULL */
  checkUploader(bytes: number, uploader: string | undefined): void {
    if (uploader === undefined) return;
    const usedBytes = this.#uploaders.get(uploader) ?? 0;
    if (usedBytes + bytes <= this.#maxUploaderBytes) return;
    const data = { usedBytes, neededBytes: bytes, maxBytes: this.#maxUploaderBytes };
    throw new BlobError('BLOB_UPLOADER_FULL', 'the uploader has as much here as one may have', data);
  }

  /** Counts what is there, whether it fits or not. @param bytes negative for what is gone */
  count(bytes: number, uploader: string | undefined): void {
    this.#usedBytes += bytes;
    if (uploader === undefined) return;
    const left = (this.#uploaders.get(uploader) ?? 0) + bytes;
    if (left > 0) this.#uploaders.set(uploader, left);
    else this.#uploaders.delete(uploader);
  }
}
