import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runCli } from '../support/cli.js';

async function emptyFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ogpu-operator-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('a configuration with faults starts nothing: a line for each, exit code 1', async (t) => {
  const data = await emptyFolder(t);
  for (const command of [['config', 'check'], ['start']]) {
    const run = runCli([...command, '--data', data, '--rpc-port', 'x'], {
      env: { ...process.env, OGPU_LOG_LVEL: 'info' },
    });
    assert.equal(run.exitCode, 1);
    assert.match(
      run.stderr,
      /^OGPU_LOG_LVEL: there is no such setting; did you mean OGPU_LOG_LEVEL\? \(environment\)/m,
    );
    assert.match(run.stderr, /^rpc\.port: expected .* \(--rpc-port\) \[CONFIG_VALUE\]$/m);
    assert.match(run.stderr, /\nerror: the configuration has 2 faults \[CONFIG_INVALID\]\n$/);
  }
});

test('a data folder is made, looked at, and faulty where it is incomplete', async (t) => {
  const data = join(await emptyFolder(t), 'data');
  const made = runCli(['init', '--data', data, '--json']);
  assert.equal(made.exitCode, 0, made.stderr);
  const doctor = runCli([
    'doctor',
    '--data',
    data,
    '--json',
    '--p2p-listen',
    '/ip4/127.0.0.1/tcp/0',
    '--rpc-port',
    '0',
    '--metrics-port',
    '0',
  ]);
  assert.equal(doctor.exitCode, 1);
  const { findings } = JSON.parse(doctor.stdout) as {
    findings: { name: string; verdict: string; cure?: string }[];
  };
  const failed = findings.filter(({ verdict }) => verdict === 'fail');
  assert.deepEqual(
    failed.map(({ name }) => name),
    ['genesis'],
  );
  assert.match(failed[0]?.cure ?? '', /ogpu init --genesis/);
  assert.equal((JSON.parse(doctor.stderr) as { error: { code: string } }).error.code, 'DOCTOR_FOUND_FAULTS');
});

test('no node: a typed error; a command line that means nothing: exit code 2', () => {
  const nobody = runCli(['status', '--rpc-url', 'http://127.0.0.1:1', '--json']);
  assert.equal(nobody.exitCode, 1);
  assert.equal((JSON.parse(nobody.stderr) as { error: { code: string } }).error.code, 'RPC_UNREACHABLE');
  for (const args of [
    ['send', 'nobody', '1'],
    ['status', '--rpc-url', 'ftp://x'],
    ['db', 'prune'],
    ['stats'],
  ])
    assert.equal(runCli(args).exitCode, 2, args.join(' '));
});
