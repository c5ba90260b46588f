import { secp256k1 } from '../crypto/secp256k1.js';
import { MAX_TRANSACTION_BYTES } from '../limits.js';
import { encodeTransaction } from './encode.js';
import { TransactionError } from './errors.js';
import { signingHash } from './hash.js';
import { assertRules, assertShapes } from './rules.js';
import type { SignedTransaction, Transaction } from './types.js';

/**
 * Signs (RFC 6979, low-s) whatever `decodeTransaction` would accept, and nothing else.
 *
 * @param secretKey 32 bytes
 * @throws TransactionError TX_TOO_LARGE, and as of `assertShapes` and `assertRules`
 */
export function signTransaction(transaction: Transaction, secretKey: Uint8Array): SignedTransaction {
  assertShapes(transaction);
  assertRules(transaction);
  const { signature: rs, yParity } = secp256k1.sign(signingHash(transaction), secretKey);
  const signed = { ...transaction, signature: { rs, yParity } };
  const bytes = encodeTransaction(signed).length;
  if (bytes > MAX_TRANSACTION_BYTES) {
    throw new TransactionError('TX_TOO_LARGE', 'transaction is too large', {
      bytes,
      maxBytes: MAX_TRANSACTION_BYTES,
    });
  }
  return signed;
}
