import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { genesisFolder } from '../../node/data-folder.js';
import { DOCUMENT_FILE } from '../../genesis/create.js';
import { dataFolderOf } from '../support/data-folder.js';
import { runCli } from '../support/cli.js';
import { PROGRAM } from '../support/program.js';

const ACTS = fileURLToPath(new URL('../support/progress-acts.js', import.meta.url));

/** Runs Node on a terminal of its own (util-linux's `script`). @returns everything that has been drawn there */
function onTerminal(file: string, args: readonly string[], redirection = ''): string {
  const words = [process.execPath, file, ...args].map((word) => `'${word}'`);
  const command = [...words, redirection].join(' ');
  const { status, stdout } = spawnSync('script', ['-qefc', command, '/dev/null'], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, TERM: 'xterm', COLUMNS: '120' },
  });
  assert.equal(status, 0, stdout);
  return stdout;
}

const BAR = /[█░]{10,} +\d+% \| \d+\/\d+ \w+/;

test('long commands draw a bar on a terminal, and none elsewhere', { timeout: 120_000 }, async (t) => {
  const data = await dataFolderOf(t, 6);
  const where = ['--data', data, '--genesis', join(genesisFolder(data), DOCUMENT_FILE)];
  const compact = ['db', 'compact', ...where];
  assert.match(onTerminal(PROGRAM, compact), BAR);
  assert.doesNotMatch(onTerminal(PROGRAM, [...compact, '--json']), BAR);
  const { exitCode, stdout, stderr } = runCli(compact);
  assert.equal(exitCode, 0, stderr);
  assert.doesNotMatch(stdout + stderr, BAR);
  assert.match(onTerminal(PROGRAM, ['export', 'blocks', ...where], `> '${join(data, 'blocks')}'`), BAR);
});

test('a node that catches up draws a bar below its log; what its log says is whole', () => {
  const drawn = onTerminal(ACTS, []);
  assert.match(drawn, /sync [█░]+ +\d+% \| \d+\/200 blocks/);
  // Each line clears what stands where it goes.
  const cleared = drawn.split('\r\u001b[K').find((part) => part.includes('half way'));
  assert.match(cleared ?? '', /^\S*\d\d:\d\d:\d\d\.\d{3}/);
  const { stdout, stderr, status } = spawnSync(process.execPath, [ACTS], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  const entries = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string });
  assert.deepEqual(entries.map(({ msg }) => msg).sort(), ['catches up', 'half way', 'is there']);
});
