import { invariant } from '../../protocol/invariant.js';
import { NODE_KEYS } from '../store/keys.js';
import type { Change, Store } from '../store/store.js';
import { BlockKeys } from './block-keys.js';
import { readHead, readTail, TAIL_KEY } from './marks.js';
import { tailCodec, type Tail } from './records.js';

/**
 * How much of the past a node keeps: all of it, or at least the last `blocks` blocks with their receipts, indices and history. What is
 * gone stays gone: a larger window fills as the chain grows.
 */
export type Retention = { readonly mode: 'archive' } | { readonly mode: 'pruned'; readonly blocks: number };

/** What one step drops at most: a write of the next block waits for a batch of this size, never for more. */
export const MAX_STEP_HEIGHTS = 64;
export const MAX_STEP_KEYS = 20_000;

/** Dropped heights after which the disk is made to give back what they took, or as many as are kept if these are more. */
export const MIN_COMPACTION_HEIGHTS = 10_000;

/**
 * Drops what leaves the retention window, step by step; does nothing in an archive.
 *
 * A step is one durable batch: the heights, lowest first, lose everything they have in one instant, in which the tail moves above them. So
 * no reader and no crash ever meets half a height.
 *
 * The store gives space back by itself as it goes, but late. It is made to when as many heights were dropped as are kept: compaction takes
 * time in proportion to what is kept, so the work stays a constant part of all writing, also while an archive shrinks to a small window.
 */
export class Pruner {
  readonly #store: Store;
  readonly #retention: Retention;
  readonly #minCompactionHeights: number;
  #step: Promise<boolean> | undefined;

  constructor(store: Store, retention: Retention, options: { readonly minCompactionHeights?: number } = {}) {
    invariant(
      retention.mode === 'archive' || (Number.isSafeInteger(retention.blocks) && retention.blocks > 0),
      'a window has at least one block',
    );
    this.#store = store;
    this.#retention = retention;
    this.#minCompactionHeights = options.minCompactionHeights ?? MIN_COMPACTION_HEIGHTS;
  }

  /**
   * Does one bounded step; while one runs, its promise is given again. To be called after each block, without waiting for it, or in a
   * loop: true means that more waits to be dropped.
   *
   * @throws StoreError as reading, writing and compacting do
   */
  step(): Promise<boolean> {
    this.#step ??= this.#drop().finally(() => (this.#step = undefined));
    return this.#step;
  }

  async #drop(): Promise<boolean> {
    const tail = readTail(this.#store);
    const highest = readHead(this.#store)?.height ?? 0;
    const target = this.#retention.mode === 'archive' ? 0 : highest - this.#retention.blocks + 1;
    const end = Math.min(target, tail.height + MAX_STEP_HEIGHTS);
    if (end <= tail.height) return false;
    const { batch, height } = await this.#deletions(tail.height, end);
    await this.#store.write([...batch, markOf({ ...tail, height })]);
    const kept = highest - height + 1;
    if (height - tail.compacted >= Math.max(kept, this.#minCompactionHeights)) await this.#compact(height);
    return height < target;
  }

  /** Of heights from ≤ height < to, as many as a step may take, and where they end. */
  async #deletions(from: number, to: number): Promise<{ batch: Change[]; height: number }> {
    const batch: Change[] = [];
    const keys = new BlockKeys(this.#store, from, to);
    let height = from;
    try {
      for (; height < to && batch.length < MAX_STEP_KEYS; height++)
        for (const key of await keys.take(height)) batch.push({ key, value: undefined });
    } finally {
      await keys.close();
    }
    return { batch, height };
  }

  /** A crash on the way means that it is done again. */
  async #compact(height: number): Promise<void> {
    for (const space of PRUNED_SPACES) await this.#store.compactRange(space.range());
    await this.#store.write([markOf({ height, compacted: height })]);
  }
}

const PRUNED_SPACES = [
  NODE_KEYS.block,
  NODE_KEYS.commit,
  NODE_KEYS.receipt,
  NODE_KEYS.systemLogs,
  NODE_KEYS.undo,
  NODE_KEYS.history,
  NODE_KEYS.blockId,
  NODE_KEYS.transaction,
  NODE_KEYS.logAddress,
  NODE_KEYS.logTopic,
];

function markOf(tail: Tail): Change {
  return { key: TAIL_KEY, value: tailCodec.encode(tail) };
}
