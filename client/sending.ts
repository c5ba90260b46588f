import type { Account, Chain, Hash, TransactionReceipt, Transport, WalletClient } from 'viem';
import { call, sendTransaction, waitForTransactionReceipt } from 'viem/actions';
import type { Address, Hex } from 'viem';
import { JobError } from '../rpc/jobs/errors.js';
import { moduleRevertOf } from './modules.js';

/** A wallet of one chain, with the account that signs. */
export type Wallet = WalletClient<Transport, Chain, Account>;

export interface ModuleCall {
  readonly to: Address;
  readonly data: Hex;
  readonly value?: bigint;
}

const MAX_POLL_MS = 1_000;

/**
 * Sends a call of a module and waits until it is final.
 *
 * @throws JobError CALL_REFUSED | CALL_UNDONE with the error of the module; what viem throws
 */
export async function sendCall(wallet: Wallet, request: ModuleCall): Promise<TransactionReceipt> {
  const hash = await sendTransaction(wallet, request).catch((error: unknown) => {
    throw refusalOf(error) ?? error;
  });
  const pollingInterval = Math.min(wallet.pollingInterval, MAX_POLL_MS);
  const receipt = await waitForTransactionReceipt(wallet, { hash, pollingInterval });
  if (receipt.status === 'success') return receipt;
  throw await undoneError(wallet, request, hash);
}

function refusalOf(error: unknown): JobError | undefined {
  const revert = moduleRevertOf(error);
  if (revert === undefined) return undefined;
  const { name, args } = revert;
  return new JobError(
    'CALL_REFUSED',
    `the call would be undone: ${name}`,
    { error: name, args },
    { cause: error },
  );
}

/** What the call comes to now is the best that can be told of why it was undone. */
async function undoneError(wallet: Wallet, request: ModuleCall, hash: Hash): Promise<JobError> {
  const revert = await call(wallet, request).then(() => undefined, moduleRevertOf);
  const data = revert === undefined ? {} : { error: revert.name, args: revert.args };
  return new JobError('CALL_UNDONE', 'the call was undone; its fee is paid', { transaction: hash, ...data });
}
