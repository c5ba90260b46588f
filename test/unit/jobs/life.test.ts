import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { segmentationWord } from '../../../protocol/graph/segmentation.js';
import { explainJob } from '../../../state/jobs/explain.js';
import { pastJobs } from '../../../state/jobs/job.js';
import { MAX_ITEMS, publications } from '../../../state/jobs/publications.js';
import { readJudge } from '../../../state/jobs/judges.js';
import { Overlay } from '../../../state/store/overlay.js';
import { nextValidators } from '../../../state/staking/active-set.js';
import {
  byJobs,
  CLIENT,
  JobChain,
  keyOf,
  PRICE_WEI,
  type JobChainOptions,
  type JudgeBehaviour,
} from '../../support/jobs.js';
import { readProvider, readSource } from '../../support/market.js';
import { eventValues } from '../../support/staking.js';

const FAKES = { fakes: new Set(Array.from({ length: 16 }, (_, i) => i)) };

/** What everybody does, and how the first attempt and then the job end by themselves. */
const ENDINGS: readonly (readonly [string, JobChainOptions, string, string, string])[] = [
  ['everybody is honest', {}, 'CONFIRMED', 'SETTLED', 'PAID'],
  ['a chain of steps', { isChain: true }, 'CONFIRMED', 'SETTLED', 'PAID'],
  ['one seat is absent', { behaviours: ['absent'] }, 'CONFIRMED', 'SETTLED', 'PAID'],
  ['one lies', { behaviours: ['lie'] }, 'UPHELD', 'SETTLED', 'PAID'],
  ['one seals and is silent', { behaviours: ['silent'] }, 'UPHELD', 'SETTLED', 'PAID'],
  ['one says it has no data', { behaviours: ['unavailable'] }, 'UPHELD', 'SETTLED', 'PAID'],
  ['one cannot judge', { behaviours: ['cannotJudge'] }, 'CONFIRMED', 'SETTLED', 'PAID'],
  ['all segments are made up', { provider: FAKES }, 'FRAUD', 'OPEN', ''],
  [
    'made up, and one of five confirms it',
    { provider: FAKES, validators: 5, behaviours: ['confirm'] },
    ...(['FRAUD', 'OPEN', ''] as const),
  ],
  ['nothing is committed', { provider: { commits: false } }, 'COMMIT_DEADLINE', 'OPEN', ''],
  ['nothing is unsealed', { provider: { unseals: false } }, 'NOT_UNSEALED', 'OPEN', ''],
  [
    'all verifiers are gone',
    { behaviours: ['absent', 'absent', 'absent', 'absent'] },
    ...(['NO_MAJORITY', 'REFUNDED', 'INCONCLUSIVE'] as const),
  ],
  [
    'nobody holds the output, and it is withheld',
    { behaviours: ['undelivered', 'undelivered', 'undelivered', 'undelivered'] },
    ...(['WITHHELD', 'OPEN', ''] as const),
  ],
  [
    'nobody gets data',
    { behaviours: ['unavailable', 'unavailable', 'unavailable', 'unavailable'] },
    ...(['WITHHELD', 'OPEN', ''] as const),
  ],
  ['too few verifiers', { jobs: { minSeats: 9 } }, 'NO_VERIFIERS', 'REFUNDED', 'INCONCLUSIVE'],
];

describe('every attempt ends by itself', () => {
  for (const [what, options, ending, phase, reason] of ENDINGS) {
    test(`${what}: ${ending}`, async () => {
      const chain = await new JobChain(options).open();
      const id = await chain.post(1);
      await chain.assign(id);
      const { bondWei, provider } = chain.attempt(id).terms;
      const before = readProvider(chain.ledger, provider).lockupWei;
      await chain.runToEnd(id);
      assert.equal(chain.attempt(id, 0).ending, ending);
      assert.deepEqual(chain.statusOf(id), [phase, reason === '' ? undefined : reason]);
      assert.equal(readProvider(chain.ledger, provider).lockedWei, 0n);
      const lost = before - readProvider(chain.ledger, provider).lockupWei;
      const isSlashed = ['FRAUD', 'NOT_UNSEALED', 'WITHHELD'].includes(ending);
      assert.equal(lost, isSlashed ? bondWei : ending === 'COMMIT_DEADLINE' ? PRICE_WEI : 0n);
      for (const member of nextValidators(chain.ledger)) {
        assert.equal(readJudge(chain.ledger, member.id).owed, 0);
      }
    });
  }
});

