import { blockCodec, type Block } from '../../protocol/types/block.js';
import { extendedCommitCodec, type ExtendedCommit } from '../../protocol/types/commit.js';
import { blockBatch } from '../../state/chain/block-batch.js';
import { NODE_KEYS } from '../../state/store/keys.js';
import type { Reader, Store } from '../../state/store/store.js';
import type { LocalBlock } from './block-execution.js';

/** Makes a decided block final: one batch, durable when this resolves. */
export async function writeBlock(store: Store, local: LocalBlock, commit: ExtendedCommit): Promise<void> {
  const { block, transactionHashes, executed } = local;
  const { receipts, changes } = executed.outcome;
  const { treeNodes } = executed;
  await store.write(blockBatch({ block, commit, transactionHashes, receipts, changes, treeNodes }));
}

export function storedBlock(store: Reader, height: number): Block | undefined {
  const bytes = store.get(NODE_KEYS.block.encode(height));
  return bytes && blockCodec.decode(bytes);
}

export function storedCommit(store: Reader, height: number): ExtendedCommit | undefined {
  const bytes = store.get(NODE_KEYS.commit.encode(height));
  return bytes && extendedCommitCodec.decode(bytes);
}
