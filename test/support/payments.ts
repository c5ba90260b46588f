import { compileFunction, encodeCall } from '../../protocol/abi/items.js';
import type { AbiValue } from '../../protocol/abi/types.js';
import { addressFromPublicKey } from '../../protocol/address.js';
import { secp256k1 } from '../../protocol/crypto/secp256k1.js';
import { invariant } from '../../protocol/invariant.js';
import { encodeTransaction } from '../../protocol/transactions/encode.js';
import { signTransaction } from '../../protocol/transactions/sign.js';
import { readAccount } from '../../state/accounts/account.js';
import { MODULE_ADDRESSES } from '../../state/modules/addresses.js';
import { stakingModule } from '../../state/modules/staking.js';
import type { Reader } from '../../state/store/store.js';
import { chainRecord, progressRecord } from '../../state/system/chain.js';

export interface Payment {
  readonly to: Uint8Array;
  readonly valueWei: bigint;
  readonly data?: Uint8Array;
  readonly gasLimit?: bigint;
}

const PLAIN_TRANSFER_GAS = 21_000n;
const CALL_GAS = 500_000n;

/** An envelope as a wallet would sign it now: the next nonce of the account, twice the base fee. */
export function signPayment(
  state: Reader,
  secretKey: Uint8Array,
  { to, valueWei, data = new Uint8Array(0), gasLimit = PLAIN_TRANSFER_GAS }: Payment,
): Uint8Array {
  const { baseFeeWei } = progressRecord.read(state);
  const sender = addressFromPublicKey(secp256k1.publicKey(secretKey));
  const transaction = signTransaction(
    {
      type: 'eip1559',
      chainId: BigInt(chainRecord.read(state).chainId),
      nonce: BigInt(readAccount(state, sender).nonce),
      gasLimit,
      maxFeePerGas: 2n * baseFeeWei,
      maxPriorityFeePerGas: baseFeeWei,
      to,
      value: valueWei,
      data,
      accessList: [],
    },
    secretKey,
  );
  return encodeTransaction(transaction);
}

/** A call of a function of the staking module. */
export function stakingCall(name: string, values: readonly AbiValue[], valueWei = 0n): Payment {
  const called = stakingModule.byName.get(name);
  invariant(called !== undefined, 'the staking module has this function');
  const data = encodeCall(compileFunction(called.item), values);
  return { to: MODULE_ADDRESSES.staking, valueWei, data, gasLimit: CALL_GAS };
}
