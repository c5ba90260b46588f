import assert from 'node:assert/strict';
import type { Market } from '../../compute/provider/market.js';
import { RpcClient } from '../../node/client/rpc-client.js';
import { Sender } from '../../node/client/sender.js';
import type { Wallet } from '../../node/client/wallet.js';
import { rpcMarket } from '../../node/provider/rpc-market.js';
import { WEI_PER_OGPU } from '../../protocol/amounts.js';
import { inputIdOf } from '../../protocol/audit/job-data.js';
import { blobIdOf } from '../../protocol/blob.js';
import { fromHex } from '../../protocol/bytes.js';
import { planJob, segmentationWord, type Segmentation } from '../../protocol/graph/segmentation.js';
import { PRESETS } from '../../protocol/presets.js';
import { uploadBlob } from '../../rpc/blobs/transfer.js';
import { jobIdOf, jobs } from '../../state/jobs/job.js';
import { attemptOf } from '../../state/jobs/reading.js';
import { jobsModule } from '../../state/modules/jobs.js';
import { sourcesModule } from '../../state/modules/sources.js';
import type { Attempt } from '../../consensus/verification/attempt.js';
import { JobMarket, PROVIDER } from './job-market.js';
import { createPrng } from './prng.js';
import { richOf } from './rpc-wallet.js';
import type { RpcChain } from './rpc-chain.js';

export const CUSTOMER = 1;
export const CUT = { kind: 'tiles', height: 9, width: 13, margin: 1 } as const;

/** A posted job is not what it seems. */
export interface Poison {
  readonly segmentation?: Segmentation;
  readonly segments?: number;
  readonly input?: Uint8Array;
  readonly inputId?: Uint8Array;
  /** The blob is brought to the node. */
  readonly isThere?: boolean;
  readonly full?: boolean;
}

export function walletOf(chain: RpcChain, index: number): Wallet {
  const { address, privateKey } = richOf(chain, index);
  return { address: fromHex(address), secretKey: fromHex(privateKey) };
}

/** A market with an open source, its provider as it acts over JSON-RPC, and somebody who posts jobs. */
export class ProviderMarket {
  readonly world: JobMarket;
  readonly rpc: RpcClient;
  readonly wallet: Wallet;
  readonly market: Market;
  #posted = 0;

  private constructor(world: JobMarket) {
    this.world = world;
    this.rpc = new RpcClient(this.url);
    this.wallet = walletOf(world.chain, PROVIDER);
    this.market = rpcMarket(this.rpc, this.sender(), this.wallet.address);
  }

  static async start(): Promise<ProviderMarket> {
    const world = await JobMarket.start();
    const { graph, program, weights } = world.model;
    await uploadBlob({ url: world.chain.server.url }, weights);
    await world.send(CUSTOMER, sourcesModule, 'register', [graph], 1_000n * WEI_PER_OGPU);
    await world.attest(program.hash);
    return new ProviderMarket(world);
  }

  get url(): string {
    return this.world.chain.server.url;
  }

  sender(): Sender {
    return new Sender(this.rpc, this.wallet, { waitMs: 10_000, pollMs: 5 });
  }

  /** @returns the id of the job */
  async post(poison: Poison = {}): Promise<Uint8Array> {
    const { program } = this.world.model;
    const { segmentation = CUT, isThere = true, full = false } = poison;
    const honest = planJob(program, CUT);
    const input = poison.input ?? createPrng(50 + this.#posted).bytes(honest.inputBytes);
    const key = new Uint8Array(32).fill(++this.#posted);
    if (isThere) await uploadBlob({ url: this.url }, input);
    const id = blobIdOf(input);
    const inputId = poison.inputId ?? inputIdOf(honest, input);
    const amounts = [WEI_PER_OGPU, WEI_PER_OGPU, 2n * WEI_PER_OGPU];
    const counts = [BigInt(poison.segments ?? honest.segments), 0n, full];
    const names = [program.hash, id, inputId, key, segmentationWord(segmentation)];
    const terms = [...names, ...counts, ...amounts, 0n, BigInt(Date.now() + 3_600_000)];
    await this.world.send(CUSTOMER, jobsModule, 'post', [terms], 2n * WEI_PER_OGPU);
    return jobIdOf(PRESETS.devnet.chainId, walletOf(this.world.chain, CUSTOMER).address, key);
  }

  /** Claims a job and lets the claim be drawn. */
  async assign(job: Uint8Array): Promise<void> {
    await this.market.claim(job, WEI_PER_OGPU);
    await this.drawn(job);
  }

  /** Makes blocks until a claim of the job is drawn. */
  drawn(job: Uint8Array): Promise<void> {
    return this.blocks(() => jobs.read(this.world.chain.store, job).attempts > 0);
  }

  /** Makes blocks until something holds. */
  async blocks(holds: () => boolean, stepMs = 1_000): Promise<void> {
    for (let count = 0; !holds(); count++) {
      assert.ok(count < 50, 'it comes in few blocks');
      await this.world.chain.mine({ stepMs });
    }
  }

  attempt(job: Uint8Array): Attempt {
    const { store } = this.world.chain;
    return attemptOf(store, job, jobs.read(store, job).attempts - 1)?.attempt ?? assert.fail('it has one');
  }

  phase(job: Uint8Array): string {
    return this.attempt(job).phase;
  }

  close(): Promise<void> {
    return this.world.close();
  }
}
