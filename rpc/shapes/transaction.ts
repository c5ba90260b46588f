import { z } from 'zod';
import { toHex } from '../../protocol/bytes.js';
import { feeCapPerGas, TRANSACTION_TYPE_NUMBER } from '../../protocol/transactions/types.js';
import { effectiveGasPriceWei } from '../../state/transition/execute-transaction.js';
import type { PooledTransaction } from '../backend.js';
import type { StoredBlock } from '../chain/stored-block.js';
import { AddressResult, HashText, HexText, quantity, QuantityText } from '../schema/values.js';

export const AccessListShape = z
  .array(z.object({ address: AddressResult, storageKeys: z.array(HashText) }))
  .meta({ id: 'AccessListResult', description: 'As in EIP-2930; it costs gas and saves none here.' });

/** A transaction as Ethereum's JSON-RPC gives it. */
export const TransactionShape = z
  .strictObject({
    blockHash: HashText.nullable(),
    blockNumber: QuantityText.nullable(),
    blockTimestamp: QuantityText.nullable().describe('Header time in whole seconds.'),
    transactionIndex: QuantityText.nullable(),
    hash: HashText,
    type: QuantityText,
    chainId: QuantityText,
    nonce: QuantityText,
    from: AddressResult,
    to: AddressResult.nullable(),
    value: QuantityText,
    gas: QuantityText,
    gasPrice: QuantityText.describe('What was paid for a unit; of one that waits, the most it may cost.'),
    maxFeePerGas: QuantityText.optional(),
    maxPriorityFeePerGas: QuantityText.optional(),
    input: HexText,
    accessList: AccessListShape.optional(),
    v: QuantityText,
    yParity: QuantityText.optional(),
    r: QuantityText,
    s: QuantityText,
  })
  .meta({ id: 'Transaction', description: 'A transaction; the block fields are null while it waits.' });

export type TransactionJson = z.input<typeof TransactionShape>;

interface Placed {
  readonly blockHash: string;
  readonly blockNumber: string;
  readonly blockTimestamp: string;
  readonly transactionIndex: string;
  readonly baseFeeWei: bigint;
}

/** One of a final block. */
export function minedTransaction(stored: StoredBlock, index: number): TransactionJson {
  return transactionJson(
    {
      transaction: stored.transaction(index),
      sender: stored.sender(index),
      hash: stored.hash(index),
    },
    {
      blockHash: toHex(stored.id),
      blockNumber: quantity(stored.height),
      blockTimestamp: quantity(Math.floor(stored.header.timeMs / 1000)),
      transactionIndex: quantity(index),
      baseFeeWei: stored.header.baseFeeWei,
    },
  );
}

/** One that waits. */
export function pooledTransaction(pooled: PooledTransaction): TransactionJson {
  return transactionJson(pooled, undefined);
}

function transactionJson(
  { transaction, sender, hash }: Omit<PooledTransaction, 'bytes'>,
  placed: Placed | undefined,
): TransactionJson {
  const { chainId, nonce, gasLimit, to, value, data, signature } = transaction;
  const feeCap = feeCapPerGas(transaction);
  const price = placed === undefined ? feeCap : effectiveGasPriceWei(transaction, placed.baseFeeWei);
  const { rs, yParity } = signature;
  const isLegacy = transaction.type === 'legacy';
  return {
    blockHash: placed?.blockHash ?? null,
    blockNumber: placed?.blockNumber ?? null,
    blockTimestamp: placed?.blockTimestamp ?? null,
    transactionIndex: placed?.transactionIndex ?? null,
    hash: toHex(hash),
    type: quantity(TRANSACTION_TYPE_NUMBER[transaction.type]),
    chainId: quantity(chainId),
    nonce: quantity(nonce),
    from: toHex(sender),
    to: to === undefined ? null : toHex(to),
    value: quantity(value),
    gas: quantity(gasLimit),
    gasPrice: quantity(price),
    ...(transaction.type === 'eip1559'
      ? {
          maxFeePerGas: quantity(transaction.maxFeePerGas),
          maxPriorityFeePerGas: quantity(transaction.maxPriorityFeePerGas),
        }
      : {}),
    input: toHex(data),
    ...(isLegacy
      ? {}
      : {
          accessList: transaction.accessList.map(({ address, storageKeys }) => ({
            address: toHex(address),
            storageKeys: storageKeys.map(toHex),
          })),
          yParity: quantity(yParity),
        }),
    v: quantity(isLegacy ? 35n + 2n * chainId + BigInt(yParity) : yParity),
    r: quantity(BigInt(toHex(rs.subarray(0, 32)))),
    s: quantity(BigInt(toHex(rs.subarray(32)))),
  };
}
