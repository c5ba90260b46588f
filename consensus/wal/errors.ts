import { OgpuError } from '../../protocol/errors.js';

/** Why a write-ahead log cannot be used, with the `cure` in the data where a person can do something. */
export class WalError extends OgpuError<
  /** Bytes that had been synced are damaged. */
  | 'WAL_CORRUPT'
  /** Of another chain, genesis or validator. */
  | 'WAL_FOREIGN'
  /** Of a format this software does not know. */
  | 'WAL_VERSION'
  /** That height, or a later one, has been started before. */
  | 'WAL_HEIGHT_PASSED'
  | 'WAL_RECORD_TOO_LARGE'
  /** The bound on one height's log is reached. */
  | 'WAL_FULL'
  /** An earlier write failed: what is on the disk is unknown until the log is opened anew. */
  | 'WAL_BROKEN'
> {}