describe('jobs without an attempt', () => {
  test('nobody claims it: it expires, the whole escrow returns, and later only that it was is left', async () => {
    const chain = await new JobChain().open();
    const before = chain.moneyWei(CLIENT);
    const id = await chain.post(1);
    assert.equal(explainJob(chain.ledger, id)?.waitsFor, 'a provider that claims it');
    assert.equal(readSource(chain.ledger, chain.source.id).openJobs, 1);
    await chain.nextAfter(600_000);
    await chain.next();
    assert.deepEqual(chain.statusOf(id), ['EXPIRED', 'NEVER_CLAIMED']);
    assert.equal(chain.moneyWei(CLIENT), before);
    assert.equal(readSource(chain.ledger, chain.source.id).openJobs, 0);
    for (let i = 0; i < 4; i++) await chain.nextAfter(30_000);
    assert.equal(chain.phase(id), undefined);
    assert.equal(pastJobs.read(chain.ledger, id).reason, 3);
    assert.equal(explainJob(chain.ledger, id)?.phase, 'FORGOTTEN');
    await chain.refuse(chain.postCall(1), 'JobForgotten');
  });

  test('the client cancels it', async () => {
    const chain = await new JobChain().open();
    const before = chain.moneyWei(CLIENT);
    const id = await chain.post(1);
    await chain.refuse(byJobs(chain.providers[0] ?? CLIENT, 'cancel', id), 'NotClient');
    await chain.run(byJobs(CLIENT, 'cancel', id));
    assert.deepEqual(chain.statusOf(id), ['CANCELLED', 'CANCELLED_BY_CLIENT']);
    assert.equal(chain.moneyWei(CLIENT), before);
    await chain.refuse(byJobs(CLIENT, 'cancel', id), 'Refused');
  });

  test('the same key twice is one job, and the second escrow comes back', async () => {
    const chain = await new JobChain().open();
    await chain.post(1);
    const before = chain.moneyWei(CLIENT);
    const [result] = (await chain.run(chain.postCall(1))).calls;
    assert.ok(result?.status === 1);
    assert.deepEqual(result.values, [chain.idOf(1)]);
    assert.equal(chain.moneyWei(CLIENT), before);
    assert.equal(readSource(chain.ledger, chain.source.id).openJobs, 1);
    const [id] = chain.viewOf(byJobs(CLIENT, 'job').module ?? assert.fail(), 'jobId', CLIENT, keyOf(1));
    assert.deepEqual(id, chain.idOf(1));
  });

  test('hundreds are posted in one transaction, and end within blocks that take no more than their share', async () => {
    const chain = await new JobChain({ checksWhole: false }).open();
    const list = Array.from({ length: 300 }, (_, i) => chain.termsValue(i));
    const valueWei = 300n * ((3n * PRICE_WEI) / 2n);
    const [batch] = (
      await chain.run({ ...byJobs(CLIENT, 'postBatch', list), valueWei, gasLimit: 60_000_000n })
    ).calls;
    assert.ok(batch?.status === 1);
    assert.equal(readSource(chain.ledger, chain.source.id).openJobs, 300);
    await chain.nextAfter(1_000);
    const first = await chain.nextAfter(600_000);
    assert.equal(eventValues(first, 'JobEnded').length, 256, 'the cap of a block');
    const second = await chain.next();
    assert.equal(eventValues(second, 'JobEnded').length, 44);
    assert.equal(readSource(chain.ledger, chain.source.id).openJobs, 0);
  });
});

