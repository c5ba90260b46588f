import type { Message } from '../messages.js';
import type { Peer } from './input.js';

/** Messages of one peer that wait: what a validator says in a few rounds. */
const MAX_PER_PEER = 32;

/** Blocks among them, of all peers together: each may take megabytes. */
const MAX_BLOCKS = 16;

/** Peers that may have messages waiting. */
const MAX_PEERS = 1024;

export interface EarlyMessage {
  readonly height: number;
  readonly message: Message;
  readonly receivedMs: number;
}

/**
 * Messages of the next height, from peers that have decided the present one already. Nothing can be verified yet, so each peer has a few
 * places, of which new messages take the oldest. Lists of votes are for who is behind in a height, and large: they are not kept.
 */
export class FutureMessages {
  readonly #waiting = new Map<Peer, EarlyMessage[]>();

  add(peer: Peer, early: EarlyMessage): void {
    const waiting = this.#waiting.get(peer) ?? [];
    if (waiting.length === 0 && this.#waiting.size >= MAX_PEERS) return;
    const { message } = early;
    if (message.kind === 'votes' || (isBlock(message) && !this.#hasRoomForBlock(waiting))) return;
    waiting.push(early);
    if (waiting.length > MAX_PER_PEER) waiting.shift();
    this.#waiting.set(peer, waiting);
  }

  /** What waits of a height, in order of arrival per peer. Everything earlier is forgotten with it. */
  take(height: number): (EarlyMessage & { readonly peer: Peer })[] {
    const taken: (EarlyMessage & { readonly peer: Peer })[] = [];
    for (const [peer, waiting] of this.#waiting) {
      for (const entry of waiting) if (entry.height === height) taken.push({ ...entry, peer });
      const later = waiting.filter((entry) => entry.height > height);
      if (later.length > 0) this.#waiting.set(peer, later);
      else this.#waiting.delete(peer);
    }
    return taken;
  }

  forgetPeer(peer: Peer): void {
    this.#waiting.delete(peer);
  }

  /** One of each peer, and few in all. */
  #hasRoomForBlock(ofPeer: readonly EarlyMessage[]): boolean {
    const blocksIn = (messages: readonly EarlyMessage[]): number =>
      messages.filter(({ message }) => isBlock(message)).length;
    if (blocksIn(ofPeer) > 0) return false;
    let blocks = 0;
    for (const waiting of this.#waiting.values()) blocks += blocksIn(waiting);
    return blocks < MAX_BLOCKS;
  }
}

function isBlock({ kind }: Message): boolean {
  return kind === 'block' || kind === 'compactBlock' || kind === 'compactBody';
}
