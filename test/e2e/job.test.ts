import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPublicClient, createWalletClient, http, toHex as hex, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { modules, ogpuActions, ogpuChain } from '../../client/index.js';
import { runJob } from '../../compute/job-run.js';
import { commitmentTo, unsealingOf } from '../../consensus/verification/committing.js';
import type { AttemptTerms } from '../../consensus/verification/terms.js';
import { WEI_PER_OGPU } from '../../protocol/amounts.js';
import { inputIdOf } from '../../protocol/audit/job-data.js';
import { fromHex, toHex } from '../../protocol/bytes.js';
import { encodeGraph } from '../../protocol/graph/encode.js';
import { planJob, segmentationWord } from '../../protocol/graph/segmentation.js';
import { uploadBlob } from '../../rpc/blobs/transfer.js';
import { startDevnetProcess } from '../support/devnet-process.js';
import { createPrng } from '../support/prng.js';
import { enlargingNetwork } from '../support/tensor/programs.js';

test(
  'a job is posted, run, judged by four validators on their own, and paid',
  { timeout: 300_000 },
  async (t) => {
    const devnet = await startDevnetProcess(4);
    t.after(() => devnet.close());
    const [urlA = '', urlB = ''] = devnet.ports.map((port) => `http://127.0.0.1:${port}`);
    const chain = ogpuChain('devnet', urlA);
    const transport = http(urlA);
    const client = createPublicClient({ chain, transport }).extend(ogpuActions);
    const walletOf = (index: number): ReturnType<typeof makeWallet> =>
      makeWallet(devnet.accounts[index]?.privateKey ?? assert.fail());
    const makeWallet = (key: Hex) =>
      createWalletClient({ account: privateKeyToAccount(key), chain, transport });
    const [customer, provider] = [walletOf(0), walletOf(1)];
    const final = async (hash: Hex): Promise<void> => {
      const { status } = await client.waitForTransactionReceipt({ hash, pollingInterval: 50 });
      assert.equal(status, 'success');
    };
    const until = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
      const startMs = Date.now();
      for (;;) {
        const found = await look();
        if (found !== undefined) return found;
        assert.ok(Date.now() - startMs < 60_000, `${what} in time`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };

    const { program, weights } = enlargingNetwork(12, 4, 1);
    const source = toHex(program.hash);
    const ofWeights = await uploadBlob({ url: urlA }, weights);
    assert.equal(ofWeights.id, toHex(program.graph.weightsHash));
    await final(
      await customer.writeContract({
        ...modules.sources,
        functionName: 'register',
        args: [hex(encodeGraph(program.graph))],
        value: 1_000n * WEI_PER_OGPU,
      }),
    );
    await final(
      await provider.writeContract({
        ...modules.providers,
        functionName: 'register',
        args: ['gpus', [{ vendor: 'none', model: 'reference', vramMiB: 1024, count: 1 }], []],
        value: 2_000n * WEI_PER_OGPU,
      }),
    );
    await until('the source is open', async () =>
      (await client.getSource(source)).status === 'open' ? true : undefined,
    );

    const segmentation = { kind: 'tiles', height: 40, width: 40, margin: 2 } as const;
    const plan = planJob(program, segmentation);
    const input = createPrng(5).bytes(plan.inputBytes);
    const inputBlob = await uploadBlob({ url: urlA }, input);
    const key = toHex(createPrng(6).bytes(32));
    const terms = {
      ...{ source, input: inputBlob.id, inputId: toHex(inputIdOf(plan, input)), key },
      ...{
        segmentation: toHex(segmentationWord(segmentation)),
        segments: plan.segments,
        sampled: 0,
        full: false,
      },
      ...{ maxPriceWei: WEI_PER_OGPU, auditFeeWei: WEI_PER_OGPU, valueWei: WEI_PER_OGPU },
      ...{ quoteUntilMs: 0n, deadlineMs: BigInt(Date.now() + 600_000) },
    };
    const job = await client.readContract({
      ...modules.jobs,
      functionName: 'jobId',
      args: [customer.account.address, key],
    });
    const startedMs = Date.now();
    await final(
      await customer.writeContract({
        ...modules.jobs,
        functionName: 'post',
        args: [terms],
        value: 2n * WEI_PER_OGPU,
      }),
    );
    const before = await client.getBalance({ address: provider.account.address });
    await final(
      await provider.writeContract({ ...modules.jobs, functionName: 'claim', args: [job, WEI_PER_OGPU] }),
    );
    await until('the claim is drawn', async () =>
      (await client.getJob(job)).attempts > 0 ? true : undefined,
    );
    const [assignment = assert.fail()] = (await client.getAssignments(provider.account.address)).assignments;
    const attemptTerms = {
      ...{
        chainId: chain.id,
        job: fromHex(job),
        attempt: assignment.audit.attempt,
        kind: assignment.terms.kind,
      },
      ...{ segments: plan.segments, sampled: assignment.terms.sampled, full: assignment.terms.full },
    } as AttemptTerms;
    const result = await runJob(
      { plan, weights, input },
      { executor: 'reference', wallMs: 60_000, signal: t.signal },
    );
    const jobKey = createPrng(7).bytes(32);
    const { root, keyCommitment } = commitmentTo(attemptTerms, jobKey, result.stateIds);
    const zero = toHex(new Uint8Array(32));
    await final(
      await provider.writeContract({
        ...modules.jobs,
        functionName: 'commit',
        args: [job, toHex(root), toHex(keyCommitment), zero, zero, []],
      }),
    );
    const committedMs = Date.now();
    const judged = await until('the seats have sealed', async () => {
      const audit = await client.getAudit(job, 0);
      return audit.phase === 'UNSEALING' ? audit : undefined;
    });
    t.diagnostic(`sealed after ${Date.now() - committedMs} ms by ${judged.seats.length} seats`);
    // The provider keeps its output at another node than the client asks.
    const output = await uploadBlob({ url: urlB }, result.output);
    const unsealing = unsealingOf(
      { terms: attemptTerms, segments: judged.segments },
      jobKey,
      result.stateIds,
      fromHex(output.id),
    );
    await final(
      await provider.writeContract({
        ...modules.jobs,
        functionName: 'unseal',
        args: [
          ...([job, toHex(unsealing.jobKey), toHex(unsealing.outputRoot), output.id] as const),
          unsealing.answers.map(toHex),
          unsealing.branches.map((branch) => branch.map(toHex)),
        ],
      }),
    );
    const ended = await until('the job ends', async () => {
      const found = await client.getJob(job);
      return found.phase === 'OPEN' || found.phase === 'ASSIGNED' ? undefined : found;
    });
    t.diagnostic(`final ${Date.now() - startedMs} ms after it was posted`);
    assert.equal(ended.phase, 'SETTLED');
    assert.equal(ended.reason, 'PAID');
    const audit = await client.getAudit(job, 0);
    assert.equal(audit.ending, 'CONFIRMED');
    assert.ok(
      audit.seats.every(({ status }) => status === 'revealed'),
      JSON.stringify(audit.seats),
    );
    assert.equal(audit.seats.length, 4);
    assert.ok((await client.getBalance({ address: provider.account.address })) > before);
  },
);
