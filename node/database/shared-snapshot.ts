import type { Level } from 'level';

type Snapshot = ReturnType<Level<Uint8Array, Uint8Array>['snapshot']>;

/**
 * A snapshot that several read from, open until the last of them has released it. LevelDB's own would close between two pages of an
 * iterator, which needs it again for the next one.
 */
export class SharedSnapshot {
  readonly snapshot: Snapshot;
  #users = 1;

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
  }

  /** One more user; each releases once. */
  share(): void {
    this.#users++;
  }

  async release(): Promise<void> {
    if (--this.#users === 0) await this.snapshot.close();
  }
}
