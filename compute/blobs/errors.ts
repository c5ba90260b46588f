import { OgpuError } from '../../protocol/errors.js';

/** What the blob store refuses, or finds wrong. */
export class BlobError extends OgpuError<
  /** Not here, or not whole. */
  | 'BLOB_UNKNOWN'
  /** Longer than a blob may be here. */
  | 'BLOB_TOO_LARGE'
  /** Shorter or longer than its sender has said. */
  | 'BLOB_LENGTH'
  /** Other bytes than its sender has said. */
  | 'BLOB_ID_MISMATCH'
  /** No room, and nothing to be dropped for it. */
  | 'BLOB_STORE_FULL'
  | 'BLOB_UPLOADER_FULL'
  /** What is on the disk is not what was written. The blob is set aside, to be fetched again where it is damaged. */
  | 'BLOB_CORRUPT'
  /** Somebody fetches it already. */
  | 'BLOB_BUSY'
  | 'BLOB_TOO_MANY_PINS'
  | 'BLOB_DISK_FULL'
  | 'BLOB_DISK_FAILED'
  | 'BLOB_STORE_CLOSED'
> {}
