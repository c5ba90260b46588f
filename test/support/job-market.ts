import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_BLOB_LIMITS } from '../../compute/blobs/store.js';
import { writeModelFolder } from '../../compute/import/model-folder.js';
import { executeProgram } from '../../compute/reference/execute.js';
import type { Attempt } from '../../consensus/verification/attempt.js';
import { commitmentTo, unsealingOf } from '../../consensus/verification/committing.js';
import type { Duty } from '../../consensus/verification/duties.js';
import { revealEntry, sealEntry } from '../../consensus/verification/statements.js';
import { blobDesk } from '../../node/blobs/desk.js';
import { BlobService } from '../../node/blobs/service.js';
import { compileFunction, encodeCall } from '../../protocol/abi/items.js';
import type { AbiValue } from '../../protocol/abi/types.js';
import { WEI_PER_OGPU } from '../../protocol/amounts.js';
import { partIdsOf } from '../../protocol/audit/job-data.js';
import { auditRecordSignBytes } from '../../protocol/audit/seal.js';
import { blobIdOf } from '../../protocol/blob.js';
import { fromHex, toHex, type Hex } from '../../protocol/bytes.js';
import { bls } from '../../protocol/crypto/bls.js';
import { buildGraph } from '../../protocol/graph/builder.js';
import { openProgram, type Program } from '../../protocol/graph/check.js';
import { encodeGraph } from '../../protocol/graph/encode.js';
import { proveProgram } from '../../protocol/graph/prove.js';
import { planJob, decodeSegmentation, type JobPlan } from '../../protocol/graph/segmentation.js';
import { placePart, segmentItems, segmentPart } from '../../protocol/graph/segments.js';
import { PRESETS } from '../../protocol/presets.js';
import { signedAuditEntryCodec, type AuditEntry } from '../../protocol/types/audit.js';
import { uploadBlob } from '../../rpc/blobs/transfer.js';
import { jobs, phaseOf } from '../../state/jobs/job.js';
import { attemptOf, dutiesOf } from '../../state/jobs/reading.js';
import { jobsModule } from '../../state/modules/jobs.js';
import type { Module } from '../../state/modules/module.js';
import { providersModule } from '../../state/modules/providers.js';
import { sourcesModule } from '../../state/modules/sources.js';
import { chainIdentityAt, paramsRecord } from '../../state/system/chain.js';
import { RpcChain } from './rpc-chain.js';
import { richOf, signedBy } from './rpc-wallet.js';
import type { Member } from './solo-chain.js';

/** What a provider hands out in place of its output. */
export interface Forgery {
  readonly output: Uint8Array;
}

/** What a validator says of an attempt. */
export type Saying = (attempt: Attempt, duty: Duty, validator: Uint8Array) => AuditEntry | undefined;

/** Which of the rich is a provider. */
export const PROVIDER = 6;
const RELAY = 5;

const MINUTES_MS = 10 * 60_000;

/** Devnet's rules, with few blocks to wait for and windows that no slow machine misses: they end when everybody has spoken. */
const PARAMS = {
  ...PRESETS.devnet.params,
  jobs: {
    ...PRESETS.devnet.params.jobs,
    ...{ windowBlocks: 2, seedDelayBlocks: 2 },
    ...{ commitWindowMs: MINUTES_MS, sealWindowMs: MINUTES_MS },
    ...{ unsealWindowMs: MINUTES_MS, revealWindowMs: MINUTES_MS },
  },
};

/** Program, weights and the folder of a model that inverts grey pictures and doubles their size, in tiles of 6 by 6 with a margin of 1. */
export interface TinyModel {
  readonly program: Program;
  readonly graph: Uint8Array;
  readonly weights: Uint8Array;
}

export function tinyModel(seed = 255): TinyModel {
  const builder = buildGraph();
  const x = builder.input({ type: 'uint8', shape: [1, 6, 6, 1] });
  const inverse = Uint8Array.from({ length: 256 }, (_, value) => (seed - value) & 0xff);
  const table = builder.constant({ type: 'uint8', shape: [256] }, inverse);
  const inverted = builder.node('lookup', { x, table }, {});
  const large = { height: 12, width: 12, mode: 'nearest', grid: 'asymmetric' } as const;
  const { graph, weights } = builder.finish([builder.node('resize', { x: inverted }, large)]);
  return { program: openProgram(graph), graph: encodeGraph(graph), weights };
}

