import type { Address } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { readAccount } from '../../state/accounts/account.js';
import { keyText } from '../../state/store/key-text.js';
import type { Reader } from '../../state/store/store.js';
import {
  assertIncludable,
  assertNonceNear,
  assertWelcome,
  readChainRules,
  type ChainRules,
} from './admission.js';
import { Announcements, type Announced } from './announcements.js';
import { checkConfig, DEFAULT_MEMPOOL_CONFIG, type MempoolConfig } from './config.js';
import {
  effectiveTipWei,
  maxCostWei,
  pricesOf,
  type PoolEntry,
  type RecoveredTransaction,
  type Source,
} from './entry.js';
import { MempoolError } from './errors.js';
import { createHeads, createTails, outranks, rankOf, type Rank } from './orders.js';
import { selectTransactions, type SelectRequest } from './select.js';
import { SenderQueue } from './sender-queue.js';
import { ShortIds } from './short-ids.js';
import { Tally, type MempoolStats } from './tally.js';

export interface MempoolOptions {
  /** The state after the last block. */
  readonly state: Reader;
  /** Unix milliseconds. */
  readonly nowMs: () => number;
  readonly config?: Partial<MempoolConfig>;
  /** Told of every transaction taken in: for a journal. */
  readonly onAccepted?: (entry: PoolEntry) => void;
}

export type AddOutcome =
  | { readonly kind: 'accepted' }
  /** @property hash of the transaction that made way */
  | { readonly kind: 'replaced'; readonly hash: Uint8Array };

/** A block that is final now. */
export interface FinalBlockNews {
  /** The state after it. */
  readonly state: Reader;
  /** Every account it changed; see `changedAccounts`. */
  readonly touched: Iterable<Address>;
  /** Hashes of its transactions. */
  readonly included: Iterable<Uint8Array>;
}

/** A sender's transactions. */
export interface SenderContent {
  /** Can be included one after the other. */
  readonly pending: readonly RecoveredTransaction[];
  /** Wait for an earlier nonce or for money. */
  readonly queued: readonly RecoveredTransaction[];
}

/** When more than this part of the senders change their price at once, ordering all anew costs less than moving each. */
const REBUILD_SHARE = 8;

/**
 * Transactions that wait for a block: bounded, ordered by price, and includable by the rules of the state transition. Synchronous and
 * deterministic: the same calls at the same times give the same pool. Rules and refusals: docs/mempool.md.
 */
export class Mempool {
  readonly #config: MempoolConfig;
  readonly #nowMs: () => number;
  readonly #onAccepted: ((entry: PoolEntry) => void) | undefined;
  readonly #senders = new Map<string, SenderQueue>();
  /** In the order of arrival. */
  readonly #entries = new Map<string, PoolEntry>();
  readonly #shortIds = new ShortIds();
  readonly #heads = createHeads();
  readonly #tails = createTails();
  readonly #tally = new Tally();
  readonly #announcements: Announcements;
  #state: Reader;
  #rules: ChainRules;
  #baseFeeWei: bigint;
  #arrivals = 0;
  #lastArrivalMs = 0;

  /** @throws MempoolError MEMPOOL_CONFIG */
  constructor({ state, nowMs, config, onAccepted }: MempoolOptions) {
    this.#config = checkConfig({ ...DEFAULT_MEMPOOL_CONFIG, ...config });
    this.#nowMs = nowMs;
    this.#onAccepted = onAccepted;
    this.#announcements = new Announcements(this.#config.maxAnnouncements);
    this.#state = state;
    this.#rules = readChainRules(state);
    this.#baseFeeWei = this.#rules.baseFeeWei;
  }

  /**
   * Takes a transaction in, or leaves everything as it was.
   *
   * @param sinceMs when it came first, if that was before a restart
   * @throws MempoolError any code but MEMPOOL_CONFIG and MEMPOOL_TOO_MANY_SUBSCRIBERS; TransactionError and AdmissionError as
   * `assertIncludable`
   */
  add(recovered: RecoveredTransaction, source: Source, sinceMs = this.#nowMs()): AddOutcome {
    try {
      return this.#add(recovered, source, sinceMs);
    } catch (error) {
      this.#tally.refused++;
      throw error;
    }
  }

  /** Whether it is in the pool. */
  has(hash: Uint8Array): boolean {
    return this.#entries.has(keyText(hash));
  }

  get(hash: Uint8Array): RecoveredTransaction | undefined {
    return this.#entries.get(keyText(hash))?.recovered;
  }

  /** As compact blocks name it: by the first bytes of its hash. */
  find(shortId: Uint8Array): RecoveredTransaction | undefined {
    return this.#shortIds.get(shortId);
  }

