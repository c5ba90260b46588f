import { OgpuError } from '../../protocol/errors.js';

/** Why a blob could not be had from peers. What has come of it is kept. */
export class BlobFetchError extends OgpuError<
  /** No peer has it. */
  | 'BLOB_UNAVAILABLE'
  | 'BLOB_FETCH_TIMEOUT'
  /** Nobody waits for it any more. */
  | 'BLOB_FETCH_ENDED'
  /** Too many are being fetched or uploaded already. */
  | 'BLOB_TOO_MANY'
> {}
