import type { BlockReceipts, Log } from '../../protocol/types/receipt.js';
import { NODE_KEYS } from '../store/keys.js';
import type { Change } from '../store/store.js';
import { logPlaceCodec, placeCodec, type LogPlace } from './records.js';

/** What the entries of a block are found by. */
export interface IndexedBlock {
  readonly height: number;
  readonly id: Uint8Array;
  /** keccak-256 of each envelope, in order. */
  readonly transactionHashes: readonly Uint8Array[];
  readonly receipts: BlockReceipts;
}

/** The entries that find a block by its id, its transactions by hash and its logs by emitter and topic. */
export function indexEntries({ height, id, transactionHashes, receipts }: IndexedBlock): Change[] {
  return [
    { key: NODE_KEYS.blockId.encode(id), value: placeCodec.encode({ height, index: 0 }) },
    ...transactionHashes.map((hash, index) => ({
      key: NODE_KEYS.transaction.encode(hash),
      value: placeCodec.encode({ height, index }),
    })),
    ...logsInOrder(receipts).flatMap(({ log, place }, number) => logEntries(height, number, log, place)),
  ];
}

interface PlacedLog {
  readonly log: Log;
  readonly place: LogPlace;
}

/** The logs of a block as they are numbered through it: first phase, transactions, last phase. */
export function logsInOrder({ beginLogs, receipts, endLogs }: BlockReceipts): PlacedLog[] {
  return [
    ...beginLogs.map((log, index): PlacedLog => ({ log, place: { section: 'begin', index } })),
    ...receipts.flatMap(({ logs }, transactionIndex) =>
      logs.map((log, index): PlacedLog => ({
        log,
        place: { section: 'transaction', transactionIndex, index },
      })),
    ),
    ...endLogs.map((log, index): PlacedLog => ({ log, place: { section: 'end', index } })),
  ];
}

function logEntries(height: number, number: number, { address, topics }: Log, place: LogPlace): Change[] {
  const value = logPlaceCodec.encode(place);
  return [
    { key: NODE_KEYS.logAddress.encode(address, height, number), value },
    ...topics.map((topic, position) => ({
      key: NODE_KEYS.logTopic.encode(position, topic, height, number),
      value,
    })),
  ];
}
