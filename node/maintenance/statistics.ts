import { readTail } from '../../state/chain/marks.js';
import type { Store } from '../../state/store/store.js';
import { progressRecord } from '../../state/system/chain.js';
import { SPACES } from './spaces.js';

export interface SpaceStatistics {
  readonly name: string;
  readonly isState: boolean;
  readonly entries: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
}

/** What a ledger says of itself. */
export interface LedgerStatistics {
  readonly headTimeMs: number;
  /** Lowest height whose block and past state are there. */
  readonly oldestHeight: number;
  /** That height when the disk last got its space back. */
  readonly compactedHeight: number;
}

export function ledgerStatistics(store: Store): LedgerStatistics {
  const { height, compacted } = readTail(store);
  return { headTimeMs: progressRecord.read(store).timeMs, oldestHeight: height, compactedHeight: compacted };
}

/**
 * Counts the entries of every kind by reading all of them, which checks each against its checksum.
 *
 * @param onEntries told of the entries read so far
 * @throws StoreError STORE_CORRUPT at the first that is damaged
 */
export async function countSpaces(
  store: Store,
  onEntries: (entries: number) => void = () => undefined,
): Promise<SpaceStatistics[]> {
  const counted: SpaceStatistics[] = [];
  let total = 0;
  for (const { name, isState, range } of SPACES) {
    let [entries, keyBytes, valueBytes] = [0, 0, 0];
    for await (const page of store.range({ ...range, limit: Number.MAX_SAFE_INTEGER })) {
      entries += page.length;
      for (const { key, value } of page) {
        keyBytes += key.length;
        valueBytes += value.length;
      }
      onEntries(total + entries);
    }
    total += entries;
    if (entries > 0) counted.push({ name, isState, entries, keyBytes, valueBytes });
  }
  return counted;
}