  /** The nonce after the account's and those of the pool that follow it without a gap. */
  pendingNonce(address: Address): number {
    const queue = this.#senders.get(keyText(address));
    if (queue === undefined) return readAccount(this.#state, address).nonce;
    return queue.account.nonce + queue.measure.run;
  }

  contentOf(address: Address): SenderContent {
    const queue = this.#senders.get(keyText(address));
    const all = queue?.entries.map(({ recovered }) => recovered) ?? [];
    const executable = queue?.measure.executable ?? 0;
    return { pending: all.slice(0, executable), queued: all.slice(executable) };
  }

  /** Everything in the order of arrival. The pool must not change while this is read. */
  entries(): IterableIterator<PoolEntry> {
    return this.#entries.values();
  }

  /** Transactions for a block, in its order. */
  select(request: SelectRequest): RecoveredTransaction[] {
    this.#reprice(request.baseFeeWei);
    return selectTransactions(this.#heads, request);
  }

  /** Follows the chain: what has been included or made void leaves, the accounts and the base fee are what they are now. */
  onBlock({ state, touched, included }: FinalBlockNews): void {
    this.#state = state;
    this.#rules = readChainRules(state);
    for (const hash of included) if (this.#entries.has(keyText(hash))) this.#tally.included++;
    for (const address of touched) {
      const queue = this.#senders.get(keyText(address));
      if (queue === undefined) continue;
      const account = readAccount(state, address);
      this.#forget(this.#change(queue, () => queue.rebase(account)));
    }
    this.#reprice(this.#rules.baseFeeWei);
    this.expire();
  }

  /** Drops what is older than `maxAgeMs`, with the later nonces of its sender. */
  expire(): void {
    const untilMs = this.#nowMs() - this.#config.maxAgeMs;
    for (const entry of this.#entries.values()) {
      if (entry.arrivedAtMs > untilMs) return;
      const queue = this.#queueOf(entry);
      const expired = this.#change(queue, () => queue.cut(entry.nonce));
      this.#tally.expired += expired.length;
      this.#forget(expired);
    }
  }

  /** At most `limit` of the transactions taken in since `cursor`; begin at 0. */
  announced(cursor: number, limit: number): Announced {
    return this.#announcements.read(cursor, limit);
  }

  /**
   * Calls `wake` after each announcement; returns how to end that.
   *
   * @throws MempoolError MEMPOOL_TOO_MANY_SUBSCRIBERS
   */
  subscribe(wake: () => void): () => void {
    return this.#announcements.subscribe(wake);
  }

  stats(): MempoolStats {
    return this.#tally.stats({
      senders: this.#senders.size,
      baseFeeWei: this.#baseFeeWei,
      announced: this.#announcements.end,
    });
  }

  #add(recovered: RecoveredTransaction, source: Source, sinceMs: number): AddOutcome {
    if (this.has(recovered.hash)) {
      throw new MempoolError('MEMPOOL_KNOWN', 'the transaction is in the pool', {
        hash: toHex(recovered.hash),
      });
    }
    const { sender } = recovered;
    const queue =
      this.#senders.get(keyText(sender)) ?? new SenderQueue(sender, readAccount(this.#state, sender));
    assertNonceNear(recovered.transaction.nonce, queue, this.#config);
    assertIncludable(recovered, queue.account, this.#rules);
    assertWelcome(recovered, queue, this.#config);

    const entry = this.#entryOf(recovered, source, sinceMs);
    const old = queue.find(entry.nonce);
    if (old?.isExempt === true) entry.isExempt = true;
    this.#change(queue, () => queue.put(entry));
    this.#boundExemption(queue, entry);
    this.#makeRoom(queue, entry, old);

    if (old !== undefined) this.#forget([old]);
    this.#entries.set(keyText(recovered.hash), entry);
    this.#shortIds.add(recovered);
    this.#arrivals++;
    this.#lastArrivalMs = entry.arrivedAtMs;
    this.#tally.accepted++;
    if (old !== undefined) this.#tally.replaced++;
    this.#onAccepted?.(entry);
    this.#announcements.append(recovered.hash);
    return old === undefined ? { kind: 'accepted' } : { kind: 'replaced', hash: old.recovered.hash };
  }

  #entryOf(recovered: RecoveredTransaction, source: Source, sinceMs: number): PoolEntry {
    const { transaction } = recovered;
    const prices = pricesOf(transaction);
    const tipWei = effectiveTipWei(prices, this.#baseFeeWei);
    return {
      recovered,
      source,
      nonce: Number(transaction.nonce),
      ...prices,
      maxCostWei: maxCostWei(transaction),
      arrival: this.#arrivals,
      // Expiry goes by the order of arrival, so time does not run back along it.
      arrivedAtMs: Math.max(Math.min(sinceMs, this.#nowMs()), this.#lastArrivalMs),
      tipWei,
      worthWei: tipWei,
      isExempt: source === 'local',
    };
  }

  /** Beyond the bound of what may be exempt, the newcomer is treated like any other, and if that is not enough, so is all of its sender. */
  #boundExemption(queue: SenderQueue, entry: PoolEntry): void {
    const { maxExemptCount, maxExemptBytes } = this.#config;
    const isOver = (): boolean =>
      this.#tally.protectedCount > maxExemptCount || this.#tally.protectedBytes > maxExemptBytes;
    if (isOver()) {
      this.#change(queue, () => {
        entry.isExempt = false;
        queue.put(entry);
      });
    }
    if (isOver()) {
      this.#change(queue, () => {
        queue.unprotect();
      });
    }
  }

