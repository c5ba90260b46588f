/** How far a node has come. */
export interface SyncProgress {
  /** Of the last block that is executed. */
  readonly height: number;
  /** The greatest height that a credible peer claims. */
  readonly targetHeight: number;
  readonly blocksPerSecond: number;
  readonly transactionsPerSecond: number;
  /** Until the target at this speed; undefined while there is no speed to tell it by. */
  readonly etaMs: number | undefined;
  readonly peers: number;
  readonly bufferedBytes: number;
}

/** How far a state has been taken over. */
export interface StateSyncProgress {
  /** Of the snapshot. */
  readonly height: number;
  readonly entries: number;
  readonly bytes: number;
  readonly pages: number;
  /** As the peers say. */
  readonly totalEntries: number;
  readonly entriesPerSecond: number;
  readonly etaMs: number | undefined;
}

/** Speeds are those of so long. */
const WINDOW_MS = 5_000;

interface Sample {
  readonly atMs: number;
  readonly blocks: number;
  readonly transactions: number;
}

/** Blocks and transactions a second, over the last seconds. */
export class SpeedMeter {
  readonly #samples: Sample[];
  #blocks = 0;
  #transactions = 0;

  constructor(nowMs: number) {
    this.#samples = [{ atMs: nowMs, blocks: 0, transactions: 0 }];
  }

  get blocks(): number {
    return this.#blocks;
  }

  add(transactions: number): void {
    this.#blocks++;
    this.#transactions += transactions;
  }

  /** To be called a few times a second: each call is a sample. */
  speeds(nowMs: number): { readonly blocksPerSecond: number; readonly transactionsPerSecond: number } {
    this.#samples.push({ atMs: nowMs, blocks: this.#blocks, transactions: this.#transactions });
    while (this.#samples.length > 2 && nowMs - (this.#samples[1]?.atMs ?? nowMs) > WINDOW_MS) {
      this.#samples.shift();
    }
    const [first] = this.#samples;
    const seconds = (nowMs - (first?.atMs ?? nowMs)) / 1000;
    if (first === undefined || seconds <= 0) return { blocksPerSecond: 0, transactionsPerSecond: 0 };
    return {
      blocksPerSecond: (this.#blocks - first.blocks) / seconds,
      transactionsPerSecond: (this.#transactions - first.transactions) / seconds,
    };
  }
}
