import { performance } from 'node:perf_hooks';

/** Work that waits for its turn; never throws, its outcome goes to whoever asked. */
type Work = () => void;

/**
 * Gives all requests together a bounded share of each turn of the event loop, first come, first served. What the rest of the node has to do
 * – votes that have arrived, blocks to execute – waits at most as long as one share and one slice of work.
 */
export class Turns {
  readonly #shareMs: number;
  readonly #waiting: Work[] = [];
  #first = 0;
  #usedMs = 0;
  #isResetScheduled = false;

  constructor(shareMs: number) {
    this.#shareMs = shareMs;
  }

  /** Runs `work` now while this turn has time left, else in the next turn that has. */
  run<Result>(work: () => Result | Promise<Result>): Result | Promise<Result> {
    if (this.#waiting.length === this.#first && this.#usedMs < this.#shareMs) return this.#timed(work);
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(this.#timed(work));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
      this.#scheduleReset();
    });
  }

  /** Lets the rest of the node have its turn. */
  async pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#usedMs = this.#shareMs;
      this.#scheduleReset();
    });
  }

  /** Requests and slices that wait. */
  get waiting(): number {
    return this.#waiting.length - this.#first;
  }

  #timed<Result>(work: () => Result): Result {
    this.#scheduleReset();
    const startMs = performance.now();
    try {
      return work();
    } finally {
      this.#usedMs += performance.now() - startMs;
    }
  }

  #scheduleReset(): void {
    if (this.#isResetScheduled) return;
    this.#isResetScheduled = true;
    setImmediate(() => {
      this.#isResetScheduled = false;
      this.#usedMs = 0;
      this.#drain();
    });
  }

  #drain(): void {
    while (this.#usedMs < this.#shareMs) {
      const work = this.#waiting[this.#first];
      if (work === undefined) break;
      this.#first++;
      work();
    }
    if (this.#first === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#first = 0;
    } else {
      this.#waiting.splice(0, this.#first);
      this.#first = 0;
      this.#scheduleReset();
    }
  }
}
