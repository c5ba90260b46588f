import { TransactionError } from './errors.js';
import type { AccessList, Transaction } from './types.js';

/** Gas per item, with the EIP that set it. */
export const INTRINSIC_GAS = {
  transaction: 21_000, // Yellow Paper, G_transaction
  creation: 32_000, // EIP-2
  zeroByte: 4, // Yellow Paper, G_txdatazero
  nonZeroByte: 16, // EIP-2028
  initCodeWord: 2, // EIP-3860
  accessListAddress: 2_400, // EIP-2930
  accessListKey: 1_900, // EIP-2930
} as const;

/**
 * Gas a transaction pays before anything runs.
 *
 * EIP-7623's calldata floor is left out: it prices what is left *after* execution to keep blocks small for blobs, which
 * this chain does not have; block bytes are bounded by the block's own limit.
 */
export function intrinsicGas(transaction: Transaction): bigint {
  const { data } = transaction;
  let gas = INTRINSIC_GAS.transaction + calldataGas(data);
  if (transaction.to === undefined) {
    gas += INTRINSIC_GAS.creation + INTRINSIC_GAS.initCodeWord * Math.ceil(data.length / 32);
  }
  if (transaction.type !== 'legacy') gas += accessListGas(transaction.accessList);
  return BigInt(gas);
}

/**
 * Apart from decoding, because the gas schedule is a chain parameter that an upgrade may change.
 *
 * @throws TransactionError TX_GAS_LIMIT_BELOW_INTRINSIC
 */
export function assertIntrinsicGas(transaction: Transaction): void {
  const required = intrinsicGas(transaction);
  const { gasLimit } = transaction;
  if (gasLimit < required) {
    const data = { gasLimit, required };
    throw new TransactionError('TX_GAS_LIMIT_BELOW_INTRINSIC', 'gas limit is below the intrinsic gas', data);
  }
}

function calldataGas(data: Uint8Array): number {
  let nonZeroBytes = 0;
  for (const byte of data) if (byte !== 0) nonZeroBytes++;
  const zeroBytes = data.length - nonZeroBytes;
  return zeroBytes * INTRINSIC_GAS.zeroByte + nonZeroBytes * INTRINSIC_GAS.nonZeroByte;
}

function accessListGas(accessList: AccessList): number {
  let gas = accessList.length * INTRINSIC_GAS.accessListAddress;
  for (const { storageKeys } of accessList) gas += storageKeys.length * INTRINSIC_GAS.accessListKey;
  return gas;
}
