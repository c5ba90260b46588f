import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { Command } from 'commander';
import { Wallet } from 'ethers';
import { keysCommand } from '../../../node/commands/keys.js';
import type { KeyReport } from '../../../node/keys/report.js';
import { bls } from '../../../protocol/crypto/bls.js';
import { fromHex } from '../../../protocol/bytes.js';
import { PROGRAM } from '../../support/program.js';
import {
  ACCOUNT_ADDRESS,
  ACCOUNT_SECRET,
  LIGHT_SCRYPT,
  MNEMONIC,
  mockSync,
  rejectsWith,
  temporaryFolder,
  writePrivate,
} from './support.js';

const PASSWORD = 'correct horse battery';
/** All that steers a terminal or hides from the reader, but the ends of lines. */
const UNPRINTABLE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}]/u;

type Answer = { keys: KeyReport[] } & KeyReport & Record<string, unknown>;

interface Shell {
  /** Runs `ogpu keys …` and gives back what it printed. */
  readonly run: (...args: string[]) => Promise<{ out: string; err: string }>;
  readonly json: (...args: string[]) => Promise<Answer>;
  readonly folder: string;
  readonly keys: string;
  readonly password: string;
  /** Questions asked so far. */
  readonly questions: string[];
  /** Everything printed so far, also by commands that failed. */
  readonly printed: { out: string; err: string };
}

async function shell(
  t: TestContext,
  answer: (question: string) => string = () => PASSWORD,
  onWrite: () => Promise<void> = () => Promise.resolve(),
): Promise<Shell> {
  const folder = await temporaryFolder(t);
  const keys = join(folder, 'keys');
  const questions: string[] = [];
  const printed = { out: '', err: '' };
  const run = async (...args: string[]): Promise<{ out: string; err: string }> => {
    const { out, err } = printed;
    const command = keysCommand({
      write: (text) => {
        printed.out += text;
        return onWrite();
      },
      warn: (text) => (printed.err += text),
      askPassword: (question) => {
        questions.push(question);
        return Promise.resolve(answer(question));
      },
      kdf: LIGHT_SCRYPT,
    });
    await new Command('ogpu')
      .addCommand(command)
      .parseAsync(['node', 'ogpu', 'keys', ...args, '--dir', keys]);
    return { out: printed.out.slice(out.length), err: printed.err.slice(err.length) };
  };
  return {
    run,
    json: async (...args) => JSON.parse((await run(...args, '--json')).out) as Answer,
    folder,
    keys,
    password: await writePrivate(join(folder, 'password'), `${PASSWORD}\n`),
    questions,
    printed,
  };
}

describe('keys new', () => {
  test('makes one key of each kind, asking for a password where one is needed', async (t) => {
    const { run, json, keys, questions } = await shell(t);
    await run('new', 'node');
    assert.deepEqual(questions, []);
    await run('new', 'validator', '--description', 'my first');
    await run('new', 'account');
    assert.deepEqual(questions, ['Password for the key: ', 'Password for the key: ']);
    const list = await json('list');
    assert.deepEqual(
      list.keys.map(({ kind }) => kind),
      ['account', 'node', 'validator'],
    );
    assert.equal(list.keys[2]?.description, 'my first');
    assert.equal((await stat(keys)).mode & 0o777, 0o700);
    for (const file of await readdir(keys)) assert.equal((await stat(join(keys, file))).mode & 0o777, 0o600);
  });

  test('an account made here is a wallet there, with its password file', async (t) => {
    const { json, password, questions } = await shell(t);
    const { keys } = await json('new', 'account', '--password-file', password);
    const wallet = await Wallet.fromEncryptedJson(await readFile(keys[0]?.file ?? '', 'utf8'), PASSWORD);
    assert.equal(wallet.address, keys[0]?.address);
    assert.deepEqual(questions, []);
  });

  test('a new mnemonic is shown once, with a warning, and restores the key', async (t) => {
    const { run, json, folder, password } = await shell(t);
    const { out, err } = await run('new', 'validator', '--mnemonic', '--password-file', password);
    assert.match(err, /not stored/);
    const words = /^mnemonic +((?:[a-z]+ ){23}[a-z]+)$/m.exec(out)?.[1] ?? '';
    const [made] = (await json('list')).keys;
    const file = await writePrivate(join(folder, 'words'), words);
    const other = await shell(t);
    const { keys } = await other.json(
      'derive',
      'validator',
      '--mnemonic-file',
      file,
      '--password-file',
      password,
    );
    assert.equal(keys[0]?.publicKey, made?.publicKey);
    assert.equal(keys[0]?.path, 'm/12381/60/0/0/0');
    for (const text of [(await run('list')).out, await readFile(made?.file ?? '', 'utf8')]) {
      assert.ok(!text.includes(words));
    }
  });

  test('--json shows a mnemonic only when asked to, and makes no key otherwise', async (t) => {
    const { json, keys, password } = await shell(t);
    const args = ['new', 'account', '--mnemonic', '--password-file', password];
    await rejectsWith(json(...args), 'KEYS_OPTION_CONFLICT');
    assert.equal(existsSync(keys), false);
    const report = await json(...args, '--include-secrets');
    assert.equal(report.keys[0]?.mnemonic?.split(' ').length, 24);
    const { keys: withoutWords } = await json('new', 'account', '--password-file', password);
    assert.deepEqual(Object.keys(withoutWords[0] ?? {}), ['kind', 'file', 'address', 'id']);
  });

  test('a key whose words were not written out is not stored', async (t) => {
    const failed = new Error('no space left on device');
    const { run, keys, printed } = await shell(t, undefined, () => Promise.reject(failed));
    await assert.rejects(run('new', 'account', '--mnemonic'), failed);
    assert.match(printed.out, /^mnemonic +[a-z]+ /m);
    assert.deepEqual(await readdir(keys), []);
  });

  test('a folder that cannot hold the key is refused before the words are shown', async (t) => {
    const { run, keys, printed } = await shell(t);
    await mkdir(keys, { mode: 0o700 });
    await chmod(keys, 0o755);
    await rejectsWith(run('new', 'account', '--mnemonic'), 'SECRET_FILE_FOLDER');
    assert.equal(printed.out, '');
  });

  test('options that a kind does not have are refused', async (t) => {
    const { run } = await shell(t);
    await rejectsWith(run('new', 'node', '--mnemonic'), 'KEYS_OPTION_CONFLICT');
    await rejectsWith(run('new', 'node', '--password-file', 'x'), 'KEYS_OPTION_CONFLICT');
    await rejectsWith(run('new', 'account', '--description', 'x'), 'KEYS_OPTION_CONFLICT');
  });

  test('a second node identity is refused', async (t) => {
    const { run } = await shell(t);
    await run('new', 'node');
    await rejectsWith(run('new', 'node'), 'SECRET_FILE_EXISTS');
  });
});

