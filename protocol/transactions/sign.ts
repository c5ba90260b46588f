import { secp256k1 } from '../crypto/secp256k1.js';
import { signingHash } from './hash.js';
import { assertRules, assertShapes } from './rules.js';
import type { SignedTransaction, Transaction } from './types.js';

/**
 * Signs (RFC 6979, low-s) whatever `decodeTransaction` would accept, and nothing else.
 *
 * @param secretKey 32 bytes
 * @throws TransactionError as of `assertShapes` and `assertRules`
 */
export function signTransaction(transaction: Transaction, secretKey: Uint8Array): SignedTransaction {
  assertShapes(transaction);
  assertRules(transaction);
  const { signature: rs, yParity } = secp256k1.sign(signingHash(transaction), secretKey);
  return { ...transaction, signature: { rs, yParity } };
}
