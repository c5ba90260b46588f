import assert from 'node:assert/strict';
import { after, describe, test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Point } from './life.js';
import type { Story } from './run.js';
import { SCRIPTS } from './scripts.js';
import { RECOVERIES, type Row, type Table } from './table.js';

/** What each script comes to where nobody dies, in their order: scripts that go otherwise would test something else. */
const STORIES: readonly Story[] = [
  { decidedRound: 0, blockRound: 0, precommits: [{ round: 0, isDecided: true }] },
  { decidedRound: 0, blockRound: 0, precommits: [{ round: 0, isDecided: true }] },
  { decidedRound: 1, blockRound: 1, precommits: [{ round: 1, isDecided: true }] },
  {
    ...{ decidedRound: 1, blockRound: 0 },
    precommits: [
      { round: 0, isDecided: true },
      { round: 1, isDecided: true },
    ],
  },
  {
    ...{ decidedRound: 1, blockRound: 1 },
    precommits: [
      { round: 0, isDecided: false },
      { round: 1, isDecided: true },
    ],
  },
];

/** Much is made and forgotten in every run. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 64 };

const PUT = ['open', 'append', 'sync-file', 'rename', 'sync-folder'];

/** Points without which the table would have a hole; whatever else a run passes is in it as well. */
const DURABLE = [
  ...PUT.flatMap((step) => [`signer ${step}`, `wal ${step}`]),
  ...['wal list', 'wal remove', 'wal close'],
  ...['signature', 'block batch before', 'block batch after'],
];
const STEPS = [
  ...['open', 'round first', 'sign-prevote', 'sign-precommit', 'tell vote', 'took vote'],
  ...['polka seen', 'commit seen', 'decided', 'decide'],
];
const PROPOSING = ['build', 'took built', 'sign-proposal', 'tell proposal', 'tell compactBody'];
const FOLLOWING = ['took proposal', 'took block', 'validate', 'took validated'];
const LATER = ['round later', 'took timer'];
const NEEDED: readonly (readonly string[])[] = [
  [...DURABLE, ...STEPS, ...PROPOSING],
  [...DURABLE, ...STEPS, ...FOLLOWING],
  [...DURABLE, ...STEPS, ...LATER, ...PROPOSING],
  [...DURABLE, ...STEPS, ...LATER, ...FOLLOWING, 'sign-proposal', 'tell polka', 'tell proposal'],
  [...DURABLE, ...STEPS, ...LATER, ...FOLLOWING],
];

describe('a validator that dies at any step comes back by itself, contradicts nothing and goes on', () => {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { resourceLimits: RESOURCE_LIMITS });
  after(() => worker.terminate());
  for (const [number, { name }] of SCRIPTS.entries()) {
    test(name, async (t) => {
      const { story, rows, faults } = await tableOf(worker, number);
      assert.deepEqual(faults, [], 'without a death');
      assert.deepEqual(story, STORIES[number]);
      const names = new Set(rows.map(({ point }) => point.name));
      assert.deepEqual(
        NEEDED[number]?.filter((needed) => !names.has(needed)),
        [],
        'points that are missing',
      );
      assert.deepEqual(missingSecondDeaths(rows), [], 'second deaths that are missing');
      summarize(t, rows);
      const broken = rows.filter((row) => row.faults.length > 0).map(describeRow);
      assert.deepEqual(broken.slice(0, 20), [], `${broken.length} rows are broken`);
      if (name.startsWith('locked')) assert.ok(rows.some((row) => row.hasRememberedLock));
    });
  }
});

/** A line for each recovery. */
function summarize(t: TestContext, rows: readonly Row[]): void {
  for (const recovery of RECOVERIES) {
    const of = rows.filter((row) => row.recovery === recovery);
    const count = (kind: Point['kind']): number => of.filter(({ point }) => point.kind === kind).length;
    const starts = of.reduce((sum, row) => sum + row.starts, 0);
    const broken = of.filter((row) => row.faults.length > 0).length;
    const locks = of.filter((row) => row.hasRememberedLock).length;
    assert.ok(count('durable') > 0, recovery);
    t.diagnostic(
      `${recovery}: ${count('durable')} durable steps, ${count('step')} steps of the round; ` +
        `${starts} starts, ${locks} locks remembered, ${broken} broken`,
    );
  }
}

/** Points of the recovery itself at which nobody has died. */
function missingSecondDeaths(rows: readonly Row[]): string[] {
  const places = new Set(rows.map(({ diedAgainAt }) => diedAgainAt));
  const needed = PUT.flatMap((step) => [`signer ${step}`, `wal ${step}`]);
  return [...needed, 'signer read', 'wal list', 'wal read'].filter((name) => !places.has(name));
}

function describeRow({ number, point, recovery, faults }: Row): string {
  return `${recovery} at ${number} (${point.name}): ${faults.join('; ')}`;
}

function tableOf(worker: Worker, script: number): Promise<Table> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.postMessage(script);
  });
}
