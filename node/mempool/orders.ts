import type { PoolEntry } from './entry.js';
import { IndexedHeap } from './indexed-heap.js';
import type { SenderNode, SenderQueue } from './sender-queue.js';

/** The order in which a proposer wants transactions: by tip, and of equal ones the earlier. */
export function isBetter(a: PoolEntry, b: PoolEntry): boolean {
  return a.tipWei === b.tipWei ? a.arrival < b.arrival : a.tipWei > b.tipWei;
}

/** Senders by what they can have included next: the best one first. */
export function createHeads(): IndexedHeap<SenderNode> {
  return new IndexedHeap(
    ({ entry: a }, { entry: b }) => a !== undefined && b !== undefined && isBetter(a, b),
  );
}

/** How much the pool wants to keep a transaction. */
export interface Rank {
  readonly isExecutable: boolean;
  readonly worthWei: bigint;
}

/** What can be included before what waits for something; then by worth. */
export function outranks(a: Rank, b: Rank): boolean {
  return a.isExecutable === b.isExecutable ? a.worthWei > b.worthWei : a.isExecutable;
}

export function rankOf(queue: SenderQueue, { nonce, worthWei }: PoolEntry): Rank {
  return { isExecutable: queue.isExecutable(nonce), worthWei };
}

/** Senders by what is evicted next, which is always somebody's last nonce: the least wanted one first, of equal ones the latest. */
export function createTails(): IndexedHeap<SenderNode> {
  return new IndexedHeap(({ queue: first, entry: a }, { queue: second, entry: b }) => {
    if (a === undefined || b === undefined) return false;
    if (first.isTailExecutable !== second.isTailExecutable) return second.isTailExecutable;
    return a.worthWei === b.worthWei ? a.arrival > b.arrival : a.worthWei < b.worthWei;
  });
}
