import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { totalWei } from '../../../genesis/accounts.js';
import { toHex } from '../../../protocol/bytes.js';
import { formatFaults } from '../../../genesis/report.js';
import { storeAccountKey, storeValidatorKey } from '../../../node/keys/keyring.js';
import { loadGenesis } from '../../../genesis/load.js';
import { bls } from '../../../protocol/crypto/bls.js';
import { codesIn, run, workplace } from './command.js';
import { addressText, ogpu, temporaryDirectory } from './sample.js';

const CHEAP_KDF = { function: 'scrypt', n: 2, r: 8, p: 1 } as const;

describe('ogpu genesis create', () => {
  test('writes a genesis that checks, with the same id', async (context) => {
    const { out, args } = workplace(context);
    const created = await run(...args, '--json');
    assert.equal(created.code, undefined);
    const report = JSON.parse(created.out) as { id: string; files: string[]; supply: Record<string, string> };
    assert.deepEqual(readdirSync(out).sort(), ['genesis.json', 'holders-1.csv']);
    assert.deepEqual(report.files, [join(out, 'genesis.json'), join(out, 'holders-1.csv')]);

    const state = await loadGenesis(join(out, 'genesis.json'));
    assert.equal(toHex(state.id), report.id);
    assert.equal(totalWei(state.accounts).toString(), report.supply['accountsWei']);
    assert.equal(state.genesisTimeMs, Date.UTC(2027, 0));
    assert.equal(state.accounts.length, 3);

    const id = await run('id', join(out, 'genesis.json'));
    assert.equal(id.out, `${report.id}\n`);
    const check = await run('check', join(out, 'genesis.json'), '--json');
    assert.equal((JSON.parse(check.out) as { valid: boolean }).valid, true);
    assert.match((await run('check', join(out, 'genesis.json'))).out, /reserve {5}20997497\.25 OGPU/);
  });

  test('gives the same bytes twice, and to a force', async (context) => {
    const { out, args } = workplace(context);
    await run(...args);
    const first = readdirSync(out).map((file) => readFileSync(join(out, file), 'utf8'));
    assert.equal((await run(...args)).code, 'GENESIS_EXISTS');
    writeFileSync(join(out, 'genesis.json'), 'old');
    assert.equal((await run(...args, '--force')).code, undefined);
    assert.deepEqual(
      readdirSync(out).map((file) => readFileSync(join(out, file), 'utf8')),
      first,
    );
  });

  test('writes nothing and keeps what is there when something is wrong', async (context) => {
    const { directory, out, args } = workplace(context);
    await run(...args);
    const before = readFileSync(join(out, 'genesis.json'), 'utf8');
    writeFileSync(
      join(directory, 'export.csv'),
      `address,balance\n${addressText(1)},5\n${addressText(1)},5\n`,
    );
    const { code, err } = await run(...args, '--force');
    assert.equal(code, 'GENESIS_INVALID');
    assert.match(err, /^export\.csv:3: .* \[HOLDER_DUPLICATE\]\n$/);
    assert.deepEqual(readdirSync(out).sort(), ['genesis.json', 'holders-1.csv']);
    assert.equal(readFileSync(join(out, 'genesis.json'), 'utf8'), before);
  });

  test('reads allocations from a file and reports all faults of its inputs', async (context) => {
    const { directory, args } = workplace(context);
    const list = join(directory, 'list.json');
    writeFileSync(list, JSON.stringify([{ address: addressText(8), balanceWei: ogpu(3), label: 'team' }]));
    const good = await run(...args, '--allocation', list, '--json');
    assert.equal((JSON.parse(good.out) as { accounts: number }).accounts, 4);

    writeFileSync(list, JSON.stringify([{ address: '0x1', balanceWei: '-3' }]));
    writeFileSync(join(directory, 'one.json'), '{"name":1,"name":2}');
    const bad = await run(...args, '--allocation', list, '0x12=x', `${addressText(1)}=-1`, '--force');
    assert.equal(bad.code, 'GENESIS_INVALID');
    assert.deepEqual(codesIn(bad.err), [
      'JSON_DUPLICATE_KEY',
      'ADDRESS_SYNTAX',
      'AMOUNT_NEGATIVE',
      'ADDRESS_SYNTAX',
      'AMOUNT_NEGATIVE',
    ]);
  });

  test('refuses a missing input and a bad option', async (context) => {
    const { directory, args } = workplace(context);
    const missing = await run(...args, '--snapshot', join(directory, 'none.csv'));
    assert.equal(missing.code, 'GENESIS_INVALID');
    assert.match(missing.err, /none\.csv: cannot read .* \[GENESIS_FILE\]\n$/);
    for (const time of [
      '2027-01-01',
      '2027-02-29T00:00:00Z',
      '2027-04-31T12:00:00+02:00',
      '2027-01-01T24:00Z',
    ]) {
      assert.equal((await run(...args, '--time', time)).code, 'commander.invalidArgument', time);
    }
    assert.equal((await run(...args, '--decimals', '19')).code, 'commander.invalidArgument');
  });
});

