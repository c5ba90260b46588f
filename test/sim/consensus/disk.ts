import type { MemoryStore } from '../../../state/store/memory.js';
import type { Change, Entry, KeyRange, RangeQuery, Store } from '../../../state/store/store.js';
import { StoreError } from '../../../state/store/errors.js';
import { SimulatedDisk } from '../disk.js';
import type { DiskKind } from '../scenario.js';

/** A node's disk: files, and the database of its ledger. */
export interface NodeDisk {
  readonly files: SimulatedDisk;
  readonly store: SimulatedStore;
  /** Whether a signer's record was ever made on it. */
  hasSigner: boolean;
}

/** The ledger's store: a batch that was acknowledged outlasts a crash, one under way is there or not. */
export class SimulatedStore implements Store {
  readonly memory: MemoryStore;
  readonly #delay: () => Promise<void>;
  isFull = false;
  #last: Promise<void> = Promise.resolve();

  constructor(memory: MemoryStore, delay: () => Promise<void>) {
    this.memory = memory;
    this.#delay = delay;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.memory.get(key);
  }

  getMany(keys: readonly Uint8Array[]): (Uint8Array | undefined)[] {
    return this.memory.getMany(keys);
  }

  has(key: Uint8Array): boolean {
    return this.memory.has(key);
  }

  range(query: RangeQuery): AsyncIterable<readonly Entry[]> {
    return this.memory.range(query);
  }

  write(batch: readonly Change[]): Promise<void> {
    return this.#inTurn(() => this.memory.write(batch));
  }

  clearRange(range: KeyRange): Promise<void> {
    return this.#inTurn(() => this.memory.clearRange(range));
  }

  compactRange(range: KeyRange): Promise<void> {
    return this.#inTurn(() => this.memory.compactRange(range));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.#last.then(async () => {
      await this.#delay();
      if (this.isFull) throw new StoreError('STORE_WRITE_FAILED', 'no space is left on the disk');
      await change();
      await this.#delay();
    });
    this.#last = done.catch(() => undefined);
    return done;
  }
}

/** A planted mistake. */
export type Flaw =
  /** A crash takes a node's log and its signer's record, and it goes on as if it had never signed. */
  'forgetful';

/** Disks of nodes that begin with `genesis` in their store. */
export function nodeDisks(genesis: MemoryStore, flaw?: Flaw): DiskKind<NodeDisk> {
  const isForgetful = flaw === 'forgetful';
  return {
    create: (prng, delay) => ({
      files: new SimulatedDisk({ prng, delay }),
      store: new SimulatedStore(genesis.snapshot(), delay),
      hasSigner: false,
    }),
    crash: ({ files, store, hasSigner }, prng, delay) => ({
      files: isForgetful
        ? new SimulatedDisk({ prng, delay })
        : files.crash(prng.chance(1, 2) ? 'power' : 'process', { prng, delay }),
      store: new SimulatedStore(store.memory.snapshot(), delay),
      hasSigner: hasSigner && !isForgetful,
    }),
    copy: ({ files, store, hasSigner }, prng, delay) => ({
      files: files.copy({ prng, delay }),
      store: new SimulatedStore(store.memory.snapshot(), delay),
      hasSigner,
    }),
    // Before its signer's record is made a disk belongs to nobody.
    isBlank: ({ hasSigner }) => !hasSigner,
    setFull: ({ files, store }, isFull) => {
      files.capacityBytes = isFull ? 0 : Infinity;
      store.isFull = isFull;
    },
  };
}
