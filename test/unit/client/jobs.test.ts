import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createPublicClient, createWalletClient, http, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import {
  JobError,
  jobIdFor,
  jobKeyOf,
  jobResult,
  modules,
  ogpuActions,
  ogpuChain,
  postJob,
  prepareJob,
  registerSource,
  waitForSource,
  watchJob,
  type NewJob,
  type PreparedJob,
} from '../../../client/index.js';
import { blobIdOf } from '../../../protocol/blob.js';
import { toHex } from '../../../protocol/bytes.js';
import { createPrng } from '../../support/prng.js';
import { JobMarket, outputOf, tinyModel } from '../../support/job-market.js';
import { richOf } from '../../support/rpc-wallet.js';

const OTHER_MODEL = tinyModel(7);
const INPUT = createPrng(3).bytes(13 * 9);

describe('jobs by a wallet over JSON-RPC', () => {
  let market: JobMarket;
  const setUp = () => {
    const settings = { chain: ogpuChain('devnet', market.chain.server.url), transport: http() };
    const wallet = createWalletClient({
      ...{ ...settings, pollingInterval: 20 },
      account: privateKeyToAccount(richOf(market.chain, 0).privateKey),
    });
    const client = createPublicClient({ ...settings, pollingInterval: 20 }).extend(ogpuActions);
    return { wallet, client, node: { url: market.chain.server.url } };
  };
  let it: ReturnType<typeof setUp>;

  /** A picture of 13 by 9 pixels: 4 by 3 tiles of 4 by 4. */
  const picture = (changes: Partial<NewJob> = {}): NewJob => ({
    program: market.model.graph,
    segmentation: { kind: 'tiles', height: 9, width: 13, margin: 1 },
    input: INPUT,
    ...changes,
  });
  const prepare = (changes: Partial<NewJob> = {}): Promise<PreparedJob> =>
    prepareJob(it.client, picture(changes));
  const code = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'done',
      (error: unknown) =>
        error instanceof JobError ? [error.code, error.data['error'] ?? error.data['what']] : error,
    );

  before(async () => {
    market = await JobMarket.start();
    it = setUp();
    const { graph: program, weights } = market.model;
    const { id } = await registerSource(it.wallet, { program, weights }, it.node);
    assert.equal(id, toHex(market.model.program.hash));
    await market.attest(market.model.program.hash);
    await waitForSource(it.client, id);
  });
  after(() => market.close());

  test('a registered program is not registered twice; other weights are refused', async () => {
    const { graph: program, weights } = market.model;
    const again = await registerSource(it.wallet, { program, weights }, it.node);
    assert.equal(again.receipt, undefined);
    const other = registerSource(it.wallet, { program, weights: OTHER_MODEL.weights }, it.node);
    assert.deepEqual(await code(other), ['WEIGHTS_MISMATCH', undefined]);
  });

  test('what is computed before is what the ledger has', async () => {
    const prepared = await prepare({ key: jobKeyOf('first'), full: true });
    const { id, receipt } = await postJob(it.wallet, prepared, it.node);
    assert.equal(receipt?.status, 'success');
    const { chain, account } = it.wallet;
    const args = [account.address, toHex(prepared.terms.key)] as const;
    const told = await it.client.readContract({ ...modules.jobs, functionName: 'jobId', args });
    assert.deepEqual([id, id], [told, jobIdFor(chain, account, prepared.terms.key)]);
    const job = await it.client.getJob(id);
    assert.equal(job.client, account.address);
    assert.deepEqual([job.source, job.input], [toHex(market.model.program.hash), toHex(blobIdOf(INPUT))]);
    assert.equal(job.inputId, toHex(prepared.terms.inputId));
    assert.deepEqual([job.segments, job.full, job.sampled], [12, true, 4]);
    assert.deepEqual(job.segmentation, { kind: 'tiles', height: 9, width: 13, margin: 1 });
    assert.equal(job.escrowWei, prepared.escrowWei.toString());
    assert.equal(job.valueWei, job.maxPriceWei);
    assert.equal((await it.client.getBlob(job.input as Hex)).state, 'whole');
  });

  for (const changes of [{}, { full: true }, { sampled: 6 }, { valueWei: 1_000n * 10n ** 18n }]) {
    const name = JSON.stringify(changes, (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}` : value,
    );
    test(`the audit fee is exact: one wei less is refused: ${name}`, async () => {
      const prepared = await prepare(changes);
      const { auditFeeWei } = prepared.terms;
      const poor = await prepare({ ...changes, auditFeeWei: auditFeeWei - 1n });
      const refused: unknown = await postJob(it.wallet, poor, it.node).catch((error: unknown) => error);
      assert.ok(refused instanceof JobError);
      assert.deepEqual(
        [refused.code, refused.data['error'], refused.data['args']],
        ['CALL_REFUSED', 'AuditFeeTooLow', [auditFeeWei, auditFeeWei - 1n]],
      );
      assert.equal((await postJob(it.wallet, prepared, it.node)).receipt?.status, 'success');
    });
  }

  test('the same key twice is one job, and of something else is refused', async () => {
    const prepared = await prepare({ key: jobKeyOf('twice') });
    const first = await postJob(it.wallet, prepared, it.node);
    const balance = await it.client.getBalance({ address: it.wallet.account.address });
    const again = await postJob(it.wallet, await prepare({ key: jobKeyOf('twice') }), it.node);
    assert.deepEqual(again, { id: first.id, receipt: undefined });
    assert.equal(await it.client.getBalance({ address: it.wallet.account.address }), balance);
    const other = await prepare({ key: jobKeyOf('twice'), input: createPrng(4).bytes(INPUT.length) });
    assert.deepEqual(await code(postJob(it.wallet, other, it.node)), ['JOB_KEY_USED', undefined]);
  });

  test('a source that is not registered, or not open yet, is told before anything is sent', async () => {
    const unknown = await prepare({ program: OTHER_MODEL.graph });
    assert.deepEqual(await code(postJob(it.wallet, unknown, it.node)), ['SOURCE_UNKNOWN', undefined]);
    const { graph: program, weights } = OTHER_MODEL;
    const { id } = await registerSource(it.wallet, { program, weights }, it.node);
    assert.deepEqual(await code(postJob(it.wallet, unknown, it.node)), ['SOURCE_NOT_OPEN', undefined]);
    const soon = waitForSource(it.client, id, { pollMs: 5, timeoutMs: 20 });
    assert.deepEqual(await code(soon), ['SOURCE_NOT_OPEN', undefined]);
  });

  test('a job is watched to its end, and its result is what the model makes', async () => {
    const prepared = await prepare();
    const { id } = await postJob(it.wallet, prepared, it.node);
    assert.deepEqual(await code(jobResult(it.client, id, it.node)), ['JOB_NOT_SETTLED', undefined]);
    const changes = watchJob(it.client, id, { pollMs: 5 });
    const first = await changes.next();
    assert.equal(first.value?.phase, 'OPEN');
    const playing = market.play(id);
    let last = first.value;
    for await (const seen of changes) last = seen;
    await playing;
    assert.deepEqual([last.phase, last.reason, last.attempt?.phase], ['SETTLED', 'PAID', 'ACCEPTED']);
    const { output, attempt, plan } = await jobResult(it.client, id, it.node);
    assert.equal(attempt, 0);
    assert.deepEqual(output, outputOf(market.model, plan, INPUT));
    assert.deepEqual(output.subarray(0, 2), Uint8Array.of(255 - (INPUT[0] ?? 0), 255 - (INPUT[0] ?? 0)));
  });

  test('an output that was not judged is found out, also where its blob is the one that was named', async () => {
    const prepared = await prepare();
    const { id } = await postJob(it.wallet, prepared, it.node);
    await market.play(id, { output: createPrng(9).bytes(prepared.plan.outputBytes) });
    assert.equal((await it.client.getJob(id)).phase, 'SETTLED');
    assert.deepEqual(await code(jobResult(it.client, id, it.node)), ['RESULT_MISMATCH', 'output']);
    const short = await postJob(it.wallet, await prepare(), it.node);
    await market.play(short.id, { output: new Uint8Array(5) });
    assert.deepEqual(await code(jobResult(it.client, short.id, it.node)), ['RESULT_MISMATCH', 'length']);
    const options = { program: OTHER_MODEL.program };
    assert.deepEqual(await code(jobResult(it.client, id, it.node, options)), ['RESULT_MISMATCH', 'program']);
    const small = { maxOutputBytes: 10 };
    assert.deepEqual(await code(jobResult(it.client, id, it.node, small)), ['RESULT_TOO_LARGE', undefined]);
  });

  test('an unknown job, and watching without end', async () => {
    const unknown: Hex = `0x${'4e'.repeat(32)}`;
    assert.deepEqual(await code(jobResult(it.client, unknown, it.node)), ['JOB_UNKNOWN', undefined]);
    const { id } = await postJob(it.wallet, await prepare(), it.node);
    const watching = async (timeoutMs: number, signal?: AbortSignal): Promise<void> => {
      for await (const { phase } of watchJob(it.client, id, { pollMs: 5, timeoutMs, signal }))
        assert.equal(phase, 'OPEN');
    };
    assert.deepEqual(await code(watching(20)), ['JOB_NOT_ENDED', undefined]);
    const reason = new Error('enough');
    assert.equal(await code(watching(60_000, AbortSignal.abort(reason))), reason);
  });

  test('a job that was cancelled has no result', async () => {
    const { id } = await postJob(it.wallet, await prepare(), it.node);
    const hash = await it.wallet.writeContract({ ...modules.jobs, functionName: 'cancel', args: [id] });
    await it.client.waitForTransactionReceipt({ hash });
    const error: unknown = await jobResult(it.client, id, it.node).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof JobError);
    assert.deepEqual(
      [error.code, error.data['phase'], error.data['reason']],
      ['JOB_NOT_SETTLED', 'CANCELLED', 'CANCELLED_BY_CLIENT'],
    );
  });

  test('a job whose record is dropped is told from one that never was, and its key is not used again', async () => {
    const prepared = await prepare({ key: jobKeyOf('long ago') });
    const { id } = await postJob(it.wallet, prepared, it.node);
    await market.play(id);
    const { retentionMs = 0 } = (await it.client.getParams()).jobs;
    for (let blocks = 0; blocks < 4; blocks++) await market.chain.mine({ stepMs: Number(retentionMs) });
    assert.deepEqual(await code(jobResult(it.client, id, it.node)), ['JOB_FORGOTTEN', undefined]);
    // The chain is ahead of this machine's clock: the deadline is counted from its last block.
    const again = await prepare({ key: jobKeyOf('long ago') });
    assert.deepEqual(await code(postJob(it.wallet, again, it.node)), ['CALL_REFUSED', 'JobForgotten']);
    assert.equal((await postJob(it.wallet, await prepare(), it.node)).receipt?.status, 'success');
  });

  test('a program that its owner has retired takes no jobs', async () => {
    const source = toHex(market.model.program.hash);
    const hash = await it.wallet.writeContract({
      ...modules.sources,
      functionName: 'retire',
      args: [source],
    });
    await it.client.waitForTransactionReceipt({ hash });
    assert.deepEqual(await code(postJob(it.wallet, await prepare(), it.node)), ['SOURCE_RETIRED', undefined]);
    assert.deepEqual(await code(waitForSource(it.client, source)), ['SOURCE_RETIRED', undefined]);
  });
});
