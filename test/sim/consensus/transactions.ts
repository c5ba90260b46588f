import type { TransactionSource } from '../../../node/consensus/surroundings.js';
import { changedAccounts } from '../../../node/mempool/changed-accounts.js';
import { Mempool } from '../../../node/mempool/mempool.js';
import { SenderRecovery } from '../../../node/mempool/recovery.js';
import { toHex } from '../../../protocol/bytes.js';
import { MAX_BLOCK_TRANSACTIONS, MAX_TRANSACTION_BYTES } from '../../../protocol/limits.js';
import { OgpuError } from '../../../protocol/errors.js';
import { recoverSender } from '../../../protocol/transactions/recover.js';
import { TransactionError } from '../../../protocol/transactions/errors.js';
import type { Change, Reader } from '../../../state/store/store.js';

/** A node's pool with everything around it on the spot: what production does with worker threads. */
export class SimulatedTransactions implements TransactionSource {
  readonly pool: Mempool;
  readonly #recovery: SenderRecovery;
  readonly #state: Reader;
  onWork: (() => void) | undefined;

  constructor(state: Reader, chainId: number, nowMs: () => number) {
    this.pool = new Mempool({ state, nowMs });
    this.#state = state;
    this.#recovery = new SenderRecovery({
      recover: (batch) =>
        Promise.resolve(
          batch.map(({ digest, signature, yParity }) => addressOf(digest, signature, yParity === 1 ? 1 : 0)),
        ),
      decode: { chainId: BigInt(chainId), maxBytes: MAX_TRANSACTION_BYTES },
      known: (hash) => this.pool.get(hash),
    });
  }

  get hasWork(): boolean {
    return this.pool.stats().pending > 0;
  }

  /** @returns whether the pool took it in */
  async add(envelope: Uint8Array): Promise<boolean> {
    const [outcome] = await this.#recovery.recoverAll([envelope]);
    if (outcome?.ok !== true) return false;
    try {
      this.pool.add(outcome.recovered, 'peer');
    } catch (error) {
      if (error instanceof OgpuError) return false;
      throw error;
    }
    this.onWork?.();
    return true;
  }

  select({
    baseFeeWei,
    gasLimit,
    maxBytes,
  }: Parameters<TransactionSource['select']>[0]): ReturnType<TransactionSource['select']> {
    return this.pool.select({
      ...{ state: this.#state, baseFeeWei, gasLimit, maxBytes },
      maxCount: MAX_BLOCK_TRANSACTIONS,
    });
  }

  find(shortId: Uint8Array): ReturnType<TransactionSource['find']> {
    return this.pool.find(shortId);
  }

  async resolve(envelopes: readonly Uint8Array[]): ReturnType<TransactionSource['resolve']> {
    const outcomes = await this.#recovery.recoverAll(envelopes);
    return outcomes.map((outcome) => {
      if (!outcome.ok) throw outcome.error;
      return outcome.recovered;
    });
  }

  onBlock(included: readonly Uint8Array[], changes: readonly Change[]): void {
    this.pool.onBlock({ state: this.#state, touched: changedAccounts(changes), included });
  }
}

/** Senders by digest and signature: every node of a run recovers the same ones. */
const senders = new Map<string, Uint8Array | undefined>();
const MAX_SENDERS = 4_096;

function addressOf(digest: Uint8Array, rs: Uint8Array, yParity: 0 | 1): Uint8Array | undefined {
  const name = `${toHex(digest)} ${toHex(rs)} ${yParity}`;
  if (senders.has(name)) return senders.get(name)?.slice();
  if (senders.size >= MAX_SENDERS) senders.clear();
  const sender = recovered(digest, rs, yParity);
  senders.set(name, sender);
  return sender?.slice();
}

function recovered(digest: Uint8Array, rs: Uint8Array, yParity: 0 | 1): Uint8Array | undefined {
  try {
    return recoverSender(digest, { rs, yParity });
  } catch (error) {
    if (error instanceof TransactionError) return undefined;
    throw error;
  }
}
