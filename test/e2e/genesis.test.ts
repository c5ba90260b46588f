import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { createPrng } from '../support/prng.js';
import { addressText, validatorEntry } from '../unit/genesis/sample.js';

const COMMAND = new URL('../../node/commands/genesis.js', import.meta.url).href;

/** `ogpu genesis …` in a process of its own: its standard output. */
async function genesis(...args: readonly string[]): Promise<string> {
  const script = `const { genesisCommand } = await import(${JSON.stringify(COMMAND)});
    await genesisCommand().parseAsync(process.argv.slice(1), { from: 'user' });`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    script,
    '--',
    ...args,
  ]);
  return stdout;
}

function digests(directory: string): string[] {
  return readdirSync(directory)
    .sort()
    .map(
      (file) =>
        `${file} ${createHash('sha256')
          .update(readFileSync(join(directory, file)))
          .digest('hex')}`,
    );
}

test('two processes make the same files and the same id of the same holders in another order', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'ogpu-genesis-'));
  context.after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const prng = createPrng(5);
  const rows = Array.from(
    { length: 5000 },
    () => `0x${Buffer.from(prng.bytes(20)).toString('hex')},${prng.bigint(60) + 1n}`,
  );
  writeFileSync(join(directory, 'validator.json'), JSON.stringify(validatorEntry(1)));
  const create = (name: string, lines: readonly string[]): Promise<string> => {
    const csv = join(directory, 'holders.csv');
    writeFileSync(csv, `address,balance\n${lines.join('\n')}\n`);
    const args = ['create', '--preset', 'devnet', '--time', '1800000000000', '--out', join(directory, name)];
    args.push('--validator', join(directory, 'validator.json'), '--allocation', `${addressText(1)}=1000`);
    return genesis(...args, '--snapshot', csv);
  };
  await create('first', rows);
  await create('second', rows.toReversed());
  assert.deepEqual(digests(join(directory, 'first')), digests(join(directory, 'second')));
  assert.equal(readdirSync(join(directory, 'first')).length, 2);

  const [first, second] = await Promise.all(
    ['first', 'second'].map((name) => genesis('id', join(directory, name, 'genesis.json'))),
  );
  assert.match(first ?? '', /^0x[0-9a-f]{64}\n$/);
  assert.equal(first, second);
});
