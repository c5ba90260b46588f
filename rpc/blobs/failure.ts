import { OgpuError } from '../../protocol/errors.js';
import { jsonData, RpcError } from '../errors/rpc-error.js';

/** HTTP status of each refusal; what is not listed is a fault of this node. */
const STATUS: Readonly<Record<string, number>> = {
  RPC_BLOB_REQUEST_INVALID: 400,
  BLOB_LENGTH: 400,
  RPC_BLOB_FORBIDDEN: 403,
  BLOB_UNKNOWN: 404,
  BLOB_UNAVAILABLE: 404,
  BLOB_TOO_LARGE: 413,
  RPC_BLOB_RANGE: 416,
  BLOB_ID_MISMATCH: 422,
  RPC_RATE_LIMITED: 429,
  RPC_BUSY: 503,
  BLOB_TOO_MANY: 503,
  BLOB_BUSY: 503,
  BLOB_TOO_MANY_PINS: 503,
  BLOB_STORE_CLOSED: 503,
  BLOB_FETCH_ENDED: 503,
  // Set aside by now: asked again, it is fetched from peers.
  BLOB_CORRUPT: 503,
  BLOB_FETCH_TIMEOUT: 504,
  BLOB_STORE_FULL: 507,
  BLOB_UPLOADER_FULL: 507,
  BLOB_DISK_FULL: 507,
};

export interface BlobFailure {
  readonly status: number;
  /** JSON. */
  readonly text: string;
  readonly isInternal: boolean;
}

/** The answer for whatever went wrong over a blob: `{ "error": { "code", "message", "data" } }`. */
export function blobFailure(error: unknown): BlobFailure {
  if (error instanceof OgpuError) {
    const code = String(error.code);
    const status = STATUS[code];
    if (status !== undefined) {
      // Paths of this machine are for its operator alone.
      const { path: _, cure, ...data } = error.data;
      const said = error instanceof RpcError || cure === undefined ? data : { ...data, cure };
      return { status, text: errorJson(code, error.message, jsonData(said)), isInternal: false };
    }
  }
  return { status: 500, text: errorJson('RPC_INTERNAL', 'internal error', {}), isInternal: true };
}

function errorJson(code: string, message: string, data: object): string {
  return JSON.stringify({ error: { code, message, data } });
}
