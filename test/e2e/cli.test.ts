import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runCli } from '../support/cli.js';
import { PROGRAM } from '../support/program.js';
import { skipWithout } from '../unit/crypto/prebuilt.js';

const skipWarnings = skipWithout('secp256k1', 'blst', 'hashtree');
test('every fast path loads on this platform: no command warns', { skip: skipWarnings }, () => {
  assert.equal(runCli(['--version']).stderr, '');
});

test('ogpu --help names every command group and the exit codes', () => {
  const { exitCode, stdout } = runCli(['--help']);
  assert.equal(exitCode, 0);
  for (const word of ['demo', 'keys', 'signer', 'genesis', 'check', 'replay', 'diagnose', 'Exit codes'])
    assert.ok(stdout.includes(word), word);
});

test('the help of a command is the same, however it is asked for', () => {
  const [asked, told] = [runCli(['help', 'keys']), runCli(['keys', '--help'])];
  assert.equal(asked.exitCode, 0);
  assert.match(asked.stdout, /Usage: ogpu keys/);
  assert.match(asked.stdout, /derive/);
  assert.equal(asked.stdout, told.stdout);
});

test('wrong usage exits 2 and says what is wrong', () => {
  const cases: [string[], RegExp][] = [
    [['nonsense'], /unknown command 'nonsense'/],
    [['constructor'], /unknown command 'constructor'/],
    [['statsu'], /unknown command 'statsu'.*status/],
    [['genesis', 'create'], /required option '--preset/],
    [['keys', 'new', 'toaster'], /toaster/],
  ];
  for (const [args, message] of cases) {
    const { exitCode, stdout, stderr } = runCli(args);
    assert.equal(exitCode, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, message);
  }
});

test('a refusal exits 1 with its code, as text or as JSON', () => {
  const text = runCli(['genesis', 'check', 'no-such-file.json']);
  assert.equal(text.exitCode, 1);
  assert.match(withoutWarnings(text.stderr), /^error: .*\[GENESIS_FILE/);
  const json = runCli(['genesis', 'check', 'no-such-file.json', '--json']);
  assert.equal(json.exitCode, 1);
  const { error } = JSON.parse(json.stderr) as { error: { code: string; message: string } };
  assert.equal(error.code, 'GENESIS_FILE');
});

test('with --json wrong usage is one JSON object too', () => {
  for (const args of [
    ['keys', 'new', 'bogus', '--json'],
    ['keys', 'list', '--json', '--bogus'],
    ['genesis', 'create', '--json'],
    ['keys', 'lst', '--json'],
  ]) {
    const { exitCode, stdout, stderr } = runCli(args);
    assert.equal(exitCode, 2, args.join(' '));
    assert.equal(stdout, '');
    const { error } = JSON.parse(stderr) as { error: { code: string; message: string } };
    assert.equal(error.code, 'USAGE');
    assert.doesNotMatch(error.message, /^error/);
  }
});

test('nothing in an error steers the terminal', () => {
  const hostile = 'red\u001b[31m\u009b2J\u202e\nsecond line';
  for (const args of [
    ['genesis', 'check', hostile],
    ['keys', 'inspect', hostile],
    ['keys', 'show', 'x', '--dir', hostile],
    ['keys', hostile],
    ['keys', 'inspect', hostile, '--json'],
    ['keys', hostile, '--json'],
  ]) {
    const stderr = withoutWarnings(runCli(args).stderr);
    assert.match(stderr, /\\u001b\[31m\\u009b2J\\u202e/);
    assert.doesNotMatch(stderr, /(?!\n)[\p{Cc}\p{Cf}]/u);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  }
});

/** What a command itself says, without the slow paths of this platform. */
function withoutWarnings(stderr: string): string {
  return stderr.replace(/^warning: .*\n/gm, '');
}

async function keysFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ogpu-cli-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('a reader that leaves ends the command quietly, as SIGPIPE would', async (t) => {
  const dir = await keysFolder(t);
  for (const args of [['keys', 'list', '--dir', dir], ['--help']]) {
    const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    const stderr = child.stderr.setEncoding('utf8').toArray();
    const [exitCode] = (await once(child, 'close')) as [number | null];
    assert.equal(withoutWarnings((await stderr).join('')), '');
    assert.equal(exitCode, 141);
  }
});

test('output that cannot be written is one line of error, and no key is left whose words were lost', async (t) => {
  if (!existsSync('/dev/full')) {
    t.skip('there is no full device');
    return;
  }
  const dir = await keysFolder(t);
  const password = join(dir, 'password');
  writeFileSync(password, 'correct horse battery', { mode: 0o600 });
  const full = openSync('/dev/full', 'w');
  t.after(() => closeSync(full));
  for (const args of [
    ['keys', 'list', '--dir', dir],
    ['keys', 'new', 'account', '--mnemonic', '--password-file', password, '--dir', dir],
    ['--help'],
  ]) {
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', full, 'pipe'],
    });
    assert.match(withoutWarnings(stderr), /^error: .*ENOSPC.* \[OUTPUT_FAILED.*\n$/);
    assert.equal(status, 1, args.join(' '));
  }
  assert.deepEqual(readdirSync(dir), ['password']);
});
