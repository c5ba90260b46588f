import { z } from 'zod';
import { toHex } from '../../protocol/bytes.js';
import type { Log } from '../../protocol/types/receipt.js';
import type { StoredBlock } from '../chain/stored-block.js';
import type { StoredReceipts } from '../chain/stored-receipts.js';
import { AddressResult, HashText, HexText, quantity, QuantityText } from '../schema/values.js';

/** A log as Ethereum's JSON-RPC gives it. */
export const LogShape = z
  .strictObject({
    address: AddressResult,
    topics: z.array(HashText),
    data: HexText,
    blockHash: HashText,
    blockNumber: QuantityText,
    blockTimestamp: QuantityText.describe('Header time in whole seconds.'),
    transactionHash: HashText.describe('Of a log of a system phase: the hash of the block.'),
    transactionIndex: QuantityText.describe(
      'Of a log of the phase before the transactions 0, of the phase after them their number.',
    ),
    logIndex: QuantityText.describe('Number within the block, system phases included.'),
    removed: z.boolean().describe('False: what is final stays.'),
  })
  .meta({ id: 'Log', description: 'An event of a module.' });

export type LogJson = z.input<typeof LogShape>;

/** A log with its place in its block. */
export interface PlacedLog {
  readonly log: Log;
  readonly section: 'begin' | 'transaction' | 'end';
  /** 0 but for section `transaction`. */
  readonly transactionIndex: number;
  /** Number within the block. */
  readonly logIndex: number;
}

/** The logs of one transaction. */
export function* logsOfTransaction(receipts: StoredReceipts, transactionIndex: number): Generator<PlacedLog> {
  let logIndex = receipts.firstLog(transactionIndex);
  for (const log of receipts.receipt(transactionIndex).logs)
    yield { log, section: 'transaction', transactionIndex, logIndex: logIndex++ };
}

/** All logs of a block, in order. */
export function* logsOfBlock(receipts: StoredReceipts): Generator<PlacedLog> {
  const { beginLogs, receipts: all, endLogs } = receipts.receipts;
  for (const [logIndex, log] of beginLogs.entries())
    yield { log, section: 'begin', transactionIndex: 0, logIndex };
  for (let index = 0; index < all.length; index++) yield* logsOfTransaction(receipts, index);
  let logIndex = receipts.firstLog(all.length);
  for (const log of endLogs) yield { log, section: 'end', transactionIndex: 0, logIndex: logIndex++ };
}

export function logJson(stored: StoredBlock, placed: PlacedLog): LogJson {
  const { log, section, logIndex } = placed;
  const [transactionHash, transactionIndex] =
    section === 'transaction'
      ? [stored.hash(placed.transactionIndex), placed.transactionIndex]
      : [stored.id, section === 'begin' ? 0 : stored.transactionCount];
  return {
    address: toHex(log.address),
    topics: log.topics.map(toHex),
    data: toHex(log.data),
    blockHash: toHex(stored.id),
    blockNumber: quantity(stored.height),
    blockTimestamp: quantity(Math.floor(stored.header.timeMs / 1000)),
    transactionHash: toHex(transactionHash),
    transactionIndex: quantity(transactionIndex),
    logIndex: quantity(logIndex),
    removed: false,
  };
}
