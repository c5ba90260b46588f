import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Assignment } from '../../../compute/provider/market.js';
import { RpcClient } from '../../../node/client/rpc-client.js';
import { JobLoader, type JobLoaderParts } from '../../../node/provider/job-loader.js';
import { WeightsFolder } from '../../../node/provider/weights-folder.js';
import { blobIdOf } from '../../../protocol/blob.js';
import { bytesEqual, toHex } from '../../../protocol/bytes.js';
import { OgpuError } from '../../../protocol/errors.js';
import { createPrng } from '../../support/prng.js';
import { tinyModel } from '../../support/job-market.js';
import { ProviderMarket, type Poison } from '../../support/provider-market.js';
import { temporaryFolder } from '../keys/support.js';

const NEVER = new AbortController().signal;
const GIB = 2 ** 30;

describe('the data of a job', () => {
  let it: ProviderMarket;
  before(async () => {
    it = await ProviderMarket.start();
  });
  after(() => it.close());

  async function loader(t: TestContext, parts: Partial<JobLoaderParts> = {}): Promise<JobLoader> {
    const weights = await WeightsFolder.open(join(await temporaryFolder(t), 'weights'), GIB);
    const warn = (error: Error): void => assert.fail(String(error));
    const common = { rpc: it.rpc, node: { url: it.url }, maxDataBytes: GIB, signal: NEVER, onWarning: warn };
    return new JobLoader({ ...common, weights, ...parts });
  }

  async function assigned(poison: Poison = {}): Promise<Assignment> {
    const job = await it.post(poison);
    await it.assign(job);
    const { assignments } = await it.market.look();
    return (
      assignments.find(({ attempt }) => bytesEqual(attempt.terms.job, job)) ?? assert.fail('it is there')
    );
  }

  async function codeOf(work: Promise<unknown>): Promise<unknown> {
    return work.then(
      () => 'done',
      (error: unknown) => (error instanceof OgpuError ? String(error.code) : error),
    );
  }

  test('comes from the node, and is what the terms name', async (t) => {
    const input = createPrng(8).bytes(13 * 9);
    const assignment = await assigned({ input });
    const loaded = await (await loader(t)).load(assignment, NEVER);
    assert.deepEqual(loaded.input, input);
    assert.deepEqual(loaded.weights, it.world.model.weights);
    assert.equal(loaded.plan.segments, assignment.attempt.terms.segments);
    await it.market.release(assignment.attempt.terms);
  });

  test('of a poisoned job is refused, each with its own error', async (t) => {
    const own = await loader(t);
    for (const [poison, code] of [
      [{ inputId: new Uint8Array(32).fill(1) }, 'JOB_INPUT_WRONG'],
      [{ input: new Uint8Array(5), inputId: new Uint8Array(32) }, 'JOB_INPUT_WRONG'],
      [{ input: createPrng(9).bytes(13 * 9), isThere: false }, 'JOB_DATA_UNAVAILABLE'],
    ] as const) {
      const assignment = await assigned(poison);
      assert.equal(await codeOf(own.load(assignment, NEVER)), code);
      await it.market.release(assignment.attempt.terms);
    }
  });

  test('of a job whose cut the program does not take, or that is too large, is not even claimed', async (t) => {
    await it.post();
    const offer = (await it.market.look()).offers.at(-1) ?? assert.fail('one is open');
    assert.equal(await (await loader(t)).suits(offer), true);
    assert.equal(await (await loader(t, { maxDataBytes: 100 })).suits(offer), false);
    const own = await loader(t);
    for (const segmentation of [
      { kind: 'steps', count: 12 },
      { kind: 'windows', length: 1, hop: 1 },
      { kind: 'tiles', height: 9, width: 13, margin: 3 },
    ] as const)
      assert.equal(await own.suits({ ...offer, segmentation }), false, segmentation.kind);
    assert.equal(await codeOf(own.suits({ ...offer, source: new Uint8Array(32) })), 'JOB_DATA_UNAVAILABLE');
  });

  test('from a node that lies or hangs is not taken, and waited for no longer than told', async (t) => {
    const other = tinyModel(3);
    let graph = toHex(other.graph);
    const server = createServer((request, response) => {
      // Blobs hang.
      if (request.method !== 'POST') return;
      const id = toHex(it.world.model.program.hash);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { id, graph } }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await it.post();
    const offer = (await it.market.look()).offers.at(-1) ?? assert.fail('one is open');
    const lying = await loader(t, { rpc: new RpcClient(url), node: { url }, idleMs: 50 });
    assert.equal(await lying.suits(offer), false, 'another program');
    graph = '0x010203';
    assert.equal(await lying.suits(offer), false, 'no program');
    graph = toHex(it.world.model.graph);
    assert.equal(await lying.suits(offer), true);
    const assignment = await assigned();
    assert.equal(await codeOf(lying.load(assignment, NEVER)), 'JOB_DATA_UNAVAILABLE');
    await it.market.release(assignment.attempt.terms);
  });
});

describe('weights on the disk', () => {
  const blobs = [1, 2, 3].map((seed) => createPrng(seed).bytes(1_000));
  const ids = blobs.map(blobIdOf);
  const [a = assert.fail(), b = assert.fail(), c = assert.fail()] = blobs;
  const [idA = assert.fail(), idB = assert.fail(), idC = assert.fail()] = ids;

  test('are there after a restart; what was used longest ago makes room', async (t) => {
    const path = join(await temporaryFolder(t), 'weights');
    const first = await WeightsFolder.open(path, 2_000);
    await first.keep(idA, a);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await first.keep(idB, b);
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(await first.find(idA, 1_000).then((bytes) => bytes && Uint8Array.from(bytes)), a);
    await writeFile(join(path, '.half.tmp'), 'left by a crash');
    const second = await WeightsFolder.open(path, 2_000);
    assert.equal((await readdir(path)).length, 2);
    await second.keep(idC, c);
    assert.equal(await second.find(idB, 1_000), undefined);
    assert.ok(await second.find(idA, 1_000));
    assert.ok(await second.find(idC, 1_000));
    await second.keep(blobIdOf(new Uint8Array(3_000)), new Uint8Array(3_000));
    assert.equal((await readdir(path)).length, 2, 'what is larger than all the room is not kept');
    const less = await WeightsFolder.open(path, 1_000);
    assert.equal((await readdir(path)).length, 1, 'there is less room now');
    assert.ok(await less.find(idC, 1_000));
  });

  test('that are damaged are none', async (t) => {
    const path = join(await temporaryFolder(t), 'weights');
    const folder = await WeightsFolder.open(path, 2_000);
    await folder.keep(idA, a);
    const file = join(path, toHex(idA).slice(2));
    const bytes = await readFile(file);
    bytes[7] = (bytes[7] ?? 0) ^ 1;
    await writeFile(file, bytes);
    assert.equal(await folder.find(idA, 1_000), undefined);
    assert.deepEqual(await readdir(path), []);
  });
});
