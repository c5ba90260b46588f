import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build, type Plugin } from 'esbuild';
import type { Hex } from '../../../protocol/bytes.js';
import { toHex } from '../../../protocol/bytes.js';
import { JobMarket } from '../../support/job-market.js';
import { createPrng } from '../../support/prng.js';
import { richOf } from '../../support/rpc-wallet.js';
import { REPOSITORY_ROOT } from '../../support/vectors.js';

const BUNDLE = join(REPOSITORY_ROOT, 'dist', 'test', 'client-bundle.mjs');
const INPUT = createPrng(3).bytes(13 * 9);

/** As docs/wallets.md asks for it. */
const WITHOUT_MACHINE_CODE: Plugin = {
  name: 'without machine code',
  setup: (builder) => {
    builder.onResolve({ filter: /^@chainsafe\/(hashtree|blst)$/ }, ({ path }) => ({
      path,
      namespace: 'none',
    }));
    builder.onLoad({ filter: /./, namespace: 'none' }, () => ({ contents: 'throw new Error("left out")' }));
  },
};

/** Runs a script that knows the library as a browser would have it, where there is no Node.js. `Buffer` stays: bundlers bring one along. */
async function run(script: string): Promise<string> {
  const text = `
    const report = process.stdout.write.bind(process.stdout);
    for (const name of ['process', 'setImmediate']) delete globalThis[name];
    const ogpu = await import(${JSON.stringify(pathToFileURL(BUNDLE).href)});
    ${script}`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', text]);
  return stdout;
}

describe('the client library in a bundle for browsers', { timeout: 120_000 }, () => {
  let market: JobMarket;
  before(async () => {
    market = await JobMarket.start();
    // Whatever asks for a module of Node as such fails here.
    await build({
      absWorkingDir: REPOSITORY_ROOT,
      stdin: {
        contents: `export * from './dist/client/index.js';
          export { createPublicClient, createWalletClient, http } from 'viem';
          export { privateKeyToAccount } from 'viem/accounts';`,
        resolveDir: REPOSITORY_ROOT,
      },
      outfile: BUNDLE,
      ...{ bundle: true, format: 'esm', platform: 'browser', target: 'es2022', logLevel: 'warning' },
      plugins: [WITHOUT_MACHINE_CODE],
    });
  });
  after(async () => {
    await market.close();
    await rm(BUNDLE, { force: true });
  });

  test('registers a program, posts a job, and verifies its result', async () => {
    const { graph, weights, program } = market.model;
    const bytes = (of: Uint8Array): string => `Uint8Array.from(${JSON.stringify([...of])})`;
    const settings = `
      const settings = { chain: ogpu.ogpuChain('devnet', ${JSON.stringify(market.chain.server.url)}), transport: ogpu.http(), pollingInterval: 20 };
      const account = ogpu.privateKeyToAccount('${richOf(market.chain, 0).privateKey}');
      const wallet = ogpu.createWalletClient({ ...settings, account });
      const client = ogpu.createPublicClient(settings).extend(ogpu.ogpuActions);
      const node = { url: ${JSON.stringify(market.chain.server.url)} };
      const program = ${bytes(graph)};`;
    const registered = await run(`${settings}
      const { id } = await ogpu.registerSource(wallet, { program, weights: ${bytes(weights)} }, node);
      report(id);`);
    assert.equal(registered, toHex(program.hash));
    await market.attest(program.hash);
    const job = (await run(`${settings}
      const segmentation = { kind: 'tiles', height: 9, width: 13, margin: 1 };
      const prepared = await ogpu.prepareJob(client, { program, segmentation, input: ${bytes(INPUT)} });
      const { id } = await ogpu.postJob(wallet, prepared, node);
      report(id);`)) as Hex;
    await market.play(job);
    const [first] = INPUT;
    const result = await run(`${settings}
      for await (const { phase } of ogpu.watchJob(client, '${job}')) report(phase + ' ');
      const { output } = await ogpu.jobResult(client, '${job}', node);
      report(output.length + ' ' + output[0]);`);
    assert.equal(result, `SETTLED 468 ${255 - (first ?? 0)}`);
  });
});
