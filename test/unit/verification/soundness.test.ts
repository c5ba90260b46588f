import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureSoundness, STRATEGIES } from '../../support/audit-soundness.js';

/** `npm run bench -- audit` does the same with far more. */
const JOBS = 250;

for (const strategy of STRATEGIES) {
  test(`${strategy.name}: found as often as the formula says${strategy.isCheat ? ', and gains nothing' : ', never slashed'}`, () => {
    const { deviation, profit, slashed, found } = measureSoundness(strategy, JOBS, 1_000_000);
    assert.ok(Math.abs(deviation) < 4, `${found} of ${JOBS}: ${deviation} standard errors`);
    if (strategy.isCheat) assert.ok(profit < 0, `mean profit ${profit}`);
    else assert.deepEqual([slashed, found], [0, 0]);
  });
}
