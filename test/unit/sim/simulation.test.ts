import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { broadcastScenario } from '../../sim/broadcast/scenario.js';
import type { Flaw } from '../../sim/broadcast/node.js';
import { runCampaign, type Campaign } from '../../sim/campaign.js';
import { FAULT_KINDS, type FaultKind } from '../../sim/faults.js';
import { parseOptions } from '../../sim/options.js';
import { runScenario, type Outcome, type RunOptions } from '../../sim/run.js';
import { shrink } from '../../sim/shrink.js';
import { REPOSITORY_ROOT } from '../../support/vectors.js';

const OPTIONS: RunOptions = {
  nodes: 4,
  kinds: FAULT_KINDS,
  troubleUs: 10_000_000,
  without: [],
  hasStory: false,
};

const run = (seed: number, options: Partial<RunOptions> = {}, flaw?: Flaw): Promise<Outcome> =>
  runScenario(broadcastScenario(flaw), seed, { ...OPTIONS, ...options });

const campaign = (changes: Partial<Campaign>): Campaign => ({
  scenarios: ['broadcast'],
  firstSeed: 1,
  seeds: 12,
  options: OPTIONS,
  twiceEvery: 0,
  threads: 1,
  goesOn: () => true,
  onOutcome: () => undefined,
  ...changes,
});

describe('a run', () => {
  test('is the same for the same seed, story included, and another for another', async () => {
    const hashes = new Set<string>();
    for (let seed = 1; seed <= 6; seed++) {
      const outcome = await run(seed, { hasStory: true });
      assert.deepEqual(await run(seed, { hasStory: true }), outcome);
      assert.equal((await run(seed)).hash, outcome.hash);
      hashes.add(outcome.hash);
    }
    assert.equal(hashes.size, 6);
  });

  test('two at a time do not disturb each other', async () => {
    const alone = [await run(1), await run(2)];
    assert.deepEqual(await Promise.all([run(1), run(2)]), alone);
  });

  test('of a sound protocol holds, under each kind of fault alone and all together', async () => {
    let [faults, crimes, lost] = [0, 0, 0];
    for (const kinds of [...FAULT_KINDS.map((kind): FaultKind[] => [kind]), FAULT_KINDS]) {
      for (let seed = 1; seed <= 8; seed++) {
        const outcome = await run(seed, { kinds });
        assert.equal(
          outcome.failure,
          undefined,
          `${kinds.join()} ${seed}: ${outcome.failure?.message ?? ''}`,
        );
        faults += outcome.faults;
        crimes += outcome.byzantine;
        lost += outcome.counts.lost;
      }
    }
    assert.ok(
      faults > 300 && crimes > 15 && lost > 1000,
      `${faults} ${crimes} ${lost}: too few to mean anything`,
    );
  });

  const caught: [Flaw, RegExp, Partial<RunOptions>][] = [
    ['small-quorum', /agreement: node \d delivered|agreement: node \d has/, { nodes: 7 }],
    ['no-sync', /(agreement|validity|totality): /, { kinds: ['crash'], troubleUs: 3_000_000 }],
    ['no-repetition', /totality: not satisfied 120 s after healing/, { kinds: ['loss'] }],
    ['takes-any-disk', /disk: node \d started on the disk of node \d/, { kinds: ['foreign-disk'] }],
  ];
  for (const [flaw, message, options] of caught) {
    test(`of a protocol with the mistake '${flaw}' fails, with the script that shows it`, async () => {
      for (let seed = 1; seed <= 400; seed++) {
        const { failure } = await run(seed, options, flaw);
        if (failure === undefined) continue;
        assert.match(failure.message, message);
        assert.ok(failure.crimes.length + failure.faults.length > 0 && failure.lastEvents.length > 0);
        return;
      }
      assert.fail('no seed found it');
    });
  }
});

