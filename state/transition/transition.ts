import { bloomOf } from '../../protocol/bloom.js';
import { OgpuError } from '../../protocol/errors.js';
import { nextBaseFeeWei } from '../../protocol/base-fee.js';
import { nextBeacon } from '../../protocol/domains.js';
import { MAX_BLOCK_TIME_MS } from '../../protocol/limits.js';
import type { ValidatorSet } from '../../protocol/types/validators.js';
import {
  blockReceiptsCodec,
  type BlockReceipts,
  type Log,
  type Receipt,
} from '../../protocol/types/receipt.js';
import { keepBeacon } from '../jobs/beacons.js';
import { MODULE_TABLE, type ModuleTable } from '../modules/index.js';
import { nextValidators } from '../staking/active-set.js';
import { EvidenceError } from '../staking/evidence.js';
import { epochNumber } from '../staking/epoch-record.js';
import { validators } from '../staking/validator.js';
import { Overlay, type RecordedChange } from '../store/overlay.js';
import type { Reader } from '../store/store.js';
import { chainIdentityAt, paramsRecord, progressRecord } from '../system/chain.js';
import { AdmissionError } from './admission.js';
import { beginBlock } from './begin-block.js';
import type { BlockContext } from './block-context.js';
import type { BlockInput } from './block-input.js';
import { endBlock } from './end-block.js';
import { executeTransaction, type TransactionOutcome } from './execute-transaction.js';

/** Memory one block's changes may take; far above what the gas limit allows. */
const MAX_OVERLAY_BYTES = 512 * 1024 * 1024;

/** A block that no honest proposer makes; `data` names the part at fault. */
export class BlockInvalidError extends OgpuError<
  | 'BLOCK_TRANSACTION_INADMISSIBLE'
  | 'BLOCK_EVIDENCE_INADMISSIBLE'
  | 'BLOCK_HEIGHT_WRONG'
  | 'BLOCK_TIME_NOT_LATER'
  | 'BLOCK_TIME_TOO_LATE'
  | 'BLOCK_PROPOSER_UNKNOWN'
> {}

/** What executing a block comes to. */
export interface BlockOutcome {
  readonly receipts: BlockReceipts;
  readonly receiptsRoot: Uint8Array;
  readonly logsBloom: Uint8Array;
  readonly gasUsed: number;
  /** What the header must say about them. */
  readonly gasLimit: number;
  readonly baseFeeWei: bigint;
  /** The set that decides the next height. */
  readonly nextValidators: ValidatorSet;
  /** Every state entry that differs, with its old value, in key order: what to write and what would undo it. */
  readonly changes: readonly RecordedChange[];
}

/**
 * Executes a block on the state `view` shows, which stays as it is: system phases, transactions, system phases. Synchronous and the same
 * on every machine.
 *
 * @throws BlockInvalidError when it may not follow this state, or something in it may not be in a block
 */
export function transition(
  view: Reader,
  input: BlockInput,
  modules: ModuleTable = MODULE_TABLE,
): BlockOutcome {
  const state = new Overlay(view, { maxBytes: MAX_OVERLAY_BYTES });
  const { block, parent } = openBlock(state, input);
  const beginLogs = runBegin(state, block, input, block.timeMs - parent.timeMs);
  const executed = executeAll(state, block, input, modules);
  const endLogs = endBlock(state, block, executed);
  const beacon = nextBeacon(block.identity.chainId, parent.beacon, input.beaconReveal);
  progressRecord.write(state, {
    height: block.height,
    timeMs: block.timeMs,
    baseFeeWei: nextBaseFeeWei({ ...block, gasUsed: executed.gasUsed }, block.params.blocks),
    beacon,
  });
  keepBeacon(state, block.height, beacon);
  const receipts: BlockReceipts = { beginLogs, receipts: executed.receipts, endLogs };
  const logs = [...beginLogs, ...executed.receipts.flatMap((receipt) => receipt.logs), ...endLogs];
  return {
    receipts,
    receiptsRoot: blockReceiptsCodec.root(receipts),
    logsBloom: bloomOf(logs),
    gasUsed: executed.gasUsed,
    gasLimit: block.gasLimit,
    baseFeeWei: block.baseFeeWei,
    nextValidators: nextValidators(state),
    changes: state.changes(),
  };
}

/** The context in which a block that follows this state is executed. */
export function openBlock(
  view: Reader,
  { height, timeMs, proposer }: Pick<BlockInput, 'height' | 'timeMs' | 'proposer'>,
): { block: BlockContext; parent: { readonly timeMs: number; readonly beacon: Uint8Array } } {
  const parent = progressRecord.read(view);
  if (height !== parent.height + 1) {
    throw new BlockInvalidError('BLOCK_HEIGHT_WRONG', 'the block does not follow the last one', {
      expected: parent.height + 1,
      height,
    });
  }
  if (timeMs <= parent.timeMs) {
    throw new BlockInvalidError('BLOCK_TIME_NOT_LATER', 'the block is not later than the last one', {
      parentMs: parent.timeMs,
      timeMs,
    });
  }
  if (timeMs > MAX_BLOCK_TIME_MS) {
    throw new BlockInvalidError('BLOCK_TIME_TOO_LATE', 'no time is left after the block', {
      maximumMs: MAX_BLOCK_TIME_MS,
      timeMs,
    });
  }
  if (validators.find(view, proposer) === undefined) {
    throw new BlockInvalidError('BLOCK_PROPOSER_UNKNOWN', 'the proposer is no validator', { proposer });
  }
  const params = paramsRecord.read(view);
  const block: BlockContext = {
    identity: chainIdentityAt(view, params, height),
    height,
    timeMs,
    epoch: epochNumber(view),
    baseFeeWei: parent.baseFeeWei,
    gasLimit: params.blocks.gasLimit,
    proposer,
    params,
  };
  return { block, parent };
}

/** What the transactions of a block come to; their fees are taken but not handed out yet. */
export interface ExecutedTransactions {
  readonly receipts: Receipt[];
  readonly gasUsed: number;
  readonly baseWei: bigint;
  readonly tipWei: bigint;
}

function executeAll(
  state: Overlay,
  block: BlockContext,
  { transactions }: BlockInput,
  modules: ModuleTable,
): ExecutedTransactions {
  const receipts: Receipt[] = [];
  let gasUsed = 0;
  let [baseWei, tipWei] = [0n, 0n];
  for (const [index, transaction] of transactions.entries()) {
    const execute = (): TransactionOutcome => executeTransaction(state, transaction, block, modules, gasUsed);
    const outcome = inBlock('BLOCK_TRANSACTION_INADMISSIBLE', 'transaction', index, execute);
    receipts.push(outcome.receipt);
    gasUsed += outcome.gasUsed;
    baseWei += outcome.baseWei;
    tipWei += outcome.tipWei;
  }
  return { receipts, gasUsed, baseWei, tipWei };
}

function runBegin(state: Overlay, block: BlockContext, input: BlockInput, elapsedMs: number): Log[] {
  return beginBlock(state, block, input, elapsedMs, (index, punishIt) => {
    inBlock('BLOCK_EVIDENCE_INADMISSIBLE', 'evidence', index, punishIt);
  });
}

/** Runs what may find that a part of the block has no place in it. */
function inBlock<Result>(
  code: BlockInvalidError['code'],
  part: string,
  index: number,
  run: () => Result,
): Result {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof AdmissionError) && !(error instanceof EvidenceError)) throw error;
    const data = { index, reason: error.code, ...error.data };
    throw new BlockInvalidError(code, `${part} ${index}: ${error.message}`, data, { cause: error });
  }
}
