import type { PartialBlob } from '../../compute/blobs/partial-blob.js';
import { askChunks, MAX_RANGE_CHUNKS } from '../../p2p/blob-requests.js';
import type { Clock } from '../../p2p/clock.js';
import { P2pError } from '../../p2p/errors.js';
import { blobChunkCount, provenBlobLeaf, type BlobChunk } from '../../protocol/blob.js';
import { toHex } from '../../protocol/bytes.js';
import { SszError } from '../../protocol/ssz/types.js';
import { askPeer } from '../sync/sync-network.js';
import { BlobFetchError } from './errors.js';
import { Holders, type PeerBudgets } from './holders.js';

/** Peers that send at a time. */
const MAX_SOURCES = 4;

/** How often is looked whether somebody else could send. */
const LOOK_MS = 250;

/** A chunk that has been under way for so long is asked of a second peer, too. */
const LATE_MS = 2_000;

/** Who failed is left alone for so long, twice as long each time. */
const FIRST_REST_MS = 1_000;
/** Who was busy. */
const BUSY_REST_MS = 200;

export interface FetchOptions {
  /** Peers that probably have it: those of the job. */
  readonly hints: readonly string[];
  readonly timeoutMs: number;
  /** How long nobody may have it before that is taken for an answer. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

export interface FetchFigures {
  receivedBytes: number;
  receivedChunks: number;
  /** Chunks that came a second time. */
  wastedChunks: number;
}

interface Flight {
  readonly peer: string;
  readonly sinceMs: number;
}

/** One blob on its way, from several peers at a time. */
export class BlobDownload {
  readonly #target: PartialBlob;
  readonly #options: FetchOptions;
  readonly #budgets: PeerBudgets;
  readonly #clock: Clock;
  readonly #figures: FetchFigures;
  readonly #holders: Holders;
  /** Peers that send. */
  readonly #sources = new Set<string>();
  readonly #failures = new Map<string, number>();
  /** Who has been asked for a chunk, by its index. */
  readonly #flights = new Map<number, Flight[]>();
  readonly #writes = new Map<number, Promise<void>>();
  /** Chunks before it are here or asked for. */
  #firstMissing = 0;
  #progressMs: number;
  #isOver = false;
  #isWaking = false;
  #end: (error?: Error) => void = () => undefined;

  constructor(
    target: PartialBlob,
    options: FetchOptions,
    budgets: PeerBudgets,
    clock: Clock,
    figures: FetchFigures,
  ) {
    this.#target = target;
    this.#options = options;
    this.#budgets = budgets;
    this.#clock = clock;
    this.#figures = figures;
    this.#holders = new Holders(target.id, options.hints, budgets, clock);
    this.#progressMs = clock.nowMs();
  }

