/** Ethereum's names and units: `value` and every price are in wei, prices are per unit of gas. */
interface TransactionFields {
  readonly chainId: bigint;
  /** At most 2^64 - 2 (EIP-2681). */
  readonly nonce: bigint;
  /** At most 2^64 - 1. */
  readonly gasLimit: bigint;
  /** 20 bytes; undefined creates a contract from `data`. */
  readonly to: Uint8Array | undefined;
  readonly value: bigint;
  readonly data: Uint8Array;
}

/** EIP-155: signed over its chain id, which travels inside `v`. */
export interface LegacyTransaction extends TransactionFields {
  readonly type: 'legacy';
  readonly gasPrice: bigint;
}

export interface Eip2930Transaction extends TransactionFields {
  readonly type: 'eip2930';
  readonly gasPrice: bigint;
  readonly accessList: AccessList;
}

export interface Eip1559Transaction extends TransactionFields {
  readonly type: 'eip1559';
  readonly maxPriorityFeePerGas: bigint;
  readonly maxFeePerGas: bigint;
  readonly accessList: AccessList;
}

export type Transaction = LegacyTransaction | Eip2930Transaction | Eip1559Transaction;
export type TransactionType = Transaction['type'];

export type AccessList = readonly AccessListEntry[];

export interface AccessListEntry {
  /** 20 bytes. */
  readonly address: Uint8Array;
  /** 32 bytes each. */
  readonly storageKeys: readonly Uint8Array[];
}

export interface TransactionSignature {
  /** r ‖ s, 64 bytes, big-endian: what secp256k1 recovery takes. */
  readonly rs: Uint8Array;
  readonly yParity: 0 | 1;
}

interface Signed {
  readonly signature: TransactionSignature;
}

export type SignedTransaction =
  (LegacyTransaction & Signed) | (Eip2930Transaction & Signed) | (Eip1559Transaction & Signed);

/** EIP-2718 type number, as in receipts and JSON-RPC. */
export const TRANSACTION_TYPE_NUMBER: Readonly<Record<TransactionType, number>> = {
  legacy: 0,
  eip2930: 1,
  eip1559: 2,
};

/** The most one unit of gas may cost its sender, in wei. */
export function feeCapPerGas(transaction: Transaction): bigint {
  return transaction.type === 'eip1559' ? transaction.maxFeePerGas : transaction.gasPrice;
}
