import { invariant } from '../protocol/invariant.js';
import type { Store } from '../state/store/store.js';
import type { Faucet, FinalizedBlock, NodeStatus, RpcBackend } from '../rpc/backend.js';
import type { ExtendedCommit } from '../protocol/types/commit.js';
import type { LocalBlock } from './consensus/block-execution.js';
import type { Mempool } from './mempool/mempool.js';
import type { RecoveryOutcome, SenderRecovery } from './mempool/recovery.js';
import { packageVersion } from './version.js';

/** What the server of JSON-RPC needs of a node. */
export interface RpcBackendParts {
  readonly store: Store;
  readonly pool: Mempool;
  readonly recovery: Pick<SenderRecovery, 'recoverAll'>;
  readonly status: () => NodeStatus;
  readonly faucet?: Faucet;
  /** Told of the pool's state after a client's transaction was taken in: for who has to be woken. */
  readonly onAccepted?: () => void;
}

/** A backend, and how it is told of final blocks. */
export interface NodeRpcBackend extends RpcBackend {
  /** To be called after each block that is final, stored, and known to the pool: made here, or synced. */
  publish(local: LocalBlock, commit: ExtendedCommit): void;
}

export function createRpcBackend(parts: RpcBackendParts): NodeRpcBackend {
  const { store, pool, recovery, status, faucet, onAccepted } = parts;
  const listeners = new Set<(news: FinalizedBlock) => void>();
  return {
    clientVersion: `ogpu/v${packageVersion()}/${process.platform}-${process.arch}/node-${process.version}`,
    store,
    pool,
    submit: submitter(recovery, pool, onAccepted),
    onFinal: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    status,
    faucet,
    nowMs: () => Date.now(),
    publish: ({ block, id, transactionHashes, executed }, commit) => {
      const { receipts } = executed.outcome;
      for (const listener of listeners) listener({ block, id, transactionHashes, receipts, commit });
    },
  };
}

interface Waiting {
  readonly envelope: Uint8Array;
  readonly resolve: (hash: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/** Envelopes that come in one turn of the event loop are verified together: signature by signature would cost several times as much. */
function submitter(
  recovery: Pick<SenderRecovery, 'recoverAll'>,
  pool: Mempool,
  onAccepted: (() => void) | undefined,
): RpcBackend['submit'] {
  let waiting: Waiting[] = [];
  const flush = async (): Promise<void> => {
    const batch = waiting;
    waiting = [];
    try {
      const outcomes = await recovery.recoverAll(batch.map(({ envelope }) => envelope));
      for (const [index, { resolve, reject }] of batch.entries()) {
        const error = addOne(pool, outcomes[index], resolve);
        if (error !== undefined) reject(error);
      }
      onAccepted?.();
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };
  return (envelope) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(() => void flush());
      waiting.push({ envelope, resolve, reject });
    });
}

function addOne(pool: Mempool, outcome: RecoveryOutcome | undefined, resolve: Waiting['resolve']): unknown {
  invariant(outcome !== undefined, 'each envelope has an outcome');
  if (!outcome.ok) return outcome.error;
  try {
    pool.add(outcome.recovered, 'local');
    resolve(outcome.recovered.hash);
    return undefined;
  } catch (error) {
    return error;
  }
}
