import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { decodeImage } from '../../compute/images/codec.js';
import { runCli } from '../support/cli.js';

/** Runs the demonstration with a folder of its own for everything that it writes. @returns what it said, and its picture */
async function runDemo(
  t: TestContext,
  args: readonly string[],
): Promise<{ said: string; picture: Uint8Array }> {
  const folder = await mkdtemp(join(tmpdir(), 'ogpu-demo-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const out = join(folder, 'larger.png');
  const { exitCode, stdout, stderr } = runCli(['demo', '--ports', 'any', '--out', out, ...args], {
    env: { ...process.env, TMPDIR: folder },
    timeout: 280_000,
  });
  assert.equal(exitCode, 0, `${stdout}\n${stderr}`);
  const left = (await readdir(folder)).filter((name) => name !== 'larger.png');
  assert.deepEqual(left, [], 'nothing is left but the picture');
  return { said: stdout, picture: readFileSync(out) };
}

describe('the main job, by one command', { timeout: 600_000 }, () => {
  test('a photograph is enlarged, judged by four validators and paid', async (t) => {
    const { said, picture } = await runDemo(t, []);
    const { width, height } = decodeImage(picture);
    assert.deepEqual([width, height], [320, 256]);
    assert.match(said, /every seat came to the same, to the last bit/);
    assert.match(said, /the job has ended: SETTLED \(PAID\)/);
    assert.match(said, /^finality +of a block: \d+ ms on average/m);
  });

  test('a cheat is found and slashed, and somebody honest finishes the job with the same picture', async (t) => {
    const { said, picture } = await runDemo(t, ['--cheat']);
    assert.match(said, /the answers were made up: rejected/);
    assert.match(said, /^cheat +lost \d+(\.\d+)? OGPU of its bond/m);
    assert.match(said, /the job has ended: SETTLED \(PAID\)/);
    assert.equal(decodeImage(picture).width, 256);
  });
});