describe('keys import', () => {
  test('a wallet of ethers, keeping its password', async (t) => {
    const { json, folder, password } = await shell(t);
    const wallet = Wallet.createRandom();
    const file = await writePrivate(join(folder, 'UTC--wallet'), wallet.encryptSync(PASSWORD));
    const { keys } = await json('import', file, '--password-file', password);
    assert.equal(keys[0]?.address, wallet.address);
    const copy = await Wallet.fromEncryptedJson(await readFile(keys[0].file, 'utf8'), PASSWORD);
    assert.equal(copy.privateKey, wallet.privateKey);
  });

  test('a validator key with its path and description, under a new password', async (t) => {
    const source = await shell(t);
    const [made] = (await source.json('new', 'validator', '--description', 'moved')).keys;
    const { json, run, folder, password } = await shell(t);
    const renewed = await writePrivate(join(folder, 'new'), 'another password');
    const { keys } = await json(
      'import',
      made?.file ?? '',
      '--password-file',
      password,
      '--new-password-file',
      renewed,
    );
    assert.equal(keys[0]?.publicKey, made?.publicKey);
    assert.equal(keys[0]?.description, 'moved');
    await run('show', 'validator', '--proof-of-possession', '--password-file', renewed);
    await rejectsWith(
      run('show', 'validator', '--proof-of-possession', '--password-file', password),
      'KEYSTORE_PASSWORD_WRONG',
    );
  });

  test('a node identity, as JSON and as bare protobuf', async (t) => {
    const source = await shell(t);
    const [made] = (await source.json('new', 'node')).keys;
    const target = await shell(t);
    assert.equal((await target.json('import', made?.file ?? '')).keys[0]?.peerId, made?.peerId);
    const { privKey } = JSON.parse(await readFile(made?.file ?? '', 'utf8')) as { privKey: string };
    const bare = await writePrivate(join(source.folder, 'identity'), Buffer.from(privKey, 'base64'));
    const other = await shell(t);
    assert.equal((await other.json('import', bare)).keys[0]?.peerId, made?.peerId);
  });

  test('a bare private key, only when told what it is', async (t) => {
    const { json, run, folder, password } = await shell(t);
    const hex = Buffer.from(ACCOUNT_SECRET).toString('hex');
    const file = await writePrivate(join(folder, 'key.hex'), `0x${hex}\n`);
    await rejectsWith(run('import', file), 'KEYSTORE_FORMAT_UNKNOWN');
    const { keys } = await json('import', file, '--as', 'account', '--password-file', password);
    assert.equal(keys[0]?.address, ACCOUNT_ADDRESS);
    const bad = await writePrivate(join(folder, 'bad.hex'), hex.slice(2));
    const data = await rejectsWith(run('import', bad, '--as', 'account'), 'KEYSTORE_FORMAT_UNKNOWN');
    assert.equal(data.path, bad);
    assert.ok(!JSON.stringify(data).includes(hex.slice(2, 20)));
  });
});

