import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { storeAccountKey } from '../../node/keys/keyring.js';
import { fromHex } from '../../protocol/bytes.js';
import { runCli } from '../support/cli.js';
import { DevnetJobs } from '../support/devnet-jobs.js';
import { startDevnetProcess, type DevnetProcess } from '../support/devnet-process.js';
import { ProviderProcess } from '../support/provider-process.js';

const KDF = { function: 'scrypt', n: 1_024, r: 8, p: 1 } as const;

/** A provider with a key and a folder of its own. */
interface Operator {
  readonly address: string;
  readonly options: readonly string[];
  readonly data: string;
}

describe('a provider on a network of four validators', { timeout: 900_000 }, () => {
  let devnet: DevnetProcess;
  let jobs: DevnetJobs;
  let folder: string;
  let running: ProviderProcess | undefined;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ogpu-provider-'));
    devnet = await startDevnetProcess(4);
    jobs = new DevnetJobs(devnet);
    await jobs.open();
  });
  after(async () => {
    await running?.kill();
    await devnet.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function operator(account: number): Promise<Operator> {
    const { address, privateKey } = devnet.accounts[account] ?? assert.fail();
    const keys = join(folder, `keys-${account}`);
    await storeAccountKey(keys, fromHex(privateKey), 'password', { kdf: KDF });
    const passwordFile = join(folder, `password-${account}`);
    await writeFile(passwordFile, 'password', { mode: 0o600 });
    const options = ['--rpc-url', jobs.url, '--dir', keys, '--password-file', passwordFile];
    const registering = ['register', '--name', `provider ${account}`, '--lockup', '500'];
    const { exitCode, stderr } = runCli([
      'provider',
      ...registering,
      '--gpu',
      'none:reference:1024:1',
      ...options,
    ]);
    assert.equal(exitCode, 0, stderr);
    return { address, options, data: join(folder, `data-${account}`) };
  }

  function start({ options, data }: Operator, ...extra: string[]): ProviderProcess {
    running = new ProviderProcess([...options, '--data', data, '--device', 'reference', ...extra]);
    return running;
  }

  function slashed({ address, options }: Operator): string {
    const { stdout } = runCli(['provider', 'status', address, '--json', '--rpc-url', options[1] ?? '']);
    return (JSON.parse(stdout) as { reputation: { slashedWei: string } }).reputation.slashedWei;
  }

  test('is killed at each step, started again, and paid every time', async () => {
    const honest = await operator(1);
    const steps = ['claimed', 'computing', 'computed', 'committed', 'unsealed'];
    for (const [index, step] of steps.entries()) {
      const first = start(honest);
      await first.event('started');
      const job = await jobs.post(index);
      await first.event(step);
      await first.kill();
      const second = start(honest);
      const ended = await jobs.ended(job);
      assert.equal(
        ended.reason,
        'PAID',
        `${step}: ${JSON.stringify([ended, first.entries, second.entries])}`,
      );
      assert.equal(ended.attempts.length, 1, step);
      await second.kill();
    }
    assert.equal(slashed(honest), '0');
  });

  test('that drains finishes what it has and ends by itself', async () => {
    const honest = await operator(2);
    const agent = start(honest);
    await agent.event('started');
    const job = await jobs.post(100);
    await agent.event('claimed');
    agent.signal('SIGTERM');
    await agent.event('draining');
    assert.equal((await jobs.ended(job)).reason, 'PAID');
    assert.equal(await agent.ended(), 0);
    assert.equal(agent.entries.at(-1)?.event, 'stopped');
  });

  test('that makes a part up loses its bond, and an honest one does the job', async () => {
    const cheat = await operator(3);
    const bad = start(cheat, '--cheat', '100');
    await bad.event('cheating');
    const job = await jobs.post(200);
    await bad.event('committed');
    await jobs.until('the fraud is found', () =>
      Promise.resolve(BigInt(slashed(cheat)) > 0n ? true : undefined),
    );
    await bad.kill();
    start(await operator(4));
    const ended = await jobs.ended(job);
    assert.equal(ended.reason, 'PAID');
    assert.deepEqual(ended.attempts.map(({ ending }) => ending).slice(0, 1), ['FRAUD']);
  });
});
