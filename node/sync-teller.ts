import type { Logger } from './logging/logger.js';
import type { Repeats } from './logging/repeats.js';
import { showProgress, type Progress } from './progress.js';
import type { StateSyncProgress, SyncProgress } from './sync/progress.js';

/** Blocks to go from which catching up is shown: fewer are done before anybody has read it. */
const SHOWN_FROM_BLOCKS = 64;

/** Tells how far a node has caught up: with a bar where a person watches, and a line in the log every now and then. */
export class SyncTeller {
  readonly #log: Logger;
  readonly #repeats: Repeats;
  #bar: Progress | undefined;

  constructor(log: Logger, repeats: Repeats) {
    this.#log = log;
    this.#repeats = repeats;
  }

  blocks(progress: SyncProgress): void {
    const { height, targetHeight } = progress;
    if (this.#bar === undefined && targetHeight - height < SHOWN_FROM_BLOCKS) return;
    this.#show({ done: height, total: targetHeight, unit: 'blocks' });
    this.#repeats.write('sync', this.#log.info, { ...progress }, 'catches up');
  }

  state(progress: StateSyncProgress): void {
    this.#show({ done: progress.entries, total: progress.totalEntries, unit: 'entries' });
    this.#repeats.write('state sync', this.#log.info, { ...progress }, 'takes over a state');
  }

  /** Takes the bar away. */
  end(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #show({
    done,
    total,
    unit,
  }: {
    readonly done: number;
    readonly total: number;
    readonly unit: string;
  }): void {
    this.#bar ??= showProgress({ label: 'sync', total, unit });
    this.#bar.update(done, total);
  }
}
