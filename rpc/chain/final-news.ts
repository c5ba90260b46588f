import { keyText } from '../../state/store/key-text.js';
import type { FinalizedBlock, RpcBackend } from '../backend.js';

/** A wait for one transaction. */
export interface Expectation {
  /** Whether it has become final in time. */
  readonly isFinal: Promise<boolean>;
  cancel(): void;
}

/** Tells of final blocks: to whoever follows the chain, and to whoever waits for one transaction. */
export class FinalNews {
  readonly #listeners = new Set<(news: FinalizedBlock) => void>();
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #end: () => void;
  #count = 0;

  /** @param keep told first, so that listeners find the block kept */
  constructor(backend: RpcBackend, keep: (news: FinalizedBlock) => void) {
    this.#end = backend.onFinal((news) => {
      keep(news);
      for (const hash of news.transactionHashes) {
        for (const wake of this.#waiting.get(keyText(hash)) ?? []) wake();
      }
      for (const listener of this.#listeners) listener(news);
    });
  }

  /** Returns how to end it. */
  listen(listener: (news: FinalizedBlock) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins to wait for a transaction; what becomes final from here on is not missed. */
  expect(hash: Uint8Array, maxMs: number): Expectation {
    const key = keyText(hash);
    const waiters = this.#waiting.get(key) ?? new Set<() => void>();
    this.#waiting.set(key, waiters);
    let cancel = (): void => undefined;
    const isFinal = new Promise<boolean>((resolve) => {
      const end = (outcome: boolean): void => {
        clearTimeout(timer);
        if (!waiters.delete(wake)) return;
        if (waiters.size === 0) this.#waiting.delete(key);
        this.#count--;
        resolve(outcome);
      };
      const wake = (): void => {
        end(true);
      };
      cancel = () => {
        end(false);
      };
      const timer = setTimeout(cancel, maxMs);
      waiters.add(wake);
      this.#count++;
    });
    return { isFinal, cancel };
  }

  /** What waits. */
  get waiting(): number {
    return this.#count;
  }

  /** Ends all waiting, as if time were over. */
  close(): void {
    this.#end();
    this.#listeners.clear();
  }
}