test('a failure shrinks to the faults it needs, and fails the same way with those alone', async () => {
  const kinds: FaultKind[] = ['loss', 'crash', 'skew', 'pause'];
  const options = { ...OPTIONS, kinds, troubleUs: 20_000_000 };
  let seed = 0;
  let outcome: Outcome;
  do outcome = await run(++seed, options, 'no-repetition');
  while (seed < 100 && (outcome.failure === undefined || outcome.faults < 10));
  const again = (changed: RunOptions) => run(seed, changed, 'no-repetition');
  const shrunk = await shrink(again, { outcome, options }, 300);
  assert.ok(shrunk.outcome.faults < outcome.faults / 2, `${outcome.faults} -> ${shrunk.outcome.faults}`);
  assert.deepEqual(await again(shrunk.options), shrunk.outcome);
  for (const { place } of shrunk.outcome.failure?.faults ?? []) {
    const { failure } = await again({ ...shrunk.options, without: [...shrunk.options.without, place] });
    assert.notEqual(failure?.message.split(':')[0], 'totality', `fault ${place} is needed`);
  }
});

describe('a campaign', () => {
  test('comes to the same on two threads as on one', async () => {
    const seen: number[] = [];
    const alone = await runCampaign(campaign({}));
    const shared = await runCampaign(campaign({ threads: 2, onOutcome: ({ seed }) => void seen.push(seed) }));
    assert.deepEqual(shared, alone);
    assert.deepEqual(
      seen.sort((a, b) => a - b),
      Array.from({ length: 12 }, (_, i) => i + 1),
    );
    assert.notEqual((await runCampaign(campaign({ firstSeed: 2 }))).hash, alone.hash);
  });

  test('stops handing out seeds when told to', async () => {
    let left = 3;
    const { ran } = await runCampaign(campaign({ goesOn: () => left-- > 0 }));
    assert.equal(ran, 3);
  });

  test('reports what breaks in a thread', async () => {
    await assert.rejects(
      runCampaign(campaign({ threads: 2, scenarios: ['unknown'] })),
      /no scenario 'unknown'/,
    );
  });
});

describe('the command', () => {
  const sim = (...args: string[]) =>
    spawnSync(process.execPath, [join(REPOSITORY_ROOT, 'dist/test/sim/main.js'), ...args], {
      encoding: 'utf8',
    });

  test('ends with 0 when everything held and gives a summary as JSON', () => {
    const { status, stdout } = sim(
      '--seeds',
      '2',
      '--nodes',
      '4',
      '--minutes',
      '0.1',
      '--scenario',
      'broadcast,votes',
      '--json',
    );
    assert.equal(status, 0);
    const summary = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([summary.ran, summary.failed, summary.nodes], [4, [], 4]);
  });

  test('ends with 1 and the command that replays a failure, which does', () => {
    const failed = sim(
      '--scenario',
      'broadcast-no-repetition',
      '--faults',
      'loss',
      '--seeds',
      '50',
      '--once',
      // Of several threads any one may come upon its failing seed first, and not each such seed draws a loss.
      '--jobs',
      '1',
    );
    assert.equal(failed.status, 1);
    const replay = /^replay: npm run sim -- (.*)$/m.exec(failed.stderr)?.[1]?.split(' ') ?? [];
    const again = sim(...replay);
    assert.equal(again.status, 1);
    const hash = /event hash (\w+)/;
    assert.equal(hash.exec(again.stderr)?.[1], hash.exec(failed.stderr)?.[1]);
    assert.match(again.stdout, /fault: .* of messages are lost/);
  });

  test('ends with 2 and the usage on what it does not understand', () => {
    for (const args of [
      ['--seeds', 'x'],
      ['--nodes', '0'],
      ['--faults', 'flood'],
      ['--bogus'],
      ['--minutes', '0'],
    ]) {
      const { status, stderr } = sim(...args);
      assert.equal(status, 2, args.join(' '));
      assert.match(stderr, /npm run sim --/);
    }
  });

  test('takes every option it names', () => {
    const options = parseOptions(
      '--seed 5 --seeds 7 --nodes 9 --scenario votes --faults none --minutes 2 --jobs 3 --seconds 4 --once --keep-going --without 0,3 --script --json'.split(
        ' ',
      ),
    );
    assert.deepEqual(options, {
      scenarios: ['votes'],
      firstSeed: 5,
      seeds: 7,
      threads: 3,
      seconds: 4,
      twiceEvery: 0,
      keepsGoing: true,
      isJson: true,
      run: { nodes: 9, kinds: [], troubleUs: 120_000_000, without: [0, 3], hasStory: true },
    });
  });
});
