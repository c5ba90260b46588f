import type { Message } from '../messages.js';
import type { Peer } from './input.js';

/** Messages of one peer that wait: what a validator says in a few rounds. */
const MAX_PER_PEER = 32;

/** Peers that may have messages waiting. */
const MAX_PEERS = 1024;

interface Waiting {
  readonly height: number;
  readonly message: Message;
}

/**
 * Messages of the next height, from peers that have decided the present one already. Nothing can be verified yet, so each peer has a few
 * places, of which new messages take the oldest.
 */
export class FutureMessages {
  readonly #waiting = new Map<Peer, Waiting[]>();

  add(peer: Peer, height: number, message: Message): void {
    const waiting = this.#waiting.get(peer) ?? [];
    if (waiting.length === 0 && this.#waiting.size >= MAX_PEERS) return;
    waiting.push({ height, message });
    if (waiting.length > MAX_PER_PEER) waiting.shift();
    this.#waiting.set(peer, waiting);
  }

  /** What waits of a height, in order of arrival per peer. Everything earlier is forgotten with it. */
  take(height: number): { readonly peer: Peer; readonly message: Message }[] {
    const taken: { peer: Peer; message: Message }[] = [];
    for (const [peer, waiting] of this.#waiting) {
      for (const entry of waiting) if (entry.height === height) taken.push({ peer, message: entry.message });
      const later = waiting.filter((entry) => entry.height > height);
      if (later.length > 0) this.#waiting.set(peer, later);
      else this.#waiting.delete(peer);
    }
    return taken;
  }

  forgetPeer(peer: Peer): void {
    this.#waiting.delete(peer);
  }
}
