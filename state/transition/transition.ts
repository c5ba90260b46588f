import { bloomOf } from '../../protocol/bloom.js';
import { OgpuError } from '../../protocol/errors.js';
import { blockReceiptsCodec, type BlockReceipts, type Receipt } from '../../protocol/types/receipt.js';
import { Overlay, type RecordedChange } from '../store/overlay.js';
import type { Reader } from '../store/store.js';
import { credit } from '../accounts/account.js';
import { addToPool } from '../accounts/pools.js';
import { AdmissionError } from './admission.js';
import type { BlockContext, SenderTransaction } from './block-context.js';
import { executeTransaction, type ModuleTable } from './execute-transaction.js';

/** Memory one block's changes may take; far above what the gas limit allows. */
const MAX_OVERLAY_BYTES = 512 * 1024 * 1024;

/** A block that no honest proposer makes. `data.index` is the transaction at fault. */
export class BlockInvalidError extends OgpuError<'BLOCK_TRANSACTION_INADMISSIBLE'> {}

/** What executing a block comes to. */
export interface BlockOutcome {
  readonly receipts: BlockReceipts;
  readonly receiptsRoot: Uint8Array;
  readonly logsBloom: Uint8Array;
  readonly gasUsed: number;
  /** Every state entry that differs, with its old value, in key order: what to write and what would undo it. */
  readonly changes: readonly RecordedChange[];
}

/**
 * Executes a block on the state `view` shows, which stays as it is. Synchronous and the same on every machine. Fees are handed out
 * at the end: the base fees to the verifier pool, which pays for re-execution, the tips to the proposer.
 *
 * @throws BlockInvalidError when a transaction may not be in this block
 */
export function transition(
  view: Reader,
  block: BlockContext,
  transactions: readonly SenderTransaction[],
  modules: ModuleTable,
): BlockOutcome {
  const state = new Overlay(view, { maxBytes: MAX_OVERLAY_BYTES });
  const list: Receipt[] = [];
  let gasUsed = 0;
  let [baseWei, tipWei] = [0n, 0n];
  for (const [index, transaction] of transactions.entries()) {
    const outcome = execute(state, transaction, block, modules, gasUsed, index);
    list.push(outcome.receipt);
    gasUsed += outcome.gasUsed;
    baseWei += outcome.baseWei;
    tipWei += outcome.tipWei;
  }
  addToPool(state, 'verifierPool', baseWei);
  credit(state, block.tipRecipient, tipWei);
  const receipts: BlockReceipts = { beginLogs: [], receipts: list, endLogs: [] };
  return {
    receipts,
    receiptsRoot: blockReceiptsCodec.root(receipts),
    logsBloom: bloomOf(list.flatMap(({ logs }) => logs)),
    gasUsed,
    changes: state.changes(),
  };
}

function execute(
  state: Overlay,
  transaction: SenderTransaction,
  block: BlockContext,
  modules: ModuleTable,
  gasUsed: number,
  index: number,
): ReturnType<typeof executeTransaction> {
  try {
    return executeTransaction(state, transaction, block, modules, gasUsed);
  } catch (error) {
    if (!(error instanceof AdmissionError)) throw error;
    throw new BlockInvalidError(
      'BLOCK_TRANSACTION_INADMISSIBLE',
      `transaction ${index}: ${error.message}`,
      { index, reason: error.code, ...error.data },
      { cause: error },
    );
  }
}
