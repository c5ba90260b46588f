import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCampaign, runJob } from './campaign.js';
import { FAULT_KINDS } from './faults.js';
import { reportFailure } from './report.js';
import type { RunWishes } from './run.js';

const SEEDS = 200;

/** A campaign that finds more than these has found one mistake many times. */
const MAX_FAILURES = 3;

test(`${SEEDS} seeds of real nodes under all faults: they agree, go on, keep their word and punish who does not`, async () => {
  const options: RunWishes = { kinds: FAULT_KINDS, without: [], hasStory: false };
  const failures: string[] = [];
  const { tally, faults, byzantine } = await runCampaign({
    scenarios: ['consensus'],
    firstSeed: 1,
    seeds: SEEDS,
    twiceEvery: 10,
    threads: 2,
    options,
    goesOn: () => failures.length < MAX_FAILURES,
    onOutcome: (outcome) => {
      if (outcome.failure !== undefined) failures.push(reportFailure(outcome, options));
    },
  });
  assert.equal(failures.join('\n'), '');
  const enough = {
    deaths: 100,
    heights: 2_000,
    transactions: 3_000,
    epochs: 400,
    unbondings: 100,
    tombstones: 5,
  };
  const rare = Object.entries(enough).filter(([name, least]) => (tally[name] ?? 0) < least);
  assert.deepEqual(rare, [], `too few to mean anything: ${JSON.stringify(tally)}`);
  assert.ok(
    faults > 1_000 && byzantine > 50,
    `too few to mean anything: ${faults} faults, ${byzantine} crimes`,
  );
});

test('nodes that lose their log and their record in a crash are found out: by themselves, or by what they sign', async () => {
  const options: RunWishes = {
    nodes: 4,
    troubleUs: 3_000_000,
    kinds: ['crash'],
    without: [],
    hasStory: false,
  };
  for (let seed = 1; seed <= 60; seed++) {
    const { failure } = await runJob({ scenario: 'consensus-forgetful', seed, options, isTwice: false });
    if (failure === undefined) continue;
    assert.match(failure.message, /^start: .*\[SIGNER_SIGNED_ELSEWHERE|^no equivocation: .* signed two of/);
    return;
  }
  assert.fail('no seed found it');
});
