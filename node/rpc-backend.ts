import type { BlobDesk, Faucet, FinalizedBlock, NodeStatus, RpcBackend } from '../rpc/backend.js';
import type { ExtendedCommit } from '../protocol/types/commit.js';
import type { Store } from '../state/store/store.js';
import type { LocalBlock } from './consensus/block-execution.js';
import { Listeners } from './listeners.js';
import type { Mempool } from './mempool/mempool.js';
import type { Submit } from './mempool/submissions.js';
import { packageVersion } from './version.js';

/** What the server of JSON-RPC needs of a node. */
export interface RpcBackendParts {
  readonly store: Store;
  readonly pool: Mempool;
  readonly submit: Submit;
  readonly status: () => NodeStatus;
  readonly faucet?: Faucet;
  readonly blobs?: BlobDesk | undefined;
}

/** A backend, and how it is told of final blocks. */
export interface NodeRpcBackend extends RpcBackend {
  /** To be called after each block that is final, stored, and known to the pool: made here, or synced. */
  publish(local: LocalBlock, commit: ExtendedCommit): void;
}

export function createRpcBackend({ faucet, ...parts }: RpcBackendParts): NodeRpcBackend {
  const finals = new Listeners<FinalizedBlock>();
  return {
    ...parts,
    faucet,
    clientVersion: `ogpu/v${packageVersion()}/${process.platform}-${process.arch}/node-${process.version}`,
    onFinal: (listener) => finals.add(listener),
    nowMs: () => Date.now(),
    publish: ({ block, id, transactionHashes, executed }, commit) => {
      const { receipts } = executed.outcome;
      finals.tell({ block, id, transactionHashes, receipts, commit });
    },
  };
}
