import { fromHex, toHex } from '../protocol/bytes.js';
import { MAX_VALIDATORS } from '../protocol/limits.js';
import { createCodec } from '../protocol/ssz/codec.js';
import { bytes20, listOf } from '../protocol/ssz/types.js';
import type { Alarm, Clock } from './clock.js';

/*
 * Which validators a node hears without help. Peers tell each other, so that a message is passed on to those alone whom its signer does
 * not reach: to nobody, where all are connected.
 */

export const heardCodec = createCodec<Uint8Array[]>('Heard', listOf(bytes20, MAX_VALIDATORS));

/** Peers come and go in swarms: what changed is told once. */
const TELL_AFTER_MS = 100;

/** A claim may be judged late, and what was told dropped on its way: it is told again and again. */
const TELL_AGAIN_MS = 5000;

export interface HearingParts {
  readonly clock: Clock;
  /** Validators this node hears now, itself among them, in hex. */
  readonly heard: () => ReadonlySet<string>;
  /** Tells all peers. */
  readonly tell: (encoded: Uint8Array) => void;
}

/** Tells peers whom this node hears: soon after they have changed, and now and then. */
export class Hearing {
  readonly #parts: HearingParts;
  #alarm: Alarm | undefined;
  #dueMs = Infinity;

  constructor(parts: HearingParts) {
    this.#parts = parts;
  }

  /** Peers have changed. */
  changed(): void {
    this.#wake(TELL_AFTER_MS);
  }

  /** For who has just come. */
  current(): Uint8Array {
    return encodeHeard(this.#parts.heard());
  }

  stop(): void {
    this.#alarm?.cancel();
  }

  #wake(delayMs: number): void {
    const { clock, tell } = this.#parts;
    const dueMs = clock.nowMs() + delayMs;
    if (dueMs >= this.#dueMs) return;
    this.#alarm?.cancel();
    this.#dueMs = dueMs;
    this.#alarm = clock.setTimer(delayMs, () => {
      this.#dueMs = Infinity;
      tell(this.current());
      this.#wake(TELL_AGAIN_MS);
    });
  }
}

function encodeHeard(heard: ReadonlySet<string>): Uint8Array {
  return heardCodec.encode(
    [...heard]
      .sort()
      .slice(0, MAX_VALIDATORS)
      .map((validator) => fromHex(validator)),
  );
}

/** Whom a peer hears, in hex. @throws SszError */
export function decodeHeard(encoded: Uint8Array): ReadonlySet<string> {
  return new Set(heardCodec.decode(encoded).map(toHex));
}
