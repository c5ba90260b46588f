import { OgpuError } from '../../protocol/errors.js';

/**
 * What is wrong with what a peer served to a node that catches up, or with the chain itself.
 *
 * | code | meaning | whose trouble |
 * |---|---|---|
 * | `SYNC_COMMIT_WRONG` | the commit of a block is not one of its validators | the peer's |
 * | `SYNC_BLOCK_WRONG` | the body is not the one that the header commits to | the peer's |
 * | `SYNC_WITHHELD` | it says that it has a block and does not give it | the peer's |
 * | `SYNC_DIVERGED` | the validators have committed a block that is invalid here | this node's, or everybody's |
 */
export class SyncError extends OgpuError<
  'SYNC_COMMIT_WRONG' | 'SYNC_BLOCK_WRONG' | 'SYNC_WITHHELD' | 'SYNC_DIVERGED'
> {}
