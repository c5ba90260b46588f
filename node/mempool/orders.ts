import type { PoolEntry } from './entry.js';
import { IndexedHeap } from './indexed-heap.js';
import type { SenderNode, SenderQueue } from './sender-queue.js';

/** The order in which a proposer wants transactions: by tip, and of equal ones the earlier. */
export function isBetter(a: PoolEntry, b: PoolEntry): boolean {
  return a.tipWei === b.tipWei ? a.arrival < b.arrival : a.tipWei > b.tipWei;
}

/** Senders by what they can have included next: the best one first. */
export function createHeads(): IndexedHeap<SenderNode> {
  return new IndexedHeap((a, b) => {
    const [first, second] = [a.queue.entries[0], b.queue.entries[0]];
    return first !== undefined && second !== undefined && isBetter(first, second);
  });
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

export function tailRank(queue: SenderQueue): Rank {
  return { isExecutable: queue.isTailExecutable, worthWei: queue.worthWei };
}

/** Senders by what is evicted next, which is always somebody's last nonce: the least wanted one first, of equal ones the latest. */
export function createTails(): IndexedHeap<SenderNode> {
  return new IndexedHeap(({ queue: a }, { queue: b }) => {
    if (a.isTailExecutable !== b.isTailExecutable) return b.isTailExecutable;
    if (a.worthWei !== b.worthWei) return a.worthWei < b.worthWei;
    return (a.entries.at(-1)?.arrival ?? 0) > (b.entries.at(-1)?.arrival ?? 0);
  });
}
