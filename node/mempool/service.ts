import { OgpuError } from '../../protocol/errors.js';
import { MAX_BLOCK_TRANSACTIONS, MAX_TRANSACTION_BYTES } from '../../protocol/limits.js';
import { NODE_KEYS } from '../../state/store/keys.js';
import type { Change, Reader } from '../../state/store/store.js';
import type { TransactionSource } from '../consensus/surroundings.js';
import { changedAccounts } from './changed-accounts.js';
import type { MempoolConfig } from './config.js';
import type { PoolEntry, RecoveredTransaction } from './entry.js';
import { journalFileAt } from './journal-file.js';
import type { JournalIdentity } from './journal-format.js';
import { MempoolJournal, type RestoreReport } from './journal.js';
import { Mempool } from './mempool.js';
import { SenderRecovery, type RecoverAddresses, type RecoveryOutcome } from './recovery.js';
import { submitter, type Submit } from './submissions.js';

export interface TransactionServiceOptions {
  /** The state after the last final block, whatever that is at the time of reading. */
  readonly state: Reader;
  readonly identity: JournalIdentity;
  readonly recover: RecoverAddresses;
  /** Unix milliseconds. */
  readonly nowMs: () => number;
  /** Path of the journal. */
  readonly journal: string;
  readonly config?: Partial<MempoolConfig>;
  /** Tells other nodes of transactions. */
  readonly publish: (envelopes: readonly Uint8Array[]) => void;
  /** Told when the journal's disk fails; the pool goes on without it. */
  readonly onJournalFault: (error: unknown) => void;
}

/** What a batch of a peer's transactions was worth, as gossip asks: to pass on, to drop, to hold against who sent it. */
export type BatchVerdict = 'accept' | 'ignore' | 'reject';

/** How often transactions of this node's clients that still wait are told again, how old they are then, and how many at most. */
const REPUBLISH_MS = 10_000;
/** After a peer has come: gossip has to know it first. */
const REPUBLISH_SOON_MS = 1_500;
const MAX_REPUBLISHED = 1_024;

/** How often a block's signatures are asked for again while others are in the way. */
const RESOLVE_TRIES = 100;
const RESOLVE_RETRY_MS = 50;

/** The pool of a running node with everything around it: signatures, journal, gossip, and what consensus asks of it. */
export class TransactionService implements TransactionSource {
  readonly pool: Mempool;
  /** Takes a transaction of a client of this node, and tells others. */
  readonly submit: Submit;
  readonly #options: TransactionServiceOptions;
  readonly #recovery: SenderRecovery;
  readonly #journal: MempoolJournal;
  readonly #republishing: NodeJS.Timeout;
  #republishSoon: NodeJS.Timeout | undefined;
  onWork: (() => void) | undefined;

