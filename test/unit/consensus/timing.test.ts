import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTimely, timeoutMs } from '../../../consensus/engine/timing.js';
import { PRESETS } from '../../../protocol/presets.js';

const { consensus: params } = PRESETS.mainnet.params;
const HOUR_MS = 3_600_000;

/** The latest arrival, after the header's time, at which a proposal of a round is timely. */
function latestMs(round: number, custom = params): number {
  let [low, high] = [0, 10 * HOUR_MS];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (isTimely(custom, { timeMs: 10 ** 12, receivedMs: 10 ** 12 + middle, round })) low = middle;
    else high = middle - 1;
  }
  return low;
}

describe('timely proposals', () => {
  test('the delay grows by a tenth a round, rounded up', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((round) => latestMs(round) - params.timestampPrecisionMs),
      [2_000, 2_200, 2_420, 2_662, 2_929],
    );
  });

  test('however slowly it grows, it does; and it ends at an hour', () => {
    const slow = { ...params, timestampDelayMs: 1, timestampDelayGrowthBps: 1 };
    assert.equal(latestMs(10, slow), params.timestampPrecisionMs + 11);
    for (const round of [200, 2 ** 32 - 1]) {
      assert.equal(latestMs(round), params.timestampPrecisionMs + HOUR_MS);
    }
  });

  test('early is early in every round', () => {
    for (const round of [0, 1, 50]) {
      const at = (aheadMs: number): boolean =>
        isTimely(params, { timeMs: 10 ** 12 + aheadMs, receivedMs: 10 ** 12, round });
      assert.deepEqual([at(500), at(501)], [true, false]);
    }
  });
});

test('timeouts grow with the round, each by its own step', () => {
  const custom = {
    ...params,
    timeoutProposeMs: 100,
    timeoutProposeDeltaMs: 1,
    timeoutPrevoteMs: 200,
    timeoutPrevoteDeltaMs: 2,
    timeoutPrecommitMs: 300,
    timeoutPrecommitDeltaMs: 3,
  };
  const kinds = ['propose', 'prevote', 'precommit'] as const;
  for (const round of [0, 1, 10]) {
    assert.deepEqual(
      kinds.map((kind) => timeoutMs(custom, kind, round)),
      [100 + round, 200 + 2 * round, 300 + 3 * round],
    );
  }
});