describe('inputs of ogpu genesis create', () => {
  test('are all judged before any is refused', async (context) => {
    const { directory, out, args } = workplace(context);
    writeFileSync(join(directory, 'bad.csv'), `address,balance\n${addressText(8)},-1\n`);
    writeFileSync(join(directory, 'worse.csv'), `address,balance\nx,1\n`);
    const files = ['bad.csv', 'none.csv', 'worse.csv'].map((file) => join(directory, file));
    args.push('--validator', join(directory, 'none.json'), '--snapshot', ...files, '--allocation', '0x12=1');
    const { code, err } = await run(...args);
    assert.equal(code, 'GENESIS_INVALID');
    assert.deepEqual(codesIn(err), [
      'GENESIS_FILE',
      'ADDRESS_SYNTAX',
      'AMOUNT_NEGATIVE',
      'GENESIS_FILE',
      'ADDRESS_SYNTAX',
    ]);
    assert.ok(!existsSync(out));
  });

  test('are files of UTF-8', async (context) => {
    const { directory, args } = workplace(context);
    const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');
    writeFileSync(join(directory, 'one.json'), utf16(readFileSync(join(directory, 'one.json'), 'utf8')));
    writeFileSync(join(directory, 'export.csv'), utf16(`address,balance\n${addressText(7)},1\n`));
    assert.deepEqual(codesIn((await run(...args)).err), ['GENESIS_FILE_ENCODING', 'CSV_ENCODING']);
  });

  test('are regular files, found without waiting', async (context) => {
    const { directory, args } = workplace(context);
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    args.push('--validator', pipe, '--allocation', '/dev/zero', '--snapshot', pipe, directory);
    const { err } = await run(...args);
    assert.deepEqual(codesIn(err), Array<string>(4).fill('GENESIS_FILE_NOT_REGULAR'));
    assert.equal((await run('check', pipe)).code, 'GENESIS_FILE_NOT_REGULAR');
  });
});

describe('ogpu genesis check', () => {
  test('prints all faults and fails', async (context) => {
    const directory = temporaryDirectory(context, { 'genesis.json': '{"version":1,"version":2}' });
    const json = await run('check', join(directory, 'genesis.json'), '--json');
    assert.equal(json.code, 'GENESIS_INVALID');
    const { valid, faultCount, faults } = JSON.parse(json.out) as {
      valid: boolean;
      faultCount: number;
      faults: unknown[];
    };
    assert.deepEqual([valid, faultCount, faults.length], [false, 9, 9]);
    const { err } = await run('check', join(directory, 'genesis.json'));
    assert.match(err, /^version: key "version" appears twice \[JSON_DUPLICATE_KEY\]\n/);
    assert.match(err, /validators: is missing \[FIELD_MISSING\]\n/);
  });

  test('lets no document move the cursor', () => {
    const path = `a\u001b[2J${'x'.repeat(9000)}`;
    const text = formatFaults([{ path, code: 'FIELD_UNKNOWN', message: 'there is no such field' }], 1);
    assert.doesNotMatch(text, /\u001b/); // eslint-disable-line no-control-regex
    assert.ok(text.length < 600);
  });
});

