import type { Log } from '../../protocol/types/receipt.js';
import { HeightReader } from '../../state/chain/height-reader.js';
import { decodeReceipts } from '../../state/chain/receipts.js';
import type { LogPlace } from '../../state/chain/records.js';
import { NODE_KEYS } from '../../state/store/keys.js';
import type { ChainReader } from '../chain/chain-reader.js';
import { StoredReceipts } from '../chain/stored-receipts.js';
import { RPC } from '../errors/codes.js';
import { RpcError } from '../errors/rpc-error.js';
import type { RpcLimits } from '../limits.js';
import { quantity } from '../schema/values.js';
import { logJson, logsOfBlock, type LogJson, type PlacedLog } from '../shapes/log.js';
import type { Deadline } from '../transport/deadline.js';
import {
  emitterIndex,
  IndexCursor,
  intersection,
  topicIndex,
  UnionCursor,
  type LogIndex,
} from './index-cursor.js';
import { matches, type LogFilter } from './log-filter.js';

export interface LogQuery {
  readonly filter: LogFilter;
  /** Both included, and both of blocks that are there. */
  readonly from: number;
  readonly to: number;
}

export interface FoundLogs {
  readonly logs: readonly LogJson[];
  /** The height after the last one that was looked at in full. */
  readonly next: number;
}

/** More alternatives than this are not looked up one by one: their logs are filtered out of what else is found. */
const MAX_LOOKUPS = 64;

/** What a search may take before it gives up, or stops after a block where `isPartial`. */
interface Bounds extends Pick<RpcLimits, 'maxLogs' | 'maxLogEntries' | 'maxLogBlocks' | 'maxResponseBytes'> {
  readonly isPartial: boolean;
}

/**
 * Logs of a range of blocks, in order: through the indices where emitters or topics are named, else block by block. Cut into slices.
 *
 * @throws RpcError RPC_LOG_RANGE | RPC_TOO_MANY_LOGS, naming a range that would do; RPC_TIMEOUT
 */
export async function findLogs(
  chain: ChainReader,
  query: LogQuery,
  bounds: Bounds,
  deadline: Deadline,
): Promise<FoundLogs> {
  const search = new Search(chain, query, bounds, deadline);
  const indices = indicesOf(query.filter);
  try {
    await (indices.length === 0 ? search.allBlocks() : search.byIndices(indices));
  } catch (error) {
    if (!(error instanceof SearchFull)) throw error;
    // One block that is too much by itself would never be passed.
    if (!bounds.isPartial || error.height === query.from) throw error.error;
    return search.upTo(error.height);
  }
  return search.upTo(query.to + 1);
}

/** For each criterion the indices of its alternatives. */
function indicesOf({ addresses, topics }: LogFilter): LogIndex[][] {
  const criteria = [
    addresses.map(emitterIndex),
    ...topics.map((wanted, position) => wanted.map((topic) => topicIndex(position, topic))),
  ];
  return criteria.filter(({ length }) => length > 0 && length <= MAX_LOOKUPS);
}

/** No more may be found; `height` is the first that was not looked at in full. */
class SearchFull extends Error {
  readonly height: number;
  readonly error: RpcError;

  constructor(height: number, error: RpcError) {
    super(error.message);
    this.height = height;
    this.error = error;
  }
}

class Search {
  readonly #chain: ChainReader;
  readonly #query: LogQuery;
  readonly #bounds: Bounds;
  readonly #deadline: Deadline;
  readonly #logs: { readonly height: number; readonly log: LogJson }[] = [];
  #bytes = 0;
  #entries = 0;
  #height: number;

  constructor(chain: ChainReader, query: LogQuery, bounds: Bounds, deadline: Deadline) {
    this.#chain = chain;
    this.#query = query;
    this.#bounds = bounds;
    this.#deadline = deadline;
    this.#height = query.from;
  }

