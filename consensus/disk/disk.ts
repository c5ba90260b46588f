import { OgpuError } from '../../protocol/errors.js';

/**
 * A folder on a disk that one owner (a log, a signer) has for itself. Names are plain: lower-case letters, digits, `-` and `.`,
 * beginning with a letter or digit, at most 64 characters.
 *
 * A change that fails after it may have reached the disk breaks the folder: what the disk holds is then unknown, and a later
 * fsync that succeeds proves nothing about data an earlier one lost. Every further call refuses with DISK_BROKEN.
 *
 * @see consensus/disk/durable-folder.ts for the order of the steps
 */
export interface Folder {
  /**
   * As `writeFile`, and leaves the file open to be appended to.
   *
   * @throws DiskError DISK_FULL with the old content untouched | DISK_FAILED | DISK_BROKEN
   */
  createLog(name: string, bytes: Uint8Array): Promise<LogFile>;
  /**
   * Puts `bytes` under a name, in place of what was there, in one step: after a crash there is the old content or the new one,
   * and once this has resolved the new one.
   *
   * @throws DiskError DISK_FULL with the old content untouched | DISK_FAILED | DISK_BROKEN
   */
  writeFile(name: string, bytes: Uint8Array): Promise<void>;
  /**
   * What a file holds, durable or not; undefined where there is none.
   *
   * @throws DiskError DISK_TOO_LARGE | DISK_FAILED | DISK_BROKEN
   */
  readFile(name: string, maxBytes: number): Promise<Uint8Array | undefined>;
  /** Removes a file, if there is one. A crash may bring it back. @throws DiskError DISK_FAILED | DISK_BROKEN */
  remove(name: string): Promise<void>;
  /** Names of the files, ascending. @throws DiskError DISK_FAILED | DISK_BROKEN */
  list(): Promise<readonly string[]>;
}

/** A file that only grows. One call at a time. */
export interface LogFile {
  /** After a crash any part of what was appended since the last `sync` may be missing or wrong. */
  append(bytes: Uint8Array): Promise<void>;
  /** Resolves when everything appended before outlasts a loss of power (fdatasync). */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What a disk refused, with `path` and the `cure` in the error's data. */
export class DiskError extends OgpuError<
  | 'DISK_FULL'
  | 'DISK_FAILED'
  /** An earlier change failed half-way. */
  | 'DISK_BROKEN'
  /** A file is longer than its reader takes. */
  | 'DISK_TOO_LARGE'
  /** Another process has the folder. */
  | 'DISK_LOCKED'
> {}
