import { ADDRESS_LENGTH } from '../address.js';
import { legacyV } from './encode.js';
import { TransactionError } from './errors.js';
import { feeCapPerGas, type AccessList, type Transaction } from './types.js';

/** EIP-3860. */
export const MAX_INIT_CODE_BYTES = 49_152;
/** EIP-2681: a nonce of 2^64 - 1 could not be incremented. */
export const MAX_NONCE = 2n ** 64n - 2n;
export const MAX_GAS_LIMIT = 2n ** 64n - 1n;
export const MAX_UINT256 = 2n ** 256n - 1n;

export const STORAGE_KEY_LENGTH = 32;

/**
 * What must hold between the fields of a transaction on any chain, in any state.
 *
 * @throws TransactionError TX_NONCE_TOO_HIGH | TX_GAS_LIMIT_TOO_HIGH | TX_TIP_ABOVE_FEE_CAP | TX_COST_OVERFLOW |
 *   TX_INIT_CODE_TOO_LARGE
 */
export function assertRules(transaction: Transaction): void {
  const { nonce, gasLimit, value } = transaction;
  if (nonce > MAX_NONCE) {
    throw new TransactionError('TX_NONCE_TOO_HIGH', 'nonce exceeds 2^64 - 2', { nonce });
  }
  if (gasLimit > MAX_GAS_LIMIT) {
    throw new TransactionError('TX_GAS_LIMIT_TOO_HIGH', 'gas limit exceeds 2^64 - 1', { gasLimit });
  }
  if (transaction.type === 'eip1559' && transaction.maxPriorityFeePerGas > transaction.maxFeePerGas) {
    const { maxPriorityFeePerGas, maxFeePerGas } = transaction;
    throw new TransactionError('TX_TIP_ABOVE_FEE_CAP', 'maxPriorityFeePerGas exceeds maxFeePerGas', {
      maxPriorityFeePerGas,
      maxFeePerGas,
    });
  }
  const feeCap = feeCapPerGas(transaction);
  if (gasLimit * feeCap + value > MAX_UINT256) {
    throw new TransactionError('TX_COST_OVERFLOW', 'gasLimit * price + value exceeds 2^256 - 1', {
      gasLimit,
      feeCapPerGas: feeCap,
      value,
    });
  }
  if (transaction.to === undefined && transaction.data.length > MAX_INIT_CODE_BYTES) {
    throw new TransactionError('TX_INIT_CODE_TOO_LARGE', 'init code exceeds EIP-3860', {
      bytes: transaction.data.length,
      maxBytes: MAX_INIT_CODE_BYTES,
    });
  }
}

/**
 * What the wire format guarantees of a decoded transaction, asserted of one built by hand.
 *
 * @throws TransactionError TX_INTEGER_RANGE | TX_TO_LENGTH | TX_ACCESS_LIST_ADDRESS_LENGTH | TX_ACCESS_LIST_KEY_LENGTH
 */
export function assertShapes(transaction: Transaction): void {
  const { chainId, nonce, gasLimit, value } = transaction;
  if (chainId === 0n) throw integerOutOfRange('chainId', chainId);
  if (transaction.type === 'legacy') assertUint256s({ v: legacyV(chainId, 1) });
  assertUint256s({ chainId, nonce, gasLimit, value });
  if (transaction.type === 'eip1559') {
    const { maxPriorityFeePerGas, maxFeePerGas } = transaction;
    assertUint256s({ maxPriorityFeePerGas, maxFeePerGas });
  } else {
    assertUint256s({ gasPrice: transaction.gasPrice });
  }
  if (transaction.to !== undefined) assertToLength(transaction.to);
  if (transaction.type !== 'legacy') assertAccessList(transaction.accessList);
}

/** @throws TransactionError TX_TO_LENGTH */
export function assertToLength(to: Uint8Array): void {
  if (to.length !== ADDRESS_LENGTH) {
    throw new TransactionError('TX_TO_LENGTH', '`to` is neither empty nor 20 bytes', { bytes: to.length });
  }
}

/** @throws TransactionError TX_ACCESS_LIST_ADDRESS_LENGTH */
export function assertAccessListAddress(address: Uint8Array): void {
  if (address.length !== ADDRESS_LENGTH) {
    const data = { bytes: address.length };
    throw new TransactionError('TX_ACCESS_LIST_ADDRESS_LENGTH', 'access list address is not 20 bytes', data);
  }
}

/** @throws TransactionError TX_ACCESS_LIST_KEY_LENGTH */
export function assertStorageKey(key: Uint8Array): void {
  if (key.length !== STORAGE_KEY_LENGTH) {
    const data = { bytes: key.length };
    throw new TransactionError('TX_ACCESS_LIST_KEY_LENGTH', 'storage key is not 32 bytes', data);
  }
}

function assertAccessList(accessList: AccessList): void {
  for (const { address, storageKeys } of accessList) {
    assertAccessListAddress(address);
    storageKeys.forEach(assertStorageKey);
  }
}

function assertUint256s(fields: Readonly<Record<string, bigint>>): void {
  for (const [field, value] of Object.entries(fields)) {
    if (value < 0n || value > MAX_UINT256) throw integerOutOfRange(field, value);
  }
}

function integerOutOfRange(field: string, value: bigint): TransactionError {
  return new TransactionError('TX_INTEGER_RANGE', `${field} is out of range`, { field, value });
}
