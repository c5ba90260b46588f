import { invariant } from '../../protocol/invariant.js';
import type { RecoveredTransaction } from './entry.js';
import type { Mempool } from './mempool.js';
import type { RecoveryOutcome, SenderRecovery } from './recovery.js';

export interface SubmissionParts {
  readonly recovery: Pick<SenderRecovery, 'recoverAll'>;
  readonly pool: Pick<Mempool, 'add'>;
  /** Told of what was taken in, together. */
  readonly onAccepted: (accepted: readonly RecoveredTransaction[]) => void;
}

/**
 * Takes a client's envelope into the pool.
 *
 * @returns its hash
 * @throws MempoolError, TransactionError, AdmissionError, RlpError as docs/mempool.md lists them; RecoveryError RECOVERY_BUSY
 */
export type Submit = (envelope: Uint8Array) => Promise<Uint8Array>;

interface Waiting {
  readonly envelope: Uint8Array;
  readonly resolve: (hash: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/** Envelopes that come in one turn of the event loop are verified together: signature by signature would cost several times as much. */
export function submitter({ recovery, pool, onAccepted }: SubmissionParts): Submit {
  let waiting: Waiting[] = [];
  const flush = async (): Promise<void> => {
    const batch = waiting;
    waiting = [];
    try {
      const outcomes = await recovery.recoverAll(batch.map(({ envelope }) => envelope));
      const accepted = batch.flatMap((one, index) => addOne(pool, outcomes[index], one));
      if (accepted.length > 0) onAccepted(accepted);
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

/** @returns the transaction where the pool has taken it */
function addOne(
  pool: Pick<Mempool, 'add'>,
  outcome: RecoveryOutcome | undefined,
  { resolve, reject }: Waiting,
): readonly RecoveredTransaction[] {
  invariant(outcome !== undefined, 'each envelope has an outcome');
  if (!outcome.ok) {
    reject(outcome.error);
    return [];
  }
  const { recovered } = outcome;
  try {
    pool.add(recovered, 'local');
  } catch (error) {
    reject(error);
    return [];
  }
  resolve(recovered.hash);
  return [recovered];
}
