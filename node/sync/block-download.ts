import { askBlocks, MAX_RANGE_BLOCKS, type FinalBlock } from '../../p2p/chain-requests.js';
import type { Clock } from '../../p2p/clock.js';
import { P2pError } from '../../p2p/errors.js';
import { OgpuError } from '../../protocol/errors.js';
import { encodedBlockBytes } from '../../protocol/types/block.js';
import { extendedCommitCodec } from '../../protocol/types/commit.js';
import { askPeer, type SyncNetwork } from './sync-network.js';
import type { SyncPeer, SyncPeers } from './sync-peers.js';

/** A block as a peer gave it. Nothing about it is verified but its height. */
export interface FetchedBlock extends FinalBlock {
  readonly peer: SyncPeer;
  readonly bytes: number;
}

/** Blocks that wait for execution. On top of it come the blocks that are just arriving, one of each request. */
const MAX_BUFFERED_BYTES = 64 * 1024 * 1024;

/** However small they are. */
const MAX_BLOCKS_AHEAD = 2_048;

/** Requests under way, each to another peer. */
const MAX_REQUESTS = 8;

/** Where execution has waited so long for one peer, and another one is idle, that one is asked for the rest. */
const SLOW_MS = 2_000;

/** Whoever else there is: a peer that gives no block for so long is let go. */
const STALLED_MS = 10_000;

interface HeightRange {
  readonly first: number;
  readonly last: number;
}

interface Download {
  readonly peer: SyncPeer;
  next: number;
  readonly last: number;
  /** When its last block came, or it was begun. */
  activeMs: number;
  /** How long execution has waited for it. */
  waitedMs: number;
  /** What still comes is not wanted. */
  isDropped: boolean;
}

/**
 * Fetches blocks in windows from several peers at the same time, and hands them out in order. What a peer does not give, or not fast enough,
 * another one is asked for.
 */
export class BlockDownload {
  /** Called when a block has come, or a request has ended. */
  onChange: () => void = () => undefined;
  readonly #network: SyncNetwork;
  readonly #peers: SyncPeers;
  readonly #clock: Clock;
  readonly #fetched = new Map<number, FetchedBlock>();
  readonly #downloads = new Set<Download>();
  /** To be asked for again, ascending. */
  #holes: HeightRange[] = [];
  /** Execution waits for this one. */
  #wanted: number;
  /** Never asked for yet, from here on. */
  #unasked: number;
  #bufferedBytes = 0;
  #averageBytes = 4_096;
  #tickMs: number;
  #isClosed = false;