describe('ogpu genesis validator', () => {
  test('makes an entry that a genesis accepts', async (context) => {
    const directory = temporaryDirectory(context);
    const keys = join(directory, 'keys');
    const secret = new Uint8Array(32).fill(7);
    await storeValidatorKey(keys, secret, 'correct horse', { kdf: CHEAP_KDF });
    const entry = join(directory, 'entry.json');
    const made = await run(
      ...['validator', '--preset', 'testnet', '--dir', keys, '--key', 'validator', '--name', 'alice'],
      ...['--owner', addressText(1), '--payout', addressText(2), '--stake', '1000.5', '--commission', '250'],
      ...['--out', entry],
    );
    assert.equal(made.code, undefined);
    const { blsPublicKey, ...fields } = JSON.parse(readFileSync(entry, 'utf8')) as Record<string, unknown>;
    assert.equal(blsPublicKey, toHex(bls.publicKey(secret)));
    assert.equal(fields['operator'], addressText(1));
    assert.equal(fields['payout'], addressText(2));

    const out = join(directory, 'net');
    const create = ['create', '--time', '1800000000000', '--out', out, '--validator', entry];
    create.push('--allocation', `${addressText(1)}=2000`);
    assert.equal((await run(...create, '--preset', 'testnet')).code, undefined);
    const wrongChain = await run(...create, '--preset', 'devnet', '--force');
    assert.match(wrongChain.err, /^validators\[0\]\.ownerBinding: .* \[OWNER_BINDING_INVALID\]\n$/);
  });

  test('refuses another kind of key and an existing output', async (context) => {
    const directory = temporaryDirectory(context, { 'entry.json': '' });
    const keys = join(directory, 'keys');
    await storeAccountKey(keys, new Uint8Array(32).fill(7), 'correct horse', { kdf: CHEAP_KDF });
    const args = ['validator', '--preset', 'testnet', '--dir', keys, '--key', 'account', '--name', 'alice'];
    args.push('--owner', addressText(1), '--stake', '1000');
    assert.equal((await run(...args)).code, 'GENESIS_KEY_KIND');
    assert.equal((await run(...args, '--out', join(directory, 'entry.json'))).code, 'GENESIS_EXISTS');
  });

  test('signs nothing that create refuses', async (context) => {
    const directory = temporaryDirectory(context);
    const keys = join(directory, 'keys');
    await storeValidatorKey(keys, new Uint8Array(32).fill(7), 'correct horse', { kdf: CHEAP_KDF });
    const out = join(directory, 'entry.json');
    const validator = (changes: Readonly<Record<string, string>>): ReturnType<typeof run> => {
      const options = { '--name': 'alice', '--owner': addressText(1), '--stake': '1000', ...changes };
      const key = ['--preset', 'testnet', '--dir', keys, '--key', 'validator', '--out', out];
      return run('validator', ...key, ...Object.entries(options).flat());
    };
    for (const [changes, codes] of [
      [{ '--name': '' }, ['VALIDATOR_NAME']],
      [{ '--name': 'Zoë', '--payout': '0x12' }, ['VALIDATOR_NAME', 'ADDRESS_SYNTAX']],
      [{ '--stake': '0' }, ['AMOUNT_ZERO', 'STAKE_BELOW_MINIMUM']],
      [{ '--stake': '1' }, ['STAKE_BELOW_MINIMUM']],
      [{ '--owner': `0x${'0'.repeat(40)}`, '--operator': addressText(2) }, ['ADDRESS_ZERO', 'ADDRESS_ZERO']],
    ] as const) {
      const { code, err } = await validator(changes);
      assert.deepEqual([code, ...codesIn(err)], ['GENESIS_INVALID', ...codes]);
      assert.ok(!existsSync(out));
    }
    assert.equal((await validator({})).code, undefined);
  });
});
