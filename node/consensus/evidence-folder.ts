import type { Folder } from '../../consensus/disk/disk.js';
import type { EvidenceArchive } from '../../consensus/evidence-pool.js';
import { MAX_PENDING_EVIDENCE } from '../../consensus/evidence-pool.js';
import { OgpuError } from '../../protocol/errors.js';
import { SszError } from '../../protocol/ssz/types.js';
import { evidenceCodec, type Evidence } from '../../protocol/types/evidence.js';

/** A saved piece of evidence that is not one: of a damaged disk. The node goes on without it. */
export class EvidenceFileError extends OgpuError<'EVIDENCE_FILE_CORRUPT' | 'EVIDENCE_NOT_SAVED'> {}

/**
 * Evidence that waits for a block, a file for each validator, so that a restart does not let anybody off. It proves itself, and is checked
 * again when it is read; what a disk loses of it costs a punishment, never safety, so no trouble here stops the node.
 */
export class EvidenceFolder implements EvidenceArchive {
  readonly #folder: Folder;
  readonly #onWarning: (error: OgpuError) => void;
  /** One change after the other; never rejects. */
  #running: Promise<void> = Promise.resolve();

  constructor(folder: Folder, onWarning: (error: OgpuError) => void) {
    this.#folder = folder;
    this.#onWarning = onWarning;
  }

  /** What was kept and not dropped. A file that holds no evidence is removed. */
  async load(): Promise<Evidence[]> {
    const found: Evidence[] = [];
    const names = (await this.#folder.list()).filter((name) => name.endsWith(SUFFIX));
    for (const name of names.slice(0, MAX_PENDING_EVIDENCE)) {
      const evidence = await this.#read(name);
      if (evidence !== undefined) found.push(evidence);
    }
    return found;
  }

  keep(name: string, evidence: Evidence): void {
    this.#inTurn(() => this.#folder.writeFile(name + SUFFIX, evidenceCodec.encode(evidence)));
  }

  drop(name: string): void {
    this.#inTurn(() => this.#folder.remove(name + SUFFIX));
  }

  /** Resolves when nothing is being written any more. */
  whenIdle(): Promise<void> {
    return this.#running;
  }

  async #read(name: string): Promise<Evidence | undefined> {
    const bytes = await this.#folder.readFile(name, evidenceCodec.maxBytes);
    try {
      return bytes && evidenceCodec.decode(bytes);
    } catch (cause) {
      if (!(cause instanceof SszError)) throw cause;
      this.#onWarning(
        new EvidenceFileError(
          'EVIDENCE_FILE_CORRUPT',
          'a saved piece of evidence is none',
          { name },
          { cause },
        ),
      );
      await this.#folder.remove(name);
      return undefined;
    }
  }

  #inTurn(change: () => Promise<void>): void {
    this.#running = this.#running.then(change).catch((cause: unknown) => {
      this.#onWarning(
        new EvidenceFileError(
          'EVIDENCE_NOT_SAVED',
          'evidence that waits for a block is not on the disk: a restart would forget it',
          { cure: 'look after the disk' },
          { cause },
        ),
      );
    });
  }
}

const SUFFIX = '.evidence';
