import { test, type TestContext } from 'node:test';
import { SCENARIOS } from './scenarios.js';

/*
 * The short version of `npm run e2e`: validators as real processes, in trouble for some seconds.
 */

const SECONDS = 12;
const TIMEOUT_MS = 300_000;

const needsRoot = process.getuid?.() === 0 ? false : 'mounting a small disk is for root';

const cases: readonly { readonly name: string; readonly skip?: string | false }[] = [
  { name: 'kill' },
  { name: 'partition' },
  { name: 'backup' },
  { name: 'join' },
  { name: 'disk', skip: needsRoot },
];

for (const { name, skip = false } of cases) {
  test(`validators as processes: ${name}`, { skip, timeout: TIMEOUT_MS }, async (t: TestContext) => {
    await SCENARIOS[name]?.({
      ...{ seed: 1, seconds: SECONDS },
      say: (line) => {
        t.diagnostic(line);
      },
    });
  });
}
