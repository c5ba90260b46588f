import type { Clock } from './clock.js';

export interface Rate {
  readonly perSecond: number;
  /** What may come at once after a silence. */
  readonly burst: number;
}

/** Counts what a peer does against a rate. */
export class TokenBucket {
  readonly #rate: Rate;
  readonly #clock: Pick<Clock, 'nowMs'>;
  #tokens: number;
  #filledMs: number;

  constructor(rate: Rate, clock: Pick<Clock, 'nowMs'>) {
    this.#rate = rate;
    this.#clock = clock;
    this.#tokens = rate.burst;
    this.#filledMs = clock.nowMs();
  }

  /** Takes `amount`; false, taking nothing, where that is more than is left. */
  take(amount: number): boolean {
    const nowMs = this.#clock.nowMs();
    const earned = ((nowMs - this.#filledMs) * this.#rate.perSecond) / 1000;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + earned);
    this.#filledMs = nowMs;
    if (amount > this.#tokens) return false;
    this.#tokens -= amount;
    return true;
  }
}
