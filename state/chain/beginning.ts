import { StoreError } from '../store/errors.js';
import { NODE_KEYS, STATE_KEYS } from '../store/keys.js';
import type { Reader, Store } from '../store/store.js';

/*
 * While the first state of a ledger is being written, by itself out of a genesis or taken over from other nodes, a mark says that it is
 * not whole. The batch that writes the head deletes the mark.
 */

export const BEGUN_KEY = NODE_KEYS.meta.encode('genesis');

const NO_CONTENT = new Uint8Array(0);

/** How far a first state has come that is taken over from others: what they who write it left here; empty where it is made by itself. */
export function readBeginning(reader: Reader): Uint8Array | undefined {
  return reader.get(BEGUN_KEY);
}

/**
 * Leaves a ledger without a head empty but for the mark, which is durable before anything else is written.
 *
 * @throws StoreError STORE_CORRUPT for a ledger that has lost its head
 */
export async function beginAfresh(store: Store): Promise<void> {
  const isBegun = store.has(BEGUN_KEY);
  if (!isBegun) await assertHeadNotLost(store);
  await store.write([{ key: BEGUN_KEY, value: NO_CONTENT }]);
  if (!isBegun) return;
  // What a loss of power brings back of this is written over or cleared again: the mark stays until all is whole.
  for (const space of WRITTEN_SPACES) await store.clearRange(space.range());
}

const WRITTEN_SPACES = [...Object.values(STATE_KEYS), NODE_KEYS.treeNode];

/**
 * Of a store without a head. Without the mark too nothing can be there: what is, is somebody's ledger and not ours to clear.
 *
 * @throws StoreError STORE_CORRUPT
 */
export async function assertHeadNotLost(store: Store): Promise<void> {
  if (store.has(BEGUN_KEY)) return;
  const { meta: _marks, ...ofNode } = NODE_KEYS;
  for (const space of [...Object.values(STATE_KEYS), ...Object.values(ofNode)]) {
    for await (const page of store.range({ ...space.range(), limit: 1 })) {
      throw new StoreError('STORE_CORRUPT', 'the ledger has lost its head', {
        space: space.prefix,
        entries: page.length,
        cure: 'check the disk; restore a backup, or move the folder away and sync again',
      });
    }
  }
}
