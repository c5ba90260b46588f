import { keyText } from '../store/key-text.js';
import type { Change, Reader, Store } from '../store/store.js';
import { valueAt } from './history.js';
import { assertReadable, PastStateError } from './window.js';

/** State entries that are fetched for one reading of the past; each costs a search on disk. */
const MAX_KEYS = 10_000;

/** Reads of one run after its first miss. From there on it may have gone astray and would perhaps never end. */
const MAX_BLIND_READS = 4_000;

/** Entries that are searched at once. */
const PARALLEL_SEARCHES = 64;

/**
 * Runs `read` on the state as it was after block `height`.
 *
 * Looking into the past takes searches on disk, which are asynchronous, while execution is synchronous. So `read` runs several times. An
 * entry that is not here yet is noted and given as absent, and `read` goes on blindly to show what else it wants; what it wanted is
 * fetched, and the next run begins. The result, or the error, of the first run that missed nothing is the answer; that of any other run
 * means nothing. A run without a guess in it reads nothing wrong, so each run gets further than the one before.
 *
 * `read` must be free of side effects, end on any state, consistent or not, and let errors of the reader pass.
 *
 * @param known entries of that state that are already here, such as those of `oldEntries`
 * @throws PastStateError PAST_STATE_PRUNED | PAST_STATE_NOT_FINAL | PAST_STATE_TOO_MANY_KEYS, and whatever `read` throws
 */
export async function readPastState<Result>(
  store: Store,
  height: number,
  read: (view: Reader) => Result,
  known: readonly Change[] = [],
): Promise<Result> {
  assertReadable(store, height);
  const values = new Map(known.map(({ key, value }) => [keyText(key), value]));
  const maxValues = values.size + MAX_KEYS;
  for (;;) {
    const view = new PastView(values);
    const run = attempt(() => read(view));
    const missed = view.missed();
    if (missed.length === 0) {
      if ('error' in run) throw run.error;
      return run.result;
    }
    if (values.size === maxValues)
      throw new PastStateError('PAST_STATE_TOO_MANY_KEYS', 'the reading touches too many state entries', {
        height,
        maxKeys: MAX_KEYS,
      });
    // What was missed first is needed for certain, so cutting the rest off delays it at most.
    await fetchAll(store, height, missed.slice(0, maxValues - values.size), values);
  }
}

/** What is known of a past state; notes what else is asked for. */
class PastView implements Reader {
  readonly #values: ReadonlyMap<string, Uint8Array | undefined>;
  readonly #missed = new Map<string, Uint8Array>();
  #blindReads = 0;

  constructor(values: ReadonlyMap<string, Uint8Array | undefined>) {
    this.#values = values;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const text = keyText(key);
    if (!this.#values.has(text)) this.#missed.set(text, key);
    if (this.#missed.size > 0 && ++this.#blindReads > MAX_BLIND_READS) throw new Astray();
    return this.#values.get(text);
  }

  missed(): Uint8Array[] {
    return [...this.#missed.values()];
  }
}

/** Not an error: ends a run that has guessed and does not end by itself. */
class Astray extends Error {}

async function fetchAll(
  store: Store,
  height: number,
  keys: readonly Uint8Array[],
  into: Map<string, Uint8Array | undefined>,
): Promise<void> {
  for (let first = 0; first < keys.length; first += PARALLEL_SEARCHES) {
    const some = keys.slice(first, first + PARALLEL_SEARCHES);
    const values = await Promise.all(some.map((key) => valueAt(store, key, height)));
    for (const [i, key] of some.entries()) into.set(keyText(key), values[i]);
  }
}

function attempt<Result>(run: () => Result): { readonly result: Result } | { readonly error: unknown } {
  try {
    return { result: run() };
  } catch (error) {
    return { error };
  }
}