  constructor(options: TransactionServiceOptions) {
    const { state, nowMs, config = {}, identity, recover, onJournalFault } = options;
    this.#options = options;
    this.pool = new Mempool({
      ...{ state, nowMs, config },
      onAccepted: (entry) => {
        this.#journal.record(entry);
      },
    });
    this.#recovery = new SenderRecovery({
      recover,
      decode: { chainId: BigInt(identity.chainId), maxBytes: MAX_TRANSACTION_BYTES },
      known: (hash) => this.pool.get(hash),
    });
    this.submit = submitter({
      recovery: this.#recovery,
      pool: this.pool,
      onAccepted: (accepted) => {
        options.publish(accepted.map(({ bytes }) => bytes));
        this.#wake();
      },
    });
    this.#journal = new MempoolJournal({
      file: journalFileAt(options.journal),
      identity,
      live: () => this.pool.entries(),
      isIncluded: (hash) => state.get(NODE_KEYS.transaction.encode(hash)) !== undefined,
      onFault: onJournalFault,
    });
    this.#republishing = setInterval(() => {
      this.#republish(this.#options.nowMs() - REPUBLISH_MS);
    }, REPUBLISH_MS);
  }

  /** Brings back what the journal holds. @throws JournalError; what reading the file fails with */
  async restore(): Promise<RestoreReport> {
    return this.#journal.restore(this.pool, this.#recovery);
  }

  /** What has been recorded is with the operating system when this resolves. */
  async close(): Promise<void> {
    clearInterval(this.#republishing);
    clearTimeout(this.#republishSoon);
    await this.#journal.close();
  }

  get hasWork(): boolean {
    return this.pool.stats().pending > 0;
  }

  /** Takes what a peer has passed on. Never rejects. */
  async takeFromPeer(envelopes: readonly Uint8Array[]): Promise<BatchVerdict> {
    let outcomes: readonly RecoveryOutcome[];
    try {
      outcomes = await this.#recovery.recoverAll(envelopes);
    } catch {
      return 'ignore';
    }
    if (outcomes.some(({ ok }) => !ok)) return 'reject';
    let accepted = 0;
    for (const outcome of outcomes) if (outcome.ok && this.#admits(outcome.recovered)) accepted++;
    if (accepted === 0) return 'ignore';
    this.#wake();
    return 'accept';
  }

  select(limits: Parameters<TransactionSource['select']>[0]): readonly RecoveredTransaction[] {
    return this.pool.select({
      ...limits,
      state: this.#options.state,
      maxCount: MAX_BLOCK_TRANSACTIONS,
    });
  }

  find(shortId: Uint8Array): RecoveredTransaction | undefined {
    return this.pool.find(shortId);
  }

  async resolve(envelopes: readonly Uint8Array[]): Promise<readonly RecoveredTransaction[]> {
    const outcomes = await this.#recoverPatiently(envelopes);
    return outcomes.map((outcome) => {
      if (!outcome.ok) throw outcome.error;
      return outcome.recovered;
    });
  }

  onBlock(transactionHashes: readonly Uint8Array[], changes: readonly Change[]): void {
    const { state } = this.#options;
    this.pool.onBlock({ state, touched: changedAccounts(changes), included: transactionHashes });
  }

  /** A transaction that the pool refuses is the sender's trouble, or comes too late: nothing to hold against who passed it on. */
  #admits(recovered: RecoveredTransaction): boolean {
    if (this.pool.has(recovered.hash)) return false;
    try {
      this.pool.add(recovered, 'peer');
      return true;
    } catch (error) {
      if (error instanceof OgpuError) return false;
      throw error;
    }
  }

  #wake(): void {
    if (this.hasWork) this.onWork?.();
  }

  /** A flood of others' signatures, or a worker that died, delays a block and nothing else. */
  async #recoverPatiently(envelopes: readonly Uint8Array[]): Promise<readonly RecoveryOutcome[]> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#recovery.recoverAll(envelopes);
      } catch (error) {
        if (tries >= RESOLVE_TRIES || !isPassing(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, RESOLVE_RETRY_MS));
      }
    }
  }

  /** Somebody has come who may know nothing of what waits here. */
  republishSoon(): void {
    this.#republishSoon ??= setTimeout(() => {
      this.#republishSoon = undefined;
      this.#republish(this.#options.nowMs());
    }, REPUBLISH_SOON_MS);
  }

  /** Others may have been away, or this node alone, when a transaction came. */
  #republish(untilMs: number): void {
    const waiting: Uint8Array[] = [];
    for (const entry of this.pool.entries()) {
      if (waiting.length >= MAX_REPUBLISHED || entry.arrivedAtMs > untilMs) break;
      if (isOwn(entry)) waiting.push(entry.recovered.bytes);
    }
    if (waiting.length > 0) this.#options.publish(waiting);
  }
}

const PASSING: ReadonlySet<string> = new Set(['RECOVERY_BUSY', 'QUEUE_FULL', 'WORKER_DIED']);

function isPassing(error: unknown): boolean {
  return error instanceof OgpuError && PASSING.has(String(error.code));
}

function isOwn({ source }: PoolEntry): boolean {
  return source === 'local';
}
