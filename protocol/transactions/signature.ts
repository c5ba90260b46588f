import { toHex } from '../bytes.js';
import { SECP256K1_HALF_ORDER, SECP256K1_ORDER } from '../crypto/secp256k1.js';
import { TransactionError } from './errors.js';
import type { RlpReader } from './rlp.js';
import type { TransactionSignature } from './types.js';

/**
 * Reads y_parity, r and s, the end of a typed envelope.
 *
 * @throws TransactionError TX_UNSIGNED | TX_Y_PARITY_INVALID | TX_SIGNATURE_R_RANGE | TX_SIGNATURE_S_RANGE |
 *   TX_SIGNATURE_HIGH_S | TX_EXTRA_FIELDS
 * @throws RlpError
 */
export function readTypedSignature(fields: RlpReader): TransactionSignature {
  assertSigned(fields);
  const yParity = fields.uint('yParity');
  if (yParity > 1n)
    throw new TransactionError('TX_Y_PARITY_INVALID', 'y_parity is neither 0 nor 1', { yParity });
  return readScalars(fields, yParity === 0n ? 0 : 1);
}

/**
 * Reads v, r and s, the end of a legacy transaction. EIP-155: v = 35 + 2 * chainId + y_parity.
 *
 * @throws TransactionError TX_NOT_REPLAY_PROTECTED | TX_LEGACY_V_INVALID | TX_CHAIN_ID_WRONG, and as
 *   `readTypedSignature` but TX_Y_PARITY_INVALID
 * @throws RlpError
 */
export function readLegacySignature(fields: RlpReader, chainId: bigint): TransactionSignature {
  assertSigned(fields);
  const v = fields.uint('v');
  if (v === 27n || v === 28n) {
    throw new TransactionError('TX_NOT_REPLAY_PROTECTED', 'signed for every chain (before EIP-155)', { v });
  }
  if (v < 37n) throw new TransactionError('TX_LEGACY_V_INVALID', 'v names no chain (EIP-155)', { v });
  const received = (v - 35n) >> 1n;
  if (received !== chainId) {
    throw new TransactionError('TX_CHAIN_ID_WRONG', 'signed for another chain', {
      expected: chainId,
      received,
    });
  }
  return readScalars(fields, (v & 1n) === 1n ? 0 : 1);
}

function assertSigned(fields: RlpReader): void {
  if (fields.done) throw new TransactionError('TX_UNSIGNED', 'transaction has no signature');
}

function readScalars(fields: RlpReader, yParity: 0 | 1): TransactionSignature {
  const rs = new Uint8Array(64);
  fields.uintInto('r', rs, 0, 32);
  fields.uintInto('s', rs, 32, 32);
  if (!fields.done) {
    const bytes = fields.end - fields.position;
    throw new TransactionError('TX_EXTRA_FIELDS', 'fields after the signature', { bytes });
  }
  assertScalars(rs);
  return { rs, yParity };
}

/** EIP-2 halves the range of s, so that nobody can give a transaction a second hash. */
function assertScalars(rs: Uint8Array): void {
  if (isZero(rs, 0) || compareScalar(rs, 0, SECP256K1_ORDER) >= 0) {
    throw new TransactionError('TX_SIGNATURE_R_RANGE', 'r is not in [1, n)', {
      r: toHex(rs.subarray(0, 32)),
    });
  }
  if (isZero(rs, 32) || compareScalar(rs, 32, SECP256K1_ORDER) >= 0) {
    throw new TransactionError('TX_SIGNATURE_S_RANGE', 's is not in [1, n)', { s: toHex(rs.subarray(32)) });
  }
  if (compareScalar(rs, 32, SECP256K1_HALF_ORDER) > 0) {
    throw new TransactionError('TX_SIGNATURE_HIGH_S', 's is above n / 2 (EIP-2)', {
      s: toHex(rs.subarray(32)),
    });
  }
}

function isZero(rs: Uint8Array, offset: number): boolean {
  for (let i = offset; i < offset + 32; i++) if (rs[i] !== 0) return false;
  return true;
}

function compareScalar(rs: Uint8Array, offset: number, bound: Uint8Array): number {
  for (let i = 0; i < 32; i++) {
    const difference = (rs[offset + i] ?? 0) - (bound[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