  /**
   * Evicts the least wanted tails of others until the newcomer fits; never what is wanted as much.
   *
   * @throws MempoolError MEMPOOL_FULL; then all is as it was before the newcomer
   */
  #makeRoom(queue: SenderQueue, entry: PoolEntry, old: PoolEntry | undefined): void {
    const { maxCount, maxBytes } = this.#config;
    const isOver = (): boolean => this.#tally.count > maxCount || this.#tally.sizeBytes > maxBytes;
    if (!isOver()) return;
    const newcomer = rankOf(queue, entry);
    const evicted: { readonly queue: SenderQueue; readonly entry: PoolEntry }[] = [];
    let mustOutrank: Rank | undefined;
    this.#tails.place(queue.tail, false);
    while (isOver()) {
      const victim = this.#tails.at(0)?.queue;
      const last = victim?.tail.entry;
      if (victim === undefined || last === undefined) break;
      mustOutrank = rankOf(victim, last);
      this.#change(victim, () => {
        victim.remove(last.nonce);
      });
      evicted.push({ queue: victim, entry: last });
    }
    const isWanted = queue.isProtected(entry.nonce);
    if (!isOver() && mustOutrank !== undefined && (isWanted || outranks(newcomer, mustOutrank))) {
      for (const { entry: victim } of evicted) this.#forget([victim]);
      this.#tally.evicted += evicted.length;
      this.#reorder(queue);
      return;
    }
    for (const { queue: victim, entry: last } of evicted.reverse())
      this.#change(victim, () => victim.put(last));
    this.#change(queue, () => {
      if (old === undefined) queue.remove(entry.nonce);
      else queue.put(old);
    });
    throw fullError(newcomer, isOver() ? undefined : mustOutrank, {
      expectedNonce: queue.account.nonce + queue.measure.run,
      tipWei: entry.tipWei,
      baseFeeWei: this.#baseFeeWei,
      minTipWei: this.#config.minTipWei,
    });
  }

  #reprice(baseFeeWei: bigint): void {
    if (baseFeeWei === this.#baseFeeWei) return;
    this.#baseFeeWei = baseFeeWei;
    const affected = [...this.#senders.values()].filter((queue) => queue.isRepricedBy(baseFeeWei));
    const isCheaperAnew = affected.length > this.#senders.size / REBUILD_SHARE;
    for (const queue of affected) {
      queue.reprice(baseFeeWei);
      if (!isCheaperAnew) this.#reorder(queue);
    }
    if (!isCheaperAnew) return;
    this.#heads.rebuild();
    this.#tails.rebuild();
  }

  #forget(entries: readonly PoolEntry[]): void {
    for (const { recovered } of entries) {
      this.#entries.delete(keyText(recovered.hash));
      this.#shortIds.delete(recovered);
    }
  }

  #queueOf({ recovered }: PoolEntry): SenderQueue {
    const queue = this.#senders.get(keyText(recovered.sender));
    invariant(queue !== undefined, 'whoever has a transaction in the pool has a queue');
    return queue;
  }

  /** The one way to change a queue: totals and both orders follow. */
  #change<Result>(queue: SenderQueue, run: () => Result): Result {
    const before = queue.measure;
    const result = run();
    const { measure } = queue;
    this.#tally.move(before, measure);
    this.#reorder(queue);
    const key = keyText(queue.address);
    if (measure.count === 0) this.#senders.delete(key);
    else if (before.count === 0) this.#senders.set(key, queue);
    return result;
  }

  #reorder({ measure, head, tail }: SenderQueue): void {
    this.#heads.place(head, measure.executable > 0);
    this.#tails.place(tail, measure.count > measure.protectedCount);
  }
}

/** Names the fees that would have made room, where fees can. */
function fullError(
  { isExecutable, worthWei }: Rank,
  mustOutrank: Rank | undefined,
  {
    minTipWei,
    ...known
  }: Readonly<Record<'tipWei' | 'baseFeeWei' | 'minTipWei', bigint>> & { readonly expectedNonce: number },
): MempoolError {
  const data = { ...known, worthWei, isExecutable };
  if (mustOutrank === undefined) {
    return new MempoolError('MEMPOOL_FULL', 'the pool is full and nothing in it can make way', data);
  }
  if (mustOutrank.isExecutable && !isExecutable) {
    return new MempoolError('MEMPOOL_FULL', 'the pool is full and this waits for an earlier nonce', data);
  }
  const text =
    worthWei < known.tipWei
      ? 'the pool is full and an earlier transaction of the sender pays too little'
      : 'the pool is full of transactions that pay more';
  const requiredWei = mustOutrank.isExecutable === isExecutable ? mustOutrank.worthWei + 1n : worthWei;
  return new MempoolError('MEMPOOL_FULL', text, {
    ...data,
    requiredMaxPriorityFeePerGas: requiredWei > minTipWei ? requiredWei : minTipWei,
    requiredMaxFeePerGas: known.baseFeeWei + requiredWei,
  });
}
