import type { Folder } from '../../consensus/disk/disk.js';
import type { AuditSubject } from '../../protocol/audit/commitment.js';
import { bytesEqual, concatBytes, toHex } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import type { JobResult } from '../job-run.js';

/** The most one result may take: what a job's output can be, and its states' ids. */
const MAX_RESULT_BYTES = 2 ** 30;

/**
 * Results of attempts that have not ended, on the disk: a provider that is killed after its commitment unseals what it has committed to, without
 * computing it again. A damaged result is none.
 */
export class ResultStore {
  readonly #folder: Folder;
  /** Names that nobody asks for any more, with the time since when. */
  readonly #unlisted = new Map<string, number>();

  constructor(folder: Folder) {
    this.#folder = folder;
  }

  /** Durable when it resolves. @throws DiskError */
  async save(subject: AuditSubject, { stateIds, output }: JobResult): Promise<void> {
    const count = new Uint8Array(4);
    new DataView(count.buffer).setUint32(0, stateIds.length, true);
    const body = concatBytes(count, ...stateIds, output);
    await this.#folder.writeFile(nameOf(subject), concatBytes(sha256(body), body));
  }

  /** @throws DiskError */
  async load(subject: AuditSubject): Promise<JobResult | undefined> {
    const bytes = await this.#folder.readFile(nameOf(subject), MAX_RESULT_BYTES);
    if (bytes === undefined || bytes.length < 36) return undefined;
    const body = bytes.subarray(32);
    if (!bytesEqual(sha256(body), bytes.subarray(0, 32))) return undefined;
    const count = new DataView(body.buffer, body.byteOffset).getUint32(0, true);
    const stateIds = Array.from({ length: count }, (_, i) => body.slice(4 + 32 * i, 36 + 32 * i));
    return { stateIds, output: body.subarray(4 + 32 * count) };
  }

  /**
   * Removes the results of all other attempts, after a while: a node that is new or behind does not know of an attempt that goes on.
   *
   * @param nowMs Unix milliseconds
   * @throws DiskError
   */
  async keepOnly(subjects: readonly AuditSubject[], nowMs: number): Promise<void> {
    const kept = new Set(subjects.map(nameOf));
    for (const name of this.#unlisted.keys()) if (kept.has(name)) this.#unlisted.delete(name);
    for (const name of await this.#folder.list()) {
      if (!name.endsWith(SUFFIX) || kept.has(name)) continue;
      const sinceMs = this.#unlisted.get(name) ?? nowMs;
      this.#unlisted.set(name, sinceMs);
      if (nowMs - sinceMs < KEEP_MS) continue;
      await this.#folder.remove(name);
      this.#unlisted.delete(name);
    }
  }
}

/** As long as the longest window that an attempt waits for its provider. */
const KEEP_MS = 600_000;

const SUFFIX = '.result';

function nameOf({ job, attempt }: Pick<AuditSubject, 'job' | 'attempt'>): string {
  return `${toHex(job).slice(2, 50)}-${attempt}${SUFFIX}`;
}
