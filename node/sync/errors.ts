import { OgpuError } from '../../protocol/errors.js';

/**
 * What is wrong with what a peer served to a node that catches up, or with the chain itself.
 *
 * | code | meaning | whose trouble |
 * |---|---|---|
 * | `SYNC_COMMIT_WRONG` | the commit of a block is not one of its validators | the peer's |
 * | `SYNC_BLOCK_WRONG` | the body is not the one that the header commits to | the peer's |
 * | `SYNC_WITHHELD` | it says that it has a block and does not give it | the peer's |
 * | `SYNC_PAGE_WRONG` | a page of a snapshot is not of the state it claims to be of | the peer's |
 * | `SYNC_SNAPSHOT_WRONG` | a snapshot is offered of a block that the chain does not have | the peer's |
 * | `SYNC_STATE_NEEDED` | all peers that are further have dropped the blocks that follow here | this node's |
 * | `SYNC_DIVERGED` | the validators have committed a block that is invalid here | this node's, or everybody's |
 */
export class SyncError extends OgpuError<
  | 'SYNC_COMMIT_WRONG'
  | 'SYNC_BLOCK_WRONG'
  | 'SYNC_WITHHELD'
  | 'SYNC_PAGE_WRONG'
  | 'SYNC_SNAPSHOT_WRONG'
  | 'SYNC_STATE_NEEDED'
  | 'SYNC_DIVERGED'
> {}

/** @param oldestHeight the lowest block that a peer still has */
export function stateNeeded(height: number, oldestHeight: number): SyncError {
  return new SyncError('SYNC_STATE_NEEDED', 'no peer has the blocks that follow any more', {
    ...{ height, oldestHeight },
    cure: 'stop the node, move the folder `ledger` of its data away, and start it with --sync-mode snapshot; or name a peer with the whole history in p2p.peers',
  });
}

export function commitWrong(height: number, cause: OgpuError): SyncError {
  const data = { height, reason: cause.code };
  return new SyncError('SYNC_COMMIT_WRONG', 'a block was not decided so', data, { cause });
}
