import { OgpuError } from '../../protocol/errors.js';
import { intrinsicGas } from '../../protocol/transactions/gas.js';
import { feeCapPerGas, type SignedTransaction } from '../../protocol/transactions/types.js';
import type { Account } from '../accounts/account.js';

/** Why a transaction cannot be in a block now. `data` says what to change. */
export class AdmissionError extends OgpuError<
  | 'TX_NONCE_TOO_LOW'
  | 'TX_NONCE_GAP'
  | 'TX_FEE_CAP_BELOW_BASE_FEE'
  | 'TX_INSUFFICIENT_FUNDS'
  | 'TX_GAS_LIMIT_BELOW_INTRINSIC'
  | 'TX_GAS_LIMIT_ABOVE_BLOCK'
  | 'TX_CREATION_UNSUPPORTED'
> {}

/**
 * Checks what must hold of a transaction for its inclusion, given its sender's account: a block with one that fails is invalid, so the
 * fee of what passes is always paid.
 *
 * @returns its intrinsic gas
 * @throws AdmissionError
 */
export function admit(
  transaction: SignedTransaction,
  account: Account,
  block: { readonly baseFeeWei: bigint; readonly gasLeft: number },
): number {
  const { nonce, gasLimit, value } = transaction;
  if (transaction.to === undefined) {
    throw new AdmissionError('TX_CREATION_UNSUPPORTED', 'this chain does not run contracts yet');
  }
  assertNonce(nonce, account.nonce);
  const feeCap = feeCapPerGas(transaction);
  if (feeCap < block.baseFeeWei) {
    throw new AdmissionError('TX_FEE_CAP_BELOW_BASE_FEE', 'the fee cap is below the base fee', {
      feeCapPerGas: feeCap,
      baseFeeWei: block.baseFeeWei,
    });
  }
  const requiredGas = intrinsicGas(transaction);
  if (gasLimit < requiredGas) {
    throw new AdmissionError(
      'TX_GAS_LIMIT_BELOW_INTRINSIC',
      'the gas limit does not cover the intrinsic gas',
      {
        gasLimit,
        required: requiredGas,
      },
    );
  }
  if (gasLimit > BigInt(block.gasLeft)) {
    throw new AdmissionError('TX_GAS_LIMIT_ABOVE_BLOCK', 'the gas limit exceeds what is left of the block', {
      gasLimit,
      available: block.gasLeft,
    });
  }
  const requiredWei = gasLimit * feeCap + value;
  if (account.balanceWei < requiredWei) {
    throw new AdmissionError(
      'TX_INSUFFICIENT_FUNDS',
      'the balance does not cover gas limit × fee cap + value',
      {
        requiredWei,
        availableWei: account.balanceWei,
      },
    );
  }
  return Number(requiredGas);
}

function assertNonce(received: bigint, next: number): void {
  const expected = BigInt(next);
  if (received === expected) return;
  const [code, text] =
    received < expected
      ? (['TX_NONCE_TOO_LOW', 'the nonce was used already'] as const)
      : (['TX_NONCE_GAP', 'an earlier nonce is missing'] as const);
  throw new AdmissionError(code, text, { expected, received });
}
