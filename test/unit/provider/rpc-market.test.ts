import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { missingPieces, type Piece } from '../../../compute/provider/pieces.js';
import type { Assignment } from '../../../compute/provider/market.js';
import { commitmentTo, unsealingOf } from '../../../consensus/verification/committing.js';
import { plainEntry, revealEntry } from '../../../consensus/verification/statements.js';
import { ClientError } from '../../../node/client/errors.js';
import { providersIntent } from '../../../node/client/transact.js';
import { rpcMarket } from '../../../node/provider/rpc-market.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { partIdsOf } from '../../../protocol/audit/job-data.js';
import { blobIdOf } from '../../../protocol/blob.js';
import { bytesEqual } from '../../../protocol/bytes.js';
import { planJob } from '../../../protocol/graph/segmentation.js';
import { AUDIT_UNAVAILABLE } from '../../../protocol/types/audit.js';
import { createPrng } from '../../support/prng.js';
import { outputOf } from '../../support/job-market.js';
import { CUT, ProviderMarket, walletOf } from '../../support/provider-market.js';

const JOB_KEY = new Uint8Array(32).fill(7);

/** What a test knows of a job that it has posted. */
interface Known {
  readonly job: Uint8Array;
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  readonly stateIds: readonly Uint8Array[];
}