export async function writeTinyModel(folder: string, { program, graph, weights }: TinyModel): Promise<void> {
  const port = { type: 'uint8', scale: 0.5, zero: 0 } as const;
  await writeModelFolder(folder, {
    ...{ graph, weights },
    manifest: {
      ...{ format: 'ogpu-model', version: 1, precision: 'int8', margin: 1, source: {}, samples: 1 },
      ...{ program: toHex(program.hash), weights: toHex(program.graph.weightsHash) },
      inputs: [{ name: 'x', shape: [1, 6, 6, 1], ...port }],
      outputs: [{ name: 'y', shape: [1, 12, 12, 1], ...port }],
    },
  });
}

/** What a model makes of the input of a job, by the reference. */
export function outputOf({ program, weights }: TinyModel, plan: JobPlan, input: Uint8Array): Uint8Array {
  const proven = proveProgram(program, weights);
  const output = new Uint8Array(plan.outputBytes);
  for (let index = 0; index < plan.segments; index++) {
    const made = executeProgram(proven, segmentItems(plan, input, index));
    placePart(plan, output, segmentPart(plan, made, index), index);
  }
  return output;
}

/** A chain with blobs and a model, on which provider and validators do what they would as nodes: by transactions. */
export class JobMarket {
  readonly chain: RpcChain;
  readonly model: TinyModel;
  readonly #blobs: BlobService;
  readonly #folder: string;

  private constructor(chain: RpcChain, model: TinyModel, blobs: BlobService, folder: string) {
    this.chain = chain;
    this.model = model;
    this.#blobs = blobs;
    this.#folder = folder;
  }

  static async start(model = tinyModel()): Promise<JobMarket> {
    const folder = await mkdtemp(join(tmpdir(), 'ogpu-market-'));
    const blobs = await BlobService.open({
      ...{ folder, limits: DEFAULT_BLOB_LIMITS, keepMs: 1e9, fetchTimeoutMs: 500, network: () => undefined },
      onFailure: (error) => assert.fail(String(error)),
    });
    const chain = await RpcChain.start({
      ...{ validators: 2, params: PARAMS, blobs: blobDesk(blobs) },
      server: { blobs: { uploads: 'operator' } },
    });
    const market = new JobMarket(chain, model, blobs, folder);
    const register = ['tiny', [['amd', 'mi300x', 196_608n, 1n]], []] as const;
    await market.send(PROVIDER, providersModule, 'register', register, 5_000n * WEI_PER_OGPU);
    return market;
  }

  async close(): Promise<void> {
    await this.chain.close();
    await this.#blobs.close();
    await rm(this.#folder, { recursive: true });
  }

  /** Every validator says that it can run a program. */
  async attest(source: Uint8Array): Promise<void> {
    for (const { owner, ownerSecretKey } of this.chain.members) {
      const account = { address: toHex(owner), privateKey: toHex(ownerSecretKey) };
      await this.#transfer(owner);
      await this.#sendAs(account, sourcesModule, 'attest', [source, owner, 1n]);
    }
  }

  /** A call by somebody rich. */
  send(
    from: number,
    module: Module,
    name: string,
    values: readonly AbiValue[],
    valueWei = 0n,
  ): Promise<void> {
    return this.#sendAs(richOf(this.chain, from), module, name, values, valueWei);
  }

  /** Plays a job until it has ended: one provider claims it, and validators judge it. */
  async play(id: Hex, forgery?: Forgery): Promise<void> {
    const job = fromHex(id);
    for (let steps = 0; steps < 200; steps++) {
      const found = jobs.read(this.chain.store, job);
      const phase = phaseOf(found);
      if (phase !== 'OPEN' && phase !== 'ASSIGNED') return;
      if (phase === 'OPEN') await this.#claim(job, found.claims.length > 0, found.maxPriceWei);
      else await this.#step(job, attemptOf(this.chain.store, job, found.attempts - 1)?.attempt, forgery);
    }
    assert.fail('a job ends');
  }

  /** One step of an attempt. */
  async #step(job: Uint8Array, attempt: Attempt | undefined, forgery: Forgery | undefined): Promise<void> {
    assert.ok(attempt);
    switch (attempt.phase) {
      case 'CLAIMED': {
        const { root, keyCommitment } = commitmentTo(attempt.terms, JOB_KEY, await this.#parts(job));
        return this.send(PROVIDER, jobsModule, 'commit', [job, root, keyCommitment, ZERO, ZERO, []]);
      }
      case 'UNSEALING':
        return this.#unseal(job, attempt, forgery);
      case 'SEALING':
      case 'REVEALING':
        await this.judge(job);
        return;
      default:
        await this.chain.mine();
    }
  }

  async #claim(job: Uint8Array, isClaimed: boolean, priceWei: bigint): Promise<void> {
    if (!isClaimed) await this.send(PROVIDER, jobsModule, 'claim', [job, priceWei]);
    else await this.chain.mine({ stepMs: PARAMS.jobs.claimWindowMs });
  }

