import { invariant } from '../../protocol/invariant.js';
import { blockCodec, type Block } from '../../protocol/types/block.js';
import { extendedCommitCodec, type ExtendedCommit } from '../../protocol/types/commit.js';
import { blockId } from '../../protocol/types/header.js';
import type { BlockReceipts } from '../../protocol/types/receipt.js';
import { NODE_KEYS } from '../store/keys.js';
import type { RecordedChange } from '../store/overlay.js';
import type { Change } from '../store/store.js';
import { indexEntries } from './block-index.js';
import { historyEntries } from './history.js';
import { HEAD_KEY } from './marks.js';
import { receiptEntries } from './receipts.js';
import { headCodec } from './records.js';

export { HEAD_KEY, readHead } from './marks.js';

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
  return [
    ...changes.map(({ key, value }) => ({ key, value })),
    ...final.treeNodes,
    ...historyEntries(height, changes),
    { key: NODE_KEYS.block.encode(height), value: blockCodec.encode(block) },
    { key: NODE_KEYS.commit.encode(height), value: extendedCommitCodec.encode(commit) },
    ...receiptEntries(height, receipts),
    ...indexEntries({ height, id, transactionHashes, receipts }),
    { key: HEAD_KEY, value: headCodec.encode({ height, id, stateRoot: block.header.stateRoot }) },
  ];
}
