import { StoreError } from '../../state/store/errors.js';
import { MAX_WAITING_WRITES } from '../../state/store/limits.js';

/** Jobs one after the other, in the order they came; a bounded number may wait. */
export class Turns {
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  /**
   * Settles as `job` does, after all jobs before it have settled.
   *
   * @throws StoreError STORE_BUSY
   */
  async run(job: () => Promise<void>): Promise<void> {
    if (this.#waiting === MAX_WAITING_WRITES) {
      throw new StoreError('STORE_BUSY', 'too many writes are waiting', { waiting: this.#waiting });
    }
    this.#waiting++;
    const done = this.#last.then(job).finally(() => this.#waiting--);
    this.#last = done.catch(() => undefined);
    await done;
  }

  /** Resolves when every job taken so far has settled. */
  idle(): Promise<void> {
    return this.#last;
  }
}
