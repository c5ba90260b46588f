import { setTimeout as delay } from 'node:timers/promises';
import { toHex } from '../../protocol/bytes.js';
import { Quantity, type Receipt } from './answers.js';
import { ClientError } from './errors.js';
import type { RpcClient } from './rpc-client.js';
import {
  broadcast,
  outcomeOf,
  readFees,
  receiptOf,
  sign,
  signAs,
  type Intent,
  type Outcome,
  type Signed,
} from './transact.js';
import type { Wallet } from './wallet.js';

export interface SenderOptions {
  /** How long a transaction is waited for, and sent again where it got lost. */
  readonly waitMs: number;
  /** After so long without a receipt it is sent again. */
  readonly stallMs?: number;
  readonly pollMs?: number;
  /** Ends the waiting: what was sent may still become final. */
  readonly signal?: AbortSignal;
}

const STALL_MS = 5_000;
const POLL_MS = 100;

/** A replacement in the pool must raise both fees by a tenth. */
const RAISE_PERCENT = 125n;

/**
 * Sends the transactions of one account. Several may wait to be final at a time, but each is sent after the one before, for its nonce; one that
 * was refused takes no nonce. What a node has lost is sent again, and what has become too cheap for the base fee with a higher one: it would keep
 * all later ones waiting.
 */
export class Sender {
  readonly #rpc: RpcClient;
  readonly #wallet: Wallet;
  readonly #waitMs: number;
  readonly #stallMs: number;
  readonly #pollMs: number;
  readonly #signal: AbortSignal | undefined;
  #last: Promise<unknown> = Promise.resolve();
  /** Of each transaction that is waited for, what was sent of it. */
  readonly #waiting = new Set<Signed[]>();

  constructor(rpc: RpcClient, wallet: Wallet, options: SenderOptions) {
    const { waitMs, stallMs = STALL_MS, pollMs = POLL_MS } = options;
    this.#rpc = rpc;
    this.#wallet = wallet;
    this.#waitMs = waitMs;
    this.#stallMs = stallMs;
    this.#pollMs = pollMs;
    this.#signal = options.signal;
  }

  /**
   * Resolves when it is final.
   *
   * @throws ClientError CALL_REVERTED | RPC_REFUSED | TRANSACTION_FAILED | TRANSACTION_PENDING | TRANSACTION_REPLACED, and as calls do
   */
  async send(intent: Intent): Promise<Outcome> {
    const submitted = this.#last.then(() => this.#submit(intent));
    // Whether it was refused is its sender's trouble: the next one goes on.
    this.#last = submitted.catch(() => undefined);
    const sent = await submitted;
    try {
      return await this.#settle(intent, sent);
    } finally {
      this.#waiting.delete(sent);
    }
  }

  async #submit(intent: Intent): Promise<Signed[]> {
    await this.#bringBack();
    const signed = await sign(this.#rpc, this.#wallet, intent);
    await broadcast(this.#rpc, signed.envelope);
    const sent = [signed];
    this.#waiting.add(sent);
    return sent;
  }

  /** What the node has lost of those before: the next one would take its nonce. */
  async #bringBack(): Promise<void> {
    if (this.#waiting.size === 0) return;
    const from = toHex(this.#wallet.address);
    const next = await this.#rpc.call('eth_getTransactionCount', [from, 'pending'], Quantity);
    const lost = [...this.#waiting].flatMap((sent) => sent.slice(-1)).filter(({ nonce }) => nonce >= next);
    for (const { envelope } of lost.sort((a, b) => Number(a.nonce - b.nonce)))
      await unlessAway(broadcast(this.#rpc, envelope));
  }

  /** A node that is away for a moment is asked again. */
  async #settle(intent: Intent, sent: Signed[]): Promise<Outcome> {
    const endMs = performance.now() + this.#waitMs;
    let stalledMs = performance.now() + this.#stallMs;
    for (;;) {
      const found = await this.#findReceipt(sent);
      if (found !== undefined) return outcomeOf(this.#rpc, this.#wallet, intent, found.hash, found.receipt);
      if (this.#signal?.aborted === true || performance.now() >= endMs) throw pending(sent);
      if (performance.now() >= stalledMs) {
        await this.#revive(intent, sent);
        stalledMs = performance.now() + this.#stallMs;
      }
      await delay(this.#pollMs, undefined, this.#signal && { signal: this.#signal }).catch(() => undefined);
    }
  }

  async #findReceipt(
    sent: readonly Signed[],
  ): Promise<{ readonly hash: string; readonly receipt: Receipt } | undefined> {
    for (const { hash } of sent) {
      const receipt = await unlessAway(receiptOf(this.#rpc, hash));
      if (receipt !== undefined && receipt !== null) return { hash, receipt };
    }
    return undefined;
  }

  /** @throws ClientError TRANSACTION_REPLACED */
  async #revive(intent: Intent, sent: Signed[]): Promise<void> {
    const latest = sent.at(-1);
    if (latest === undefined) return;
    const from = toHex(this.#wallet.address);
    const used = await unlessAway(this.#rpc.call('eth_getTransactionCount', [from, 'latest'], Quantity));
    if (used === undefined) return;
    if (used > latest.nonce) {
      if ((await this.#findReceipt(sent)) === undefined) throw replaced(latest);
      return;
    }
    const fees = await unlessAway(readFees(this.#rpc));
    if (fees === undefined) return;
    const { chainId, nonce, gasLimit } = latest;
    const isCheap = latest.maxFeePerGas < fees.maxFeePerGas && sent.length < MAX_VERSIONS;
    const again = isCheap
      ? signAs(this.#wallet, intent, {
          ...{ chainId, nonce, gasLimit },
          maxFeePerGas: most(fees.maxFeePerGas, raised(latest.maxFeePerGas)),
          maxPriorityFeePerGas: most(fees.maxPriorityFeePerGas, raised(latest.maxPriorityFeePerGas)),
        })
      : latest;
    if (again !== latest) sent.push(again);
    await unlessAway(broadcast(this.#rpc, again.envelope));
  }
}

/** Of one transaction, with higher and higher fees. */
const MAX_VERSIONS = 8;

/** Undefined where the node is away or refuses: a transaction that it knows already, say. */
async function unlessAway<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ClientError) return undefined;
    throw error;
  }
}

function pending(sent: readonly Signed[]): ClientError {
  const { hash = '', nonce = 0n } = sent.at(-1) ?? {};
  return new ClientError('TRANSACTION_PENDING', 'the transaction is not final yet, and not waited for', {
    ...{ hash, nonce: nonce.toString() },
    cure: 'it may still become final: look again with `ogpu tx`',
  });
}

function replaced({ hash, nonce }: Signed): ClientError {
  const cure = 'let one process alone sign with a key';
  const data = { hash, nonce: nonce.toString(), cure };
  return new ClientError('TRANSACTION_REPLACED', 'another transaction of the account took its nonce', data);
}

function raised(wei: bigint): bigint {
  return (wei * RAISE_PERCENT) / 100n + 1n;
}

function most(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
