import { invariant } from '../../protocol/invariant.js';
import { MAX_TRANSACTION_BYTES } from '../../protocol/limits.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { byteList, listOf } from '../../protocol/ssz/types.js';
import type { Alarm, Clock } from '../clock.js';

/** Transactions in one batch: more make it no cheaper, and each is work for who receives it. */
export const MAX_BATCH_TRANSACTIONS = 512;

/** A batch is closed before it grows beyond this; a larger transaction travels alone. */
const FULL_BATCH_BYTES = 65_536;

/** After a batch of so many there is a flood: each message costs every node the same, so that fewer and larger ones leave more for the rest. */
const FLOOD_TRANSACTIONS = 8;
const FLOOD_INTERVALS = 3;

/** SSZ puts an offset before each. */
const OFFSET_BYTES = 4;

const MAX_BATCH_BYTES = MAX_TRANSACTION_BYTES + OFFSET_BYTES;

/** Envelopes. Each is decoded into memory of its own: a pool that keeps one does not keep its batch. */
export const transactionBatchCodec = createCodec<Uint8Array[]>(
  'TransactionBatch',
  listOf(byteList(MAX_TRANSACTION_BYTES), MAX_BATCH_TRANSACTIONS),
  { maxBytes: MAX_BATCH_BYTES },
);

/** Puts transactions together: the first after a silence goes at once, those after it wait for company, in a flood longer. */
export class TransactionBatches {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #publish: (batch: Uint8Array) => void;
  #batch: Uint8Array[] = [];
  #bytes = 0;
  #alarm: Alarm | undefined;
  #lastMs = -Infinity;
  #lastCount = 0;

  constructor(clock: Clock, intervalMs: number, publish: (batch: Uint8Array) => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#publish = publish;
  }

  add(envelopes: readonly Uint8Array[]): void {
    for (const envelope of envelopes) {
      invariant(envelope.length <= MAX_TRANSACTION_BYTES, 'a transaction has its largest size');
      const bytes = envelope.length + OFFSET_BYTES;
      if (this.#batch.length >= MAX_BATCH_TRANSACTIONS || this.#bytes + bytes > FULL_BATCH_BYTES)
        this.#flush();
      this.#batch.push(envelope);
      this.#bytes += bytes;
    }
    if (this.#batch.length === 0 || this.#alarm !== undefined) return;
    const intervals = this.#lastCount >= FLOOD_TRANSACTIONS ? FLOOD_INTERVALS : 1;
    const waitMs = Math.max(0, this.#lastMs + intervals * this.#intervalMs - this.#clock.nowMs());
    this.#alarm = this.#clock.setTimer(waitMs, () => {
      this.#flush();
    });
  }

  stop(): void {
    this.#alarm?.cancel();
    this.#batch = [];
  }

  #flush(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    if (this.#batch.length === 0) return;
    const batch = transactionBatchCodec.encode(this.#batch);
    this.#lastCount = this.#batch.length;
    this.#batch = [];
    this.#bytes = 0;
    this.#lastMs = this.#clock.nowMs();
    this.#publish(batch);
  }
}
