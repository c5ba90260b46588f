import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createPublicClient, createWalletClient, http, parseEther } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import {
  jobKeyOf,
  jobResult,
  ogpuActions,
  ogpuChain,
  postJob,
  prepareJob,
  registerSource,
  waitForSource,
  watchJob,
} from '../../../client/index.js';
import { JobMarket } from '../../support/job-market.js';
import { createPrng } from '../../support/prng.js';
import { richOf } from '../../support/rpc-wallet.js';
import { REPOSITORY_ROOT } from '../../support/vectors.js';

const TEXT = readFileSync(join(REPOSITORY_ROOT, 'docs', 'jobs.md'), 'utf8');

describe('docs/jobs.md', () => {
  let market: JobMarket;
  before(async () => {
    market = await JobMarket.start();
  });
  after(() => market.close());

  test('from a model to a result', async () => {
    const { url } = market.chain.server;
    const { graph: program, weights } = market.model;
    const account = privateKeyToAccount(richOf(market.chain, 0).privateKey);
    const pixels = createPrng(5).bytes(40 * 30);
    const [height, width] = [30, 40];
    const settings = { chain: ogpuChain('devnet', url), transport: http(), pollingInterval: 20 };
    const told: string[] = [];
    const console = { log: (line: string): unknown => told.push(line) };

    const node = { url };
    const client = createPublicClient(settings).extend(ogpuActions);
    const wallet = createWalletClient({ ...settings, account });

    const source = await registerSource(wallet, { program, weights }, node);
    void market.attest(market.model.program.hash);
    await waitForSource(client, source.id);

    const prepared = await prepareJob(client, {
      program,
      segmentation: { kind: 'tiles', height, width, margin: 1 },
      input: pixels,
      priceWei: parseEther('2'),
      key: jobKeyOf('picture 17'),
    });
    const { id } = await postJob(wallet, prepared, node);

    const playing = market.play(id);
    for await (const { phase, waitsFor } of watchJob(client, id)) console.log(`${phase}: ${waitsFor}`);

    const { output, provider, priceWei } = await jobResult(client, id, node);

    await playing;
    assert.equal(told.at(-1), 'SETTLED: nobody: it has ended');
    assert.deepEqual([output.length, priceWei], [4 * pixels.length, parseEther('2')]);
    assert.equal(output[0], 255 - (pixels[0] ?? 0));
    assert.match(provider, /^0x/);
  });

  test('its examples are those that ran', () => {
    const bare = (code: string): string => code.replace(/\s/g, '').replace(/,(?=[)\]}])/g, '');
    const ran = bare(
      readFileSync(join(REPOSITORY_ROOT, 'test', 'unit', 'client', 'job-example.test.ts'), 'utf8'),
    );
    const blocks = [...TEXT.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code = '']) => code);
    assert.ok(blocks.length >= 4);
    for (const code of blocks) assert.ok(ran.includes(bare(code)), code);
  });
});
