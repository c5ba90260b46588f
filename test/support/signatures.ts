import type { Recovery } from '../../node/signatures/wire.js';
import { TransactionError } from '../../protocol/transactions/errors.js';
import { recoverSender } from '../../protocol/transactions/recover.js';

/** Who made a signature, found on the spot: what production does on worker threads. */
export function addressFromSignature({ digest, signature, yParity }: Recovery): Uint8Array | undefined {
  try {
    return recoverSender(digest, { rs: signature, yParity: yParity === 1 ? 1 : 0 });
  } catch (error) {
    if (error instanceof TransactionError) return undefined;
    throw error;
  }
}
