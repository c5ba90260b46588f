import type { Measure } from './sender-queue.js';

/** Figures of a pool. */
export interface MempoolStats {
  readonly count: number;
  readonly sizeBytes: number;
  /** Can be included now, one after the other, the base fee aside. */
  readonly pending: number;
  /** Wait for an earlier nonce or for money. */
  readonly queued: number;
  readonly protectedCount: number;
  readonly protectedBytes: number;
  readonly senders: number;
  readonly baseFeeWei: bigint;
  /** Cursor of the next announcement. */
  readonly announced: number;
  /** Since the start, as are those that follow. */
  readonly accepted: number;
  readonly replaced: number;
  readonly refused: number;
  readonly evicted: number;
  readonly expired: number;
  readonly included: number;
}

/** Totals over all senders, and counts since the start. */
export class Tally {
  count = 0;
  sizeBytes = 0;
  executable = 0;
  protectedCount = 0;
  protectedBytes = 0;
  accepted = 0;
  replaced = 0;
  refused = 0;
  evicted = 0;
  expired = 0;
  included = 0;

  /** A sender's measure has changed. */
  move(before: Measure, after: Measure): void {
    this.count += after.count - before.count;
    this.sizeBytes += after.sizeBytes - before.sizeBytes;
    this.executable += after.executable - before.executable;
    this.protectedCount += after.protectedCount - before.protectedCount;
    this.protectedBytes += after.protectedBytes - before.protectedBytes;
  }

  stats(pool: Pick<MempoolStats, 'senders' | 'baseFeeWei' | 'announced'>): MempoolStats {
    const { count, sizeBytes, executable, protectedCount, protectedBytes } = this;
    const { accepted, replaced, refused, evicted, expired, included } = this;
    return {
      ...{ count, sizeBytes, pending: executable, queued: count - executable },
      ...{ protectedCount, protectedBytes },
      ...pool,
      ...{ accepted, replaced, refused, evicted, expired, included },
    };
  }
}
