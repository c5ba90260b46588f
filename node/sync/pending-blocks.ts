import type { ExtendedCommit } from '../../protocol/types/commit.js';
import { withCommit } from '../../state/chain/block-batch.js';
import { keyText } from '../../state/store/key-text.js';
import type { Change, Reader, Store } from '../../state/store/store.js';
import type { LocalBlock } from '../consensus/block-execution.js';
import { batchOf } from '../consensus/stored-blocks.js';

/** Keys and values of blocks that wait for the disk; as many may be on their way to it. */
const MAX_PENDING_BYTES = 16 * 1024 * 1024;

export interface PendingBlock {
  readonly local: LocalBlock;
  readonly commit: ExtendedCommit;
}

/** What is gathered for one write. Of several blocks each key is written once, with its last value. */
interface Batch {
  readonly changes: Map<string, Change>;
  readonly blocks: PendingBlock[];
  bytes: number;
}

/**
 * Executed blocks on their way to the store, and the state after the last of them: execution goes on while the blocks before are being made
 * durable. One write is under way at a time; what was executed meanwhile is the next one, synced once. Each write is one atomic batch that
 * takes the ledger from one block to a later one: a crash leaves it at either.
 */
export class PendingBlocks implements Reader {
  readonly #store: Store;
  readonly #onWritten: (block: PendingBlock) => void;
  #gathering = emptyBatch();
  #writing: Batch | undefined;
  #write: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  /** @param onWritten called for each block in order once it is durable */
  constructor(store: Store, onWritten: (block: PendingBlock) => void) {
    this.#store = store;
    this.#onWritten = onWritten;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (this.#gathering.changes.size === 0 && this.#writing === undefined) return this.#store.get(key);
    const name = keyText(key);
    const change = this.#gathering.changes.get(name) ?? this.#writing?.changes.get(name);
    return change === undefined ? this.#store.get(key) : change.value;
  }

  /**
   * Takes the next block. Resolves when there is room for another one.
   *
   * @throws as writing to the store does, this block or one before
   */
  async add(block: PendingBlock): Promise<void> {
    const { height } = block.local.block.header;
    for (const change of withCommit(batchOf(block.local), height, block.commit)) {
      this.#gathering.changes.set(keyText(change.key), change);
      this.#gathering.bytes += change.key.length + (change.value?.length ?? 0);
    }
    this.#gathering.blocks.push(block);
    this.#writeNext();
    if (this.#gathering.bytes > MAX_PENDING_BYTES) await this.#write;
    this.#assertSound();
  }

  /** Resolves when all blocks are durable. @throws as `add` */
  async flush(): Promise<void> {
    while (
      this.#failure === undefined &&
      (this.#writing !== undefined || this.#gathering.blocks.length > 0)
    ) {
      this.#writeNext();
      await this.#write;
    }
    this.#assertSound();
  }

  #writeNext(): void {
    if (this.#writing !== undefined || this.#failure !== undefined || this.#gathering.blocks.length === 0) {
      return;
    }
    const batch = this.#gathering;
    this.#writing = batch;
    this.#gathering = emptyBatch();
    this.#write = this.#store.write([...batch.changes.values()]).then(
      () => {
        this.#writing = undefined;
        for (const block of batch.blocks) this.#onWritten(block);
        this.#writeNext();
      },
      (error: unknown) => {
        this.#failure = { error };
      },
    );
  }

  #assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

function emptyBatch(): Batch {
  return { changes: new Map(), blocks: [], bytes: 0 };
}
