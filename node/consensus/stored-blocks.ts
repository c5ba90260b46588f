import { blockCodec, type Block } from '../../protocol/types/block.js';
import { extendedCommitCodec, type ExtendedCommit } from '../../protocol/types/commit.js';
import { uncommittedBatch, withCommit } from '../../state/chain/block-batch.js';
import { NODE_KEYS } from '../../state/store/keys.js';
import type { Change, Reader, Store } from '../../state/store/store.js';
import type { LocalBlock } from './block-execution.js';

/** What a block writes when it becomes final, but for its commit. */
export function batchOf({ block, transactionHashes, executed }: LocalBlock): readonly Change[] {
  const { receipts, changes } = executed.outcome;
  return uncommittedBatch({ block, transactionHashes, receipts, changes, treeNodes: executed.treeNodes });
}

/** Makes a decided block final: one batch, durable when this resolves. @param batch from `batchOf` */
export async function writeBlock(
  store: Store,
  batch: readonly Change[],
  height: number,
  commit: ExtendedCommit,
): Promise<void> {
  await store.write(withCommit(batch, height, commit));
}

export function storedBlock(store: Reader, height: number): Block | undefined {
  const bytes = store.get(NODE_KEYS.block.encode(height));
  return bytes && blockCodec.decode(bytes);
}

export function storedCommit(store: Reader, height: number): ExtendedCommit | undefined {
  const bytes = store.get(NODE_KEYS.commit.encode(height));
  return bytes && extendedCommitCodec.decode(bytes);
}
