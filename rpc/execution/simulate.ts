import { toHex } from '../../protocol/bytes.js';
import { intrinsicGas } from '../../protocol/transactions/gas.js';
import type { AccessList, Transaction } from '../../protocol/transactions/types.js';
import { credit, readAccount, writeAccount } from '../../state/accounts/account.js';
import { MODULE_TABLE } from '../../state/modules/index.js';
import { nextValidators } from '../../state/staking/active-set.js';
import { Overlay } from '../../state/store/overlay.js';
import type { Reader } from '../../state/store/store.js';
import { chainRecord, progressRecord } from '../../state/system/chain.js';
import type { BlockContext } from '../../state/transition/block-context.js';
import { runModule, type MessageOutcome } from '../../state/transition/execute-transaction.js';
import { openBlock } from '../../state/transition/transition.js';
import { RPC } from '../errors/codes.js';
import { ExecutionReverted, RpcError } from '../errors/rpc-error.js';

/** A transaction that nobody has signed. */
export interface Message {
  readonly from: Uint8Array;
  /** Undefined would create a contract. */
  readonly to: Uint8Array | undefined;
  readonly valueWei: bigint;
  readonly data: Uint8Array;
  /** Undefined: as much as a block has. */
  readonly gasLimit: bigint | undefined;
  /** What a unit of gas may cost; undefined where it is not asked whether it could be paid. */
  readonly feeCapWei: bigint | undefined;
  readonly accessList: AccessList | undefined;
  /** Accounts to be looked at as if they were like this. */
  readonly overrides: readonly AccountOverride[];
}

export interface AccountOverride {
  readonly address: Uint8Array;
  readonly balanceWei: bigint | undefined;
  readonly nonce: number | undefined;
}

/** Memory of what a simulated call changes. */
const MAX_CHANGED_BYTES = 16 * 1024 * 1024;

/**
 * What a message would do in the block after the state of `view`, which stays as it is. Synchronous and bounded, as a transaction is.
 *
 * @param nowMs the block's time where the state's own is earlier: what has fallen due by now counts
 * @throws ExecutionReverted; RpcError RPC_CREATION_UNSUPPORTED | RPC_FUNDS | RPC_GAS_EXCEEDED
 */
export function simulate(view: Reader, message: Message, nowMs: number): MessageOutcome {
  const state = new Overlay(view, { maxBytes: MAX_CHANGED_BYTES });
  const block = nextBlock(view, nowMs);
  for (const override of message.overrides) applyOverride(state, override);
  const { to, from, valueWei } = message;
  if (to === undefined) {
    const text = 'contract creation is not supported: this chain does not run contracts yet';
    throw new RpcError(RPC.transactionRejected, 'RPC_CREATION_UNSUPPORTED', text);
  }
  const gasLimit = message.gasLimit ?? BigInt(block.gasLimit);
  const transaction = transactionOf(view, message, gasLimit);
  const intrinsic = intrinsicGas(transaction);
  assertGas(intrinsic, gasLimit, block);
  assertFunds(state, message, gasLimit);
  const module = MODULE_TABLE.get(toHex(to));
  if (module === undefined) {
    credit(state, to, valueWei);
    return { status: 1, gasUsed: Number(intrinsic), logs: [], output: new Uint8Array(0) };
  }
  const outcome = runModule(
    state,
    module,
    { transaction, sender: from, intrinsic: Number(intrinsic) },
    block,
  );
  if (outcome.status === 1) return outcome;
  if (outcome.output.length > 0) throw new ExecutionReverted(outcome.output);
  throw gasExceeded(gasLimit);
}

/** The block after the state of `view`. @param nowMs its time where the state's own is earlier */
export function nextBlock(view: Reader, nowMs: number): BlockContext {
  const { height, timeMs } = progressRecord.read(view);
  const proposer = nextValidators(view)[0]?.id ?? new Uint8Array(20);
  return openBlock(view, { height: height + 1, timeMs: Math.max(timeMs + 1, nowMs), proposer }).block;
}

function applyOverride(state: Overlay, { address, balanceWei, nonce }: AccountOverride): void {
  const account = readAccount(state, address);
  writeAccount(state, address, {
    ...account,
    nonce: nonce ?? account.nonce,
    balanceWei: balanceWei ?? account.balanceWei,
  });
}

function transactionOf(view: Reader, message: Message, gasLimit: bigint): Transaction {
  const { to, valueWei, data, accessList = [] } = message;
  return {
    type: 'eip1559',
    chainId: BigInt(chainRecord.read(view).chainId),
    nonce: 0n,
    gasLimit,
    maxFeePerGas: message.feeCapWei ?? 0n,
    maxPriorityFeePerGas: 0n,
    to,
    value: valueWei,
    data,
    accessList,
  };
}

function assertGas(intrinsic: bigint, gasLimit: bigint, block: BlockContext): void {
  if (gasLimit > BigInt(block.gasLimit)) {
    const text = `exceeds block gas limit: gas ${gasLimit.toString()}, block ${block.gasLimit}`;
    throw new RpcError(RPC.transactionRejected, 'RPC_GAS_EXCEEDED', text, {
      gasLimit,
      available: block.gasLimit,
    });
  }
  if (intrinsic <= gasLimit) return;
  const text = `intrinsic gas too low: gas ${gasLimit.toString()}, minimum needed ${intrinsic.toString()}`;
  throw new RpcError(RPC.transactionRejected, 'RPC_GAS_EXCEEDED', text, { gasLimit, required: intrinsic });
}

/** The value must be there; the fee only where a price was named. */
function assertFunds(state: Reader, { from, valueWei, feeCapWei = 0n }: Message, gasLimit: bigint): void {
  const { balanceWei } = readAccount(state, from);
  const requiredWei = valueWei + feeCapWei * gasLimit;
  if (requiredWei <= balanceWei) return;
  throw fundsError(balanceWei, requiredWei);
}

/** In the words by which wallets know it. */
export function fundsError(availableWei: bigint, requiredWei: bigint): RpcError {
  const text = `insufficient funds for gas * price + value: balance ${availableWei.toString()}, tx cost ${requiredWei.toString()}, overshot ${(requiredWei - availableWei).toString()}`;
  return new RpcError(RPC.transactionRejected, 'RPC_FUNDS', text, { availableWei, requiredWei });
}

function gasExceeded(gasLimit: bigint): RpcError {
  const text = `gas required exceeds allowance (${gasLimit.toString()})`;
  return new RpcError(RPC.transactionRejected, 'RPC_GAS_EXCEEDED', text, { gasLimit });
}