  async #unseal(job: Uint8Array, attempt: Attempt, forgery: Forgery | undefined): Promise<void> {
    const handedOut = forgery?.output ?? (await this.#output(job));
    await uploadBlob({ url: this.chain.server.url }, handedOut);
    const parts = await this.#parts(job);
    const { outputRoot, outputId, answers, branches } = unsealingOf(
      attempt,
      JOB_KEY,
      parts,
      blobIdOf(handedOut),
    );
    const values = [job, JOB_KEY, outputRoot, outputId, answers, branches] as readonly AbiValue[];
    await this.send(PROVIDER, jobsModule, 'unseal', values);
  }

  /** Has every validator say what it owes a job. @param say instead of what an honest one would; undefined: that */
  async judge(job: Uint8Array, say: Saying = () => undefined): Promise<void> {
    for (const member of this.chain.members) await this.#judge(member, job, say);
  }

  async #judge(member: Member, job: Uint8Array, say: Saying = () => undefined): Promise<void> {
    const { store } = this.chain;
    const parts = await this.#parts(job);
    for (const { attempt, duty } of dutiesOf(store, member.owner)) {
      const said = say(attempt, duty, member.owner);
      if (said !== undefined) await this.#submit(member, said);
      if (said !== undefined || duty.kind === 'availability') continue;
      const { round, segments } = duty;
      const answers = segments.map((segment) => parts[segment] ?? assert.fail('each segment has a part'));
      const judgement = { validator: member.owner, round, segments, answers, nonce: JOB_KEY };
      await this.#submit(
        member,
        duty.kind === 'seal' ? sealEntry(attempt.terms, judgement) : revealEntry(attempt, judgement, true),
      );
    }
  }

  #submit({ owner, blsSecretKey }: Member, entry: AuditEntry): Promise<void> {
    const { store, height } = this.chain;
    const identity = chainIdentityAt(store, paramsRecord.read(store), height + 1);
    const signature = bls.sign(blsSecretKey, auditRecordSignBytes(identity, entry));
    const record = signedAuditEntryCodec.encode({ entry, validator: owner, signature });
    return this.send(RELAY, jobsModule, 'submitRecord', [record]);
  }

  async #parts(job: Uint8Array): Promise<Uint8Array[]> {
    return partIdsOf(this.#plan(job), await this.#output(job));
  }

  /** What an honest provider comes to, from the input as it has been brought to the node. */
  async #output(job: Uint8Array): Promise<Uint8Array> {
    const { input } = jobs.read(this.chain.store, job);
    const response = await fetch(`${this.chain.server.url}/blobs/${toHex(input)}`);
    return outputOf(this.model, this.#plan(job), new Uint8Array(await response.arrayBuffer()));
  }

  #plan(job: Uint8Array): JobPlan {
    const { segmentation } = jobs.read(this.chain.store, job);
    return planJob(this.model.program, decodeSegmentation(segmentation));
  }

  async #transfer(to: Uint8Array): Promise<void> {
    await this.#submitEnvelope(richOf(this.chain, RELAY), { to, value: WEI_PER_OGPU });
  }

  async #sendAs(
    account: { readonly address: Hex; readonly privateKey: Hex },
    module: Module,
    name: string,
    values: readonly AbiValue[],
    valueWei = 0n,
  ): Promise<void> {
    const called = module.byName.get(name);
    assert.ok(called, name);
    const data = encodeCall(compileFunction(called.item), values);
    await this.#submitEnvelope(account, { to: module.address, data, value: valueWei, gasLimit: 20_000_000n });
  }

  async #submitEnvelope(
    account: { readonly address: Hex; readonly privateKey: Hex },
    changes: Parameters<typeof signedBy>[2],
  ): Promise<void> {
    const count = await this.chain.ask<Hex>('eth_getTransactionCount', [account.address, 'pending']);
    const envelope = signedBy(account, Number(count), changes);
    const receipt = await this.chain.ask<{ status: Hex }>('eth_sendRawTransactionSync', [envelope]);
    assert.equal(receipt.status, '0x1', 'calls of the market succeed');
  }
}

const ZERO = new Uint8Array(32);
const JOB_KEY = new Uint8Array(32).fill(7);
