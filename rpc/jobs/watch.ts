import { nodeErrorOf } from '../errors/refusal.js';
import { JobError } from './errors.js';

export interface WatchOptions {
  /** Between two looks; a second unless told otherwise. */
  readonly pollMs?: number | undefined;
  /** After it watching is given up; a day unless told otherwise. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Looks in a row that may fail for want of a connection, each waited for longer than the one before. */
const MAX_FAILURES = 8;
const MAX_PAUSE_MS = 30_000;
const DAY_MS = 24 * 3_600_000;

/**
 * Looks again and again until what is seen is the last of it, and yields whatever has changed since the look before. A node that goes away
 * is waited for once it has answered.
 *
 * @throws what `look` throws, where the node refuses or stays away; the reason of `signal`; JobError JOB_NOT_ENDED
 */
export async function* watchChanges<Seen>(
  look: () => Promise<Seen>,
  isLast: (seen: Seen) => boolean,
  { pollMs = 1_000, timeoutMs = DAY_MS, signal }: WatchOptions = {},
): AsyncGenerator<Seen, void> {
  const endMs = performance.now() + timeoutMs;
  let before: string | undefined;
  let failures = 0;
  for (;;) {
    signal?.throwIfAborted();
    const seen = await look().catch((error: unknown) => {
      const isWorthWaiting = before !== undefined && ++failures <= MAX_FAILURES;
      const isSaid = error instanceof JobError || nodeErrorOf(error) !== undefined;
      if (isSaid || !isWorthWaiting) throw error;
      return undefined;
    });
    if (seen !== undefined) {
      failures = 0;
      const text = JSON.stringify(seen, textOfAmounts);
      if (text !== before) yield seen;
      before = text;
      if (isLast(seen)) return;
    }
    const pauseMs = Math.min(pollMs * 2 ** failures, MAX_PAUSE_MS);
    if (performance.now() + pauseMs > endMs) break;
    await pause(pauseMs, signal);
  }
  throw new JobError('JOB_NOT_ENDED', `it has not ended after ${timeoutMs / 1000} s`, {
    timeoutMs,
    cure: 'watch it again: nothing is lost, and `ogpu job explain` says whom it waits for',
  });
}

function textOfAmounts(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** Whether a job with this phase stays as it is. */
export function hasJobEnded({ phase }: { readonly phase: string }): boolean {
  return phase !== 'OPEN' && phase !== 'ASSIGNED';
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
