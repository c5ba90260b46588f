import type { Clock } from '../../../p2p/clock.js';
import { TokenBucket, type Rate } from '../../../p2p/token-bucket.js';
import { askSnapshotPage, type SnapshotOffer } from '../../../p2p/snapshot-requests.js';
import type { Store } from '../../../state/store/store.js';
import { SyncError } from '../errors.js';
import type { StateSyncProgress } from '../progress.js';
import { askPeer, isTyped, type SyncNetwork } from '../sync-network.js';
import type { CheckedPage, Joining } from './joining.js';
import { checkPage } from './page-check.js';

export interface PageDownloadParts {
  readonly store: Store;
  readonly network: SyncNetwork;
  readonly clock: Clock;
  readonly offer: SnapshotOffer;
  readonly peers: readonly string[];
  readonly stateRoot: Uint8Array;
  readonly joining: Joining;
  readonly onProgress?: (progress: StateSyncProgress) => void;
  readonly patienceMs?: number;
}

/** Below what a server lets one peer ask (`SNAPSHOT_PAGE`). */
const REQUEST_RATE: Rate = { perSecond: 56, burst: 192 };

/** Requests at one peer at a time: one is on its way while the other is checked. */
const REQUESTS_PER_PEER = 2;
const MAX_PEERS = 8;

/** A peer that fails so often in a row is not asked again. */
const MAX_FAILURES = 3;

const PATIENCE_MS = 30_000;
const TICK_MS = 100;

/**
 * Fetches the pages of a snapshot from several peers, each segment page after page. Pages are checked as they come and written together while
 * the next ones are on their way: not more than the requests that run are in memory.
 */
export class PageDownload {
  readonly #parts: PageDownloadParts;
  readonly #busySegments = new Set<number>();
  readonly #checked: { readonly page: CheckedPage; readonly written: () => void }[] = [];
  #writing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #activeMs: number;
  #entries = 0;
  #bytes = 0;
  readonly #begunMs: number;

  constructor(parts: PageDownloadParts) {
    this.#parts = parts;
    this.#begunMs = parts.clock.nowMs();
    this.#activeMs = this.#begunMs;
  }

  /** Resolves when all is written, nobody gives any more, or `signal` says so. @throws as writing to the store does */
  async run(signal: AbortSignal | undefined): Promise<void> {
    const peers = this.#parts.peers.slice(0, MAX_PEERS);
    const fetchers = peers.flatMap((peer) => {
      const state = { peer, failures: 0, requests: new TokenBucket(REQUEST_RATE, this.#parts.clock) };
      return Array.from({ length: REQUESTS_PER_PEER }, () => this.#fetchFrom(state, signal));
    });
    await Promise.all(fetchers);
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** One page after the other from one peer, as long as it gives. */
  async #fetchFrom(state: PeerState, signal: AbortSignal | undefined): Promise<void> {
    const { joining, clock, patienceMs = PATIENCE_MS } = this.#parts;
    while (signal?.aborted !== true && this.#failure === undefined && !joining.isWhole) {
      if (state.failures >= MAX_FAILURES || clock.nowMs() - this.#activeMs > patienceMs) return;
      const segment = state.requests.take(1) ? this.#freeSegment() : undefined;
      if (segment === undefined) {
        await this.#pause();
        continue;
      }
      this.#busySegments.add(segment);
      const isGiven = await this.#takePage(state.peer, segment);
      this.#busySegments.delete(segment);
      state.failures = isGiven === 'given' ? 0 : state.failures + (isGiven === 'wrong' ? MAX_FAILURES : 1);
    }
  }

  #freeSegment(): number | undefined {
    const { joining } = this.#parts;
    for (let segment = 0; segment < joining.segmentCount; segment++) {
      if (!this.#busySegments.has(segment) && joining.nextOf(segment) !== undefined) return segment;
    }
    return undefined;
  }

  async #takePage(peer: string, segment: number): Promise<'given' | 'failed' | 'wrong'> {
    const { network, offer, joining, stateRoot, clock } = this.#parts;
    const next = joining.nextOf(segment);
    if (next === undefined) return 'given';
    try {
      const request = { height: offer.height, segment, page: next.page };
      const page = await askPeer(network, peer, (asking) => askSnapshotPage(asking, request));
      const leaves = checkPage(stateRoot, next.rest, page);
      this.#activeMs = clock.nowMs();
      await this.#write({ segment, page, leaves });
      return 'given';
    } catch (error) {
      if (!isTyped(error)) throw error;
      if (!(error instanceof SyncError)) return 'failed';
      network.blame(peer, error);
      return 'wrong';
    }
  }

  /** Resolves when the page is durable. */
  #write(page: CheckedPage): Promise<void> {
    return new Promise((resolve) => {
      this.#checked.push({ page, written: resolve });
      this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined));
    });
  }

  async #writeAll(): Promise<void> {
    const { joining, store } = this.#parts;
    while (this.#checked.length > 0) {
      const together = this.#checked.splice(0);
      try {
        if (this.#failure === undefined) {
          await joining.write(
            store,
            together.map(({ page }) => page),
          );
        }
      } catch (error) {
        this.#failure ??= { error };
      }
      for (const { page, written } of together) {
        this.#count(page);
        written();
      }
      this.#tellProgress();
    }
  }

  #count({ page }: CheckedPage): void {
    this.#entries += page.entries.length;
    for (const { key, value } of page.entries) this.#bytes += key.length + value.length;
  }

  #tellProgress(): void {
    const { offer, joining, clock, onProgress } = this.#parts;
    const seconds = (clock.nowMs() - this.#begunMs) / 1000;
    const entriesPerSecond = seconds > 0 ? this.#entries / seconds : 0;
    const left = Math.max(0, offer.entries - this.#entries);
    onProgress?.({
      ...{ height: offer.height, entries: this.#entries, bytes: this.#bytes, pages: joining.pages },
      ...{ totalEntries: offer.entries, entriesPerSecond },
      etaMs: entriesPerSecond > 0 ? Math.round((left / entriesPerSecond) * 1000) : undefined,
    });
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.clock.setTimer(TICK_MS, resolve);
    });
  }
}

interface PeerState {
  readonly peer: string;
  failures: number;
  readonly requests: TokenBucket;
}