describe('the market over JSON-RPC', () => {
  let it: ProviderMarket;
  before(async () => {
    it = await ProviderMarket.start();
  });
  after(() => it.close());

  const plan = (): ReturnType<typeof planJob> => planJob(it.world.model.program, CUT);

  async function assigned(seed: number): Promise<Known> {
    const input = createPrng(seed).bytes(plan().inputBytes);
    const job = await it.post({ input });
    await it.assign(job);
    const output = outputOf(it.world.model, plan(), input);
    return { job, input, output, stateIds: partIdsOf(plan(), output) };
  }

  async function assignment(job: Uint8Array): Promise<Assignment> {
    const { assignments } = await it.market.look();
    return (
      assignments.find(({ attempt }) => bytesEqual(attempt.terms.job, job)) ?? assert.fail('it is assigned')
    );
  }

  async function commit({ job, stateIds }: Known): Promise<void> {
    const { terms } = it.attempt(job);
    await it.market.commit(terms, commitmentTo(terms, JOB_KEY, stateIds));
    await it.blocks(() => it.phase(job) === 'SEALING');
  }

  function pieces(known: Known, of: Assignment): Promise<Piece[]> {
    const { stateIds, output, input } = known;
    return missingPieces(of, {
      ...{ result: { stateIds, output }, jobKey: JOB_KEY },
      load: () => Promise.resolve({ plan: plan(), input }),
      rerun: () => assert.fail('a batch is not run again'),
    });
  }

  const codeOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'done',
      (error: unknown) => (error instanceof ClientError ? [error.code, error.data['error']] : error),
    );

  test('shows offers, claims and assignments with all that a provider acts by', async () => {
    const input = createPrng(1).bytes(plan().inputBytes);
    const job = await it.post({ input });
    const open = await it.market.look();
    const offer = open.offers.find((each) => bytesEqual(each.job, job)) ?? assert.fail('it is offered');
    assert.deepEqual(offer.source, it.world.model.program.hash);
    assert.deepEqual(offer.segmentation, CUT);
    assert.deepEqual(offer.input, blobIdOf(input));
    assert.equal(offer.maxPriceWei, WEI_PER_OGPU);
    assert.ok(offer.bondWei > 0n && offer.workUnits > 0n && offer.memoryBytes > 0);
    assert.equal(open.freeLockupWei, 5_000n * WEI_PER_OGPU);
    assert.ok(Math.abs(open.now.timeMs - Date.now()) < 60_000, 'it is now, not when the last block was made');

    await it.market.claim(job, WEI_PER_OGPU);
    const claimed = await it.market.look();
    assert.deepEqual(
      claimed.claims.map((each) => each.job),
      [job],
    );
    assert.equal(claimed.offers.length, 0);
    await it.drawn(job);

    const { attempt, publishedItems } = await assignment(job);
    const known = it.attempt(job);
    assert.deepEqual(attempt.terms, known.terms);
    assert.deepEqual([attempt.phase, attempt.deadline, attempt.round], ['CLAIMED', known.deadline, 0]);
    assert.deepEqual(publishedItems, []);
    assert.equal((await it.market.look()).freeLockupWei, 5_000n * WEI_PER_OGPU - known.terms.bondWei);
    await it.market.release(attempt.terms);
    assert.equal(it.attempt(job).ending, 'INPUT_UNAVAILABLE');
    assert.deepEqual((await it.market.look()).assignments, []);
  });

  test('takes commitment and unsealing; the attempt is paid', async () => {
    const known = await assigned(2);
    const { job, output, stateIds } = known;
    await commit(known);
    assert.ok((await assignment(job)).attempt.commitment);
    await it.world.judge(job);
    assert.equal(it.phase(job), 'UNSEALING');
    const { attempt } = await assignment(job);
    assert.equal(attempt.unsealed, undefined);
    await it.market.unseal(attempt.terms, unsealingOf(attempt, JOB_KEY, stateIds, blobIdOf(output)));
    assert.deepEqual((await assignment(job)).attempt.unsealed, it.attempt(job).unsealed);
    await it.world.judge(job);
    assert.equal(it.attempt(job).ending, 'CONFIRMED');
  });

  test('inputs that verifiers miss are published piece by piece, and none twice', async () => {
    const known = await assigned(3);
    const { job } = known;
    await commit(known);
    await it.world.judge(job, ({ terms }, { round }) => plainEntry(terms, AUDIT_UNAVAILABLE, round));
    assert.equal(it.phase(job), 'PUBLISHING');
    const first = await assignment(job);
    const all = await pieces(known, first);
    assert.equal(all.length, it.attempt(job).segments.length);
    await it.market.publish(first.attempt.terms, all.slice(0, 2));
    const second = await assignment(job);
    assert.deepEqual(
      second.publishedItems,
      all.slice(0, 2).map(({ item }) => item),
    );
    const rest = await pieces(known, second);
    assert.equal(rest.length, all.length - 2);
    await it.market.publish(second.attempt.terms, [...all.slice(0, 1), ...rest]);
    assert.equal(it.phase(job), 'SEALING', 'what is there already is passed over');
    await it.world.judge(job);
    assert.equal(it.phase(job), 'UNSEALING');
  });

  test('an output that verifiers miss is published whole', async () => {
    const known = await assigned(4);
    const { job, output, stateIds } = known;
    await commit(known);
    await it.world.judge(job);
    const { attempt } = await assignment(job);
    await it.market.unseal(attempt.terms, unsealingOf(attempt, JOB_KEY, stateIds, blobIdOf(output)));
    await it.world.judge(job, (now, duty, validator) => {
      if (duty.kind !== 'reveal') return undefined;
      const { round, segments } = duty;
      const answers = segments.map((segment) => stateIds[segment] ?? assert.fail());
      return revealEntry(now, { validator, round, segments, answers, nonce: JOB_KEY }, false);
    });
    assert.equal(it.phase(job), 'PUBLISHING');
    const asked = await assignment(job);
    const all = await pieces(known, asked);
    assert.equal(all.length, plan().segments);
    await it.market.publish(asked.attempt.terms, all);
    assert.equal(it.attempt(job).ending, 'CONFIRMED');
  });

  test('what the ledger refuses has its error and costs nothing', async () => {
    const job = await it.post();
    assert.deepEqual(await codeOf(it.market.claim(job, 2n * WEI_PER_OGPU)), [
      'CALL_REVERTED',
      'PriceTooHigh',
    ]);
    assert.deepEqual(await codeOf(it.market.claim(new Uint8Array(32), 1n)), ['CALL_REVERTED', 'UnknownJob']);
    const subject = { chainId: 1, job, attempt: 0 };
    const early = it.market.commit(subject, { root: JOB_KEY, keyCommitment: JOB_KEY });
    assert.deepEqual(await codeOf(early), ['CALL_REVERTED', 'Refused']);
    const stranger = rpcMarket(it.rpc, it.sender(), walletOf(it.world.chain, 2).address);
    assert.deepEqual(await codeOf(stranger.look()), ['RPC_REFUSED', undefined]);
  });

  test('who may claim nothing is offered nothing', async () => {
    await it.post();
    assert.notEqual((await it.market.look()).offers.length, 0);
    await it.sender().send(providersIntent('drain', []));
    assert.deepEqual((await it.market.look()).offers, []);
    await it.sender().send(providersIntent('resume', []));
    assert.notEqual((await it.market.look()).offers.length, 0);
  });
});
