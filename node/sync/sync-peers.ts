import { askStatus } from '../../p2p/chain-requests.js';
import type { Clock } from '../../p2p/clock.js';
import { TokenBucket, type Rate } from '../../p2p/token-bucket.js';
import { OgpuError } from '../../protocol/errors.js';
import { SyncError } from './errors.js';
import { askPeer, type SyncNetwork } from './sync-network.js';

/** A peer and what it says of its chain. */
export interface SyncPeer {
  readonly id: string;
  headHeight: number;
  oldestHeight: number;
  /** One request at a time: a second one would wait behind the first. */
  isBusy: boolean;
  /** When it last said so; undefined while only its greeting is known. */
  statusMs: number | undefined;
  isAsked: boolean;
  /** Until then nothing it says counts. */
  distrustedUntilMs: number;
  strikes: number;
  readonly requests: TokenBucket;
}

/** Below what a server lets one peer ask (`BLOCK_RANGE`), as its clock and ours differ. */
const REQUEST_RATE: Rate = { perSecond: 7, burst: 24 };

/** The network moves on while a node ends its catching up: consensus itself helps who is as near as this. */
export const NEAR_BLOCKS = 1;

/** How often a peer is asked for its head. */
const STATUS_EVERY_MS = 5_000;

/** Who did not give what it said it has is not believed for so long, twice as long each time. */
const FIRST_DISTRUST_MS = 5_000;
const MAX_DISTRUST_MS = 300_000;

/** Whom to ask for what, by what they say and by what came of it. As many as the network has. */
export class SyncPeers {
  readonly #network: SyncNetwork;
  readonly #clock: Clock;
  readonly #peers = new Map<string, SyncPeer>();

  constructor(network: SyncNetwork, clock: Clock) {
    this.#network = network;
    this.#clock = clock;
  }

  /** Follows who comes and goes, and asks those who have not said for a while where they are. */
  update(): void {
    const present = new Set<string>();
    for (const { id, headHeight } of this.#network.peers) {
      present.add(id);
      if (!this.#peers.has(id)) this.#peers.set(id, this.#newPeer(id, headHeight));
    }
    for (const id of this.#peers.keys()) if (!present.has(id)) this.#peers.delete(id);
    void this.refresh(STATUS_EVERY_MS);
  }

  get count(): number {
    return this.#peers.size;
  }

  /** The greatest height that somebody credible claims; 0 where nobody does. */
  bestHeight(): number {
    return this.#credible().reduce((best, { headHeight }) => Math.max(best, headHeight), 0);
  }

  /** Whether somebody whose word was never broken has said where it is, and nobody like that is far above `height`. */
  hasReached(height: number): boolean {
    const clean = this.#credible().filter(({ statusMs, strikes }) => statusMs !== undefined && strikes === 0);
    return clean.length > 0 && clean.every(({ headHeight }) => headHeight <= height + NEAR_BLOCKS);
  }

  /** The lowest block that anybody keeps of those who are further than `height`; undefined where nobody has said so. */
  keptFrom(height: number): number | undefined {
    const further = this.#credible().filter(
      ({ statusMs, headHeight }) => statusMs !== undefined && headHeight > height + NEAR_BLOCKS,
    );
    return further.length === 0 ? undefined : Math.min(...further.map(({ oldestHeight }) => oldestHeight));
  }

  /** Somebody idle who says that it has a block: of those the one that has given least reason for doubt. */
  choose(height: number): SyncPeer | undefined {
    const [best] = this.#idle(height).sort((a, b) => a.strikes - b.strikes);
    return best?.requests.take(1) === true ? best : undefined;
  }

  hasIdle(height: number): boolean {
    return this.#idle(height).length > 0;
  }

  /** Credible peers whose chain is higher than `height`, the highest first. */
  above(height: number): SyncPeer[] {
    return this.#credible()
      .filter(({ headHeight }) => headHeight > height)
      .sort((a, b) => b.headHeight - a.headHeight);
  }

  /** Asks those whose word is older than `maxAgeMs`; resolves when they have answered or will not. */
  async refresh(maxAgeMs: number): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const stale = [...this.#peers.values()].filter(
      ({ statusMs, isAsked, distrustedUntilMs }) =>
        !isAsked && distrustedUntilMs <= nowMs && (statusMs === undefined || nowMs - statusMs > maxAgeMs),
    );
    await Promise.all(stale.map((peer) => this.#ask(peer)));
  }

  /** It gave what it was asked for. */
  served(peer: SyncPeer): void {
    peer.strikes = Math.max(0, peer.strikes - 1);
  }

  /** Nothing it says counts for a while. */
  distrust(peer: SyncPeer): void {
    const forMs = Math.min(MAX_DISTRUST_MS, FIRST_DISTRUST_MS * 2 ** peer.strikes);
    peer.distrustedUntilMs = this.#clock.nowMs() + forMs;
    peer.strikes++;
  }

  /** It did not give a block that it said it has. One that has dropped the block meanwhile says so when asked again. */
  async withheld(peer: SyncPeer, height: number): Promise<void> {
    await this.#ask(peer);
    if (height < peer.oldestHeight || height > peer.headHeight) return;
    this.distrust(peer);
    const data = { height, oldestHeight: peer.oldestHeight, headHeight: peer.headHeight };
    this.#network.blame(peer.id, new SyncError('SYNC_WITHHELD', 'a peer keeps a block to itself', data));
  }

  blame(peer: SyncPeer, error: OgpuError): void {
    this.distrust(peer);
    this.#network.blame(peer.id, error);
  }

  async #ask(peer: SyncPeer): Promise<void> {
    peer.isAsked = true;
    try {
      const status = await askPeer(this.#network, peer.id, askStatus);
      peer.headHeight = status.headHeight;
      peer.oldestHeight = status.oldestHeight;
      peer.statusMs = this.#clock.nowMs();
    } catch (error) {
      if (!(error instanceof OgpuError)) throw error;
      this.distrust(peer);
    } finally {
      peer.isAsked = false;
    }
  }

  #idle(height: number): SyncPeer[] {
    return this.#credible().filter(
      ({ isBusy, isAsked, oldestHeight, headHeight }) =>
        !isBusy && !isAsked && oldestHeight <= height && height <= headHeight,
    );
  }

  #credible(): SyncPeer[] {
    const nowMs = this.#clock.nowMs();
    return [...this.#peers.values()].filter(({ distrustedUntilMs }) => distrustedUntilMs <= nowMs);
  }

  #newPeer(id: string, headHeight: number): SyncPeer {
    return {
      ...{ id, headHeight, oldestHeight: 0, isBusy: false, statusMs: undefined, isAsked: false },
      ...{ distrustedUntilMs: 0, strikes: 0 },
      requests: new TokenBucket(REQUEST_RATE, this.#clock),
    };
  }
}
