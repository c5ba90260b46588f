import { toHex } from '../../protocol/bytes.js';
import { keyText } from '../../state/store/key-text.js';
import { Overlay } from '../../state/store/overlay.js';
import type { Entry, Reader } from '../../state/store/store.js';

/** What a block cost: entries it read from below its overlay, and entries it changed. */
export interface StateCost {
  readonly reads: number;
  readonly writes: number;
}

/** A state in a map that counts what is read of it and what blocks change in it. */
export class CountedState implements Reader {
  readonly #entries = new Map<string, Entry>();
  #reads = 0;

  get(key: Uint8Array): Uint8Array | undefined {
    this.#reads++;
    return this.#entries.get(keyText(key))?.value;
  }

  /** Runs one block on an overlay and keeps its changes. */
  block(run: (state: Overlay) => void): StateCost {
    const overlay = new Overlay(this, { maxBytes: 2 ** 30 });
    this.#reads = 0;
    run(overlay);
    const reads = this.#reads;
    const changes = overlay.changes();
    for (const { key, value } of changes) this.set(key, value);
    return { reads, writes: changes.length };
  }

  /** Reads made by `run`. */
  countReads(run: () => void): number {
    this.#reads = 0;
    run();
    return this.#reads;
  }

  set(key: Uint8Array, value: Uint8Array | undefined): void {
    if (value === undefined) this.#entries.delete(keyText(key));
    else this.#entries.set(keyText(key), { key, value });
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Everything in key order: `key = value` in hex. */
  dump(): string[] {
    return [...this.#entries.values()].map(({ key, value }) => `${toHex(key)} = ${toHex(value)}`).sort();
  }
}
