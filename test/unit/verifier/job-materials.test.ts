import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { DEFAULT_BLOB_LIMITS } from '../../../compute/blobs/store.js';
import { runJob, type JobResult } from '../../../compute/job-run.js';
import type { Attempt } from '../../../consensus/verification/attempt.js';
import { outputRootOf } from '../../../consensus/verification/committing.js';
import { BlobService } from '../../../node/blobs/service.js';
import { JobMaterials } from '../../../node/verifier/job-materials.js';
import { MaterialsError } from '../../../node/verifier/materials.js';
import { SourceShelf } from '../../../node/verifier/source-shelf.js';
import { itemBytes } from '../../../protocol/audit/job-data.js';
import { blobIdOf } from '../../../protocol/blob.js';
import { encodeGraph } from '../../../protocol/graph/encode.js';
import {
  planJob,
  segmentationWord,
  type JobPlan,
  type Segmentation,
} from '../../../protocol/graph/segmentation.js';
import { nextValidators } from '../../../state/staking/active-set.js';
import { CLIENT, JobChain } from '../../support/jobs.js';
import { attest, registerSource } from '../../support/market.js';
import { createPrng } from '../../support/prng.js';
import { enlargingNetwork } from '../../support/tensor/programs.js';

const { program, weights } = enlargingNetwork(12, 4, 1);
const TILES = { kind: 'tiles', height: 20, width: 13, margin: 2 } as const;
const SIGNAL = new AbortController().signal;

/** A job on a real ledger, and a node with a blob store of its own and no peers. */
class Bench {
  readonly chain: JobChain;
  readonly blobs: BlobService;
  readonly plan: JobPlan = planJob(program, TILES);
  readonly input = createPrng(5).bytes(this.plan.inputBytes);
  readonly materials: JobMaterials;
  published: ReadonlyMap<number, Uint8Array> = new Map();

  constructor(chain: JobChain, blobs: BlobService) {
    this.chain = chain;
    this.blobs = blobs;
    const store = chain.ledger;
    this.materials = new JobMaterials({
      ...{ store, blobs, shelf: new SourceShelf(store, blobs), hidden: [] },
      executor: () => Promise.resolve('reference'),
      published: () => Promise.resolve(this.published),
      clock: { nowMs: () => chain.timeMs, setTimer: () => assert.fail('nothing waits') },
    });
  }

  /** An attempt of a job over an input that is cut so. */
  async attempt(key: number, input: Uint8Array, segmentation: Segmentation = TILES): Promise<Attempt> {
    const segments = BigInt(this.plan.segments);
    const word = segmentationWord(segmentation);
    const changes = { source: program.hash, input: blobIdOf(input), segmentation: word, segments };
    const id = await this.chain.post(key, changes);
    await this.chain.assign(id);
    return this.chain.attempt(id);
  }

  /** As if its provider had laid open that this is its output. */
  unsealed(attempt: Attempt, { stateIds }: JobResult, output: Uint8Array): Attempt {
    const outputRoot = outputRootOf('batch', stateIds);
    return {
      ...attempt,
      unsealed: { jobKey: new Uint8Array(32), outputRoot, outputId: blobIdOf(output), answers: [] },
    };
  }

  async bring(bytes: Uint8Array): Promise<void> {
    await this.blobs.write({ uploader: 'test', bytes: Readable.from([bytes]) });
  }

  async refusal(work: Promise<unknown>): Promise<string> {
    return work.then(
      () => assert.fail('it cannot be judged'),
      (error: unknown) => {
        assert.ok(error instanceof MaterialsError, String(error));
        return error.code;
      },
    );
  }
}

