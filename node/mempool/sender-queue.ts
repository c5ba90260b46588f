import type { Address } from '../../protocol/address.js';
import { invariant } from '../../protocol/invariant.js';
import type { Account } from '../../state/accounts/account.js';
import { effectiveTipWei, type PoolEntry } from './entry.js';
import type { HeapNode } from './indexed-heap.js';

/** A sender's place in a heap of senders. */
export interface SenderNode extends HeapNode {
  readonly queue: SenderQueue;
  /** What the place depends on: the sender's first transaction, or the last one. Only the queue writes it. */
  entry: PoolEntry | undefined;
}

/** What follows from a sender's account and some of its first transactions. */
export interface Measure {
  readonly count: number;
  readonly sizeBytes: number;
  /** Maximum cost of all transactions. */
  readonly costWei: bigint;
  /** Transactions whose nonces follow the account's without a gap. */
  readonly run: number;
  /** Those of the run that the balance pays for, all at once: they can be included in this order. */
  readonly executable: number;
  /** Transactions up to the last exempt one, and their bytes: what eviction may not touch. */
  readonly protectedCount: number;
  readonly protectedBytes: number;
}

const NOTHING: Measure = {
  count: 0,
  sizeBytes: 0,
  costWei: 0n,
  run: 0,
  executable: 0,
  protectedCount: 0,
  protectedBytes: 0,
};

/** The transactions of one sender in the order of their nonces, at most one for each. */
export class SenderQueue {
  readonly address: Address;
  /** Place among those that can be included next. */
  readonly head: SenderNode = { queue: this, entry: undefined, slot: -1 };
  /** Place among those that can be evicted next. */
  readonly tail: SenderNode = { queue: this, entry: undefined, slot: -1 };
  readonly #entries: PoolEntry[] = [];
  /** For each transaction the measure of all up to it. */
  readonly #measures: Measure[] = [];
  #account: Account;

  constructor(address: Address, account: Account) {
    this.address = address;
    this.#account = account;
  }

  get account(): Account {
    return this.#account;
  }

  get measure(): Measure {
    return this.#measures.at(-1) ?? NOTHING;
  }

  get entries(): readonly PoolEntry[] {
    return this.#entries;
  }

  get isTailExecutable(): boolean {
    const { executable, count } = this.measure;
    return executable === count;
  }

  find(nonce: number): PoolEntry | undefined {
    const entry = this.#entries[this.#indexOf(nonce)];
    return entry?.nonce === nonce ? entry : undefined;
  }

  isExecutable(nonce: number): boolean {
    return this.#indexOf(nonce) < this.measure.executable;
  }

  isProtected(nonce: number): boolean {
    return this.#indexOf(nonce) < this.measure.protectedCount;
  }

  /** Adds a transaction, or puts it in the place of the one with its nonce. */
  put(entry: PoolEntry): void {
    const index = this.#indexOf(entry.nonce);
    const isReplacement = this.#entries[index]?.nonce === entry.nonce;
    this.#entries.splice(index, isReplacement ? 1 : 0, entry);
    this.#derive(index);
  }

  remove(nonce: number): void {
    const index = this.#indexOf(nonce);
    invariant(this.#entries[index]?.nonce === nonce, 'only what is there is removed');
    this.#entries.splice(index, 1);
    this.#derive(index);
  }

  /** Removes all from a nonce on; returns them. */
  cut(nonce: number): PoolEntry[] {
    const index = this.#indexOf(nonce);
    const removed = this.#entries.splice(index);
    this.#derive(index);
    return removed;
  }

  /** Takes the account as it is after a block; returns what its nonce has made void. */
  rebase(account: Account): PoolEntry[] {
    const before = this.#account;
    this.#account = account;
    const leastWei = before.balanceWei < account.balanceWei ? before.balanceWei : account.balanceWei;
    if (before.nonce === account.nonce && this.measure.costWei <= leastWei) return [];
    const removed = this.#entries.splice(0, this.#indexOf(account.nonce));
    this.#derive(0);
    return removed;
  }

  /** Whether a tip is another at this base fee. */
  isRepricedBy(baseFeeWei: bigint): boolean {
    return this.#entries.some((entry) => effectiveTipWei(entry, baseFeeWei) !== entry.tipWei);
  }

  reprice(baseFeeWei: bigint): void {
    for (const [index, entry] of this.#entries.entries()) {
      entry.tipWei = effectiveTipWei(entry, baseFeeWei);
      entry.worthWei = worthAfter(this.#entries[index - 1], entry);
    }
  }

  /** Gives up the protection of all. */
  unprotect(): void {
    for (const entry of this.#entries) entry.isExempt = false;
    this.#derive(0);
  }

  /** Index of the first entry with at least this nonce. */
  #indexOf(nonce: number): number {
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle]?.nonce ?? 0) < nonce) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Follows a change of the entries from `index` on. */
  #derive(index: number): void {
    this.#measures.length = index;
    for (let i = index; i < this.#entries.length; i++) {
      const entry = this.#entries[i];
      invariant(entry !== undefined, 'an index is below the length');
      entry.worthWei = worthAfter(this.#entries[i - 1], entry);
      this.#measures.push(extend(this.#measures[i - 1] ?? NOTHING, entry, this.#account));
    }
    this.head.entry = this.#entries[0];
    this.tail.entry = this.#entries.at(-1);
  }
}

function worthAfter(before: PoolEntry | undefined, { tipWei }: PoolEntry): bigint {
  return before !== undefined && before.worthWei < tipWei ? before.worthWei : tipWei;
}

/** The measure with one more transaction. */
function extend(before: Measure, entry: PoolEntry, { nonce, balanceWei }: Account): Measure {
  const { count } = before;
  const sizeBytes = before.sizeBytes + entry.recovered.bytes.length;
  const costWei = before.costWei + entry.maxCostWei;
  const isInRun = before.run === count && entry.nonce === nonce + count;
  const isExecutable = isInRun && before.executable === count && costWei <= balanceWei;
  return {
    count: count + 1,
    sizeBytes,
    costWei,
    run: before.run + (isInRun ? 1 : 0),
    executable: before.executable + (isExecutable ? 1 : 0),
    protectedCount: entry.isExempt ? count + 1 : before.protectedCount,
    protectedBytes: entry.isExempt ? sizeBytes : before.protectedBytes,
  };
}
