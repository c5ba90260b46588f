import { joinBytes } from '../../protocol/bytes.js';
import { keccak256 } from '../../protocol/crypto/hash.js';
import { OgpuError } from '../../protocol/errors.js';
import type { PoolEntry } from './entry.js';
import { JournalError } from './errors.js';
import {
  decodeJournal,
  encodeJournal,
  encodeJournalRecord,
  type JournalIdentity,
  type JournalRecord,
} from './journal-format.js';
import type { Mempool } from './mempool.js';
import type { SenderRecovery } from './recovery.js';

/** Where a journal is kept. Calls do not overlap. */
export interface JournalFile {
  /** At most this many bytes from the beginning; none where there is no file. */
  read(maxBytes: number): Promise<Uint8Array>;
  append(bytes: Uint8Array): Promise<void>;
  /** Puts a new content in place of the old one, all or nothing. */
  replace(chunks: Iterable<Uint8Array>): Promise<void>;
  /** What is held open between calls is let go. */
  close(): Promise<void>;
}

export interface JournalOptions {
  readonly file: JournalFile;
  readonly identity: JournalIdentity;
  /** What a compacted journal holds: `Mempool.entries`. */
  readonly live: () => Iterable<PoolEntry>;
  /** Whether a block is known to hold the transaction of this hash: its signature need not be verified to know that it is done with. */
  readonly isIncluded: (hash: Uint8Array) => boolean;
  /** Told when the disk fails. The pool goes on, and the journal tries again later. */
  readonly onFault: (error: unknown) => void;
  /** Bytes of the file, beyond which it is compacted in any case. */
  readonly maxFileBytes?: number;
  /** Bytes that may wait for the disk; beyond, the file is written anew from the pool instead. */
  readonly maxWaitingBytes?: number;
  /** Garbage beyond twice the last compacted size that is put up with. */
  readonly slackBytes?: number;
}

/** What came back from a journal. */
export interface RestoreReport {
  readonly restored: number;
  /** Found in a block. */
  readonly included: number;
  /** By the code of the refusal: what a forgotten block holds, is no longer affordable, or was never signed for this chain. */
  readonly refused: Readonly<Record<string, number>>;
  /** Bytes given up at the end of the file. */
  readonly damagedBytes: number;
}

const MIB = 1024 * 1024;
/** After the disk has failed, so many transactions pass before it is tried again. */
const RETRY_AFTER_RECORDS = 1_024;
/** Signatures in the memory of a restore at one time. */
const RESTORE_BATCH = 4_096;

/**
 * Lets the pool survive a restart: transactions are appended as they are accepted, and the file is written anew from the pool when most of it
 * is garbage. What has left the pool is not recorded: admission finds out at the restart.
 */
