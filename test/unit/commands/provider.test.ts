import assert from 'node:assert/strict';
import { stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { providerCommand } from '../../../node/commands/provider.js';
import { openFolder } from '../../../node/disk/open-folder.js';
import { storeAccountKey } from '../../../node/keys/keyring.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { fromHex } from '../../../protocol/bytes.js';
import { OgpuError } from '../../../protocol/errors.js';
import { runCommand, type CommandRun } from '../../support/commands.js';
import { RpcChain, until } from '../../support/rpc-chain.js';
import { LIGHT_SCRYPT, temporaryFolder } from '../keys/support.js';

interface Operator {
  readonly address: string;
  readonly run: (...args: string[]) => Promise<CommandRun>;
  readonly folder: string;
}

const ogpu = (amount: number): string => (BigInt(amount) * WEI_PER_OGPU).toString();

describe('ogpu provider', () => {
  let chain: RpcChain;
  before(async () => {
    chain = await RpcChain.start();
  });
  after(() => chain.close());

  async function operator(t: TestContext, index: number): Promise<Operator> {
    const folder = await temporaryFolder(t);
    const { address, privateKey } = chain.rich[index] ?? assert.fail('somebody is rich');
    const keys = join(folder, 'keys');
    await storeAccountKey(keys, fromHex(privateKey), 'correct horse', { kdf: LIGHT_SCRYPT });
    const run = (...args: string[]): Promise<CommandRun> =>
      runCommand(providerCommand, [...args, '--rpc-url', chain.server.url, '--dir', keys]);
    return { address, run, folder };
  }

  interface Status {
    readonly status: string;
    readonly name: string;
    readonly mayClaim: boolean;
    readonly lockup: Readonly<Record<string, string>>;
    readonly withdrawals: readonly { readonly amountWei: string }[];
  }

  async function status(address: string): Promise<Status> {
    const { out, error } = await runCommand(providerCommand, [
      ...['status', address, '--rpc-url', chain.server.url, '--json'],
    ]);
    assert.equal(error, undefined, String(error));
    return JSON.parse(out) as Status;
  }

  async function done(work: Promise<CommandRun>): Promise<string> {
    const { out, error } = await work;
    assert.equal(error, undefined, String(error));
    return out;
  }

  test('registers, moves lockup in and out, drains, resumes and leaves', async (t) => {
    const { address, run } = await operator(t, 0);
    const gpus = ['--gpu', 'nvidia:h200:143771:8', '--gpu', 'amd:mi300x:196608'];
    assert.match(await done(run('register', '--name', 'alice', '--lockup', '500', ...gpus)), /is a provider/);
    const first = await status(address);
    assert.deepEqual([first.name, first.status, first.mayClaim], ['alice', 'active', true]);
    const { gpus: listed } = await chain.ask<{ gpus: unknown }>('ogpu_provider', [address]);
    assert.deepEqual(listed, [
      { vendor: 'nvidia', model: 'h200', vramMiB: 143_771, count: 8 },
      { vendor: 'amd', model: 'mi300x', vramMiB: 196_608, count: 1 },
    ]);
    await done(run('deposit', '100'));
    await done(run('withdraw', '50'));
    const moved = await status(address);
    assert.deepEqual([moved.lockup['totalWei'], moved.lockup['freeWei']], [ogpu(600), ogpu(550)]);
    await done(run('drain'));
    assert.equal((await status(address)).status, 'draining');
    assert.equal((await run('drain')).code, 'CALL_REVERTED');
    await done(run('resume'));
    assert.equal((await status(address)).status, 'active');
    await done(run('withdraw', 'all'));
    assert.equal((await status(address)).lockup['freeWei'], '0');
    await done(run('deposit', '20'));
    await done(run('exit'));
    assert.equal((await status(address)).status, 'leaving');
    const shown = await runCommand(providerCommand, ['status', address, '--rpc-url', chain.server.url]);
    assert.match(shown.out, /status +leaving, may claim nothing/);
    assert.match(shown.out, /lockup +620 OGPU, 0 of it free/);
    for (const amount of [50, 550, 20]) assert.match(shown.out, new RegExp(`withdrawal \\d +${amount} OGPU`));
  });

  test('refuses what makes no sense before a node is asked', async (t) => {
    const { run } = await operator(t, 1);
    const register = ['register', '--name', 'bob', '--lockup', '10'];
    for (const gpu of ['nvidia', 'nvidia:x:0:1', 'nvidia:x:1:0', 'NVIDIA:x:1:1', 'a:b:1:1:1'])
      assert.equal((await run(...register, '--gpu', gpu)).code, 'commander.invalidArgument', gpu);
    for (const option of [
      ['--source', '0x12'],
      ['--max-memory', 'much'],
      ['--devices', '0'],
      ['--cheat', '101'],
      ['--device', 'abacus'],
    ])
      assert.equal((await run('start', ...option)).code, 'commander.invalidArgument', option.join(' '));
  });

  test('starts for no account that stands for no provider', async (t) => {
    const { run, folder } = await operator(t, 2);
    const { error } = await run('start', '--data', join(folder, 'data'), '--json');
    assert.ok(error instanceof OgpuError);
    assert.equal(error.code, 'PROVIDER_UNKNOWN');
    const nobody = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
    const shown = await runCommand(providerCommand, ['status', nobody, '--rpc-url', chain.server.url]);
    assert.equal(shown.code, 'RPC_REFUSED');
  });

  test('runs one agent in a folder, keeps its secret, and ends when it is told to drain', async (t) => {
    const { run, folder } = await operator(t, 3);
    await done(run('register', '--name', 'carol', '--lockup', '500', '--gpu', 'none:reference:1:1'));
    const data = join(folder, 'data');
    const start = ['start', '--data', data, '--device', 'reference', '--json'];
    const before = process.listenerCount('SIGTERM');
    const running = run(...start);
    await until(() => process.listenerCount('SIGTERM') > before, 'it runs');
    const { mode, size } = await stat(join(data, 'secret'));
    assert.deepEqual([mode & 0o777, size], [0o600, 32]);
    assert.equal((await run(...start)).code, 'PROVIDER_FOLDER_LOCKED');
    process.emit('SIGTERM');
    const { out, error } = await running;
    assert.equal(error, undefined, String(error));
    const events = out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { event: string }).event);
    for (const event of ['started', 'warning', 'draining', 'stopped'])
      assert.ok(events.includes(event), event);
    assert.equal(process.listenerCount('SIGTERM'), before);
    await (await openFolder(join(data, 'results'))).unlock();

    await writeFile(join(data, 'secret'), 'short', { mode: 0o600 });
    assert.equal((await run(...start)).code, 'PROVIDER_SECRET_DAMAGED');
  });

  test('makes nothing up but on a devnet', async (t) => {
    const { folder } = await operator(t, 4);
    const answer = {
      ...(await chain.ask<object>('ogpu_status')),
      chainId: 64_781,
    };
    const server = createServer((_, response) => {
      response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: answer }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code } = await runCommand(providerCommand, [
      ...['start', '--cheat', '10', '--rpc-url', url, '--dir', join(folder, 'keys')],
      ...['--data', join(folder, 'data')],
    ]);
    assert.equal(code, 'PROVIDER_CHEAT_REFUSED');
  });
});
