/** What becomes of a message: it is relayed, forgotten, or held against who sent it. */
export type Verdict = 'accept' | 'ignore' | 'reject';

export interface JudgingLimits {
  /** Messages judged at a time. */
  readonly maxRunning: number;
  /** Messages that wait for that, of all peers and of one. */
  readonly maxWaiting: number;
  readonly maxWaitingOfPeer: number;
}

interface Case {
  readonly peer: string;
  readonly judge: () => Promise<Verdict>;
  readonly done: (verdict: Verdict) => void;
}

/** Messages waiting to be judged. One peer cannot take all places. */
export class Judging {
  readonly #limits: JudgingLimits;
  readonly #waiting: Case[] = [];
  readonly #waitingOf = new Map<string, number>();
  #running = 0;

  constructor(limits: JudgingLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#running + this.#waiting.length;
  }

  /** Has a message judged, and tells the verdict; at once that it is ignored, where there is no place. A judge that fails ignores. */
  submit(peer: string, judge: () => Promise<Verdict>, done: (verdict: Verdict) => void): boolean {
    const { maxRunning, maxWaiting, maxWaitingOfPeer } = this.#limits;
    if (this.#running < maxRunning) {
      void this.#run({ peer, judge, done });
      return true;
    }
    const ofPeer = this.#waitingOf.get(peer) ?? 0;
    if (this.#waiting.length >= maxWaiting || ofPeer >= maxWaitingOfPeer) {
      done('ignore');
      return false;
    }
    this.#waiting.push({ peer, judge, done });
    this.#waitingOf.set(peer, ofPeer + 1);
    return true;
  }

  async #run({ judge, done }: Case): Promise<void> {
    this.#running++;
    let verdict: Verdict = 'ignore';
    try {
      verdict = await judge();
    } catch {
      // This node's own trouble: no reason to relay, and none to blame.
    }
    this.#running--;
    done(verdict);
    const next = this.#waiting.shift();
    if (next === undefined) return;
    const left = (this.#waitingOf.get(next.peer) ?? 1) - 1;
    if (left === 0) this.#waitingOf.delete(next.peer);
    else this.#waitingOf.set(next.peer, left);
    void this.#run(next);
  }
}
