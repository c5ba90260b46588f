import { bytesEqual } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { StoreError } from './errors.js';
import { keyText } from './key-text.js';
import { checkKey, checkValue } from './limits.js';
import type { Change, Reader } from './store.js';

/** What an overlay changes, with what was there before: enough to write it and to undo it. */
export interface RecordedChange extends Change {
  readonly old: Uint8Array | undefined;
}

/**
 * Changes on top of a reader, which stays as it is. Checkpoints nest: `rollback` undoes everything since the latest open
 * one, `commit` keeps it as part of the one around it.
 *
 * The reader must not change while the overlay is in use; old values are read from it when they are asked for.
 */
export class Overlay implements Reader {
  readonly #base: Reader;
  readonly #maxBytes: number;
  readonly #changes = new Map<string, Change>();
  /** For each open checkpoint, innermost last: what the overlay held for a key when the checkpoint first touched it. */
  readonly #priors: Map<string, Prior>[] = [];
  #sizeBytes = 0;

  /** @param options.maxBytes bound of `sizeBytes` */
  constructor(base: Reader, options: { readonly maxBytes: number }) {
    this.#base = base;
    this.#maxBytes = options.maxBytes;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const change = this.#changes.get(keyText(key));
    return change === undefined ? this.#base.get(key) : change.value;
  }

  has(key: Uint8Array): boolean {
    return this.get(key) !== undefined;
  }

  /** @throws StoreError STORE_KEY_INVALID | STORE_VALUE_TOO_LARGE | STORE_OVERLAY_FULL; then nothing has changed */
  put(key: Uint8Array, value: Uint8Array): void {
    checkValue(value);
    this.#change({ key, value });
  }

  /** @throws StoreError STORE_KEY_INVALID | STORE_OVERLAY_FULL; then nothing has changed */
  delete(key: Uint8Array): void {
    this.#change({ key, value: undefined });
  }

  checkpoint(): void {
    invariant(this.#priors.length < MAX_CHECKPOINTS, 'checkpoints nest to a bounded depth');
    this.#priors.push(new Map());
  }

  rollback(): void {
    const priors = this.#priors.pop();
    invariant(priors !== undefined, 'there is a checkpoint to roll back to');
    for (const [text, prior] of priors) {
      this.#sizeBytes -= costOfPrior(prior) + costOf(this.#changes.get(text));
      if (prior.change === undefined) this.#changes.delete(text);
      else this.#changes.set(text, prior.change);
      this.#sizeBytes += costOf(prior.change);
    }
  }

  commit(): void {
    const inner = this.#priors.pop();
    invariant(inner !== undefined, 'there is a checkpoint to commit');
    const outer = this.#priors.pop();
    if (outer === undefined) {
      for (const prior of inner.values()) this.#sizeBytes -= costOfPrior(prior);
      return;
    }
    // Where both know a key the outer prior counts. Moving the smaller map keeps many nested commits cheap.
    const outerIsLarger = outer.size >= inner.size;
    const [kept, moved] = outerIsLarger ? [outer, inner] : [inner, outer];
    for (const [text, prior] of moved) {
      const other = kept.get(text);
      if (other !== undefined) this.#sizeBytes -= costOfPrior(outerIsLarger ? prior : other);
      if (other === undefined || !outerIsLarger) kept.set(text, prior);
    }
    this.#priors.push(kept);
  }

  /** Open checkpoints. */
  get depth(): number {
    return this.#priors.length;
  }

  /** Keys, values and bookkeeping of all that is buffered, what a rollback would restore included. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** What differs from the reader below, in key order; a key set back to what it was is left out. */
  changes(): RecordedChange[] {
    const texts = [...this.#changes.keys()].sort();
    const recorded: RecordedChange[] = [];
    for (const text of texts) {
      const change = this.#changes.get(text);
      invariant(change !== undefined, 'the key was just listed');
      const old = this.#base.get(change.key);
      if (!sameValue(old, change.value)) recorded.push({ ...change, old });
    }
    return recorded;
  }

  #change(change: Change): void {
    checkKey(change.key);
    const text = keyText(change.key);
    const before = this.#changes.get(text);
    const priors = this.#priors.at(-1);
    const prior: Prior | undefined =
      priors === undefined || priors.has(text) ? undefined : { change: before, text };
    const sizeBytes = this.#sizeBytes + costOf(change) - costOf(before) + costOfPrior(prior);
    if (sizeBytes > this.#maxBytes) {
      throw new StoreError('STORE_OVERLAY_FULL', 'the changes need more memory than they may', {
        sizeBytes,
        maxBytes: this.#maxBytes,
      });
    }
    if (prior !== undefined) priors?.set(text, prior);
    this.#changes.set(text, change);
    this.#sizeBytes = sizeBytes;
  }
}

interface Prior {
  readonly text: string;
  /** What was buffered, or undefined when the key was untouched. */
  readonly change: Change | undefined;
}

/** Above the deepest call nesting the ledger allows. */
const MAX_CHECKPOINTS = 2048;

/** Map slots, objects and array headers of a buffered change, and of the record that restores one. Measured, rounded up. */
const CHANGE_OVERHEAD_BYTES = 640;
const PRIOR_OVERHEAD_BYTES = 128;

function costOf(change: Change | undefined): number {
  return change === undefined ? 0 : change.key.length + (change.value?.length ?? 0) + CHANGE_OVERHEAD_BYTES;
}

function costOfPrior(prior: Prior | undefined): number {
  if (prior === undefined) return 0;
  return prior.text.length + PRIOR_OVERHEAD_BYTES + costOf(prior.change);
}

function sameValue(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && bytesEqual(a, b));
}
