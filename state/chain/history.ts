import { NODE_KEYS } from '../store/keys.js';
import type { RecordedChange } from '../store/overlay.js';
import type { Change, Store } from '../store/store.js';
import { assertReadable } from './window.js';

/** In place of an old value: there was none. State values are never empty. */
const ABSENT = new Uint8Array(0);
const NO_CONTENT = new Uint8Array(0);

/**
 * What block `height` must leave behind so that the state before it can be read: the old value of each entry under its key, and an index by
 * height, along which history is undone and dropped.
 */
export function historyEntries(height: number, changes: readonly RecordedChange[]): Change[] {
  return changes.flatMap(({ key, old }) => [
    { key: NODE_KEYS.history.encode(key, height), value: old ?? ABSENT },
    { key: NODE_KEYS.undo.encode(height, key), value: NO_CONTENT },
  ]);
}

/**
 * Value of a state entry after block `height`: the old value of its first change above, or what it is now.
 *
 * @throws PastStateError PAST_STATE_PRUNED | PAST_STATE_NOT_FINAL, also when `height` leaves the window meanwhile, and as reading does
 */
export async function valueAt(
  store: Store,
  key: Uint8Array,
  height: number,
): Promise<Uint8Array | undefined> {
  assertReadable(store, height);
  // The present comes first: a block that changes it from here on leaves history for the search to find.
  let value = store.get(key);
  const { lt } = NODE_KEYS.history.range(key);
  const pages = store.range({ gte: NODE_KEYS.history.encode(key, height + 1), lt, limit: 1 });
  for await (const [first] of pages) if (first !== undefined) value = presentValue(first.value);
  assertReadable(store, height);
  return value;
}

/**
 * What block `height` changed, as it was before: with these the block can be replayed on the state after the one before it.
 *
 * @throws as `valueAt` of the height before
 */
export async function oldEntries(store: Store, height: number): Promise<Change[]> {
  assertReadable(store, height);
  const entries: Change[] = [];
  for await (const key of changedKeys(store, height)) {
    const old = store.get(NODE_KEYS.history.encode(key, height));
    // No history of a change means that it was dropped just now, which the assertion below says.
    if (old !== undefined) entries.push({ key, value: presentValue(old) });
  }
  assertReadable(store, height - 1);
  return entries;
}

async function* changedKeys(store: Store, height: number): AsyncGenerator<Uint8Array, void, undefined> {
  const query = { ...NODE_KEYS.undo.range(height), limit: Number.MAX_SAFE_INTEGER };
  for await (const page of store.range(query)) {
    for (const { key: undoKey } of page) yield NODE_KEYS.undo.decode(undoKey)[1];
  }
}

function presentValue(stored: Uint8Array): Uint8Array | undefined {
  return stored.length === 0 ? undefined : stored;
}
