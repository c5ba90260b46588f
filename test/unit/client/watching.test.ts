import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { JobError } from '../../../rpc/jobs/errors.js';
import { watchChanges, type WatchOptions } from '../../../rpc/jobs/watch.js';

/** A node that shows what it is told to, and throws what is an error. */
function lookAt(shown: readonly (string | Error)[]): { look: () => Promise<string>; looks: () => number } {
  let at = 0;
  const look = (): Promise<string> => {
    const next = shown[Math.min(at++, shown.length - 1)] ?? '';
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  };
  return { look, looks: () => at };
}

async function watch(shown: readonly (string | Error)[], options: WatchOptions = {}): Promise<string[]> {
  const seen: string[] = [];
  const { look } = lookAt(shown);
  for await (const each of watchChanges(look, (text) => text === 'end', { pollMs: 1, ...options }))
    seen.push(each);
  return seen;
}

const GONE = new TypeError('fetch failed');
const REFUSED = Object.assign(new Error('no such job'), { data: { code: 'RPC_JOB_UNKNOWN' } });

describe('watching', () => {
  test('yields changes alone, and ends with the last', async () => {
    assert.deepEqual(await watch(['a', 'a', 'b', 'b', 'a', 'end', 'never']), ['a', 'b', 'a', 'end']);
  });

  test('waits for a node that goes away and comes back, not for one that was never there', async () => {
    assert.deepEqual(await watch(['a', GONE, GONE, 'a', GONE, 'end']), ['a', 'end']);
    await assert.rejects(watch([GONE, 'end']), GONE);
  });

  test('gives a node up that stays away', async () => {
    const { look, looks } = lookAt(['a', GONE]);
    const changes = watchChanges(look, () => false, { pollMs: 0.01 });
    assert.equal((await changes.next()).value, 'a');
    await assert.rejects(changes.next(), GONE);
    assert.equal(looks(), 10);
  });

  test('a refusal, and what was found out here, are thrown at once', async () => {
    await assert.rejects(watch(['a', REFUSED, 'end']), REFUSED);
    const own = new JobError('SOURCE_RETIRED', 'no more');
    await assert.rejects(watch(['a', own, 'end']), own);
  });

  test('time is bounded, and whoever watches can leave', async () => {
    await assert.rejects(watch(['a'], { timeoutMs: 5 }), { code: 'JOB_NOT_ENDED' });
    const leaving = new AbortController();
    const changes = watchChanges(lookAt(['a']).look, () => false, { pollMs: 60_000, signal: leaving.signal });
    await changes.next();
    const next = changes.next();
    leaving.abort();
    await assert.rejects(next, { name: 'AbortError' });
  });
});
