import { compileFunction, encodeCall } from '../../protocol/abi/items.js';
import type { AbiValue } from '../../protocol/abi/types.js';
import { fromHex, toHex, type Hex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { encodeTransaction } from '../../protocol/transactions/encode.js';
import { signTransaction } from '../../protocol/transactions/sign.js';
import type { Transaction } from '../../protocol/transactions/types.js';
import { MODULE_ADDRESSES } from '../../state/modules/addresses.js';
import { stakingModule } from '../../state/modules/staking.js';
import { PRESETS } from '../../protocol/presets.js';
import type { RichAccount, RpcChain } from './rpc-chain.js';

const GWEI = 10n ** 9n;

/** Somebody rich of a test chain. */
export function richOf(chain: RpcChain, index: number): RichAccount {
  const account = chain.rich[index];
  invariant(account !== undefined, 'there are so many');
  return account;
}

/** An envelope of somebody, a transfer of 1 wei unless told otherwise. */
export function signedBy(account: RichAccount, nonce: number, changes: Partial<Transaction> = {}): Hex {
  const transaction = {
    type: 'eip1559',
    chainId: BigInt(PRESETS.devnet.chainId),
    nonce: BigInt(nonce),
    gasLimit: 21_000n,
    maxFeePerGas: 3n * GWEI,
    maxPriorityFeePerGas: GWEI,
    to: new Uint8Array(20).fill(0xaa),
    value: 1n,
    data: new Uint8Array(0),
    accessList: [],
    ...changes,
  } as Transaction;
  return toHex(encodeTransaction(signTransaction(transaction, fromHex(account.privateKey))));
}

/** A call of the staking module, to be signed. */
export function stakingCallOf(
  name: string,
  values: readonly AbiValue[],
  valueWei = 0n,
): Pick<Transaction, 'to' | 'data' | 'value' | 'gasLimit'> {
  return { to: MODULE_ADDRESSES.staking, data: callData(name, values), value: valueWei, gasLimit: 500_000n };
}

export function callData(name: string, values: readonly AbiValue[]): Uint8Array {
  const called = stakingModule.byName.get(name);
  invariant(called !== undefined, 'the staking module has this function');
  return encodeCall(compileFunction(called.item), values);
}
