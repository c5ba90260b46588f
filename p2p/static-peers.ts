import type { Alarm, Clock } from './clock.js';

export interface StaticPeer {
  readonly id: string;
  /** Multiaddress that ends in /p2p/ and the id. */
  readonly address: string;
}

export interface StaticPeersParts {
  readonly peers: readonly StaticPeer[];
  readonly clock: Clock;
  readonly dial: (peer: StaticPeer) => Promise<void>;
  readonly isConnected: (id: string) => boolean;
  /** Milliseconds before which a peer should not be dialled: its ban. */
  readonly waitMs: (id: string) => number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
}

/** Keeps connections to the peers an operator has named: dials them, and again whenever they are gone, ever less often. */
export class StaticPeers {
  readonly #parts: StaticPeersParts;
  readonly #alarms = new Map<string, Alarm>();
  readonly #backoffMs = new Map<string, number>();
  readonly #byId: ReadonlyMap<string, StaticPeer>;
  #isStopped = false;

  constructor(parts: StaticPeersParts) {
    this.#parts = parts;
    this.#byId = new Map(parts.peers.map((peer) => [peer.id, peer]));
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  start(): void {
    for (const peer of this.#byId.values()) void this.#dial(peer);
  }

  stop(): void {
    this.#isStopped = true;
    for (const alarm of this.#alarms.values()) alarm.cancel();
  }

  /** The peer has passed its handshake: it is there, and waits start anew. */
  admitted(id: string): void {
    this.#backoffMs.delete(id);
  }

  /** A connection to the peer has ended, or could not be made. */
  lost(id: string): void {
    const peer = this.#byId.get(id);
    if (peer === undefined || this.#isStopped) return;
    const { clock, minBackoffMs, maxBackoffMs, waitMs } = this.#parts;
    const backoffMs = this.#backoffMs.get(id) ?? minBackoffMs;
    this.#backoffMs.set(id, Math.min(2 * backoffMs, maxBackoffMs));
    this.#alarms.get(id)?.cancel();
    const alarm = clock.setTimer(Math.max(backoffMs, waitMs(id)), () => {
      void this.#dial(peer);
    });
    this.#alarms.set(id, alarm);
  }

  async #dial(peer: StaticPeer): Promise<void> {
    if (this.#isStopped || this.#parts.isConnected(peer.id)) return;
    try {
      await this.#parts.dial(peer);
    } catch {
      this.lost(peer.id);
    }
  }
}
