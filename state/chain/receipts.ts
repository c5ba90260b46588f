import { receiptCodec, type BlockReceipts } from '../../protocol/types/receipt.js';
import { StoreError } from '../store/errors.js';
import { NODE_KEYS } from '../store/keys.js';
import type { Change, Entry, KeyRange, Store } from '../store/store.js';
import { systemLogsCodec } from './records.js';
import { hasBlock } from './window.js';

/** A receipt under its number, and what the system phases logged where they did. */
export function receiptEntries(height: number, { beginLogs, receipts, endLogs }: BlockReceipts): Change[] {
  const entries: Change[] = receipts.map((receipt, index) => ({
    key: NODE_KEYS.receipt.encode(height, index),
    value: receiptCodec.encode(receipt),
  }));
  if (beginLogs.length + endLogs.length > 0) {
    const value = systemLogsCodec.encode({ beginLogs, endLogs });
    entries.push({ key: NODE_KEYS.systemLogs.encode(height), value });
  }
  return entries;
}

/**
 * What a block did, as it was stored; undefined outside of the window of blocks, also when `height` leaves it meanwhile.
 *
 * @throws StoreError STORE_CORRUPT when a receipt is missing before the last, and as reading does
 */
export async function readReceipts(store: Store, height: number): Promise<BlockReceipts | undefined> {
  if (!hasBlock(store, height)) return undefined;
  const read = async (range: KeyRange): Promise<Entry[]> => {
    const entries: Entry[] = [];
    const query = { ...range, limit: Number.MAX_SAFE_INTEGER };
    for await (const page of store.range(query)) entries.push(...page);
    return entries;
  };
  // Searches, which go past the read cache: what is needed once must not push out what is needed always.
  const [system] = await read(NODE_KEYS.systemLogs.range(height));
  const receipts = await read(NODE_KEYS.receipt.range(height));
  return hasBlock(store, height) ? decodeReceipts(receipts, system) : undefined;
}

/** The entries of one height, back to what `receiptEntries` made them from. @throws StoreError STORE_CORRUPT as `readReceipts` */
export function decodeReceipts(entries: readonly Entry[], system: Entry | undefined): BlockReceipts {
  const receipts = entries.map(({ key, value }, i) => {
    const [height, index] = NODE_KEYS.receipt.decode(key);
    if (index !== i) throw new StoreError('STORE_CORRUPT', 'a receipt is missing', { height, index: i });
    return receiptCodec.decode(value);
  });
  const { beginLogs, endLogs } =
    system === undefined ? { beginLogs: [], endLogs: [] } : systemLogsCodec.decode(system.value);
  return { beginLogs, receipts, endLogs };
}
