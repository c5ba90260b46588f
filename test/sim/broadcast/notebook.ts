import { OgpuError } from '../../../protocol/errors.js';
import type { Prng } from '../../support/prng.js';
import type { DiskKind } from '../scenario.js';

export class NotebookFullError extends OgpuError<'NOTEBOOK_FULL'> {
  constructor() {
    super('NOTEBOOK_FULL', 'no space left');
  }
}

/** A disk that keeps lines. What was not synced when its node dies may be there afterwards, from the beginning, or not. */
export class Notebook {
  readonly #random: Prng;
  readonly #delay: () => Promise<void>;
  readonly #durable: string[];
  #pending: string[] = [];
  isFull = false;

  constructor(durable: readonly string[], random: Prng, delay: () => Promise<void>) {
    this.#durable = [...durable];
    this.#random = random;
    this.#delay = delay;
  }

  /** What was synced, and what was not. */
  lines(): readonly string[] {
    return [...this.#durable, ...this.#pending];
  }

  append(line: string): void {
    this.#pending.push(line);
  }

  /** Resolves when everything appended before the call is durable. @throws NotebookFullError; what was appended is kept for the next try */
  async sync(): Promise<void> {
    const length = this.#durable.length + this.#pending.length;
    await this.#delay();
    if (this.isFull && this.#durable.length < length) throw new NotebookFullError();
    this.#durable.push(...this.#pending.splice(0, Math.max(0, length - this.#durable.length)));
  }

  /** What the next process finds. */
  afterCrash(): readonly string[] {
    return [...this.#durable, ...this.#pending.slice(0, this.#random.below(this.#pending.length + 1))];
  }
}

export const NOTEBOOKS: DiskKind<Notebook> = {
  create: (random, delay) => new Notebook([], random, delay),
  crash: (notebook, random, delay) => new Notebook(notebook.afterCrash(), random, delay),
  copy: (notebook, random, delay) => new Notebook(notebook.lines(), random, delay),
  isBlank: (notebook) => notebook.lines().length === 0,
  setFull: (notebook, isFull) => {
    notebook.isFull = isFull;
  },
};
