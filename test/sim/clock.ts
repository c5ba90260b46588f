const MILLION = 1_000_000;

/** Where every node's clock starts, as a header would show it. */
export const EPOCH_MS = 1_700_000_000_000;

/**
 * What one node believes about time: true time, off by a skew, running fast or slow by a drift in parts per million.
 * Whole numbers only, so that all machines agree.
 */
export class NodeClock {
  readonly #trueTimeUs: () => number;
  #baseTrueUs = 0;
  #baseLocalUs = 0;
  #driftPpm = 0;
  #skewUs = 0;

  /** @param trueTimeUs simulated time, the same for all nodes */
  constructor(trueTimeUs: () => number) {
    this.#trueTimeUs = trueTimeUs;
  }

  /** Wall-clock time as this node reads it, in milliseconds since 1970; jumps with the skew. */
  wallMs(): number {
    return EPOCH_MS + Math.floor((this.monotonicUs() + this.#skewUs) / 1000);
  }

  /** Microseconds since the start by this node's oscillator; feels drift, never jumps. */
  monotonicUs(): number {
    const elapsedUs = this.#trueTimeUs() - this.#baseTrueUs;
    return this.#baseLocalUs + elapsedUs + Math.floor((elapsedUs * this.#driftPpm) / MILLION);
  }

  /** True microseconds in which this node's oscillator counts `localUs`. */
  trueDelayUs(localUs: number): number {
    return this.#driftPpm === 0 ? localUs : Math.ceil((localUs * MILLION) / (MILLION + this.#driftPpm));
  }

  get skewUs(): number {
    return this.#skewUs;
  }

  /** An operator or a bad time server moves the wall clock. */
  jump(byUs: number): void {
    this.#skewUs += byUs;
  }

  setDrift(ppm: number): void {
    this.#baseLocalUs = this.monotonicUs();
    this.#baseTrueUs = this.#trueTimeUs();
    this.#driftPpm = ppm;
  }

  /** Brings the wall clock back to true time and the oscillator to true speed, as a good time server does. */
  correct(): void {
    this.setDrift(0);
    this.#skewUs = this.#trueTimeUs() - this.monotonicUs();
  }
}
