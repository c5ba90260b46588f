import { invariant } from '../../protocol/invariant.js';
import { blockCodec, type Block } from '../../protocol/types/block.js';
import { extendedCommitCodec, type ExtendedCommit } from '../../protocol/types/commit.js';
import { blockId } from '../../protocol/types/header.js';
import { receiptCodec, type BlockReceipts } from '../../protocol/types/receipt.js';
import { NODE_KEYS } from '../store/keys.js';
import type { RecordedChange } from '../store/overlay.js';
import type { Change, Reader } from '../store/store.js';
import { historyEntries } from './history.js';
import { headCodec, logPlaceCodec, placeCodec, type Head } from './records.js';

/** A final block with everything that was computed for it. */
export interface FinalBlock {
  readonly block: Block;
  readonly commit: ExtendedCommit;
  /** keccak-256 of each envelope, in order. */
  readonly transactionHashes: readonly Uint8Array[];
  readonly receipts: BlockReceipts;
  readonly changes: readonly RecordedChange[];
  /** From `updateStateRoot` of the same changes. */
  readonly treeNodes: readonly Change[];
}

/**
 * All that a final block writes, for one atomic and durable batch: state, tree nodes, history, block, commit, receipts, indices, and last the
 * mark of the head. A crash leaves all of it or nothing: a final transaction is never "not found".
 */
export function blockBatch(final: FinalBlock): Change[] {
  const { block, commit, transactionHashes, receipts, changes } = final;
  const { height } = block.header;
  invariant(transactionHashes.length === receipts.receipts.length, 'a receipt for each transaction');
  const id = blockId(block.header);
  const place = placeCodec.encode({ height, index: 0 });
  return [
    ...changes.map(({ key, value }) => ({ key, value })),
    ...final.treeNodes,
    ...historyEntries(height, changes),
    { key: NODE_KEYS.block.encode(height), value: blockCodec.encode(block) },
    { key: NODE_KEYS.blockId.encode(id), value: place },
    { key: NODE_KEYS.commit.encode(height), value: extendedCommitCodec.encode(commit) },
    ...receipts.receipts.map((receipt, index) => ({
      key: NODE_KEYS.receipt.encode(height, index),
      value: receiptCodec.encode(receipt),
    })),
    ...transactionHashes.map((hash, index) => ({
      key: NODE_KEYS.transaction.encode(hash),
      value: placeCodec.encode({ height, index }),
    })),
    ...logIndex(height, receipts),
    { key: HEAD_KEY, value: headCodec.encode({ height, id, stateRoot: block.header.stateRoot }) },
  ];
}

/** Where the chain stands: undefined before the genesis is stored. */
export function readHead(reader: Reader): Head | undefined {
  const bytes = reader.get(HEAD_KEY);
  return bytes === undefined ? undefined : headCodec.decode(bytes);
}

export const HEAD_KEY = NODE_KEYS.meta.encode('head');

/** Entries to find logs by emitter and by topic; logs are counted through the block. */
function logIndex(height: number, { receipts }: BlockReceipts): Change[] {
  let logNumber = 0;
  return receipts.flatMap(({ logs }, transactionIndex) =>
    logs.flatMap(({ address, topics }, indexInTransaction) => {
      const number = logNumber++;
      const value = logPlaceCodec.encode({ transactionIndex, indexInTransaction });
      return [
        { key: NODE_KEYS.logAddress.encode(address, height, number), value },
        ...topics.map((topic, position) => ({
          key: NODE_KEYS.logTopic.encode(position, topic, height, number),
          value,
        })),
      ];
    }),
  );
}
