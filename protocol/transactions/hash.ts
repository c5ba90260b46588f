import { keccak256 } from '../crypto/hash.js';
import { encodeForSigning, encodeTransaction } from './encode.js';
import type { SignedTransaction, Transaction } from './types.js';

/** keccak-256 of the signed encoding: the transaction's id, 32 bytes. */
export function transactionHash(transaction: SignedTransaction): Uint8Array {
  return keccak256(encodeTransaction(transaction));
}

/** The 32-byte digest that is signed. `decodeTransaction` gives it without encoding anew. */
export function signingHash(transaction: Transaction): Uint8Array {
  return keccak256(encodeForSigning(transaction));
}