  constructor(network: SyncNetwork, peers: SyncPeers, clock: Clock, firstHeight: number) {
    this.#network = network;
    this.#peers = peers;
    this.#clock = clock;
    this.#wanted = firstHeight;
    this.#unasked = firstHeight;
    this.#tickMs = clock.nowMs();
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** A block that is there, which stays. */
  peek(height: number): FetchedBlock | undefined {
    return this.#fetched.get(height);
  }

  /** The block that execution goes on with is done: it and those before are not needed any more. */
  done(height: number): void {
    const fetched = this.#fetched.get(height);
    if (fetched !== undefined) this.#forget(height, fetched);
    this.#wanted = height + 1;
    this.#ask();
  }

  /** Throws away all that a peer gave, from a height on, and asks others for it. */
  discard(peer: SyncPeer): void {
    for (const [height, fetched] of this.#fetched) {
      if (fetched.peer !== peer) continue;
      this.#forget(height, fetched);
      this.#reopen({ first: height, last: height });
    }
    for (const download of this.#downloads) if (download.peer === peer) this.#drop(download);
    this.#ask();
  }

  /** To be called again and again. */
  tick(): void {
    const nowMs = this.#clock.nowMs();
    const elapsedMs = nowMs - this.#tickMs;
    this.#tickMs = nowMs;
    const isWaiting = !this.#fetched.has(this.#wanted);
    for (const download of this.#downloads) {
      if (download.isDropped) continue;
      if (isWaiting && download.next === this.#wanted) download.waitedMs += elapsedMs;
      const isSlow = download.waitedMs > SLOW_MS && this.#peers.hasIdle(download.next);
      const isStalled = nowMs - download.activeMs > STALLED_MS;
      if (!isSlow && !isStalled) continue;
      this.#drop(download);
      this.#peers.distrust(download.peer);
      const data = { peer: download.peer.id, height: download.next };
      if (isStalled) {
        this.#network.blame(download.peer.id, new P2pError('REQUEST_TIMEOUT', 'no block for long', data));
      }
    }
    this.#ask();
  }

  /** Asks nobody any more. What still comes is let go of. */
  close(): void {
    this.#isClosed = true;
    for (const download of this.#downloads) download.isDropped = true;
  }

  #ask(): void {
    while (!this.#isClosed && this.#downloads.size < MAX_REQUESTS) {
      const range = this.#nextRange();
      const room = this.#roomFor(range.first);
      if (room <= 0) return;
      const peer = this.#peers.choose(range.first);
      if (peer === undefined) return;
      const last = Math.min(range.last, peer.headHeight, range.first + Math.min(room, MAX_RANGE_BLOCKS) - 1);
      this.#claim({ first: range.first, last });
      void this.#fetch(peer, range.first, last);
    }
  }

  #nextRange(): HeightRange {
    return this.#holes[0] ?? { first: this.#unasked, last: this.#wanted + MAX_BLOCKS_AHEAD - 1 };
  }

  /** Blocks for which there is room; always for the one that execution waits for. */
  #roomFor(first: number): number {
    let expected = 0;
    for (const { next, last, isDropped } of this.#downloads) if (!isDropped) expected += last - next + 1;
    const left = MAX_BUFFERED_BYTES - this.#bufferedBytes - expected * this.#averageBytes;
    const room = Math.min(Math.floor(left / this.#averageBytes), this.#wanted + MAX_BLOCKS_AHEAD - first);
    return first === this.#wanted ? Math.max(1, room) : room;
  }

  /** Takes a range out of what is to be asked for. */
  #claim({ first, last }: HeightRange): void {
    const [hole] = this.#holes;
    if (hole?.first === first) {
      if (hole.last === last) this.#holes.shift();
      else this.#holes[0] = { first: last + 1, last: hole.last };
    } else this.#unasked = last + 1;
  }

  async #fetch(peer: SyncPeer, first: number, last: number): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const download: Download = { peer, next: first, last, activeMs: nowMs, waitedMs: 0, isDropped: false };
    this.#downloads.add(download);
    peer.isBusy = true;
    let isWhole = false;
    try {
      await askPeer(this.#network, peer.id, async (asking) => {
        for await (const block of askBlocks(asking, { firstHeight: first, count: last - first + 1 })) {
          if (download.isDropped) return;
          this.#arrived(download, block);
          if (this.#isTooMuch(download)) return;
        }
        isWhole = true;
      });
    } catch (error) {
      if (!(error instanceof OgpuError)) throw error;
      if (!download.isDropped) this.#peers.distrust(peer);
    }
    this.#ended(download, isWhole);
  }

  #arrived(download: Download, block: FinalBlock): void {
    const bytes = encodedBlockBytes(block.block) + extendedCommitCodec.encode(block.commit).length;
    this.#fetched.set(download.next, { ...block, peer: download.peer, bytes });
    download.next++;
    download.activeMs = this.#clock.nowMs();
    this.#bufferedBytes += bytes;
    this.#averageBytes += (bytes - this.#averageBytes) / 16;
    this.onChange();
  }

  /** Blocks larger than expected fill the buffer: the rest is asked for again when there is room. */
  #isTooMuch({ next }: Download): boolean {
    return this.#bufferedBytes > MAX_BUFFERED_BYTES && next !== this.#wanted;
  }

  #ended(download: Download, isWhole: boolean): void {
    const { peer, next, last, isDropped } = download;
    this.#downloads.delete(download);
    peer.isBusy = false;
    if (!isDropped) {
      this.#reopen({ first: next, last });
      if (next > last) this.#peers.served(peer);
      else if (isWhole) void this.#peers.withheld(peer, next);
    }
    this.#ask();
    this.onChange();
  }

  /** Gives up on a request; what it has not given yet is open again. */
  #drop(download: Download): void {
    if (download.isDropped) return;
    download.isDropped = true;
    this.#reopen({ first: download.next, last: download.last });
  }

  #reopen(range: HeightRange): void {
    if (range.first > range.last) return;
    this.#holes = [...this.#holes, range]
      .sort((a, b) => a.first - b.first)
      .reduce<HeightRange[]>((joined, next) => {
        const before = joined.at(-1);
        if (before?.last !== next.first - 1) return [...joined, next];
        return [...joined.slice(0, -1), { first: before.first, last: next.last }];
      }, []);
  }

  #forget(height: number, { bytes }: FetchedBlock): void {
    this.#fetched.delete(height);
    this.#bufferedBytes -= bytes;
  }
}
