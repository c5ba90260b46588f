interface Waiting {
  readonly dueMs: number;
  readonly signal: AbortSignal;
  readonly work: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Runs a few pieces of work at a time, what is due first before the rest. Whose signal is aborted before its turn is left out. */
export class WorkQueue {
  readonly #maxRunning: number;
  readonly #waiting: Waiting[] = [];
  readonly #running = new Set<Promise<void>>();
  #isStopped = false;

  constructor(maxRunning: number) {
    this.#maxRunning = maxRunning;
  }

  /** Bounded by its callers: each duty adds one piece at a time. */
  add(
    dueMs: number,
    signal: AbortSignal,
    work: () => Promise<void>,
    onError: (error: unknown) => void,
  ): void {
    if (this.#isStopped) return;
    const at = this.#waiting.findIndex((other) => other.dueMs > dueMs);
    this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, { dueMs, signal, work, onError });
    this.#fill();
  }

  /** Begins nothing more; resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#waiting.length = 0;
    await Promise.all(this.#running);
  }

  #fill(): void {
    while (!this.#isStopped && this.#running.size < this.#maxRunning) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (next.signal.aborted) continue;
      const done = next
        .work()
        .catch((error: unknown) => {
          if (!next.signal.aborted) next.onError(error);
        })
        .finally(() => {
          this.#running.delete(done);
          this.#fill();
        });
      this.#running.add(done);
    }
  }
}
