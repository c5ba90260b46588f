import { NODE_KEYS } from '../store/keys.js';
import type { RecordedChange } from '../store/overlay.js';
import type { Change, Store } from '../store/store.js';

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
 * The caller knows that `height` is inside the retention window: outside of it the answer would be wrong without saying so.
 */
export async function valueAt(
  store: Store,
  key: Uint8Array,
  height: number,
): Promise<Uint8Array | undefined> {
  const { lt } = NODE_KEYS.history.range(key);
  const pages = store.range({ gte: NODE_KEYS.history.encode(key, height + 1), lt, limit: 1 });
  for await (const [first] of pages) if (first !== undefined) return presentValue(first.value);
  return store.get(key);
}

/** The changes that lead from the state after block `height`, which must be the last, back to the state before it. */
export async function undoChanges(store: Store, height: number): Promise<RecordedChange[]> {
  const undo: RecordedChange[] = [];
  for await (const page of store.range({ ...NODE_KEYS.undo.range(height), limit: Number.MAX_SAFE_INTEGER })) {
    for (const { key: undoKey } of page) {
      const [, key] = NODE_KEYS.undo.decode(undoKey);
      const old = store.get(NODE_KEYS.history.encode(key, height));
      undo.push({ key, value: old === undefined ? undefined : presentValue(old), old: store.get(key) });
    }
  }
  return undo;
}

/** Removes what the history of block `height` takes, once it has left the retention window. */
export async function pruneEntries(store: Store, height: number): Promise<Change[]> {
  const deletions: Change[] = [];
  for await (const page of store.range({ ...NODE_KEYS.undo.range(height), limit: Number.MAX_SAFE_INTEGER })) {
    for (const { key: undoKey } of page) {
      const [, key] = NODE_KEYS.undo.decode(undoKey);
      deletions.push(
        { key: undoKey, value: undefined },
        { key: NODE_KEYS.history.encode(key, height), value: undefined },
      );
    }
  }
  return deletions;
}

function presentValue(stored: Uint8Array): Uint8Array | undefined {
  return stored.length === 0 ? undefined : stored;
}
