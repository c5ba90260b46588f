import { encodeRlp, type RlpInput } from './rlp-encode.js';
import {
  TRANSACTION_TYPE_NUMBER,
  type AccessList,
  type SignedTransaction,
  type Transaction,
} from './types.js';

const EMPTY = new Uint8Array(0);

/** The bytes that travel and that the transaction hash covers: EIP-155 list, or EIP-2718 type byte and list. */
export function encodeTransaction(transaction: SignedTransaction): Uint8Array {
  const { signature } = transaction;
  const r = bytesToUint(signature.rs.subarray(0, 32));
  const s = bytesToUint(signature.rs.subarray(32));
  const last =
    transaction.type === 'legacy'
      ? legacyV(transaction.chainId, signature.yParity)
      : BigInt(signature.yParity);
  return envelope(transaction, [...payloadFields(transaction), last, r, s]);
}

/** The bytes whose keccak-256 is signed: EIP-155 appends (chain id, 0, 0), typed envelopes leave the signature out. */
export function encodeForSigning(transaction: Transaction): Uint8Array {
  const fields = payloadFields(transaction);
  if (transaction.type === 'legacy') fields.push(transaction.chainId, 0n, 0n);
  return envelope(transaction, fields);
}

/** EIP-155: v = 35 + 2 * chainId + yParity. */
export function legacyV(chainId: bigint, yParity: 0 | 1): bigint {
  return 35n + 2n * chainId + BigInt(yParity);
}

function envelope(transaction: Transaction, fields: readonly RlpInput[]): Uint8Array {
  return transaction.type === 'legacy'
    ? encodeRlp(fields)
    : encodeRlp(fields, TRANSACTION_TYPE_NUMBER[transaction.type]);
}

function payloadFields(transaction: Transaction): RlpInput[] {
  const { chainId, nonce, gasLimit, to = EMPTY, value, data } = transaction;
  switch (transaction.type) {
    case 'legacy':
      return [nonce, transaction.gasPrice, gasLimit, to, value, data];
    case 'eip2930': {
      const accessList = accessListFields(transaction.accessList);
      return [chainId, nonce, transaction.gasPrice, gasLimit, to, value, data, accessList];
    }
    case 'eip1559': {
      const { maxPriorityFeePerGas, maxFeePerGas } = transaction;
      const accessList = accessListFields(transaction.accessList);
      return [chainId, nonce, maxPriorityFeePerGas, maxFeePerGas, gasLimit, to, value, data, accessList];
    }
  }
}

function accessListFields(accessList: AccessList): RlpInput[] {
  return accessList.map(({ address, storageKeys }) => [address, storageKeys]);
}

/** The bytes of an integer without its leading zeros, which RLP forbids. */
function bytesToUint(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first === -1 ? EMPTY : bytes.subarray(first);
}
