import assert from 'node:assert/strict';
import { createPublicClient, createWalletClient, http, toHex as hex, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { modules, ogpuActions, ogpuChain } from '../../client/index.js';
import { WEI_PER_OGPU } from '../../protocol/amounts.js';
import { inputIdOf } from '../../protocol/audit/job-data.js';
import { toHex } from '../../protocol/bytes.js';
import { encodeGraph } from '../../protocol/graph/encode.js';
import { planJob, segmentationWord } from '../../protocol/graph/segmentation.js';
import { uploadBlob } from '../../rpc/blobs/transfer.js';
import type { DevnetProcess } from './devnet-process.js';
import { createPrng } from './prng.js';
import { enlargingNetwork } from './tensor/programs.js';

/** How a job ended, with its attempts. */
export interface EndedJob {
  readonly phase: string;
  readonly reason: string | null;
  readonly attempts: readonly { readonly provider: string; readonly ending: string | null }[];
}

/** Somebody who posts jobs on a devnet: pictures that a small network enlarges, in nine tiles or so. */
export class DevnetJobs {
  readonly url: string;
  readonly #customer: ReturnType<typeof walletOf>;
  readonly #client: ReturnType<typeof clientOf>;
  readonly #source = enlargingNetwork(12, 4, 1);

  constructor(devnet: DevnetProcess, account = 0) {
    this.url = `http://127.0.0.1:${devnet.ports[0] ?? 0}`;
    this.#client = clientOf(this.url);
    this.#customer = walletOf(this.url, devnet.accounts[account]?.privateKey ?? assert.fail());
  }

  /** Registers the program and waits until its validators have said that they can run it. */
  async open(): Promise<void> {
    const { program, weights } = this.#source;
    await uploadBlob({ url: this.url }, weights);
    await this.#final(
      await this.#customer.writeContract({
        ...modules.sources,
        functionName: 'register',
        args: [hex(encodeGraph(program.graph))],
        value: 1_000n * WEI_PER_OGPU,
      }),
    );
    await this.until('the source is open', async () =>
      (await this.#client.getSource(toHex(program.hash))).status === 'open' ? true : undefined,
    );
  }

  /** @param seed of picture and key. @returns the id of the job */
  async post(seed: number, { full = false } = {}): Promise<Hex> {
    const segmentation = { kind: 'tiles', height: 40, width: 40, margin: 2 } as const;
    const { program } = this.#source;
    const plan = planJob(program, segmentation);
    const input = createPrng(seed).bytes(plan.inputBytes);
    const { id } = await uploadBlob({ url: this.url }, input);
    const key = toHex(createPrng(seed + 1_000_000).bytes(32));
    const terms = {
      ...{ source: toHex(program.hash), input: id, inputId: toHex(inputIdOf(plan, input)), key },
      ...{ segmentation: toHex(segmentationWord(segmentation)), segments: plan.segments, sampled: 0, full },
      ...{ maxPriceWei: WEI_PER_OGPU, auditFeeWei: WEI_PER_OGPU, valueWei: WEI_PER_OGPU },
      ...{ quoteUntilMs: 0n, deadlineMs: BigInt(Date.now() + 600_000) },
    };
    await this.#final(
      await this.#customer.writeContract({
        ...modules.jobs,
        functionName: 'post',
        args: [terms],
        value: 2n * WEI_PER_OGPU,
      }),
    );
    const args = [this.#customer.account.address, key] as const;
    return this.#client.readContract({ ...modules.jobs, functionName: 'jobId', args });
  }

  /** The phase of a job's last attempt; undefined before the first. */
  async phase(job: Hex): Promise<string | undefined> {
    const { attempts } = await this.#client.getJob(job);
    return attempts === 0 ? undefined : (await this.#client.getAudit(job, attempts - 1)).phase;
  }

  async ended(job: Hex): Promise<EndedJob> {
    const found = await this.until('the job ends', async () => {
      const now = await this.#client.getJob(job);
      return now.phase === 'OPEN' || now.phase === 'ASSIGNED' ? undefined : now;
    });
    const attempts = await Promise.all(
      Array.from({ length: found.attempts }, (_, number) => this.#client.getAudit(job, number)),
    );
    return {
      ...{ phase: found.phase, reason: found.reason },
      attempts: attempts.map(({ provider, ending }) => ({ provider, ending })),
    };
  }

  async until<T>(what: string, look: () => Promise<T | undefined>, waitMs = 120_000): Promise<T> {
    const endMs = Date.now() + waitMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      assert.ok(Date.now() < endMs, `${what} in time`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #final(hash: Hex): Promise<void> {
    const { status } = await this.#client.waitForTransactionReceipt({ hash, pollingInterval: 50 });
    assert.equal(status, 'success');
  }
}

function clientOf(url: string) {
  return createPublicClient({ chain: ogpuChain('devnet', url), transport: http(url) }).extend(ogpuActions);
}

function walletOf(url: string, key: Hex) {
  const chain = ogpuChain('devnet', url);
  return createWalletClient({ account: privateKeyToAccount(key), chain, transport: http(url) });
}
