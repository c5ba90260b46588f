import { randomBytes } from 'node:crypto';
import { toHex } from '../../protocol/bytes.js';
import type { TransactionPool } from '../backend.js';
import type { ChainReader } from '../chain/chain-reader.js';
import { RPC } from '../errors/codes.js';
import { RpcError } from '../errors/rpc-error.js';
import type { RpcLimits } from '../limits.js';
import { findLogs } from '../logs/find-logs.js';
import type { LogFilter } from '../logs/log-filter.js';
import { filterOf, type LogRequest } from '../schema/logs.js';
import type { LogJson } from '../shapes/log.js';
import type { Deadline } from '../transport/deadline.js';

/** Hashes in one answer. */
const MAX_HASHES = 10_000;

type Filter =
  | { readonly kind: 'logs'; readonly request: LogRequest; readonly filter: LogFilter; next: number }
  | { readonly kind: 'blocks'; next: number }
  | { readonly kind: 'pending'; cursor: number };

interface Kept {
  readonly filter: Filter;
  askedAtMs: number;
}

/** Filters keep a place, not what comes after it: one that nobody asks for costs nothing but its entry. */
export class Filters {
  readonly #chain: ChainReader;
  readonly #pool: TransactionPool;
  readonly #limits: RpcLimits;
  readonly #nowMs: () => number;
  /** In the order in which they were last asked for. */
  readonly #kept = new Map<string, Kept>();

  constructor(chain: ChainReader, pool: TransactionPool, limits: RpcLimits, nowMs: () => number) {
    this.#chain = chain;
    this.#pool = pool;
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /** @returns its id @throws RpcError RPC_TOO_MANY_FILTERS */
  addLogs(request: LogRequest): string {
    return this.#add({ kind: 'logs', request, filter: filterOf(request), next: this.#chain.head.height + 1 });
  }

  addBlocks(): string {
    return this.#add({ kind: 'blocks', next: this.#chain.head.height + 1 });
  }

  addPending(): string {
    return this.#add({ kind: 'pending', cursor: this.#pool.stats().announced });
  }

  remove(id: string): boolean {
    this.#expire();
    return this.#kept.delete(id);
  }

  /** What a filter for logs was made with. @throws RpcError RPC_FILTER_UNKNOWN */
  requestOf(id: string): LogRequest {
    const filter = this.#find(id);
    if (filter.kind === 'logs') return filter.request;
    throw unknownFilter(id);
  }

  /** @throws RpcError RPC_FILTER_UNKNOWN */
  async changes(id: string, deadline: Deadline): Promise<readonly (LogJson | string)[]> {
    const filter = this.#find(id);
    switch (filter.kind) {
      case 'pending': {
        const { hashes, cursor } = this.#pool.announced(filter.cursor, MAX_HASHES);
        filter.cursor = cursor;
        return hashes.map(toHex);
      }
      case 'blocks':
        return this.#newBlocks(filter, deadline);
      case 'logs':
        return this.#newLogs(filter, deadline);
    }
  }

  async #newBlocks(filter: { next: number }, deadline: Deadline): Promise<string[]> {
    const hashes: string[] = [];
    const head = this.#chain.head.height;
    let height = Math.max(filter.next, this.#chain.lowestHeight);
    for (; height <= head && hashes.length < MAX_HASHES; height++) {
      const stored = await this.#chain.block(height);
      if (stored !== undefined) hashes.push(toHex(stored.id));
      await deadline.slice();
    }
    filter.next = height;
    return hashes;
  }

  async #newLogs(
    filter: { readonly filter: LogFilter; next: number },
    deadline: Deadline,
  ): Promise<readonly LogJson[]> {
    const from = Math.max(filter.next, this.#chain.lowestHeight);
    const to = this.#chain.head.height;
    if (from > to) return [];
    const query = { filter: filter.filter, from, to };
    const { logs, next } = await findLogs(this.#chain, query, { ...this.#limits, isPartial: true }, deadline);
    filter.next = next;
    return logs;
  }

  #add(filter: Filter): string {
    this.#expire();
    const { maxFilters } = this.#limits;
    if (this.#kept.size >= maxFilters) {
      const text = 'too many filters: remove those you do not need, or subscribe';
      throw new RpcError(RPC.limitExceeded, 'RPC_TOO_MANY_FILTERS', text, { maxFilters });
    }
    const id = toHex(randomBytes(16));
    this.#kept.set(id, { filter, askedAtMs: this.#nowMs() });
    return id;
  }

  #find(id: string): Filter {
    this.#expire();
    const kept = this.#kept.get(id);
    if (kept === undefined) throw unknownFilter(id);
    kept.askedAtMs = this.#nowMs();
    this.#kept.delete(id);
    this.#kept.set(id, kept);
    return kept.filter;
  }

  #expire(): void {
    const untilMs = this.#nowMs() - this.#limits.filterIdleMs;
    for (const [id, { askedAtMs }] of this.#kept) {
      if (askedAtMs > untilMs) return;
      this.#kept.delete(id);
    }
  }
}

function unknownFilter(id: string): RpcError {
  const data = { filter: id.slice(0, 66) };
  return new RpcError(RPC.invalidInput, 'RPC_FILTER_UNKNOWN', 'filter not found', data);
}
