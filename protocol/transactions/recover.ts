import { addressFromPublicKey } from '../address.js';
import { toHex } from '../bytes.js';
import { secp256k1 } from '../crypto/secp256k1.js';
import { TransactionError } from './errors.js';
import type { TransactionSignature } from './types.js';

/**
 * The 20-byte address that signed. By far the costliest check of a transaction; it needs nothing else than these 97
 * bytes, so it can run in another thread.
 *
 * @param digest `signingHash` of the transaction
 * @param signature as decoded: r, s in range and s low
 * @throws TransactionError TX_SENDER_UNRECOVERABLE when r is no point's abscissa, or the key is the point at infinity
 */
export function recoverSender(digest: Uint8Array, signature: TransactionSignature): Uint8Array {
  const publicKey = secp256k1.recover(digest, signature.rs, signature.yParity);
  if (publicKey === undefined) {
    const data = { digest: toHex(digest), rs: toHex(signature.rs), yParity: signature.yParity };
    throw new TransactionError('TX_SENDER_UNRECOVERABLE', 'no public key matches the signature', data);
  }
  return addressFromPublicKey(publicKey);
}