export class MempoolJournal {
  readonly #options: JournalOptions;
  readonly #maxFileBytes: number;
  readonly #maxWaitingBytes: number;
  readonly #slackBytes: number;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #fileBytes = 0;
  #compactAtBytes = 0;
  #mustRewrite = true;
  #isOpen = false;
  #recordsToRetry = 0;
  #writing: Promise<void> | undefined;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#maxFileBytes = options.maxFileBytes ?? 128 * MIB;
    this.#maxWaitingBytes = options.maxWaitingBytes ?? 4 * MIB;
    this.#slackBytes = options.slackBytes ?? 4 * MIB;
  }

  /**
   * Brings back what the file holds and no block does, by the front door: each signature is verified, once, and each transaction must be
   * admitted anew. Then the file is written anew, and what is accepted from now on is recorded.
   *
   * @throws JournalError as `decodeJournal`, and MEMPOOL_JOURNAL_BUSY when called twice; what `recover` and the file reject with
   */
  async restore(mempool: Mempool, recovery: SenderRecovery): Promise<RestoreReport> {
    if (this.#isOpen) throw new JournalError('MEMPOOL_JOURNAL_BUSY', 'the journal is open already');
    const bytes = await this.#options.file.read(this.#maxFileBytes);
    const { records: found, damagedBytes } = decodeJournal(bytes, this.#options.identity);
    const records = found.filter(({ envelope }) => !this.#options.isIncluded(keccak256(envelope)));
    const refused: Record<string, number> = {};
    let restored = 0;
    for (let from = 0; from < records.length; from += RESTORE_BATCH) {
      for (const code of await readmit(records.slice(from, from + RESTORE_BATCH), mempool, recovery)) {
        if (code === undefined) restored++;
        else refused[code] = (refused[code] ?? 0) + 1;
      }
    }
    this.#isOpen = true;
    this.#begin();
    await this.flush();
    return { restored, included: found.length - records.length, refused, damagedBytes };
  }

  /** Takes note of an accepted transaction; never throws, never waits. */
  record(entry: PoolEntry): void {
    if (!this.#isOpen) return;
    if (this.#recordsToRetry > 0) {
      this.#recordsToRetry--;
      return;
    }
    if (!this.#mustRewrite) {
      const record = encodeJournalRecord(entry);
      this.#waiting.push(record);
      this.#waitingBytes += record.length;
      if (this.#waitingBytes > this.#maxWaitingBytes) this.#mustRewrite = true;
    }
    this.#begin();
  }

  /** Waits for what has been recorded so far; the disk may have refused it. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  /** Leaves a file of what the pool holds now, and records nothing more. */
  async close(): Promise<void> {
    if (this.#isOpen) {
      this.#mustRewrite = true;
      this.#begin();
    }
    this.#isOpen = false;
    await this.flush();
    await this.#options.file.close();
  }

  #begin(): void {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    try {
      while (this.#mustRewrite || this.#waiting.length > 0) {
        const isLarge =
          this.#fileBytes + this.#waitingBytes > Math.min(this.#compactAtBytes, this.#maxFileBytes);
        if (this.#mustRewrite || isLarge) await this.#rewrite();
        else await this.#append();
      }
    } catch (error) {
      // A torn record may stand at the end now: nothing may be appended behind it.
      this.#mustRewrite = true;
      this.#recordsToRetry = RETRY_AFTER_RECORDS;
      this.#takeWaiting();
      this.#options.onFault(error);
    }
  }

  async #append(): Promise<void> {
    const bytes = joinBytes(this.#takeWaiting());
    await this.#options.file.append(bytes);
    this.#fileBytes += bytes.length;
  }

  async #rewrite(): Promise<void> {
    // The pool has all that waits, and what it takes in from here on will be appended.
    this.#takeWaiting();
    this.#mustRewrite = false;
    const entries = [...this.#options.live()];
    let sizeBytes = 0;
    await this.#options.file.replace(
      counted(encodeJournal(this.#options.identity, entries), (bytes) => (sizeBytes += bytes)),
    );
    this.#fileBytes = sizeBytes;
    this.#compactAtBytes = 2 * sizeBytes + this.#slackBytes;
  }

  #takeWaiting(): Uint8Array[] {
    const taken = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    return taken;
  }
}

/** For each record the code of its refusal, or undefined. */
async function readmit(
  records: readonly JournalRecord[],
  mempool: Mempool,
  recovery: SenderRecovery,
): Promise<(string | undefined)[]> {
  const outcomes = await recovery.recoverAll(records.map(({ envelope }) => envelope));
  return records.map(({ source, arrivedAtMs }, i) => {
    const outcome = outcomes[i];
    if (outcome?.ok !== true) return outcome?.error.code ?? 'TX_EMPTY';
    try {
      mempool.add(outcome.recovered, source, arrivedAtMs);
      return undefined;
    } catch (error) {
      return codeOf(error);
    }
  });
}

function codeOf(error: unknown): string {
  if (!(error instanceof OgpuError)) throw error;
  return String(error.code);
}

function* counted(
  chunks: Iterable<Uint8Array>,
  count: (bytes: number) => void,
): Generator<Uint8Array, void, undefined> {
  for (const chunk of chunks) {
    count(chunk.length);
    yield chunk;
  }
}
