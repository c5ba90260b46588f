import { OgpuError } from '../../protocol/errors.js';

/**
 * Why the pool does not take a transaction that could be in some block. `data` says what to change; docs/mempool.md has every code with
 * its cure. What could be in no block is refused with TransactionError or AdmissionError instead.
 */
export class MempoolError extends OgpuError<
  | 'MEMPOOL_KNOWN'
  | 'MEMPOOL_NONCE_TOO_FAR'
  | 'MEMPOOL_UNDERPRICED'
  | 'MEMPOOL_REPLACEMENT_UNDERPRICED'
  | 'MEMPOOL_OVERDRAFT'
  | 'MEMPOOL_SENDER_FULL'
  | 'MEMPOOL_FULL'
  | 'MEMPOOL_TOO_MANY_SUBSCRIBERS'
  | 'MEMPOOL_CONFIG'
> {}

/** Why senders are not recovered now. */
export class RecoveryError extends OgpuError<'RECOVERY_BUSY' | 'RECOVERY_TOO_MANY'> {}

/** Why a journal is not read. */
export class JournalError extends OgpuError<
  'MEMPOOL_JOURNAL_UNKNOWN' | 'MEMPOOL_JOURNAL_FOREIGN' | 'MEMPOOL_JOURNAL_BUSY'
> {}
