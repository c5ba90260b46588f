import { OgpuError } from '../../protocol/errors.js';

/**
 * Everything a store refuses or fails at. Errors of opening carry a `cure` in their data: what the operator can do.
 *
 * | code | meaning |
 * |---|---|
 * | `STORE_CLOSED` | used after `close` |
 * | `STORE_POISONED` | an earlier write failed, so nobody knows what is on disk: stop and start again |
 * | `STORE_WRITE_FAILED` | the disk refused a write; the store is poisoned from here on |
 * | `STORE_READ_FAILED` | the disk refused a read |
 * | `STORE_CORRUPT` | bytes on disk are not what was written |
 * | `STORE_BUSY` | too many writes are waiting |
 * | `STORE_LOCKED` | another process, or this one, has the database open |
 * | `STORE_OPEN_FAILED` | the disk or the folder cannot be used |
 * | `STORE_NOT_A_DATABASE` | the folder holds other files |
 * | `STORE_UNSTAMPED` | a database that is not a ledger of this software |
 * | `STORE_FOREIGN` | the ledger of another chain or another genesis |
 * | `STORE_NEWER` | written by newer software |
 * | `STORE_OLDER` | written in a format that this software no longer reads |
 * | `STORE_KEY_INVALID` | a key of the wrong length, space or field values |
 * | `STORE_VALUE_TOO_LARGE`, `STORE_BATCH_TOO_LARGE` | above the bounds in `limits.ts` |
 * | `STORE_RANGE_INVALID` | bounds out of order, or a limit that is not a whole number |
 * | `STORE_OVERLAY_FULL` | an overlay would buffer more than it may |
 */
export class StoreError extends OgpuError<
  | 'STORE_CLOSED'
  | 'STORE_POISONED'
  | 'STORE_WRITE_FAILED'
  | 'STORE_READ_FAILED'
  | 'STORE_CORRUPT'
  | 'STORE_BUSY'
  | 'STORE_LOCKED'
  | 'STORE_OPEN_FAILED'
  | 'STORE_NOT_A_DATABASE'
  | 'STORE_UNSTAMPED'
  | 'STORE_FOREIGN'
  | 'STORE_NEWER'
  | 'STORE_OLDER'
  | 'STORE_KEY_INVALID'
  | 'STORE_VALUE_TOO_LARGE'
  | 'STORE_BATCH_TOO_LARGE'
  | 'STORE_RANGE_INVALID'
  | 'STORE_OVERLAY_FULL'
> {}
