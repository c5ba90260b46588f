import type { LogFields } from './fields.js';
import type { Logger } from './logger.js';

export interface RepeatOptions {
  /** After an entry of a kind, others of it are only counted for so long. */
  readonly windowMs?: number;
  /** Kinds that are remembered; the one that has been quiet longest is forgotten. */
  readonly maxKinds?: number;
  readonly nowMs?: () => number;
}

interface Kind {
  readonly sinceMs: number;
  suppressed: number;
}

/** Writes entries that a peer, a disk or a bug could cause a thousand times a second: one of a kind in a while, with a count of the rest. */
export class Repeats {
  readonly #kinds = new Map<string, Kind>();
  readonly #windowMs: number;
  readonly #maxKinds: number;
  readonly #nowMs: () => number;

  constructor({ windowMs = 10_000, maxKinds = 1_024, nowMs = () => performance.now() }: RepeatOptions = {}) {
    this.#windowMs = windowMs;
    this.#maxKinds = maxKinds;
    this.#nowMs = nowMs;
  }

  /**
   * @param kind entries of one kind are repetitions of each other
   * @param write a method of a logger
   */
  write(kind: string, write: Logger['warn'], fields: LogFields, message: string): void {
    const nowMs = this.#nowMs();
    const known = this.#kinds.get(kind);
    if (known !== undefined && nowMs - known.sinceMs < this.#windowMs) {
      known.suppressed++;
      return;
    }
    // Deleted first, so that the map stays in the order of the last entries.
    this.#kinds.delete(kind);
    this.#kinds.set(kind, { sinceMs: nowMs, suppressed: 0 });
    if (this.#kinds.size > this.#maxKinds) this.#forgetOldest();
    const suppressed = known?.suppressed ?? 0;
    write(suppressed === 0 ? fields : { ...fields, suppressed }, message);
  }

  #forgetOldest(): void {
    for (const kind of this.#kinds.keys()) {
      this.#kinds.delete(kind);
      return;
    }
  }
}
