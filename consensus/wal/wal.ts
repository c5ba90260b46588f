import { concatBytes } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import type { Folder, LogFile } from '../disk/disk.js';
import { WalError } from './errors.js';
import { EMPTY_GROUP_BYTES, encodeGroup, recordBytes, type WalRecord } from './group.js';
import { encodeHeader, HEADER_BYTES, MARKER_BYTES, type WalIdentity } from './header.js';
import { readLatest, walFileName, walFiles, type Recovered } from './recovery.js';

export interface WalOptions {
  readonly folder: Folder;
  readonly identity: WalIdentity;
  /** Bytes that nobody can foresee. */
  readonly randomBytes: (length: number) => Uint8Array;
  /** Bound on the log of one height, and so on what recovery holds in memory. */
  readonly maxBytes?: number;
}

/** Payload of one record: the largest proposal there can be, and room for what goes with it. */
export const MAX_WAL_RECORD_BYTES = 9 * 1024 * 1024;
/** A height's log unless told otherwise: a dozen rounds with the largest blocks, tens of thousands of rounds without. */
export const DEFAULT_MAX_WAL_BYTES = 128 * 1024 * 1024;

export interface OpenedWal {
  readonly wal: Wal;
  /** What the log of the latest height holds; undefined where no height was ever started. */
  readonly recovered: Recovered | undefined;
}

/**
 * Opens the write-ahead log of a node, alone in its folder. What is found has been written anew when this resolves, so that it is
 * durable whatever became of it before, and a torn tail is gone.
 *
 * @throws WalError WAL_CORRUPT | WAL_FOREIGN | WAL_VERSION, with nothing changed
 * @throws DiskError
 */
export async function openWal(options: WalOptions): Promise<OpenedWal> {
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_WAL_BYTES;
  invariant(maxBytes >= HEADER_BYTES && maxBytes < 2 ** 31, 'a log is bounded, and shorter than 2 GiB');
  const recovered = await readLatest(options.folder, options.identity, maxBytes);
  const wal = new Wal({ ...options, maxBytes });
  if (recovered !== undefined) await wal.startHeight(recovered.height, recovered.records);
  return { wal, recovered };
}

/** The log of one height at a time. A call that failed leaves it broken: open it anew. */
export class Wal {
  readonly #options: Required<WalOptions>;
  #current: Current | undefined;
  /** The group that is being written; never rejects. */
  #running: Promise<void> = Promise.resolve();
  /** The group to be written next, which whoever calls `sync` meanwhile shares. */
  #next: Promise<void> | undefined;
  #isStarting = false;
  #failure: unknown;

  constructor(options: Required<WalOptions>) {
    this.#options = options;
  }

  /** Undefined before the first `startHeight`. */
  get height(): number | undefined {
    return this.#current?.height;
  }

  /**
   * Notes a record, in memory until `sync`. The payload must not be changed any more.
   *
   * @throws WalError WAL_RECORD_TOO_LARGE | WAL_FULL, with the log as it was | WAL_BROKEN
   */
  append(record: WalRecord): void {
    const current = this.#startedHeight();
    const { maxBytes } = this.#options;
    const { length } = record.payload;
    if (length > MAX_WAL_RECORD_BYTES) {
      throw new WalError(
        'WAL_RECORD_TOO_LARGE',
        `a record of ${length} bytes exceeds ${MAX_WAL_RECORD_BYTES}`,
        {
          length,
          maxBytes: MAX_WAL_RECORD_BYTES,
        },
      );
    }
    const bytes =
      current.bytes + recordBytes(record) + (current.waiting.length === 0 ? EMPTY_GROUP_BYTES : 0);
    if (bytes > maxBytes) {
      throw new WalError('WAL_FULL', `the log of height ${current.height} has reached its bound`, {
        height: current.height,
        maxBytes,
        cure: 'nothing more is signed at this height; the node goes on with the next one',
      });
    }
    current.waiting.push(record);
    current.bytes = bytes;
  }