describe('what is refused', () => {
  test('more pieces of a publication than the state remembers', async () => {
    const behaviours = Array<JudgeBehaviour>(4).fill('undelivered');
    const chain = await new JobChain({ behaviours, checksWhole: false }).open();
    const id = await chain.post(1, { segments: 1_100n });
    await chain.assign(id);
    while (chain.phase(id) !== 'PUBLISHING') await chain.step(id);
    const { terms, round } = chain.attempt(id);
    const items = Array.from({ length: MAX_ITEMS }, (_, item) => item);
    const state = new Overlay(chain.ledger, { maxBytes: 1 << 20 });
    publications.write(state, { attempt: terms.attempt, round, bytes: 9, items }, id);
    chain.ledger.apply(state.changes());
    const piece = [id, BigInt(MAX_ITEMS), Uint8Array.of(1), keyOf(0), []];
    await chain.refuse(
      { ...byJobs(terms.provider, 'publish', ...piece), gasLimit: 5_000_000n },
      'TooMuchData',
    );
  });

  test('terms that cannot be audited or paid', async () => {
    const chain = await new JobChain().open();
    const refuse = async (changes: Parameters<JobChain['postCall']>[1], error: string): Promise<void> =>
      chain.refuse(chain.postCall(1, changes), error);
    await refuse({ segments: 0n }, 'InvalidSegments');
    await refuse({ segments: 1_025n, full: true }, 'InvalidSegments');
    await refuse({ sampled: 1n }, 'InvalidSample');
    const cut = segmentationWord;
    await refuse({ segmentation: keyOf(1) }, 'InvalidSegmentation');
    await refuse({ segmentation: cut({ kind: 'rows', count: 15 }) }, 'InvalidSegmentation');
    await refuse({ segmentation: cut({ kind: 'steps', count: 16 }) }, 'InvalidSegmentation');
    await refuse({ valueWei: PRICE_WEI - 1n }, 'InvalidValue');
    await refuse({ auditFeeWei: 1n }, 'AuditFeeTooLow');
    await refuse({ deadlineMs: 1n }, 'InvalidDeadline');
    await refuse({ source: keyOf(9) }, 'UnknownSource');
    await chain.refuse({ ...chain.postCall(1), valueWei: 1n }, 'EscrowTooLow');
  });

  test('claims of who may not, and of more than the client pays', async () => {
    const chain = await new JobChain({ jobs: { claimWindowMs: 10_000 } }).open();
    const id = await chain.post(1);
    const [first] = chain.providers;
    assert.ok(first);
    const claim = (from: Uint8Array, wei: bigint) => ({
      ...byJobs(from, 'claim', id, wei),
      gasLimit: 3_000_000n,
    });
    await chain.refuse(claim(CLIENT, PRICE_WEI), 'NotProvider');
    await chain.refuse(claim(first, PRICE_WEI + 1n), 'PriceTooHigh');
    await chain.refuse({ ...byJobs(first, 'claim', keyOf(5), 1n), gasLimit: 3_000_000n }, 'UnknownJob');
    await chain.run(claim(first, PRICE_WEI));
    await chain.refuse(claim(first, PRICE_WEI), 'ClaimedBefore');
    await chain.refuse(byJobs(first, 'release', id), 'Refused');
    await chain.refuse(byJobs(first, 'settle', id), 'Refused');
  });

  test('a provider that had an attempt gets no second one, and a release in time costs nothing', async () => {
    const chain = await new JobChain().open();
    const id = await chain.post(1);
    await chain.assign(id);
    const [first, second] = chain.providers;
    assert.ok(first && second);
    await chain.refuse(byJobs(second, 'release', id), 'NotProvider');
    await chain.run(byJobs(first, 'release', id));
    assert.equal(chain.attempt(id).ending, 'INPUT_UNAVAILABLE');
    assert.equal(readProvider(chain.ledger, first).lockupWei, 5_000n * WEI_PER_OGPU);
    const again = { ...byJobs(first, 'claim', id, PRICE_WEI), gasLimit: 3_000_000n };
    await chain.refuse(again, 'ClaimedBefore');
    await chain.assign(id, second);
    await chain.runToEnd(id);
    assert.deepEqual(chain.statusOf(id), ['SETTLED', 'PAID']);
  });
});

describe('a lower price', () => {
  test('what the client does not pay comes back to it', async () => {
    const chain = await new JobChain().open();
    const id = await chain.post(1);
    const [first] = chain.providers;
    assert.ok(first);
    const [client, provider] = [chain.moneyWei(CLIENT), chain.moneyWei(first)];
    await chain.assign(id, first, PRICE_WEI / 4n);
    await chain.runToEnd(id);
    assert.equal(chain.moneyWei(first) - provider, PRICE_WEI / 4n);
    assert.ok(chain.moneyWei(CLIENT) - client >= (3n * PRICE_WEI) / 4n);
  });
});
