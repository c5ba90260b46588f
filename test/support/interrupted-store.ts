import type { Store } from '../../state/store/store.js';

/** The same store, in which something else happens whenever a reader starts to search a range. */
export function onEveryRange(store: Store, interrupt: () => Promise<unknown>): Store {
  return {
    get: (key) => store.get(key),
    getMany: (keys) => store.getMany(keys),
    has: (key) => store.has(key),
    async *range(query) {
      await interrupt();
      yield* store.range(query);
    },
    write: (batch, options) => store.write(batch, options),
    clearRange: (range) => store.clearRange(range),
    compactRange: (range) => store.compactRange(range),
    close: () => store.close(),
  };
}
