import type { Address } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import {
  feeCapPerGas,
  TRANSACTION_TYPE_NUMBER,
  type SignedTransaction,
} from '../../protocol/transactions/types.js';
import type { Log, Receipt } from '../../protocol/types/receipt.js';
import { credit, debit, readAccount, writeAccount, type Account } from '../accounts/account.js';
import type { ModuleTable } from '../modules/index.js';
import { gasOfCall, resolveCall, Revert, runCall, type Module } from '../modules/module.js';
import type { Overlay } from '../store/overlay.js';
import { admit } from './admission.js';
import type { BlockContext, SenderTransaction } from './block-context.js';

export interface TransactionOutcome {
  readonly receipt: Receipt;
  readonly gasUsed: number;
  /** The base fee's part of what was paid; taken from the sender, not yet given to anybody. */
  readonly baseWei: bigint;
  /** The proposer's part, likewise. */
  readonly tipWei: bigint;
  /** What the call returned, or the data of its revert. */
  readonly output: Uint8Array;
}

/**
 * Executes one transaction by Ethereum's rules for nonce, gas and fees. A call that reverts leaves nothing behind but its nonce and
 * its fee. Fees are only taken here: the block hands them out once, at its end.
 *
 * @param gasUsedBefore by earlier transactions of the block
 * @throws AdmissionError when the transaction may not be in this block at all; the state is then as it was
 */
export function executeTransaction(
  state: Overlay,
  { transaction, sender }: SenderTransaction,
  block: BlockContext,
  modules: ModuleTable,
  gasUsedBefore: number,
): TransactionOutcome {
  const account = readAccount(state, sender);
  const intrinsic = admit(transaction, account, {
    baseFeeWei: block.baseFeeWei,
    gasLeft: block.gasLimit - gasUsedBefore,
  });
  const priceWei = effectiveGasPriceWei(transaction, block.baseFeeWei);
  const { to } = transaction;
  invariant(to !== undefined, 'creations are not admitted');
  const module = modules.get(toHex(to));
  const message: Message = { transaction, sender, account, to, priceWei, intrinsic };
  const outcome = module === undefined ? transfer(state, message) : callModule(state, module, message, block);
  const { status, gasUsed, logs, output } = outcome;
  invariant(gasUsed <= Number(transaction.gasLimit), 'a transaction uses no more gas than it allows');
  const baseWei = BigInt(gasUsed) * block.baseFeeWei;
  const type = TRANSACTION_TYPE_NUMBER[transaction.type];
  return {
    receipt: { type, status, cumulativeGasUsed: gasUsedBefore + gasUsed, logs },
    gasUsed,
    baseWei,
    tipWei: BigInt(gasUsed) * priceWei - baseWei,
    output,
  };
}

/** What one unit of gas costs: the fee cap, or for EIP-1559 no more than base fee and tip. */
export function effectiveGasPriceWei(transaction: SignedTransaction, baseFeeWei: bigint): bigint {
  const feeCap = feeCapPerGas(transaction);
  if (transaction.type !== 'eip1559') return feeCap;
  const wanted = baseFeeWei + transaction.maxPriorityFeePerGas;
  return wanted < feeCap ? wanted : feeCap;
}

/** An admitted transaction on its way. */
interface Message extends SenderTransaction {
  /** The sender's account before. */
  readonly account: Account;
  readonly to: Address;
  readonly priceWei: bigint;
  /** Gas it uses whatever it does. */
  readonly intrinsic: number;
}

export interface MessageOutcome {
  readonly status: 0 | 1;
  readonly gasUsed: number;
  readonly logs: Log[];
  readonly output: Uint8Array;
}

const NO_OUTPUT = new Uint8Array(0);

/** Cannot fail: admission has seen the money. */
function transfer(
  state: Overlay,
  { transaction, sender, account, to, priceWei, intrinsic: gasUsed }: Message,
): MessageOutcome {
  const spentWei = BigInt(gasUsed) * priceWei + transaction.value;
  writeAccount(state, sender, {
    ...account,
    nonce: account.nonce + 1,
    balanceWei: account.balanceWei - spentWei,
  });
  credit(state, to, transaction.value);
  return { status: 1, gasUsed, logs: [], output: NO_OUTPUT };
}

/** The whole gas limit is paid before the call, so that the call cannot spend it, and what is left comes back after. */
function callModule(state: Overlay, module: Module, message: Message, block: BlockContext): MessageOutcome {
  const { transaction, sender, account, priceWei } = message;
  const prepaidWei = transaction.gasLimit * priceWei;
  writeAccount(state, sender, {
    ...account,
    nonce: account.nonce + 1,
    balanceWei: account.balanceWei - prepaidWei,
  });
  const outcome = runModule(state, module, message, block);
  credit(state, sender, prepaidWei - BigInt(outcome.gasUsed) * priceWei);
  return outcome;
}

/** What a module is called with: the sender's balance covers the value. */
export interface ModuleMessage {
  readonly transaction: Pick<SignedTransaction, 'value' | 'data' | 'gasLimit'>;
  readonly sender: Address;
  /** Gas it uses whatever it does. */
  readonly intrinsic: number;
}

/** Runs the function of a module that a message calls; what it changes is kept unless it reverts. */
export function runModule(
  state: Overlay,
  module: Module,
  { transaction, sender, intrinsic }: ModuleMessage,
  block: BlockContext,
): MessageOutcome {
  const { value: valueWei, data, gasLimit } = transaction;
  const logs: Log[] = [];
  let gasUsed = intrinsic;
  state.checkpoint();
  try {
    const call = resolveCall(module, data, valueWei);
    gasUsed += gasOfCall(call);
    if (BigInt(gasUsed) > gasLimit) {
      state.rollback();
      return { status: 0, gasUsed: Number(gasLimit), logs: [], output: NO_OUTPUT };
    }
    debit(state, sender, valueWei);
    const output = runCall(module, call, { state, block, caller: sender, valueWei }, logs);
    state.commit();
    return { status: 1, gasUsed, logs, output };
  } catch (error) {
    if (!(error instanceof Revert)) throw error;
    state.rollback();
    return { status: 0, gasUsed: Math.min(gasUsed, Number(gasLimit)), logs: [], output: error.revertData };
  }
}
