import { OgpuError } from '../../protocol/errors.js';
import { keyText } from '../store/key-text.js';
import type { Reader, Store } from '../store/store.js';
import { valueAt } from './history.js';

/** State entries one reading of the past may touch; each costs a search on disk and one more run of the reader. */
const MAX_KEYS = 2_000;

/** A reading of the past that wants more than it may. */
export class PastStateError extends OgpuError<'PAST_STATE_TOO_MANY_KEYS'> {}

/**
 * Runs `read` on the state as it was after block `height`.
 *
 * Looking into the past takes searches on disk, which are asynchronous, while execution is synchronous. So `read` runs until it asks for
 * an entry that is not here yet, the entry is fetched, and `read` starts over: it must be free of side effects, and let errors of the
 * reader pass.
 *
 * @param height inside the retention window
 * @throws PastStateError PAST_STATE_TOO_MANY_KEYS, and whatever `read` throws
 */
export async function readPastState<Result>(
  store: Store,
  height: number,
  read: (view: Reader) => Result,
): Promise<Result> {
  const known = new Map<string, Uint8Array | undefined>();
  const view: Reader = {
    get: (key) => {
      const text = keyText(key);
      if (!known.has(text)) throw new Missing(key);
      return known.get(text);
    },
  };
  for (;;) {
    try {
      return read(view);
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      if (known.size === MAX_KEYS) {
        throw new PastStateError('PAST_STATE_TOO_MANY_KEYS', `more than ${MAX_KEYS} state entries`, {
          height,
        });
      }
      known.set(keyText(error.key), await valueAt(store, error.key, height));
    }
  }
}

/** Not an error: tells the loop what to fetch. */
class Missing extends Error {
  readonly key: Uint8Array;

  constructor(key: Uint8Array) {
    super('state entry not fetched yet');
    this.key = key;
  }
}
