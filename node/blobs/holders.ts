import { askHeld, BLOB_CHUNKS } from '../../p2p/blob-requests.js';
import type { Clock } from '../../p2p/clock.js';
import { P2pError } from '../../p2p/errors.js';
import { TokenBucket, type Rate } from '../../p2p/token-bucket.js';
import { SszError } from '../../protocol/ssz/types.js';
import { askPeer, type SyncNetwork } from '../sync/sync-network.js';

/** Below what a server lets one peer ask, as its clock and ours differ. */
const RANGE_RATE: Rate = { perSecond: BLOB_CHUNKS.rate.perSecond - 4, burst: BLOB_CHUNKS.rate.burst - 8 };
const QUESTION_RATE: Rate = { perSecond: 2, burst: 16 };

/** Peers that are asked at a time who has a blob. */
const ASKED_AT_A_TIME = 8;

/** Who did not have it may have it later. */
const ASK_AGAIN_MS = 3_000;

interface PeerBudget {
  readonly ranges: TokenBucket;
  readonly questions: TokenBucket;
  /** One range at a time, whichever blob it is of. */
  isSending: boolean;
}

/** What this node may still ask of each peer: all downloads together stay within what one peer may ask. */
export class PeerBudgets {
  readonly #network: () => SyncNetwork | undefined;
  readonly #clock: Clock;
  readonly #budgets = new Map<string, PeerBudget>();

  constructor(network: () => SyncNetwork | undefined, clock: Clock) {
    this.#network = network;
    this.#clock = clock;
  }

  get network(): SyncNetwork | undefined {
    return this.#network();
  }

  /** Connected peers; those who are gone are forgotten. */
  present(): string[] {
    const ids = this.network?.peers.map(({ id }) => id) ?? [];
    const present = new Set(ids);
    for (const id of this.#budgets.keys()) if (!present.has(id)) this.#budgets.delete(id);
    return ids;
  }

  of(peer: string): PeerBudget {
    const known = this.#budgets.get(peer);
    if (known !== undefined) return known;
    const budget = {
      ranges: new TokenBucket(RANGE_RATE, this.#clock),
      questions: new TokenBucket(QUESTION_RATE, this.#clock),
      isSending: false,
    };
    this.#budgets.set(peer, budget);
    return budget;
  }
}

/** Who has one blob, as far as is known: hinted peers are asked before the others. */
export class Holders {
  readonly #id: Uint8Array;
  readonly #hints: readonly string[];
  readonly #budgets: PeerBudgets;
  readonly #clock: Clock;
  readonly #holding = new Set<string>();
  /** Not asked before then. */
  readonly #notBeforeMs = new Map<string, number>();
  #isAsking = false;

  constructor(id: Uint8Array, hints: readonly string[], budgets: PeerBudgets, clock: Clock) {
    this.#id = id;
    this.#hints = hints;
    this.#budgets = budgets;
    this.#clock = clock;
  }

  get isAsking(): boolean {
    return this.#isAsking;
  }

  /** Peers that say they have it, and are here and may be asked. */
  ready(): string[] {
    const present = new Set(this.#budgets.present());
    for (const id of this.#holding) if (!present.has(id)) this.#holding.delete(id);
    const nowMs = this.#clock.nowMs();
    return [...this.#holding].filter((id) => (this.#notBeforeMs.get(id) ?? 0) <= nowMs);
  }

  /** Asks peers that have not been asked lately. @returns whether one of them has it */
  async look(): Promise<boolean> {
    this.#isAsking = true;
    try {
      const answers = await Promise.all(this.#candidates().map((peer) => this.#ask(peer)));
      return answers.includes(true);
    } finally {
      this.#isAsking = false;
    }
  }

  /** A peer is left alone for a while. @param forMs Infinity: for this download */
  rest(peer: string, forMs: number): void {
    this.#notBeforeMs.set(peer, this.#clock.nowMs() + forMs);
  }

  /** It has it no more. */
  lost(peer: string): void {
    this.#holding.delete(peer);
    this.rest(peer, 10 * ASK_AGAIN_MS);
  }

  #candidates(): string[] {
    const present = this.#budgets.present();
    const hinted = this.#hints.filter((id) => present.includes(id));
    const nowMs = this.#clock.nowMs();
    return [...new Set([...hinted, ...present])]
      .filter((id) => !this.#holding.has(id) && (this.#notBeforeMs.get(id) ?? 0) <= nowMs)
      .filter((id) => this.#budgets.of(id).questions.take(1))
      .slice(0, ASKED_AT_A_TIME);
  }

  async #ask(peer: string): Promise<boolean> {
    const { network } = this.#budgets;
    if (network === undefined) return false;
    this.rest(peer, ASK_AGAIN_MS);
    try {
      const [held] = await askPeer(network, peer, (asking) => askHeld(asking, [this.#id]));
      if (held === undefined) return false;
      this.#holding.add(peer);
      this.rest(peer, 0);
      return true;
    } catch (error) {
      // Blamed already; a peer of another version does not know the question.
      if (!(error instanceof P2pError) && !(error instanceof SszError)) throw error;
      return false;
    }
  }
}
