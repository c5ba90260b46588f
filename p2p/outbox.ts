/*
 * What waits to be sent to one peer.
 */

export interface OutboxLimits {
  /** Frames waiting in each lane. */
  readonly maxCount: number;
  /** Bytes waiting in each lane; one frame alone may be larger. */
  readonly maxBytes: number;
}

/** Small messages overtake large ones: a vote decides a height, a block can be asked for again. */
export type Lane = 'small' | 'large';

/** Frames up to this many bytes are small: every vote with its extension, and a proposal, but no block worth the name. */
export const SMALL_FRAME_BYTES = 16_384;

/** A bounded queue of frames. Where one more does not fit, the oldest of its lane go: consensus sends again what still matters. */
export class Outbox {
  readonly #limits: OutboxLimits;
  readonly #lanes: Readonly<Record<Lane, Uint8Array[]>> = { small: [], large: [] };
  readonly #bytes: Record<Lane, number> = { small: 0, large: 0 };
  #dropped = 0;

  constructor(limits: OutboxLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#lanes.small.length + this.#lanes.large.length;
  }

  get bytes(): number {
    return this.#bytes.small + this.#bytes.large;
  }

  /** Frames that made way for newer ones, since the beginning. */
  get dropped(): number {
    return this.#dropped;
  }

  push(frame: Uint8Array): void {
    const lane: Lane = frame.length <= SMALL_FRAME_BYTES ? 'small' : 'large';
    const { maxCount, maxBytes } = this.#limits;
    const queue = this.#lanes[lane];
    while (queue.length > 0 && (queue.length >= maxCount || this.#bytes[lane] + frame.length > maxBytes)) {
      this.#take(lane);
      this.#dropped++;
    }
    queue.push(frame);
    this.#bytes[lane] += frame.length;
  }

  shift(): Uint8Array | undefined {
    return this.#take('small') ?? this.#take('large');
  }

  clear(): void {
    for (const lane of ['small', 'large'] as const) {
      this.#lanes[lane].length = 0;
      this.#bytes[lane] = 0;
    }
  }

  #take(lane: Lane): Uint8Array | undefined {
    const frame = this.#lanes[lane].shift();
    if (frame !== undefined) this.#bytes[lane] -= frame.length;
    return frame;
  }
}
