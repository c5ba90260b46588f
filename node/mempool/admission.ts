import { TransactionError } from '../../protocol/transactions/errors.js';
import { toHex } from '../../protocol/bytes.js';
import type { Account } from '../../state/accounts/account.js';
import type { Reader } from '../../state/store/store.js';
import { chainRecord, paramsRecord, progressRecord } from '../../state/system/chain.js';
import { admit } from '../../state/transition/admission.js';
import type { MempoolConfig } from './config.js';
import {
  maxCostWei,
  pricesOf,
  replacementMinimum,
  type PoolEntry,
  type RecoveredTransaction,
} from './entry.js';
import { MempoolError } from './errors.js';
import type { SenderQueue } from './sender-queue.js';

/** What the chain asks of every transaction, as its state says. */
export interface ChainRules {
  readonly chainId: bigint;
  readonly maxTransactionBytes: number;
  /** Of a block. */
  readonly gasLimit: number;
  /** No block is cheaper. */
  readonly minBaseFeeWei: bigint;
  /** Of the block to come. */
  readonly baseFeeWei: bigint;
}

export function readChainRules(state: Reader): ChainRules {
  const { maxTransactionBytes, gasLimit, minBaseFeeWei } = paramsRecord.read(state).blocks;
  const { chainId } = chainRecord.read(state);
  const { baseFeeWei } = progressRecord.read(state);
  return { chainId: BigInt(chainId), maxTransactionBytes, gasLimit, minBaseFeeWei, baseFeeWei };
}

/**
 * Refuses what can be in no block that follows this state: the rules are those of `admit`, at the lowest base fee there can be and at the
 * transaction's own nonce, which may wait for earlier ones.
 *
 * @param recovered has passed `assertNonceNear`
 * @throws TransactionError TX_CHAIN_ID_WRONG | TX_TOO_LARGE; AdmissionError any code but TX_NONCE_GAP
 */
export function assertIncludable(
  { transaction, bytes }: RecoveredTransaction,
  account: Account,
  rules: ChainRules,
): void {
  const { chainId, nonce } = transaction;
  if (chainId !== rules.chainId) {
    throw new TransactionError('TX_CHAIN_ID_WRONG', 'signed for another chain', {
      expected: rules.chainId,
      received: chainId,
    });
  }
  if (bytes.length > rules.maxTransactionBytes) {
    throw new TransactionError('TX_TOO_LARGE', 'transaction is too large', {
      bytes: bytes.length,
      maxBytes: rules.maxTransactionBytes,
    });
  }
  const atItsTurn = { ...account, nonce: Math.max(account.nonce, Number(nonce)) };
  admit(transaction, atItsTurn, { baseFeeWei: rules.minBaseFeeWei, gasLeft: rules.gasLimit });
}

/**
 * What the pool asks beyond that, given the sender's other transactions.
 *
 * @param queue of the sender
 * @throws MempoolError MEMPOOL_UNDERPRICED | MEMPOOL_REPLACEMENT_UNDERPRICED | MEMPOOL_OVERDRAFT | MEMPOOL_SENDER_FULL
 */
export function assertWelcome(
  recovered: RecoveredTransaction,
  queue: SenderQueue,
  config: MempoolConfig,
): void {
  const { transaction } = recovered;
  const offer = pricesOf(transaction);
  if (offer.tipCapWei < config.minTipWei) {
    throw new MempoolError('MEMPOOL_UNDERPRICED', 'the priority fee is below what this node takes', {
      maxPriorityFeePerGas: offer.tipCapWei,
      requiredMaxPriorityFeePerGas: config.minTipWei,
    });
  }
  const old = queue.find(Number(transaction.nonce));
  if (old !== undefined) assertReplaces(offer, old, config);
  assertRoom(recovered, queue, old, config);
  assertCovered(maxCostWei(transaction), queue, old);
}

/** @throws MempoolError MEMPOOL_NONCE_TOO_FAR */
export function assertNonceNear(
  received: bigint,
  { account, measure }: SenderQueue,
  config: MempoolConfig,
): void {
  const highest = account.nonce + config.maxSenderCount - 1;
  if (received <= BigInt(highest)) return;
  const expected = account.nonce + measure.run;
  throw new MempoolError('MEMPOOL_NONCE_TOO_FAR', 'the nonce is too far ahead of the next one', {
    expected,
    highest,
    received,
  });
}

function assertReplaces(
  offer: Pick<PoolEntry, 'feeCapWei' | 'tipCapWei'>,
  old: PoolEntry,
  config: MempoolConfig,
): void {
  const minimum = replacementMinimum(old, config.replacementBumpBps);
  if (offer.feeCapWei >= minimum.maxFeePerGas && offer.tipCapWei >= minimum.maxPriorityFeePerGas) return;
  throw new MempoolError('MEMPOOL_REPLACEMENT_UNDERPRICED', 'a replacement must raise both fees', {
    nonce: old.nonce,
    replaces: toHex(old.recovered.hash),
    maxFeePerGas: offer.feeCapWei,
    requiredMaxFeePerGas: minimum.maxFeePerGas,
    maxPriorityFeePerGas: offer.tipCapWei,
    requiredMaxPriorityFeePerGas: minimum.maxPriorityFeePerGas,
  });
}

function assertRoom(
  { bytes }: RecoveredTransaction,
  { account, measure }: SenderQueue,
  old: PoolEntry | undefined,
  { maxSenderCount, maxSenderBytes }: MempoolConfig,
): void {
  const count = measure.count + (old === undefined ? 1 : 0);
  const sizeBytes = measure.sizeBytes + bytes.length - (old?.recovered.bytes.length ?? 0);
  if (count <= maxSenderCount && sizeBytes <= maxSenderBytes) return;
  throw new MempoolError('MEMPOOL_SENDER_FULL', 'the sender has too much in the pool', {
    ...{ count, maxCount: maxSenderCount, bytes: sizeBytes, maxBytes: maxSenderBytes },
    waitForNonce: account.nonce,
  });
}

function assertCovered(costWei: bigint, { account, measure }: SenderQueue, old: PoolEntry | undefined): void {
  const committedWei = measure.costWei - (old?.maxCostWei ?? 0n);
  const requiredWei = committedWei + costWei;
  if (requiredWei <= account.balanceWei) return;
  throw new MempoolError(
    'MEMPOOL_OVERDRAFT',
    'the balance does not cover this and the sender’s other transactions',
    { requiredWei, availableWei: account.balanceWei, committedWei },
  );
}
