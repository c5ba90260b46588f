import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OgpuError } from '../../../protocol/errors.js';
import { jobCommand } from '../../../node/commands/job.js';
import { runCommand, type CommandRun } from '../../support/commands.js';
import { RpcChain } from '../../support/rpc-chain.js';

const JOB = `0x${'4e'.repeat(32)}`;

describe('ogpu job', () => {
  let chain: RpcChain;
  before(async () => {
    chain = await RpcChain.start({ validators: 1 });
  });
  after(() => chain.close());
  const ask = (...args: string[]): Promise<CommandRun> =>
    runCommand(jobCommand, [...args, '--rpc-url', chain.server.url]);

  test('a list without jobs says so', async () => {
    assert.equal((await ask('list')).out, 'no jobs\n');
    const { out } = await ask('list', '--phase', 'SETTLED', '--json');
    assert.deepEqual(JSON.parse(out), { jobs: [] });
  });

  test('an unknown job is a typed error in every command', async () => {
    for (const command of ['explain', 'watch', 'audit']) {
      const { error } = await ask(command, JOB);
      assert.ok(error instanceof OgpuError, command);
      assert.equal(error.code, 'RPC_REFUSED');
      assert.match(JSON.stringify(error.data), /RPC_JOB_UNKNOWN/);
    }
  });

  test('what is no job, and two filters at once, are refused before a node is asked', async () => {
    assert.equal((await ask('explain', '0x12')).code, 'commander.invalidArgument');
    const other = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
    const { code } = await ask('list', '--client', other, '--provider', other);
    assert.equal(code, 'commander.conflictingOption');
  });

  test('offers and assignments: none are open, and who is no provider is told so', async () => {
    assert.deepEqual(await chain.ask('ogpu_jobOffers'), { offers: [], next: null });
    const nobody = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
    for (const [method, params] of [
      ['ogpu_jobOffers', [{ provider: nobody }]],
      ['ogpu_assignments', [nobody]],
    ] as const) {
      const { error } = await chain.call(method, params);
      assert.match(JSON.stringify(error), /RPC_PROVIDER_UNKNOWN/);
    }
  });
});
