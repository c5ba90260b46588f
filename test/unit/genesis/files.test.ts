import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createGenesis, type CreatedGenesis } from '../../../genesis/create.js';
import { FaultLog, GenesisError } from '../../../genesis/faults.js';
import { checkTargets, readChunks, readTextFile, writeFileAtomically } from '../../../genesis/files.js';
import { readAllocations, readValidatorEntry } from '../../../genesis/inputs.js';
import { loadGenesis } from '../../../genesis/load.js';
import { toHex } from '../../../protocol/bytes.js';
import { run, workplace } from './command.js';
import { addressText, temporaryDirectory, validatorEntry } from './sample.js';

const bytes = (text: string): Buffer[] => [Buffer.from(text)];

describe('writing a file', () => {
  test('replaces only when told, and leaves no other file', async (context) => {
    const directory = temporaryDirectory(context, { taken: 'old' });
    const path = join(directory, 'taken');
    await assert.rejects(writeFileAtomically(path, bytes('new'), { replace: false }), {
      code: 'GENESIS_EXISTS',
    });
    assert.equal(readFileSync(path, 'utf8'), 'old');
    await writeFileAtomically(path, bytes('new'), { replace: true });
    assert.equal(readFileSync(path, 'utf8'), 'new');
    assert.deepEqual(readdirSync(directory), ['taken']);
  });

  test('is not led elsewhere by a link under the name of a temporary file', async (context) => {
    const directory = temporaryDirectory(context, { victim: 'precious' });
    symlinkSync(join(directory, 'victim'), join(directory, 'out.tmp'));
    await writeFileAtomically(join(directory, 'out'), bytes('new'), { replace: false });
    assert.equal(readFileSync(join(directory, 'victim'), 'utf8'), 'precious');
    assert.equal(readlinkSync(join(directory, 'out.tmp')), join(directory, 'victim'));
  });

  test('lets one of two writers win', async (context) => {
    const directory = temporaryDirectory(context);
    const path = join(directory, 'out');
    const results = await Promise.allSettled(
      ['a', 'b'].map(async (text) => {
        await writeFileAtomically(path, bytes(text.repeat(100_000)), { replace: false });
        return text;
      }),
    );
    const winners = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    assert.equal(winners.length, 1);
    assert.equal(readFileSync(path, 'utf8'), winners[0]?.repeat(100_000));
    assert.deepEqual(readdirSync(directory), ['out']);
  });

  test('fails as a file error below a file', async (context) => {
    const directory = temporaryDirectory(context, { file: '' });
    const path = join(directory, 'file', 'out');
    for (const replace of [false, true]) {
      await assert.rejects(checkTargets([path], { replace }), { code: 'GENESIS_FILE' });
      await assert.rejects(writeFileAtomically(path, bytes(''), { replace }), { code: 'GENESIS_FILE' });
    }
  });
});

describe('reading a file', () => {
  test('ends at its bound, whatever size the file claims', async () => {
    // Files of procfs are regular and claim to be empty.
    const read = async (): Promise<void> => {
      for await (const chunk of readChunks('/proc/self/maps', 100)) assert.ok(chunk.length <= 100);
    };
    await assert.rejects(read, { code: 'GENESIS_FILE' });
    await assert.rejects(readTextFile('/proc/self/maps', 100), { code: 'GENESIS_FILE' });
  });

  test('refuses what is not UTF-8', async (context) => {
    const directory = temporaryDirectory(context);
    writeFileSync(join(directory, 'latin1'), Buffer.from('é', 'latin1'));
    await assert.rejects(readTextFile(join(directory, 'latin1'), 100), { code: 'GENESIS_FILE_ENCODING' });
  });
});

describe('output of ogpu genesis create', () => {
  test('is that of one run, of several at once', async (context) => {
    const { directory } = workplace(context);
    for (let round = 0; round < 8; round++) {
      const out = join(directory, `race-${round}`);
      const runs = await Promise.allSettled([1, 2, 3].map((seed) => createAt(directory, out, seed)));
      const created = runs.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      const refused = runs.flatMap((result) =>
        result.status === 'rejected' ? [result.reason as unknown] : [],
      );
      assert.equal(created.length, 1);
      for (const error of refused)
        assert.ok(error instanceof GenesisError && error.code === 'GENESIS_EXISTS');
      const [winner] = created;
      assert.ok(winner !== undefined);
      assert.deepEqual(
        readdirSync(out)
          .map((file) => join(out, file))
          .sort(),
        [...winner.files].sort(),
      );
      assert.equal(toHex((await loadGenesis(join(out, 'genesis.json'))).id), toHex(winner.state.id));
    }
  });

  /** Runs differ in their allocations and, by `seed`, in the number of their snapshots. */
  async function createAt(directory: string, out: string, seed: number): Promise<CreatedGenesis> {
    const log = new FaultLog();
    const validator = await readValidatorEntry(join(directory, 'one.json'), log);
    const allocations = await readAllocations(`${addressText(1)}=${1000 + seed}`, log);
    assert.ok(validator !== undefined);
    return createGenesis({
      preset: 'devnet',
      genesisTimeMs: Date.UTC(2027, 0),
      validators: [validator],
      allocations,
      snapshots: seed === 1 ? [] : [join(directory, 'export.csv')],
      decimals: 18,
      directory: out,
      force: false,
    });
  }

  test('is nothing when the run is refused', async (context) => {
    const { directory, args } = workplace(context);
    writeFileSync(join(directory, 'export.csv'), 'address,balance\n');
    const before = readdirSync(directory);
    const deep = join(directory, 'a', 'b', 'c');
    assert.equal((await run(...args, '--out', deep)).code, 'GENESIS_INVALID');
    assert.deepEqual(readdirSync(directory), before);
    mkdirSync(join(directory, 'a'));
    assert.equal((await run(...args, '--out', deep)).code, 'GENESIS_INVALID');
    assert.deepEqual(readdirSync(join(directory, 'a')), [], 'the folder that was there stays');
  });

  test('touches nothing that it did not make', async (context) => {
    const { out, args } = workplace(context);
    const theirs = join(out, '.genesis-staging');
    mkdirSync(theirs, { recursive: true });
    writeFileSync(join(theirs, 'notes'), 'mine');
    assert.equal((await run(...args)).code, undefined);
    assert.equal(readFileSync(join(theirs, 'notes'), 'utf8'), 'mine');
    assert.deepEqual(readdirSync(out).sort(), ['.genesis-staging', 'genesis.json', 'holders-1.csv']);
  });

  test('is refused before anything is replaced where a target cannot be', async (context) => {
    const { out, args } = workplace(context);
    mkdirSync(join(out, 'genesis.json'), { recursive: true });
    writeFileSync(join(out, 'holders-1.csv'), 'old');
    assert.equal((await run(...args, '--force')).code, 'GENESIS_FILE_NOT_REGULAR');
    assert.equal(readFileSync(join(out, 'holders-1.csv'), 'utf8'), 'old');
    assert.deepEqual(readdirSync(out).sort(), ['genesis.json', 'holders-1.csv']);
  });

  test('below a file is a file error', async (context) => {
    const { directory, args } = workplace(context);
    const out = join(directory, 'one.json', 'net');
    for (const more of [[], ['--force'], ['--json']]) {
      assert.equal((await run(...args, '--out', out, ...more)).code, 'GENESIS_FILE');
    }
    assert.equal(readFileSync(join(directory, 'one.json'), 'utf8'), JSON.stringify(validatorEntry(1)));
  });
});
