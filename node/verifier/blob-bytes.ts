import { BlobError } from '../../compute/blobs/errors.js';
import { toHex } from '../../protocol/bytes.js';
import type { BlobService } from '../blobs/service.js';
import { BlobFetchError } from '../blobs/errors.js';
import { MaterialsError } from './materials.js';

/** How long nobody may have a blob: it is asked for again for as long as it is needed. */
const PATIENCE_MS = 3_000;

/**
 * The bytes of a blob, from this node or from its peers.
 *
 * @throws MaterialsError MATERIALS_UNAVAILABLE where nobody has it now, MATERIALS_UNFIT where its length is another one
 */
export async function readBlob(
  blobs: BlobService,
  id: Uint8Array,
  { lengthBytes, signal }: { readonly lengthBytes: number; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  try {
    await blobs.obtain(id, { signal, patienceMs: PATIENCE_MS });
    const blob = await blobs.read(id);
    try {
      if (blob.lengthBytes !== lengthBytes) {
        const data = { blob: toHex(id), expected: lengthBytes, received: blob.lengthBytes };
        throw new MaterialsError(
          'MATERIALS_UNFIT',
          'a blob has another length than the program asks for',
          data,
        );
      }
      const bytes = new Uint8Array(lengthBytes);
      let at = 0;
      for await (const piece of blob.read()) {
        bytes.set(piece, at);
        at += piece.length;
      }
      return bytes;
    } finally {
      await blob.close();
    }
  } catch (cause) {
    if (!(cause instanceof BlobFetchError) && !(cause instanceof BlobError)) throw cause;
    const data = { blob: toHex(id), reason: cause.code };
    throw new MaterialsError('MATERIALS_UNAVAILABLE', 'a blob could not be had so far', data, { cause });
  }
}
