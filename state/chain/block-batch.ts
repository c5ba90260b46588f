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
export function blockBatch({ commit, ...executed }: FinalBlock): Change[] {
  return withCommit(uncommittedBatch(executed), executed.block.header.height, commit);
}

/** The batch of a block but for its commit: can be made while the votes are on their way. */
export function uncommittedBatch(executed: Omit<FinalBlock, 'commit'>): Change[] {
  const { block, transactionHashes, receipts, changes } = executed;
  const { height } = block.header;
  invariant(transactionHashes.length === receipts.receipts.length, 'a receipt for each transaction');
  const id = blockId(block.header);
  return [
    ...changes.map(({ key, value }) => ({ key, value })),
    ...executed.treeNodes,
    ...historyEntries(height, changes),
    { key: NODE_KEYS.block.encode(height), value: blockCodec.encode(block) },
    ...receiptEntries(height, receipts),
    ...indexEntries({ height, id, transactionHashes, receipts }),
    { key: HEAD_KEY, value: headCodec.encode({ height, id, stateRoot: block.header.stateRoot }) },
  ];
}

/** @param batch of the block at `height` that `commit` commits */
export function withCommit(batch: readonly Change[], height: number, commit: ExtendedCommit): Change[] {
  return [{ key: NODE_KEYS.commit.encode(height), value: extendedCommitCodec.encode(commit) }, ...batch];
}
