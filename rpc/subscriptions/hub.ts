import { randomBytes } from 'node:crypto';
import { toHex } from '../../protocol/bytes.js';
import type { FinalizedBlock, RpcBackend } from '../backend.js';
import type { ChainReader } from '../chain/chain-reader.js';
import type { FinalNews } from '../chain/final-news.js';
import { StoredBlock } from '../chain/stored-block.js';
import { StoredReceipts } from '../chain/stored-receipts.js';
import { RPC } from '../errors/codes.js';
import { RpcError } from '../errors/rpc-error.js';
import type { RpcLimits } from '../limits.js';
import { matches, type LogFilter } from '../logs/log-filter.js';
import { quantity } from '../schema/values.js';
import { headJson } from '../shapes/block.js';
import { logJson, logsOfBlock } from '../shapes/log.js';
import { pooledTransaction } from '../shapes/transaction.js';
import type { PushChannel } from '../transport/session.js';
import type { Turns } from '../transport/turns.js';
import { follow, type BlockStream } from './follow.js';

export interface HubParts {
  readonly backend: RpcBackend;
  readonly chain: ChainReader;
  readonly news: FinalNews;
  readonly turns: Turns;
  readonly limits: RpcLimits;
}

/** One subscription: `send` takes the JSON of a result. */
interface Subscriber {
  readonly send: (json: string) => void;
}

interface LogSubscriber extends Subscriber {
  readonly filter: LogFilter;
}

interface PendingSubscriber extends Subscriber {
  readonly isFull: boolean;
}

/** How often the node's syncing is looked at for those who asked to be told. */
const SYNCING_MS = 1_000;
/** Announcements that are told in one go. */
const MAX_PENDING = 1_000;

/** Tells subscribers what happens. What is told to many is made into text once. */
export class SubscriptionHub {
  readonly #parts: HubParts;
  readonly #heads = new Set<Subscriber>();
  readonly #logs = new Set<LogSubscriber>();
  readonly #pending = new Set<PendingSubscriber>();
  readonly #syncing = new Set<Subscriber>();
  #endPending: (() => void) | undefined;
  #pendingCursor = 0;
  #isFlushScheduled = false;
  #syncTimer: NodeJS.Timeout | undefined;
  #wasSyncing = false;

  constructor(parts: HubParts) {
    this.#parts = parts;
    parts.news.listen((news) => {
      this.#onFinal(news);
    });
  }

  /** Open subscriptions. */
  get size(): number {
    return this.#heads.size + this.#logs.size + this.#pending.size + this.#syncing.size;
  }

  /** @returns the id of the subscription @throws RpcError RPC_TOO_MANY_SUBSCRIPTIONS */
  newHeads(channel: PushChannel): string {
    return this.#join(channel, 'eth_subscription', this.#heads, (send) => ({ send }));
  }

  logs(channel: PushChannel, filter: LogFilter): string {
    return this.#join(channel, 'eth_subscription', this.#logs, (send) => ({ send, filter }));
  }

