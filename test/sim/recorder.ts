import { EventHash } from './event-hash.js';
import { formatTime } from './units.js';

/** What is recorded of the traffic; everything rarer is told in words. */
export type TrafficKind = 'send' | 'deliver' | 'duplicate' | 'lose' | 'cut' | 'clog' | 'overflow' | 'absent';

const TRAFFIC: readonly TrafficKind[] = [
  'send',
  'deliver',
  'duplicate',
  'lose',
  'cut',
  'clog',
  'overflow',
  'absent',
];

/** Events kept for the print of a failure. */
const RING_SIZE = 256;

/** Numbers a slot of the ring holds: time, kind, from, to, size. */
const SLOT = 5;

/** Lines a story may have; a run tells of at most a few thousand things. */
const MAX_STORY_LINES = 100_000;

const STORY = -1;

/**
 * Sees everything that happens in a run, in order. The hash covers all of it, the ring keeps the last events, the story keeps what is
 * worth telling: faults, crashes, starts and observations, not single messages.
 */
export class Recorder {
  readonly #hash = new EventHash();
  readonly #ring = new Float64Array(RING_SIZE * SLOT);
  readonly #ringTexts: string[] = new Array<string>(RING_SIZE).fill('');
  readonly #story: string[] = [];
  readonly #nowUs: () => number;
  #recorded = 0;

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  /** Events recorded so far. */
  get recorded(): number {
    return this.#recorded;
  }

  /** @param tag whatever tells one message from another: its size, a checksum */
  traffic(kind: TrafficKind, from: number, to: number, tag: number): void {
    this.#remember(TRAFFIC.indexOf(kind), from, to, tag, '');
  }

  tell(line: string): void {
    this.#remember(STORY, 0, 0, 0, line);
    this.#hash.text(line);
    if (this.#story.length < MAX_STORY_LINES) this.#story.push(`${formatTime(this.#nowUs())}  ${line}`);
  }

  hash(): string {
    return this.#hash.digest();
  }

  story(): readonly string[] {
    return this.#story;
  }

  /** The last events, oldest first, one readable line each. */
  lastEvents(count: number = RING_SIZE): readonly string[] {
    const kept = Math.min(count, this.#recorded, RING_SIZE);
    return Array.from({ length: kept }, (_, i) => this.#line((this.#recorded - kept + i) % RING_SIZE));
  }

  #remember(kind: number, from: number, to: number, tag: number, text: string): void {
    const slot = this.#recorded++ % RING_SIZE;
    const values = this.#ring;
    let at = slot * SLOT;
    const timeUs = this.#nowUs();
    values[at++] = timeUs;
    values[at++] = kind;
    values[at++] = from;
    values[at++] = to;
    values[at] = tag;
    this.#ringTexts[slot] = text;
    this.#hash.number(timeUs);
    this.#hash.number((kind << 24) | (from << 12) | to);
    this.#hash.number(tag);
  }

  #line(slot: number): string {
    const [timeUs = 0, kind = 0, from = 0, to = 0, tag = 0] = this.#ring.subarray(
      slot * SLOT,
      (slot + 1) * SLOT,
    );
    const what =
      kind === STORY ? (this.#ringTexts[slot] ?? '') : `${from} -> ${to} ${TRAFFIC[kind] ?? ''} (${tag})`;
    return `${formatTime(timeUs)}  ${what}`;
  }
}
