import { blobIdOfLeaves, blobLeaf } from '../../protocol/blob.js';
import { bytesEqual, joinBytes } from '../../protocol/bytes.js';
import { BLOB_CHUNK_BYTES } from '../../protocol/limits.js';
import type { BlobFile } from './disk.js';
import { BlobError } from './errors.js';
import { encodeFooter, nameOf, uploaderDigest } from './layout.js';

/** Somebody brings a blob. */
export interface BlobSource {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Whose quota it counts against. */
  readonly uploader: string;
  /** Where the sender says how long it is, or what. */
  readonly lengthBytes?: number | undefined;
  readonly id?: Uint8Array | undefined;
}

export interface WrittenBlob {
  readonly id: Uint8Array;
  readonly lengthBytes: number;
}

/**
 * Writes a blob to a file, whole and synced, holding one chunk of it in memory.
 *
 * @param admit counts bytes in before they are written; throws where there is no room
 * @throws BlobError BLOB_TOO_LARGE | BLOB_LENGTH | BLOB_ID_MISMATCH; what `admit`, the disk and the source throw
 */
export async function writeIncoming(
  file: BlobFile,
  source: BlobSource,
  maxBytes: number,
  admit: (bytes: number) => Promise<void>,
): Promise<WrittenBlob> {
  const leaves: Uint8Array[] = [];
  const chunk = new Uint8Array(BLOB_CHUNK_BYTES);
  let filled = 0;
  let lengthBytes = 0;
  const writeChunk = async (): Promise<void> => {
    const bytes = chunk.subarray(0, filled);
    await admit(bytes.length);
    leaves.push(blobLeaf(bytes));
    await file.write(bytes, lengthBytes - filled);
    filled = 0;
  };
  for await (const piece of source.bytes) {
    if (lengthBytes + piece.length > (source.lengthBytes ?? maxBytes)) throw tooLong(source, maxBytes);
    for (let rest = piece; rest.length > 0;) {
      const part = rest.subarray(0, BLOB_CHUNK_BYTES - filled);
      chunk.set(part, filled);
      filled += part.length;
      lengthBytes += part.length;
      rest = rest.subarray(part.length);
      if (filled === BLOB_CHUNK_BYTES) await writeChunk();
    }
  }
  if (filled > 0 || leaves.length === 0) await writeChunk();
  const id = blobIdOfLeaves(lengthBytes, leaves);
  check(source, id, lengthBytes);
  const footer = encodeFooter({ lengthBytes, uploader: uploaderDigest(source.uploader) });
  const end = joinBytes([...leaves, footer]);
  await admit(end.length);
  await file.write(end, lengthBytes);
  await file.sync();
  return { id, lengthBytes };
}

function check(source: BlobSource, id: Uint8Array, lengthBytes: number): void {
  if (source.lengthBytes !== undefined && source.lengthBytes !== lengthBytes) {
    const data = { lengthBytes, expectedBytes: source.lengthBytes };
    throw new BlobError('BLOB_LENGTH', 'the blob is shorter than its sender has said', data);
  }
  if (source.id !== undefined && !bytesEqual(source.id, id)) {
    const data = { blob: nameOf(id), expected: nameOf(source.id) };
    throw new BlobError('BLOB_ID_MISMATCH', 'the bytes are not those of the blob they were sent as', data);
  }
}

function tooLong({ lengthBytes }: BlobSource, maxBytes: number): BlobError {
  return lengthBytes === undefined
    ? new BlobError('BLOB_TOO_LARGE', `more than ${maxBytes} bytes`, { maxBytes })
    : new BlobError('BLOB_LENGTH', 'the blob is longer than its sender has said', {
        expectedBytes: lengthBytes,
      });
}
