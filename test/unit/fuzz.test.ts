import { test } from 'node:test';
import { runCase } from '../fuzz/target.js';
import { FUZZ_TARGETS } from '../fuzz/targets.js';

/** The fixed budget of the tests; `npm run fuzz` goes on from here without end. */
const CASES = 400;

for (const target of FUZZ_TARGETS) {
  test(`fuzz ${target.name}: ${CASES} cases`, async () => {
    for (let seed = 0; seed < CASES; seed++) await runCase(target, seed);
  });
}