  /**
   * Resolves when every record appended before is durable. Only then may leave what the records led to.
   *
   * @throws DiskError DISK_FULL | DISK_FAILED | DISK_BROKEN
   * @throws WalError WAL_BROKEN
   */
  async sync(): Promise<void> {
    this.#startedHeight();
    this.#next ??= this.#inTurn(async () => {
      this.#next = undefined;
      await writeGroup(this.#open());
    });
    return this.#next;
  }

  /**
   * Begins the log of a height, with `records` in it, and drops that of the height before. After a crash in between there is
   * either log, whole.
   *
   * @throws WalError WAL_HEIGHT_PASSED, with the log as it was | WAL_BROKEN
   * @throws DiskError
   */
  async startHeight(height: number, records: readonly WalRecord[] = []): Promise<void> {
    invariant(Number.isSafeInteger(height) && height >= 0, 'a height is a whole number');
    if (this.height !== undefined && height <= this.height) throw passed(this.height, height);
    invariant(!this.#isStarting, 'one height is started at a time');
    this.#isStarting = true;
    await this.#inTurn(async () => {
      this.#assertWhole();
      await this.#current?.file.close();
      this.#current = undefined;
      this.#current = await this.#begin(height, records);
    }).finally(() => (this.#isStarting = false));
  }

  /** Waits for what is being written. What was not synced is lost. */
  async close(): Promise<void> {
    await this.#running;
    const current = this.#current;
    this.#failure ??= new WalError('WAL_BROKEN', 'the log is closed');
    this.#current = undefined;
    await current?.file.close();
  }

  async #begin(height: number, records: readonly WalRecord[]): Promise<Current> {
    const { folder, identity, randomBytes } = this.#options;
    const marker = randomBytes(MARKER_BYTES);
    const header = encodeHeader({ identity, height, marker });
    const content = records.length === 0 ? header : concatBytes(header, encodeGroup(marker, 1, records));
    const name = walFileName(height);
    const file = await folder.createLog(name, content);
    for (const old of await walFiles(folder)) if (old !== name) await folder.remove(old);
    const sequence = records.length === 0 ? 1 : 2;
    return { height, marker, file, sequence, waiting: [], bytes: content.length };
  }

  /** One change of the files after the other, each only while all before it were done. */
  #inTurn(job: () => Promise<void>): Promise<void> {
    const done = this.#running.then(job).catch((error: unknown) => {
      this.#failure ??= error;
      throw error;
    });
    this.#running = done.catch(() => undefined);
    return done;
  }

  /** Whoever does not wait for a height to be started would have its records dropped, and their sync acknowledged. */
  #startedHeight(): Current {
    invariant(!this.#isStarting, 'a height is started before anything is logged in it');
    return this.#open();
  }

  #open(): Current {
    this.#assertWhole();
    invariant(this.#current !== undefined, 'a height has been started');
    return this.#current;
  }

  #assertWhole(): void {
    if (this.#failure === undefined) return;
    throw new WalError(
      'WAL_BROKEN',
      'an earlier write of the log failed, or it was closed',
      { cure: 'mend the disk or free space on it, then start the node again' },
      { cause: this.#failure },
    );
  }
}

/** The file of the height that is being decided. */
interface Current {
  readonly height: number;
  readonly marker: Uint8Array;
  readonly file: LogFile;
  /** Number of the next group. */
  sequence: number;
  /** Appended, not yet written. */
  waiting: WalRecord[];
  /** Length of the file once all of them are in it. */
  bytes: number;
}

function passed(current: number, height: number): WalError {
  return new WalError(
    'WAL_HEIGHT_PASSED',
    `the log is at height ${current} and cannot go back to ${height}`,
    {
      current,
      height,
      cure: 'the ledger is older than the log, as after restoring a backup: catch up with the chain before validating',
    },
  );
}

/** One append and one fdatasync for all records that wait. */
async function writeGroup(current: Current): Promise<void> {
  if (current.waiting.length === 0) return;
  const group = encodeGroup(current.marker, current.sequence, current.waiting);
  current.waiting = [];
  current.sequence++;
  await current.file.append(group);
  await current.file.sync();
}
