import { RPC } from '../errors/codes.js';
import { RpcError } from '../errors/rpc-error.js';

/** Lets a bounded number of heavy calls run at a time, and a bounded number wait. */
export class Gate {
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(maxRunning: number, maxWaiting: number) {
    this.#maxRunning = maxRunning;
    this.#maxWaiting = maxWaiting;
  }

  /** At once where a place is free. @throws RpcError RPC_BUSY when too many wait already */
  run<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    if (this.#running >= this.#maxRunning) return this.#wait().then(() => this.#hold(work));
    this.#running++;
    return this.#hold(work);
  }

  async #hold<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  /** Resolves with a place taken over from who has left. */
  async #wait(): Promise<void> {
    if (this.#waiting.length >= this.#maxWaiting) {
      throw new RpcError(RPC.limitExceeded, 'RPC_BUSY', 'too many heavy requests: try again later', {
        maxRunning: this.#maxRunning,
        maxWaiting: this.#maxWaiting,
      });
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}
