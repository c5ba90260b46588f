import type { Transaction } from '../../protocol/transactions/types.js';
import { feeCapPerGas } from '../../protocol/transactions/types.js';
import type { SenderTransaction } from '../../state/transition/block-context.js';

/** A transaction whose signature has been verified: by the one recovery that gave its sender. */
export interface RecoveredTransaction extends SenderTransaction {
  /** keccak-256 of `bytes`. */
  readonly hash: Uint8Array;
  /** The envelope. Shared, never changed. */
  readonly bytes: Uint8Array;
}

/** Who brought a transaction: a client of this node, or another node. */
export type Source = 'local' | 'peer';

/** A transaction in the pool. */
export interface PoolEntry {
  readonly recovered: RecoveredTransaction;
  readonly source: Source;
  readonly nonce: number;
  /** Most that one unit of gas may cost. */
  readonly feeCapWei: bigint;
  /** Most of it that goes to the proposer. */
  readonly tipCapWei: bigint;
  /** Fee cap − tip cap: up to this base fee the tip is paid in full. */
  readonly fullTipUpToWei: bigint;
  /** Gas limit × fee cap + value: what the balance must cover. */
  readonly maxCostWei: bigint;
  /** Position in the order of arrival, from 0. */
  readonly arrival: number;
  readonly arrivedAtMs: number;
  /** What the proposer gets for a unit of gas at the pool's base fee; negative while the fee cap is below the base fee. */
  tipWei: bigint;
  /**
   * What it is worth to a proposer: the lowest tip of it and all before it from its sender, for it cannot be included without those. A high
   * price behind a low one protects nothing.
   */
  worthWei: bigint;
  /** Not to be evicted, nor what it depends on. */
  isExempt: boolean;
}

/** Ethereum's effective priority fee per gas; negative where the fee cap does not reach the base fee. */
export function effectiveTipWei(
  { feeCapWei, tipCapWei, fullTipUpToWei }: Pick<PoolEntry, 'feeCapWei' | 'tipCapWei' | 'fullTipUpToWei'>,
  baseFeeWei: bigint,
): bigint {
  return baseFeeWei <= fullTipUpToWei ? tipCapWei : feeCapWei - baseFeeWei;
}

/** What a transaction offers for a unit of gas. */
export function pricesOf(
  transaction: Transaction,
): Pick<PoolEntry, 'feeCapWei' | 'tipCapWei' | 'fullTipUpToWei'> {
  const feeCapWei = feeCapPerGas(transaction);
  const tipCapWei = tipCapPerGas(transaction);
  return { feeCapWei, tipCapWei, fullTipUpToWei: feeCapWei - tipCapWei };
}

/** The most of the price that goes to the proposer; without a field for it, all of the gas price. */
function tipCapPerGas(transaction: Transaction): bigint {
  return transaction.type === 'eip1559' ? transaction.maxPriorityFeePerGas : transaction.gasPrice;
}

export function maxCostWei(transaction: Transaction): bigint {
  return transaction.gasLimit * feeCapPerGas(transaction) + transaction.value;
}

/** The least that a replacement of `old` must offer in each fee field: the bump rounded up, and in any case more than before. */
export function replacementMinimum(
  old: Pick<PoolEntry, 'feeCapWei' | 'tipCapWei'>,
  bumpBps: number,
): { readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint } {
  const bumped = (wei: bigint): bigint => {
    const rise = (wei * BigInt(bumpBps) + 9_999n) / 10_000n;
    return wei + (rise > 1n ? rise : 1n);
  };
  return { maxFeePerGas: bumped(old.feeCapWei), maxPriorityFeePerGas: bumped(old.tipCapWei) };
}