  /** @param isFull with whole transactions, not their hashes alone */
  pendingTransactions(channel: PushChannel, isFull: boolean): string {
    const id = this.#join(channel, 'eth_subscription', this.#pending, (send) => ({ send, isFull }));
    if (this.#endPending === undefined) {
      const { pool } = this.#parts.backend;
      this.#pendingCursor = pool.stats().announced;
      this.#endPending = pool.subscribe(() => {
        this.#flushSoon();
      });
    }
    return id;
  }

  syncing(channel: PushChannel): string {
    const id = this.#join(channel, 'eth_subscription', this.#syncing, (send) => ({ send }));
    this.#syncTimer ??= setInterval(() => {
      this.#lookAtSyncing();
    }, SYNCING_MS).unref();
    return id;
  }

  /** Blocks one after the other from a height on, each at the client's pace: see `follow`. */
  follow(channel: PushChannel, stream: Omit<BlockStream, 'send' | 'isOver'>): string {
    const id = newId();
    this.#assertRoom(channel);
    let isOver = false;
    channel.subscriptions.set(id, () => (isOver = true));
    const send = sender(channel, 'ogpu_subscription', id);
    follow(this.#parts, channel, { ...stream, send, isOver: () => isOver || !channel.isOpen });
    return id;
  }

  /** Whether there was such a subscription of this socket. */
  leave(channel: PushChannel, id: string): boolean {
    const end = channel.subscriptions.get(id);
    end?.();
    return channel.subscriptions.delete(id);
  }

  close(): void {
    this.#endPending?.();
    clearInterval(this.#syncTimer);
  }

  #join<Kind extends Subscriber>(
    channel: PushChannel,
    method: string,
    group: Set<Kind>,
    make: (send: Subscriber['send']) => Kind,
  ): string {
    this.#assertRoom(channel);
    const id = newId();
    const subscriber = make(sender(channel, method, id));
    // The answer with the id goes out before the first notification.
    const begin = setImmediate(() => group.add(subscriber));
    channel.subscriptions.set(id, () => {
      clearImmediate(begin);
      group.delete(subscriber);
    });
    return id;
  }

  #assertRoom({ subscriptions }: PushChannel): void {
    const { maxSubscriptions } = this.#parts.limits;
    if (subscriptions.size < maxSubscriptions) return;
    throw new RpcError(
      RPC.limitExceeded,
      'RPC_TOO_MANY_SUBSCRIPTIONS',
      'too many subscriptions of one socket',
      {
        maxSubscriptions,
      },
    );
  }

  #onFinal({ block, id, transactionHashes, receipts }: FinalizedBlock): void {
    if (this.#heads.size > 0) {
      const json = JSON.stringify(headJson({ header: block.header, id }));
      for (const { send } of this.#heads) send(json);
    }
    if (this.#logs.size === 0) return;
    const stored = new StoredBlock(block, id, 0, transactionHashes);
    for (const placed of logsOfBlock(new StoredReceipts(receipts))) {
      let json: string | undefined;
      for (const { filter, send } of this.#logs) {
        if (!matches(filter, placed.log)) continue;
        json ??= JSON.stringify(logJson(stored, placed));
        send(json);
      }
    }
  }

  #flushSoon(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    setImmediate(() => {
      this.#isFlushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const { pool } = this.#parts.backend;
    const { hashes, cursor } = pool.announced(this.#pendingCursor, MAX_PENDING);
    this.#pendingCursor = cursor;
    if (this.#pending.size === 0) {
      this.#endPending?.();
      this.#endPending = undefined;
      return;
    }
    for (const hash of hashes) {
      const short = JSON.stringify(toHex(hash));
      let full: string | undefined;
      for (const { isFull, send } of this.#pending) {
        if (!isFull) {
          send(short);
          continue;
        }
        const pooled = pool.get(hash);
        if (pooled === undefined) continue;
        full ??= JSON.stringify(pooledTransaction(pooled));
        send(full);
      }
    }
    if (pool.stats().announced > cursor) this.#flushSoon();
  }

  #lookAtSyncing(): void {
    const { syncing } = this.#parts.backend.status();
    if (this.#syncing.size === 0) {
      clearInterval(this.#syncTimer);
      this.#syncTimer = undefined;
      return;
    }
    const isSyncing = syncing !== undefined;
    if (isSyncing === this.#wasSyncing) return;
    this.#wasSyncing = isSyncing;
    const json = JSON.stringify(
      syncing === undefined
        ? false
        : {
            syncing: true,
            status: {
              startingBlock: quantity(syncing.startingHeight),
              currentBlock: quantity(this.#parts.chain.head.height),
              highestBlock: quantity(syncing.highestHeight),
            },
          },
    );
    for (const { send } of this.#syncing) send(json);
  }
}

function newId(): string {
  return toHex(randomBytes(16));
}

/** Wraps results as notifications of one subscription. */
function sender(channel: PushChannel, method: string, id: string): (json: string) => void {
  const head = `{"jsonrpc":"2.0","method":"${method}","params":{"subscription":"${id}","result":`;
  return (json) => {
    channel.send(`${head}${json}}}`);
  };
}
