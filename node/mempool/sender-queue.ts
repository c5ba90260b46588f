import type { Address } from '../../protocol/address.js';
import { invariant } from '../../protocol/invariant.js';
import type { Account } from '../../state/accounts/account.js';
import { effectiveTipWei, type PoolEntry } from './entry.js';
import type { HeapNode } from './indexed-heap.js';

/** A sender's place in a heap of senders. */
export interface SenderNode extends HeapNode {
  readonly queue: SenderQueue;
}

/** What follows from a sender's account and transactions. */
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
  readonly head: SenderNode = { queue: this, slot: -1 };
  /** Place among those that can be evicted next. */
  readonly tail: SenderNode = { queue: this, slot: -1 };
  readonly #entries: PoolEntry[] = [];
  #account: Account;
  #measure: Measure = NOTHING;
  #worthWei = 0n;

  constructor(address: Address, account: Account) {
    this.address = address;
    this.#account = account;
  }

  get account(): Account {
    return this.#account;
  }

  get measure(): Measure {
    return this.#measure;
  }

  get entries(): readonly PoolEntry[] {
    return this.#entries;
  }

  /**
   * What the last transaction is worth to a proposer: the lowest tip among all of them, for none can be included without those before
   * it. A high price behind a low one protects nothing.
   */
  get worthWei(): bigint {
    return this.#worthWei;
  }

  get isTailExecutable(): boolean {
    return this.#measure.executable === this.#measure.count;
  }

  find(nonce: number): PoolEntry | undefined {
    const entry = this.#entries[this.#indexOf(nonce)];
    return entry?.nonce === nonce ? entry : undefined;
  }

  /** As `worthWei`, of the transaction with this nonce. */
  worthWeiAt(nonce: number): bigint {
    return lowestTipWei(this.#entries, this.#indexOf(nonce) + 1);
  }

  isExecutable(nonce: number): boolean {
    return this.#indexOf(nonce) < this.#measure.executable;
  }

  isProtected(nonce: number): boolean {
    return this.#indexOf(nonce) < this.#measure.protectedCount;
  }

  /** Adds a transaction, or puts it in the place of the one with its nonce. */
  put(entry: PoolEntry): void {
    const index = this.#indexOf(entry.nonce);
    const isReplacement = this.#entries[index]?.nonce === entry.nonce;
    this.#entries.splice(index, isReplacement ? 1 : 0, entry);
    this.#derive();
  }

  remove(nonce: number): void {
    const index = this.#indexOf(nonce);
    invariant(this.#entries[index]?.nonce === nonce, 'only what is there is removed');
    this.#entries.splice(index, 1);
    this.#derive();
  }

  /** Removes all from a nonce on; returns them. */
  cut(nonce: number): PoolEntry[] {
    const removed = this.#entries.splice(this.#indexOf(nonce));
    this.#derive();
    return removed;
  }

  /** Takes the account as it is after a block; returns what its nonce has made void. */
  rebase(account: Account): PoolEntry[] {
    this.#account = account;
    const removed = this.#entries.splice(0, this.#indexOf(account.nonce));
    this.#derive();
    return removed;
  }

  reprice(baseFeeWei: bigint): void {
    for (const entry of this.#entries) entry.tipWei = effectiveTipWei(entry, baseFeeWei);
    this.#worthWei = lowestTipWei(this.#entries, this.#entries.length);
  }

  /** Gives up the protection of all. */
  unprotect(): void {
    for (const entry of this.#entries) entry.isExempt = false;
    this.#derive();
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

  #derive(): void {
    const { nonce, balanceWei } = this.#account;
    let [sizeBytes, run, executable, protectedCount, protectedBytes] = [0, 0, 0, 0, 0];
    let costWei = 0n;
    for (const [index, entry] of this.#entries.entries()) {
      sizeBytes += entry.recovered.bytes.length;
      costWei += entry.maxCostWei;
      if (run === index && entry.nonce === nonce + index) run++;
      if (executable === index && run > index && costWei <= balanceWei) executable++;
      if (entry.isExempt) [protectedCount, protectedBytes] = [index + 1, sizeBytes];
    }
    const count = this.#entries.length;
    this.#measure = { count, sizeBytes, costWei, run, executable, protectedCount, protectedBytes };
    this.#worthWei = lowestTipWei(this.#entries, count);
  }
}

function lowestTipWei(entries: readonly PoolEntry[], count: number): bigint {
  let lowest = entries[0]?.tipWei ?? 0n;
  for (let i = 1; i < count; i++) {
    const tipWei = entries[i]?.tipWei ?? lowest;
    if (tipWei < lowest) lowest = tipWei;
  }
  return lowest;
}
