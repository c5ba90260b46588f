import {
  MAX_BLOCK_TRANSACTIONS,
  MAX_BLOCK_LOGS,
  MAX_LOG_DATA_BYTES,
  MAX_LOG_TOPICS,
  MAX_RECEIPTS_BYTES,
} from '../limits.js';
import { createCodec } from '../ssz/codec.js';
import {
  byteList,
  bytes20,
  bytes32,
  ContainerType,
  listOf,
  uint64,
  uint8,
  type ValueOf,
} from '../ssz/types.js';

/** One event, as the EVM logs it. */
export const LogType = new ContainerType({
  /** The module (later: contract) that emitted it. */
  address: bytes20,
  topics: listOf(bytes32, MAX_LOG_TOPICS),
  data: byteList(MAX_LOG_DATA_BYTES),
});

const LogListType = listOf(LogType, MAX_BLOCK_LOGS);

/** What one transaction did. */
export const ReceiptType = new ContainerType({
  /** EIP-2718 type of the transaction. */
  type: uint8,
  /** 1 when it did what it says, 0 when it was reverted and only paid. */
  status: uint8,
  /** Gas of this and all earlier transactions of the block. */
  cumulativeGasUsed: uint64,
  logs: LogListType,
});

/** What a block did: `receiptsRoot` of its header. System phases log into the block, not into a transaction. */
export const BlockReceiptsType = new ContainerType({
  /** Logs of what happens before the first transaction. */
  beginLogs: LogListType,
  receipts: listOf(ReceiptType, MAX_BLOCK_TRANSACTIONS),
  /** Logs of what happens after the last transaction. */
  endLogs: LogListType,
});

export type Log = ValueOf<typeof LogType>;
export type Receipt = ValueOf<typeof ReceiptType>;
export type BlockReceipts = ValueOf<typeof BlockReceiptsType>;

export const receiptCodec = createCodec<Receipt>('Receipt', ReceiptType, { maxBytes: MAX_RECEIPTS_BYTES });
export const blockReceiptsCodec = createCodec<BlockReceipts>('BlockReceipts', BlockReceiptsType, {
  oneCopy: true,
});