describe('keys derive', () => {
  test('accounts in a row, from words typed at the prompt', async (t) => {
    const { json, questions } = await shell(t, (question) =>
      question === 'Mnemonic: ' ? MNEMONIC : PASSWORD,
    );
    const { keys } = await json('derive', 'account', '--index', '1', '--count', '2');
    assert.deepEqual(
      keys.map(({ address, path }) => [address, path]),
      [
        ['0x70997970C51812dc3A010C7d01b50e0d17dc79C8', "m/44'/60'/0'/0/1"],
        ['0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', "m/44'/60'/0'/0/2"],
      ],
    );
    assert.deepEqual(questions, ['Mnemonic: ', 'Password for the key: ']);
  });

  test('all or nothing: a key that is there, or an index too high, stops it before anything is asked', async (t) => {
    const { run, json, folder, keys, questions } = await shell(t);
    const words = await writePrivate(join(folder, 'words'), MNEMONIC);
    const args = ['derive', 'account', '--mnemonic-file', words];
    await rejectsWith(run(...args, '--index', '2147483647', '--count', '2'), 'MNEMONIC_INDEX');
    assert.equal(existsSync(keys), false);
    await json(...args, '--index', '1');
    const before = await readdir(keys);
    questions.length = 0;
    const data = await rejectsWith(run(...args, '--count', '3'), 'SECRET_FILE_EXISTS');
    assert.equal(data.path, join(keys, before[0] ?? ''));
    assert.deepEqual(await readdir(keys), before);
    assert.deepEqual(questions, []);
  });

  test('a disk that fails half-way: the keys that were stored are reported', async (t) => {
    const { run, folder, keys, printed } = await shell(t);
    await mkdir(keys, { mode: 0o700 });
    const words = await writePrivate(join(folder, 'words'), MNEMONIC);
    let syncs = 0;
    await mockSync(t, () => {
      // Two for the first key: its file and the folder.
      if (++syncs > 2) throw new Error('no space left on device');
    });
    const args = ['derive', 'account', '--mnemonic-file', words, '--count', '3', '--json'];
    await rejectsWith(run(...args), 'SECRET_FILE_IO');
    const { keys: reports } = JSON.parse(printed.out) as Answer;
    assert.deepEqual(
      reports.map(({ file }) => file),
      (await readdir(keys)).map((name) => join(keys, name)),
    );
    assert.equal(reports[0]?.address, ACCOUNT_ADDRESS);
  });

  test('a passphrase makes another key', async (t) => {
    const { json, folder, password } = await shell(t);
    const words = await writePrivate(join(folder, 'words'), MNEMONIC);
    const passphrase = await writePrivate(join(folder, 'passphrase'), 'extra\n');
    const args = ['derive', 'account', '--mnemonic-file', words, '--password-file', password];
    const { keys } = await json(...args, '--passphrase-file', passphrase);
    assert.notEqual(keys[0]?.address, ACCOUNT_ADDRESS);
    assert.equal((await json(...args)).keys[0]?.address, ACCOUNT_ADDRESS);
  });
});

