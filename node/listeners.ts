import { invariant } from '../protocol/invariant.js';

const MAX_LISTENERS = 64;

/** Who is told of something, in the order of asking. */
export class Listeners<News> {
  readonly #listeners = new Set<(news: News) => void>();

  /** @returns how to be told no more */
  add(listener: (news: News) => void): () => void {
    invariant(this.#listeners.size < MAX_LISTENERS, 'the parts of a node are few');
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tell(news: News): void {
    for (const listener of [...this.#listeners]) listener(news);
  }
}
