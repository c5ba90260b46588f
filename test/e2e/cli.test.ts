import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCli } from '../support/cli.js';

test('ogpu demo: keys, genesis, transfer, block, votes, commit, for real', () => {
  const { exitCode, stdout, stderr } = runCli(['demo']);
  assert.equal(exitCode, 0, stderr);
  assert.equal(stderr, '', 'every fast path loads on this platform');
  assert.match(stdout, /accounts {2}6,454\n {4}staked {4}40000 OGPU\n/);
  assert.match(stdout, /signers 1110/);
});

test('ogpu --help names every command group and the exit codes', () => {
  const { exitCode, stdout } = runCli(['--help']);
  assert.equal(exitCode, 0);
  for (const word of ['demo', 'keys', 'genesis', 'Exit codes']) assert.ok(stdout.includes(word), word);
});

test('wrong usage exits 2 and says what is wrong', () => {
  const cases: [string[], RegExp][] = [
    [['nonsense'], /unknown command 'nonsense'/],
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
  assert.match(text.stderr, /^error: .*\[GENESIS_FILE/);
  const json = runCli(['genesis', 'check', 'no-such-file.json', '--json']);
  assert.equal(json.exitCode, 1);
  const { error } = JSON.parse(json.stderr) as { error: { code: string; message: string } };
  assert.equal(error.code, 'GENESIS_FILE');
});