describe('keys show, list, inspect, change-password', () => {
  test('a proof of possession that verifies', async (t) => {
    const { json, run } = await shell(t);
    await run('new', 'validator');
    const plain = await json('show', 'validator');
    assert.equal(plain.proofOfPossession, undefined);
    const report = await json('show', 'validator', '--proof-of-possession');
    const [key, proof] = [report.publicKey ?? '', report.proofOfPossession ?? ''];
    assert.ok(bls.verifyPossession(fromHex(key, 48), fromHex(proof, 96)));
    await run('new', 'account');
    await rejectsWith(run('show', 'account', '--proof-of-possession'), 'KEYS_KIND_MISMATCH');
  });

  test('inspect needs no password and points out weak protection', async (t) => {
    const { json, run, keys, questions } = await shell(t);
    await run('new', 'account');
    questions.length = 0;
    const [file = ''] = await readdir(keys);
    const report = await json('inspect', join(keys, file));
    assert.deepEqual(report.kdf, { ...LIGHT_SCRYPT });
    assert.equal(report.format, 'Web3 Secret Storage version 3');
    assert.match(String(report.notes), /easier to guess/);
    assert.match((await run('inspect', join(keys, file))).out, /kdf +scrypt n=2 r=8 p=1/);
    assert.deepEqual(questions, []);
  });

  test('change-password asks for both', async (t) => {
    let current = PASSWORD;
    const { run, questions } = await shell(t, (question) =>
      question === 'New password: ' ? 'another password' : current,
    );
    await run('new', 'validator');
    await run('change-password', 'validator');
    assert.deepEqual(questions.slice(1), ['Password: ', 'New password: ']);
    await rejectsWith(run('show', 'validator', '--proof-of-possession'), 'KEYSTORE_PASSWORD_WRONG');
    current = 'another password';
    await run('show', 'validator', '--proof-of-possession');
    await run('new', 'node');
    await rejectsWith(run('change-password', 'node-key'), 'KEYS_KIND_MISMATCH');
  });

  test('a file from elsewhere cannot steer the terminal', async (t) => {
    const { run, json, keys } = await shell(t);
    const description = 'red \u001b[31m \u202e \u009b2J \u2066 \u007f\nvalidator  forged';
    await run('new', 'validator', '--description', description);
    const [file = ''] = await readdir(keys);
    const escaped = String.raw`red \u001b[31m \u202e \u009b2J \u2066 \u007f\u000avalidator  forged`;
    for (const args of [['list'], ['show', 'validator'], ['inspect', join(keys, file)]]) {
      const { out } = await run(...args);
      assert.ok(out.includes(escaped), out);
      assert.doesNotMatch(out, UNPRINTABLE);
    }
    const text = (await run('list', '--json')).out;
    assert.doesNotMatch(text, UNPRINTABLE);
    assert.equal((await json('list')).keys[0]?.description, description);
  });

  test('neither can a file name, or what an unusable file says', async (t) => {
    const { run, json, keys } = await shell(t);
    await mkdir(keys, { mode: 0o700 });
    const hostile = '\u001b]0;title\u0007\u009b2J\u202e\ud800';
    const crypto = { kdf: { function: hostile }, checksum: { function: '' }, cipher: { function: '' } };
    const file = await writePrivate(join(keys, 'a\u001b[2J\nb.json'), JSON.stringify({ version: 4, crypto }));
    const { out } = await run('list');
    assert.match(out, /^unusable .*a\\u001b\[2J\\u000ab\.json: unsupported .*\\u001b\]0;title\\u0007.*\n$/);
    assert.doesNotMatch(out, UNPRINTABLE);
    const listed = await json('list');
    assert.doesNotMatch((await run('list', '--json')).out, UNPRINTABLE);
    assert.equal((listed.faults as { file: string }[])[0]?.file, file);
  });

  test('an empty folder says how to begin; a missing one is an error', async (t) => {
    const { run, keys } = await shell(t);
    await rejectsWith(run('list'), 'KEYRING_IO');
    await mkdir(keys, { mode: 0o700 });
    assert.match((await run('list')).out, /ogpu keys new/);
    await run('new', 'node');
    assert.match((await run('list')).out, /^node +12D3KooW/);
  });
});

describe('help', () => {
  for (const command of ['new', 'import', 'derive', 'list', 'show', 'inspect', 'change-password']) {
    test(`keys ${command} teaches with examples, and takes --json and --dir`, () => {
      let help = '';
      const group = keysCommand();
      const found = group.commands.find((candidate) => candidate.name() === command);
      found?.configureOutput({ writeOut: (text) => (help += text) });
      found?.outputHelp();
      assert.match(help, new RegExp(`Examples:\n {2}\\$ ogpu keys ${command}`));
      assert.match(help, /--json/);
      assert.match(help, /--dir/);
    });
  }

  test('no option takes a password or a mnemonic itself', () => {
    const flags = keysCommand().commands.flatMap(({ options }) => options.map((option) => option.flags));
    for (const flag of flags) assert.doesNotMatch(flag, /--(?:password|passphrase|mnemonic) </);
  });
});

test('through the compiled program', async (t) => {
  const folder = await temporaryFolder(t);
  const ogpu = (...args: string[]): Promise<{ status: number; out: string; err: string }> =>
    new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [PROGRAM, 'keys', ...args, '--dir', join(folder, 'keys')],
        (error, out, err) => {
          resolve({ status: error === null ? 0 : Number(error.code), out, err });
        },
      );
      child.stdin?.end();
    });
  const made = await ogpu('new', 'node', '--json');
  assert.equal(made.status, 0, made.err);
  const { keys } = JSON.parse(made.out) as { keys: KeyReport[] };
  assert.match(keys[0]?.peerId ?? '', /^12D3KooW/);

  const again = await ogpu('new', 'node');
  assert.notEqual(again.status, 0);
  assert.match(again.err, /SECRET_FILE_EXISTS/);

  const unasked = await ogpu('new', 'account');
  assert.notEqual(unasked.status, 0);
  assert.match(unasked.err, /PASSWORD_NO_TERMINAL/);
});