  upTo(height: number): FoundLogs {
    return { logs: this.#logs.filter((found) => found.height < height).map(({ log }) => log), next: height };
  }

  async byIndices(criteria: readonly (readonly LogIndex[])[]): Promise<void> {
    const { store } = this.#chain;
    const { from, to, filter } = this.#query;
    const count = (entries: number): Promise<void> => this.#count(entries);
    const cursors = criteria.map(
      (indices) => new UnionCursor(indices.map((index) => new IndexCursor(store, index, to, count))),
    );
    for await (const { height, number, place } of intersection(cursors, from)) {
      this.#height = height;
      const log = await this.#logAt(height, place);
      if (log === undefined || !matches(filter, log)) continue;
      const transactionIndex = place.section === 'transaction' ? place.transactionIndex : 0;
      await this.#add({ log, section: place.section, transactionIndex, logIndex: number });
    }
  }

  async allBlocks(): Promise<void> {
    const { from, to, filter } = this.#query;
    const { store } = this.#chain;
    const receipts = new HeightReader(store, NODE_KEYS.receipt, from, to + 1);
    const systemLogs = new HeightReader(store, NODE_KEYS.systemLogs, from, to + 1);
    try {
      for (this.#height = from; this.#height <= to; this.#height++) {
        if (this.#height - from >= this.#bounds.maxLogBlocks) throw this.#full(this.#rangeError());
        const [system] = await systemLogs.take(this.#height);
        const entries = await receipts.take(this.#height);
        await this.#count(1 + entries.length);
        for (const placed of logsOfBlock(new StoredReceipts(decodeReceipts(entries, system))))
          if (matches(filter, placed.log)) await this.#add(placed);
      }
    } finally {
      await Promise.all([receipts.close(), systemLogs.close()]);
    }
  }

  async #logAt(height: number, place: LogPlace): Promise<Log | undefined> {
    const receipts = await this.#chain.receipts(height, this.#deadline);
    if (receipts === undefined) return undefined;
    const { beginLogs, endLogs } = receipts.receipts;
    switch (place.section) {
      case 'begin':
        return beginLogs[place.index];
      case 'end':
        return endLogs[place.index];
      case 'transaction':
        return receipts.receipt(place.transactionIndex).logs[place.index];
    }
  }

  async #add(placed: PlacedLog): Promise<void> {
    const stored = await this.#chain.block(this.#height);
    // The block was dropped meanwhile, and the range with it.
    if (stored === undefined) return;
    this.#bytes += LOG_JSON_BYTES + 2 * placed.log.data.length;
    const { maxLogs, maxResponseBytes } = this.#bounds;
    if (this.#logs.length >= maxLogs || this.#bytes > maxResponseBytes) throw this.#full(this.#sizeError());
    this.#logs.push({ height: this.#height, log: logJson(stored, placed) });
    await this.#deadline.slice();
  }

  async #count(entries: number): Promise<void> {
    this.#entries += entries;
    if (this.#entries > this.#bounds.maxLogEntries) throw this.#full(this.#rangeError());
    await this.#deadline.slice();
  }

  #full(error: RpcError): SearchFull {
    return new SearchFull(this.#height, error);
  }

  #rangeError(): RpcError {
    const text = `the query looks at too many blocks or logs. Try with this block range ${this.#range()}`;
    return new RpcError(RPC.limitExceeded, 'RPC_LOG_RANGE', text, this.#advice());
  }

  #sizeError(): RpcError {
    const text = `query returned more than ${this.#logs.length} results. Try with this block range ${this.#range()}`;
    return new RpcError(RPC.limitExceeded, 'RPC_TOO_MANY_LOGS', text, this.#advice());
  }

  #range(): string {
    const { from, to } = this.#advice();
    return `[${quantity(from)}, ${quantity(to)}]`;
  }

  #advice(): { readonly from: number; readonly to: number } {
    const { from } = this.#query;
    return { from, to: Math.max(from, this.#height - 1) };
  }
}

/** JSON of a log but for its data. */
const LOG_JSON_BYTES = 900;
