import { z } from 'zod';
import { bloomOf } from '../../protocol/bloom.js';
import { toHex } from '../../protocol/bytes.js';
import { effectiveGasPriceWei } from '../../state/transition/execute-transaction.js';
import type { StoredBlock } from '../chain/stored-block.js';
import type { StoredReceipts } from '../chain/stored-receipts.js';
import { AddressResult, HashText, HexText, quantity, QuantityText } from '../schema/values.js';
import { logJson, LogShape, logsOfTransaction } from './log.js';

/** A receipt as Ethereum's JSON-RPC gives it. */
export const ReceiptShape = z
  .strictObject({
    transactionHash: HashText,
    transactionIndex: QuantityText,
    blockHash: HashText,
    blockNumber: QuantityText,
    type: QuantityText,
    from: AddressResult,
    to: AddressResult.nullable(),
    status: QuantityText.describe('1, or 0 when the call reverted and only its fee was paid.'),
    gasUsed: QuantityText,
    cumulativeGasUsed: QuantityText,
    effectiveGasPrice: QuantityText,
    contractAddress: AddressResult.nullable().describe('null: there are no contracts yet.'),
    logs: z.array(LogShape),
    logsBloom: HexText,
  })
  .meta({ id: 'Receipt', description: 'What a transaction has done. It is final.' });

export type ReceiptJson = z.input<typeof ReceiptShape>;

export function receiptJson(stored: StoredBlock, receipts: StoredReceipts, index: number): ReceiptJson {
  const transaction = stored.transaction(index);
  const receipt = receipts.receipt(index);
  return {
    transactionHash: toHex(stored.hash(index)),
    transactionIndex: quantity(index),
    blockHash: toHex(stored.id),
    blockNumber: quantity(stored.height),
    type: quantity(receipt.type),
    from: toHex(stored.sender(index)),
    to: transaction.to === undefined ? null : toHex(transaction.to),
    status: quantity(receipt.status),
    gasUsed: quantity(receipts.gasUsed(index)),
    cumulativeGasUsed: quantity(receipt.cumulativeGasUsed),
    effectiveGasPrice: quantity(effectiveGasPriceWei(transaction, stored.header.baseFeeWei)),
    contractAddress: null,
    logs: [...logsOfTransaction(receipts, index)].map((placed) => logJson(stored, placed)),
    logsBloom: toHex(bloomOf(receipt.logs)),
  };
}
