/** Bounds on what is done for one peer. */
export interface PeerBounds {
  /** Different things in a window. */
  readonly most: number;
  readonly windowMs: number;
  /** How long nothing is done for a peer that was silenced. */
  readonly silenceMs: number;
}

interface Window {
  sinceMs: number;
  readonly done: Set<string>;
  silentUntilMs: number;
}

/** Peers that are remembered; of more the ones first seen are forgotten, and begin anew. */
const MAX_PEERS = 1024;

/** What costs this node something is done for each peer a few times in a window, and no single thing twice. */
export class PeerBudget {
  readonly #bounds: PeerBounds;
  readonly #windows = new Map<string, Window>();

  constructor(bounds: PeerBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#windows.size;
  }

  /** Whether a thing may be done for a peer now; counts it if so. A clock that went back begins a new window. */
  spend(peer: string, thing: string, nowMs: number): boolean {
    const window = this.#windowOf(peer, nowMs);
    if (nowMs < window.silentUntilMs || window.done.has(thing) || window.done.size >= this.#bounds.most) {
      return false;
    }
    window.done.add(thing);
    return true;
  }

  /** A peer has made this node work for nothing. */
  silence(peer: string, nowMs: number): void {
    this.#windowOf(peer, nowMs).silentUntilMs = nowMs + this.#bounds.silenceMs;
  }

  forgetPeer(peer: string): void {
    this.#windows.delete(peer);
  }

  #windowOf(peer: string, nowMs: number): Window {
    const { windowMs, silenceMs } = this.#bounds;
    const known = this.#windows.get(peer);
    if (known === undefined) {
      const [oldest] = this.#windows.keys();
      if (this.#windows.size >= MAX_PEERS && oldest !== undefined) this.#windows.delete(oldest);
      const window = { sinceMs: nowMs, done: new Set<string>(), silentUntilMs: 0 };
      this.#windows.set(peer, window);
      return window;
    }
    if (nowMs < known.sinceMs || nowMs - known.sinceMs >= windowMs) {
      known.sinceMs = nowMs;
      known.done.clear();
    }
    if (known.silentUntilMs > nowMs + silenceMs) known.silentUntilMs = 0;
    return known;
  }
}