  /**
   * Resolves when all chunks are here.
   *
   * @throws BlobFetchError; BlobError of the store
   */
  async run(): Promise<void> {
    const { timeoutMs, signal } = this.#options;
    const ended = new Promise<Error | undefined>((resolve) => {
      this.#end = resolve;
    });
    const alarm = this.#clock.setTimer(timeoutMs, () => {
      this.#end(this.#error('BLOB_FETCH_TIMEOUT', 'the blob did not come in time', { timeoutMs }));
    });
    const onAbort = (): void => {
      this.#end(this.#error('BLOB_FETCH_ENDED', 'nobody waits for the blob any more'));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.#tick();
    const error = await ended;
    this.#isOver = true;
    alarm.cancel();
    signal.removeEventListener('abort', onAbort);
    await Promise.allSettled(this.#writes.values());
    if (error !== undefined) throw error;
  }

  /** Puts peers to work, looks for more, and notices when there are none. */
  #tick(): void {
    if (this.#isOver) return;
    if (this.#target.isWhole) {
      this.#end();
      return;
    }
    for (const peer of this.#holders.ready()) {
      if (this.#sources.size >= MAX_SOURCES) break;
      if (!this.#sources.has(peer) && !this.#budgets.of(peer).isSending) this.#give(peer);
    }
    if (this.#sources.size < MAX_SOURCES && !this.#holders.isAsking) {
      this.#holders.look().then(
        (isFound) => {
          if (isFound) this.#tick();
        },
        (error: unknown) => {
          this.#end(asError(error));
        },
      );
    }
    const idleMs = this.#clock.nowMs() - this.#progressMs;
    if (this.#sources.size === 0 && idleMs > this.#options.patienceMs) {
      this.#end(this.#error('BLOB_UNAVAILABLE', 'no peer has the blob'));
      return;
    }
    this.#wakeLater();
  }

  #wakeLater(): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    this.#clock.setTimer(LOOK_MS, () => {
      this.#isWaking = false;
      this.#tick();
    });
  }

  /** Has a peer send what nobody sends yet, or what is late. */
  #give(peer: string): void {
    const range = this.#nextRange(peer);
    const budget = this.#budgets.of(peer);
    if (range === undefined || !budget.ranges.take(1)) return;
    budget.isSending = true;
    this.#sources.add(peer);
    const indices = Array.from({ length: range.count }, (_, i) => range.first + i);
    const flight = { peer, sinceMs: this.#clock.nowMs() };
    for (const index of indices) this.#flights.set(index, [...(this.#flights.get(index) ?? []), flight]);
    void this.#receive(peer, range)
      .then(
        () => {
          this.#failures.delete(peer);
        },
        (error: unknown) => {
          this.#failed(peer, error);
        },
      )
      .finally(() => {
        budget.isSending = false;
        this.#sources.delete(peer);
        for (const index of indices) this.#land(index, flight);
        this.#tick();
      });
  }

  #land(index: number, flight: Flight): void {
    const left = this.#flights.get(index)?.filter((other) => other !== flight) ?? [];
    if (left.length > 0) this.#flights.set(index, left);
    else this.#flights.delete(index);
    if (!this.#target.has(index)) this.#firstMissing = Math.min(this.#firstMissing, index);
  }

  async #receive(peer: string, { first, count }: { first: number; count: number }): Promise<void> {
    const { network } = this.#budgets;
    if (network === undefined) return;
    await askPeer(network, peer, async (asking) => {
      let given = 0;
      let lengthBytes: number | undefined;
      for await (const chunk of askChunks(asking, { id: this.#target.id, first, count })) {
        if (this.#isOver) return;
        await this.#take(chunk);
        ({ lengthBytes } = chunk);
        given++;
      }
      const expected = lengthBytes === undefined ? count : blobChunkCount(lengthBytes) - first;
      if (given < Math.min(count, expected))
        throw new P2pError('RESPONSE_TRUNCATED', 'fewer chunks than there are', { given });
    });
  }

  /** @throws P2pError BLOB_CHUNK_WRONG; BlobError of the store */
  async #take(chunk: BlobChunk): Promise<void> {
    const { index, lengthBytes, bytes } = chunk;
    const leaf = provenBlobLeaf(this.#target.id, chunk);
    if (leaf === undefined) throw new P2pError('BLOB_CHUNK_WRONG', 'a chunk is not of its blob', { index });
    this.#figures.receivedBytes += bytes.length;
    this.#figures.receivedChunks++;
    const isKept = lengthBytes === this.#target.lengthBytes && this.#target.has(index);
    if (isKept || this.#writes.has(index)) {
      this.#figures.wastedChunks++;
      return;
    }
    const write = this.#target.put(lengthBytes, index, bytes, leaf).finally(() => this.#writes.delete(index));
    this.#writes.set(index, write);
    try {
      await write;
    } catch (error) {
      // Of this node: no other peer could help.
      this.#end(asError(error));
      return;
    }
    this.#progressMs = this.#clock.nowMs();
    if (this.#target.isWhole) this.#end();
  }

  #failed(peer: string, error: unknown): void {
    if (!(error instanceof P2pError) && !(error instanceof SszError)) {
      this.#end(asError(error));
      return;
    }
    if (error.code === 'BLOB_CHUNK_WRONG' || error instanceof SszError) {
      this.#holders.rest(peer, Infinity);
    } else if (error.code === 'REQUEST_REFUSED') {
      if (error.data['reason'] === 'REQUEST_BUSY') this.#holders.rest(peer, BUSY_REST_MS);
      else this.#holders.lost(peer);
    } else {
      const failures = this.#failures.get(peer) ?? 0;
      this.#failures.set(peer, failures + 1);
      this.#holders.rest(peer, FIRST_REST_MS * 2 ** failures);
    }
  }

  #nextRange(peer: string): { readonly first: number; readonly count: number } | undefined {
    const { lengthBytes } = this.#target;
    // The first chunk proves the length; nobody else can be asked for anything before.
    if (lengthBytes === undefined) return this.#isFree(peer, 0) ? { first: 0, count: 1 } : undefined;
    const total = blobChunkCount(lengthBytes);
    while (this.#firstMissing < total && !this.#isOpen(this.#firstMissing)) this.#firstMissing++;
    const first = this.#firstMissing < total ? this.#firstMissing : this.#lateChunk(peer, total);
    if (first === undefined) return undefined;
    // Shares, so that the last ones end together.
    const share = Math.ceil(Math.min(MAX_RANGE_CHUNKS, (total - this.#target.heldCount) / MAX_SOURCES));
    let count = 1;
    while (count < share && first + count < total && this.#isOpen(first + count)) count++;
    return { first, count };
  }

  /** Whether a chunk is neither here nor under way. */
  #isOpen(index: number): boolean {
    return !this.#target.has(index) && !this.#flights.has(index);
  }

  #lateChunk(peer: string, total: number): number | undefined {
    for (const index of this.#flights.keys()) if (index < total && this.#isFree(peer, index)) return index;
    return undefined;
  }

  /** Whether a peer may be asked for a chunk: it is under way with at most one other, and late. */
  #isFree(peer: string, index: number): boolean {
    if (this.#target.has(index)) return false;
    const flights = this.#flights.get(index) ?? [];
    const lateMs = this.#clock.nowMs() - LATE_MS;
    return flights.length < 2 && flights.every((flight) => flight.peer !== peer && flight.sinceMs <= lateMs);
  }

  #error(code: BlobFetchError['code'], message: string, data: object = {}): BlobFetchError {
    const { id, heldCount } = this.#target;
    return new BlobFetchError(code, message, { blob: toHex(id), heldChunks: heldCount, ...data });
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
