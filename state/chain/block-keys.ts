import { keccak256 } from '../../protocol/crypto/hash.js';
import { blockCodec } from '../../protocol/types/block.js';
import { blockId } from '../../protocol/types/header.js';
import { StoreError } from '../store/errors.js';
import { NODE_KEYS } from '../store/keys.js';
import type { Entry, Store } from '../store/store.js';
import { indexEntries } from './block-index.js';
import { HeightReader } from './height-reader.js';
import { decodeReceipts } from './receipts.js';

/** Every key that one block alone put into the store: the block, its commit, receipts, indices and history. */
export class BlockKeys {
  readonly #blocks;
  readonly #receipts;
  readonly #systemLogs;
  readonly #undo;

  /** Of heights from ≤ height < to. */
  constructor(store: Store, from: number, to: number) {
    this.#blocks = new HeightReader(store, NODE_KEYS.block, from, to);
    this.#receipts = new HeightReader(store, NODE_KEYS.receipt, from, to);
    this.#systemLogs = new HeightReader(store, NODE_KEYS.systemLogs, from, to);
    this.#undo = new HeightReader(store, NODE_KEYS.undo, from, to);
  }

  /**
   * To be asked for each height once, in order.
   *
   * @throws StoreError STORE_CORRUPT when the block or a receipt is missing, and as reading does
   */
  async take(height: number): Promise<Uint8Array[]> {
    const [block] = await this.#blocks.take(height);
    const [systemLogs] = await this.#systemLogs.take(height);
    const receipts = await this.#receipts.take(height);
    const undo = await this.#undo.take(height);
    if (block === undefined) throw new StoreError('STORE_CORRUPT', 'a block is missing', { height });
    return [
      block.key,
      NODE_KEYS.commit.encode(height),
      ...(systemLogs === undefined ? [] : [systemLogs.key]),
      ...receipts.map(({ key }) => key),
      ...indexKeys(height, block, receipts, systemLogs),
      ...undo.flatMap(({ key }) => [key, NODE_KEYS.history.encode(NODE_KEYS.undo.decode(key)[1], height)]),
    ];
  }

  async close(): Promise<void> {
    const readers = [this.#blocks, this.#receipts, this.#systemLogs, this.#undo];
    await Promise.all(readers.map((reader) => reader.close()));
  }
}

/** Indices are not searched: the block and what it did name them. */
function indexKeys(
  height: number,
  block: Entry,
  receipts: readonly Entry[],
  systemLogs: Entry | undefined,
): Uint8Array[] {
  const { header, body } = blockCodec.decode(block.value);
  const entries = indexEntries({
    height,
    id: blockId(header),
    transactionHashes: body.transactions.map(keccak256),
    receipts: decodeReceipts(receipts, systemLogs),
  });
  return entries.map(({ key }) => key);
}
