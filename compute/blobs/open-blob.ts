import {
  blobBranch,
  blobChunkBytes,
  blobChunkCount,
  blobLeaf,
  blobTree,
  idOfBlobTree,
  splitLeaves,
  type BlobChunk,
  type BlobTree,
} from '../../protocol/blob.js';
import { bytesEqual, concatBytes } from '../../protocol/bytes.js';
import { HASH_LENGTH } from '../../protocol/crypto/hash.js';
import { BLOB_CHUNK_BYTES } from '../../protocol/limits.js';
import type { BlobFile } from './disk.js';
import { BlobError } from './errors.js';
import { decodeFooter, FOOTER_BYTES, leafPosition, nameOf, type Footer } from './layout.js';

/** A blob that is here as a whole, open to be read. Nothing leaves it that is not proved to be of the blob. Close it. */
export class OpenBlob {
  readonly id: Uint8Array;
  readonly #tree: BlobTree;
  readonly #file: BlobFile;
  readonly #onCorrupt: () => Promise<void>;

  /** @param onCorrupt sets the blob aside */
  constructor(id: Uint8Array, tree: BlobTree, file: BlobFile, onCorrupt: () => Promise<void>) {
    this.id = id;
    this.#tree = tree;
    this.#file = file;
    this.#onCorrupt = onCorrupt;
  }

  get lengthBytes(): number {
    return this.#tree.lengthBytes;
  }

  get chunkCount(): number {
    return blobChunkCount(this.lengthBytes);
  }

  /** The leaves of all chunks, one after the other. */
  leaves(): Uint8Array {
    return concatBytes(...(this.#tree.levels[0] ?? []));
  }

  /** @throws BlobError BLOB_CORRUPT, and as the disk */
  async chunk(index: number): Promise<Uint8Array> {
    const expected = blobChunkBytes(this.lengthBytes, index);
    const bytes = await this.#file.read(index * BLOB_CHUNK_BYTES, expected);
    const leaf = this.#tree.levels[0]?.[index];
    if (bytes.length === expected && leaf !== undefined && bytesEqual(blobLeaf(bytes), leaf)) return bytes;
    await this.#onCorrupt();
    throw corrupt(this.id, { chunk: index });
  }

  /** A chunk with its proof. Throws as `chunk`. */
  async provenChunk(index: number): Promise<BlobChunk> {
    const bytes = await this.chunk(index);
    return { lengthBytes: this.lengthBytes, index, bytes, branch: blobBranch(this.#tree, index) };
  }

  /** The bytes from `start` to before `end`, chunk by chunk. Throws as `chunk`. */
  async *read(start = 0, end = this.lengthBytes): AsyncGenerator<Uint8Array, void> {
    for (let at = start; at < end;) {
      const index = Math.floor(at / BLOB_CHUNK_BYTES);
      const chunk = await this.chunk(index);
      const from = at - index * BLOB_CHUNK_BYTES;
      const piece = chunk.subarray(from, Math.min(chunk.length, end - index * BLOB_CHUNK_BYTES));
      yield piece;
      at += piece.length;
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

export function corrupt(id: Uint8Array, data: object = {}): BlobError {
  const cure = 'check the disk; the node fetches the blob again where somebody has it';
  return new BlobError('BLOB_CORRUPT', 'a blob on the disk is damaged', { blob: nameOf(id), ...data, cure });
}

/** The last bytes of a file of the store; undefined where it is none. */
export async function readFooter(file: BlobFile): Promise<Footer | undefined> {
  const size = await file.size();
  if (size < FOOTER_BYTES) return undefined;
  return decodeFooter(await file.read(size - FOOTER_BYTES, FOOTER_BYTES), size);
}

export async function readLeaves(file: BlobFile, lengthBytes: number): Promise<Uint8Array[]> {
  const position = leafPosition(lengthBytes, 0);
  return splitLeaves(await file.read(position, HASH_LENGTH * blobChunkCount(lengthBytes)));
}

/** The tree of a whole blob; undefined where the file does not hold that of `id`. */
export async function readTree(file: BlobFile, id: Uint8Array): Promise<BlobTree | undefined> {
  const footer = await readFooter(file);
  if (footer === undefined) return undefined;
  const leaves = await readLeaves(file, footer.lengthBytes);
  if (leaves.length !== blobChunkCount(footer.lengthBytes)) return undefined;
  const tree = blobTree(footer.lengthBytes, leaves);
  return bytesEqual(idOfBlobTree(tree), id) ? tree : undefined;
}
