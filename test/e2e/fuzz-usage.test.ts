import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../fuzz/main.js', import.meta.url));

function fuzz(...args: string[]): { exitCode: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { exitCode: status, stdout, stderr };
}

test('a fuzzing budget that is no number is refused, not taken for done', () => {
  const cases: [string[], RegExp][] = [
    [['--cases', 'abc'], /--cases takes a whole number/],
    [['--cases', '0'], /--cases takes a whole number/],
    [['--seconds', 'abc'], /--seconds takes a whole number/],
    [['--seed', 'abc', '--cases', '1'], /--seed takes a whole number/],
    [['--seed', '9007199254740992', '--cases', '1'], /--seed takes a whole number/],
    [['--case', '1'], /--case/],
    [['no-such-target', '--cases', '1'], /no such target/],
  ];
  for (const [args, message] of cases) {
    const { exitCode, stdout, stderr } = fuzz(...args);
    assert.equal(exitCode, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, message);
    assert.match(stderr, /npm run fuzz -- /);
  }
});

test('a fuzzing budget is spent in full', () => {
  const { exitCode, stdout } = fuzz('text/hex', '--seed', '7', '--cases', '3');
  assert.equal(exitCode, 0);
  assert.match(stdout, /from seed 7\n3 cases on each of 1 targets\n$/);
});