describe('what a validator judges by', { timeout: 120_000 }, () => {
  let folder = '';
  let bench: Bench;
  let result: JobResult;

  before(async () => {
    const plan = planJob(program, TILES);
    const input = createPrng(5).bytes(plan.inputBytes);
    result = await runJob(
      { plan, weights, input },
      { executor: 'reference', wallMs: 60_000, signal: SIGNAL },
    );
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ogpu-materials-'));
    const chain = await new JobChain({ checksWhole: false }).open();
    await chain.run(
      registerSource(CLIENT, encodeGraph(program.graph)),
      ...nextValidators(chain.ledger).map(({ id }) => attest(id, program.hash)),
    );
    const blobs = await BlobService.open({
      ...{ folder, limits: DEFAULT_BLOB_LIMITS, keepMs: 60_000, fetchTimeoutMs: 1_000 },
      network: () => undefined,
      onFailure: (error) => assert.fail(String(error)),
    });
    bench = new Bench(chain, blobs);
  });

  const end = async (): Promise<void> => {
    await bench.blobs.close();
    await rm(folder, { recursive: true, force: true });
  };

  test('weights and input make the answers, and stay for the job', async (t) => {
    t.after(end);
    await bench.bring(weights);
    await bench.bring(bench.input);
    const attempt = await bench.attempt(1, bench.input);
    const answers = await bench.materials.judge(attempt, [0, 2], SIGNAL);
    assert.deepEqual(answers, [result.stateIds[0], result.stateIds[2]]);
    assert.equal(bench.blobs.status(blobIdOf(bench.input)).pins.job, 1);
    assert.equal(await bench.materials.isAvailable(attempt, 'sealing', SIGNAL), true);
  });

  test('what nobody has is unavailable, so far', async (t) => {
    t.after(end);
    const attempt = await bench.attempt(1, bench.input);
    assert.equal(await bench.refusal(bench.materials.judge(attempt, [0], SIGNAL)), 'MATERIALS_UNAVAILABLE');
    await bench.bring(weights);
    assert.equal(await bench.refusal(bench.materials.judge(attempt, [0], SIGNAL)), 'MATERIALS_UNAVAILABLE');
    assert.equal(await bench.materials.isAvailable(attempt, 'sealing', SIGNAL), false);
  });

  test('what nobody has, and the provider had to put on the chain, is judged from there', async (t) => {
    t.after(end);
    await bench.bring(weights);
    const attempt: Attempt = { ...(await bench.attempt(1, bench.input)), published: ['sealing'] };
    const pieces = [1, 3].map((item) => [item, itemBytes(bench.plan, bench.input, item)] as const);
    bench.published = new Map(pieces);
    const answers = await bench.materials.judge(attempt, [1, 3], SIGNAL);
    assert.deepEqual(answers, [result.stateIds[1], result.stateIds[3]]);
    assert.equal(
      await bench.refusal(bench.materials.judge(attempt, [0, 1], SIGNAL)),
      'MATERIALS_UNAVAILABLE',
    );
    const unpublished = { ...attempt, published: [] };
    assert.equal(
      await bench.refusal(bench.materials.judge(unpublished, [1], SIGNAL)),
      'MATERIALS_UNAVAILABLE',
    );
  });

  test('an input of another length, or a cut that the program does not take, is for nobody to judge', async (t) => {
    t.after(end);
    await bench.bring(weights);
    const short = bench.input.subarray(1);
    await bench.bring(short);
    await bench.bring(bench.input);
    const poisoned = await bench.attempt(1, short);
    assert.equal(await bench.refusal(bench.materials.judge(poisoned, [0], SIGNAL)), 'MATERIALS_UNFIT');
    const miscut = await bench.attempt(2, bench.input, { ...TILES, margin: 6 });
    assert.equal(await bench.refusal(bench.materials.judge(miscut, [0], SIGNAL)), 'MATERIALS_UNFIT');
    assert.equal(await bench.materials.isAvailable(miscut, 'sealing', SIGNAL), false);
  });

  test('an output is delivered when the blob has the bytes that make its root, and only then', async (t) => {
    t.after(end);
    const attempt = await bench.attempt(1, bench.input);
    const { output } = result;
    assert.equal(await bench.materials.hasOutput(attempt, SIGNAL), false, 'nothing is laid open yet');
    const honest = bench.unsealed(attempt, result, output);
    assert.equal(await bench.materials.hasOutput(honest, SIGNAL), false, 'nobody has it');
    await bench.bring(output);
    assert.equal(await bench.materials.hasOutput(honest, SIGNAL), true);
    assert.equal(bench.blobs.status(blobIdOf(output)).pins.job, 1);
    const garbage = output.slice();
    garbage[7] = (garbage[7] ?? 0) ^ 1;
    await bench.bring(garbage);
    assert.equal(await bench.materials.hasOutput(bench.unsealed(attempt, result, garbage), SIGNAL), false);
  });

  after(() => rm(folder, { recursive: true, force: true }));
});
