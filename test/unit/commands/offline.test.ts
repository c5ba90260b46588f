import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { configCommand } from '../../../node/commands/config.js';
import { dbCommand } from '../../../node/commands/db.js';
import { doctorCommand } from '../../../node/commands/doctor.js';
import { exportCommand } from '../../../node/commands/export.js';
import { initCommand } from '../../../node/commands/init.js';
import { genesisFolder, keysFolder, ledgerFolder, signerFolder } from '../../../node/data-folder.js';
import { openDatabase } from '../../../node/database.js';
import { signPayment } from '../../support/payments.js';
import type { Finding } from '../../../node/doctor/finding.js';
import { storeValidatorKey } from '../../../node/keys/keyring.js';
import { loadGenesis } from '../../../genesis/load.js';
import { toChecksumAddress } from '../../../protocol/address.js';
import { OgpuError } from '../../../protocol/errors.js';
import { NODE_KEYS } from '../../../state/store/keys.js';
import { runCommand, type CommandRun } from '../../support/commands.js';
import { dataFolderOf } from '../../support/data-folder.js';
import { member } from '../../support/diagnosis.js';
import { LIGHT_SCRYPT, temporaryFolder, writePrivate } from '../keys/support.js';

type Json = Record<string, unknown>;

function jsonOf({ out, error }: CommandRun): Json {
  assert.equal(error, undefined, String(error));
  return JSON.parse(out) as Json;
}

async function init(data: string, ...args: string[]): Promise<CommandRun> {
  return runCommand(initCommand, ['--data', data, '--json', ...args]);
}

const PEER = '/ip4/10.0.0.7/tcp/26600/p2p/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo';

describe('ogpu init', () => {
  test('makes identity, configuration and genesis; a second run changes nothing', async (t) => {
    const source = await dataFolderOf(t, 0);
    const data = join(await temporaryFolder(t), 'deep', 'data');
    const genesis = join(genesisFolder(source), 'genesis.json');
    const first = jsonOf(await init(data, '--genesis', genesis, '--peers', PEER));
    assert.deepEqual(outcomes(first), {
      'keys/node-key.json': 'made',
      'genesis/genesis.json': 'made',
      'config.toml': 'made',
    });
    assert.equal((await stat(data)).mode & 0o777, 0o700);
    const config = await readFile(join(data, 'config.toml'), 'utf8');
    assert(config.includes(`peers = ["${PEER}"]`), config);
    await writeFile(join(data, 'config.toml'), `${config}\n# mine\n`);
    const second = jsonOf(await init(data, '--genesis', genesis));
    assert.deepEqual(Object.values(outcomes(second)), ['kept', 'kept', 'kept']);
    assert.deepEqual([second['peerId'], second['genesisId']], [first['peerId'], first['genesisId']]);
    assert.match(await readFile(join(data, 'config.toml'), 'utf8'), /# mine\n$/);
    const shown = jsonOf(await runCommand(configCommand, ['show', '--data', data, '--json']));
    assert.equal(shown['file'], join(data, 'config.toml'));
    // Nothing unfinished lies about.
    assert.deepEqual(
      (await readdir(data)).filter((name) => name.startsWith('.')),
      [],
    );
  });

  test('a folder belongs to one chain', async (t) => {
    const [source, other] = [await dataFolderOf(t, 0), await dataFolderOf(t, 0)];
    const refused = await init(other, '--genesis', join(genesisFolder(source), 'genesis.json'));
    assert.equal(refused.code, 'INIT_GENESIS_DIFFERS');
    const missing = await init(join(other, 'new'), '--genesis', join(other, 'none.json'));
    assert.equal(missing.code, 'GENESIS_FILE');
    assert.equal(await stat(join(other, 'new')).catch(() => undefined), undefined, 'a refusal makes nothing');
    assert.equal((await init(other, '--peers', '/ip4/1.2.3.4/tcp/1')).code, 'commander.invalidArgument');
  });
});

function outcomes(report: Json): Record<string, string> {
  const { files, dataDir } = report as { files: { path: string; outcome: string }[]; dataDir: string };
  return Object.fromEntries(files.map(({ path, outcome }) => [path.slice(dataDir.length + 1), outcome]));
}

describe('ogpu doctor', () => {
  const ports = ['--p2p-listen', '/ip4/127.0.0.1/tcp/0', '--rpc-port', '0', '--metrics-port', '0'];

  async function examine(
    data: string,
    ...args: string[]
  ): Promise<{ code: string | undefined; by: Map<string, Finding> }> {
    const { out, code } = await runCommand(doctorCommand, ['--data', data, '--json', ...ports, ...args]);
    const { findings } = JSON.parse(out) as { findings: Finding[] };
    return { code, by: new Map(findings.map((finding) => [finding.name, finding])) };
  }

  test('finds a good place good', async (t) => {
    const data = await dataFolderOf(t, 2);
    const { code, by } = await examine(data);
    assert.equal(code, undefined, JSON.stringify([...by.values()]));
    assert.match(by.get('ledger')?.detail ?? '', /^block 2 of /);
    assert.match(by.get('disk speed')?.detail ?? '', /^fsync [\d.]+ ms median/);
    assert.match(by.get('GPU')?.detail ?? '', /no adapter found|\/dev\/|answers every question/);
    for (const { verdict, cure } of by.values()) assert.equal(cure === undefined, verdict === 'ok');
  });

  test('a key that others can read, a port that is taken, a genesis of another chain', async (t) => {
    const [data, other] = [await dataFolderOf(t, 1), await dataFolderOf(t, 0)];
    await mkdir(keysFolder(data), { mode: 0o700 });
    await writeFile(join(keysFolder(data), 'node-key.json'), '{}', { mode: 0o644 });
    const server = createServer().listen(0, '127.0.0.1');
    t.after(() => server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const genesis = join(genesisFolder(other), 'genesis.json');
    const { code, by } = await examine(data, '--rpc-port', String(port), '--genesis', genesis);
    assert.equal(code, 'DOCTOR_FOUND_FAULTS');
    assert.match(by.get('node key')?.detail ?? '', /SECRET_FILE_PERMISSIONS/);
    assert.match(by.get('node key')?.cure ?? '', /^chmod 600/);
    assert.match(by.get('ports')?.detail ?? '', /rpc\.port 127\.0\.0\.1:\d+ \(EADDRINUSE\)/);
    assert.match(by.get('ledger')?.detail ?? '', /STORE_FOREIGN/);
  });

  test('the key of a validator is opened and looked for on the chain', async (t) => {
    const data = await dataFolderOf(t, 1);
    const { blsSecretKey, owner } = member(0);
    const key = await storeValidatorKey(keysFolder(data), blsSecretKey, 'correct horse', {
      kdf: LIGHT_SCRYPT,
    });
    const passwordFile = await writePrivate(join(keysFolder(data), 'password'), 'correct horse\n');
    const validator = (owned: Uint8Array): string[] => [
      ...[
        '--validator-enabled',
        '--validator-keystore-file',
        key.file,
        '--validator-password-file',
        passwordFile,
      ],
      ...['--validator-owner', toChecksumAddress(owned)],
    ];
    const right = await examine(data, ...validator(owner));
    assert.equal(right.by.get('validator key')?.verdict, 'ok');
    assert.match(right.by.get('validator')?.detail ?? '', /is registered$/);
    assert.match(right.by.get('signer record')?.detail ?? '', /does not sign without one/);
    await mkdir(signerFolder(data, member(0).blsPublicKey), { recursive: true });
    const other = await examine(data, ...validator(member(1).owner));
    assert.equal(other.by.get('signer record')?.verdict, 'ok');
    assert.match(other.by.get('validator')?.detail ?? '', /registered with another key/);
    await writePrivate(passwordFile, 'wrong password\n');
    const wrong = await examine(data, ...validator(owner));
    assert.match(wrong.by.get('validator key')?.detail ?? '', /KEYSTORE_PASSWORD_WRONG/);
  });

  test('a ledger that a node has open is left alone', async (t) => {
    const data = await dataFolderOf(t, 1);
    const { chainId, id } = await loadGenesis(join(genesisFolder(data), 'genesis.json'));
    const identity = { chainId, genesisId: id, protocolVersion: 1 };
    const { store } = await openDatabase({ path: ledgerFolder(data), identity });
    t.after(() => store.close());
    const { code, by } = await examine(data);
    assert.equal(code, undefined);
    assert.match(by.get('ledger')?.detail ?? '', /open in a node that runs/);
  });
});

/** Blocks 3 and 4 have a transfer each. */
async function ledgerWith(t: TestContext, blocks: number): Promise<string> {
  return dataFolderOf(t, blocks, (store, height) => {
    const payment = { to: member(1).owner, valueWei: BigInt(height) };
    return height === 3 || height === 4 ? [signPayment(store, member(0).ownerSecretKey, payment)] : [];
  });
}

describe('ogpu db and export', () => {
  test('a ledger is counted, pruned, compacted and verified', async (t) => {
    const data = await ledgerWith(t, 140);
    const db = async (...args: string[]): Promise<Json> =>
      jsonOf(await runCommand(dbCommand, [...args, '--data', data, '--json']));
    const before = await db('stats', '--entries');
    assert.deepEqual([before['height'], before['oldestHeight']], [140, 1]);
    const spaces = before['spaces'] as { name: string; entries: number }[];
    const entries = (name: string): number | undefined =>
      spaces.find((space) => space.name === name)?.entries;
    assert.deepEqual([entries('block'), entries('commit'), entries('transaction')], [140, 140, 2]);
    assert.deepEqual(await db('prune', '--keep', '128'), { dropped: 12, oldestHeight: 13, height: 140 });
    assert.deepEqual((await db('prune', '--keep', '128'))['dropped'], 0);
    await db('compact');
    const verified = await db('verify');
    assert.deepEqual(verified['blocks'], { blocks: 128, faults: [], faultCount: 0 });
    assert.equal(verified['invariants'], 'hold');
    const refused = await runCommand(dbCommand, ['prune', '--keep', '10', '--data', data]);
    assert.equal(refused.code, 'commander.invalidArgument');
    const gone = await runCommand(exportCommand, ['blocks', '--from', '1', '--data', data]);
    assert.equal(gone.code, 'EXPORT_RANGE');
  });

  test('a block that is missing, moved or rotten is named', async (t) => {
    const data = await ledgerWith(t, 6);
    const { chainId, id } = await loadGenesis(join(genesisFolder(data), 'genesis.json'));
    const { store } = await openDatabase({
      path: ledgerFolder(data),
      identity: { chainId, genesisId: id, protocolVersion: 1 },
    });
    const third = store.get(NODE_KEYS.block.encode(3));
    await store.write([
      { key: NODE_KEYS.block.encode(2), value: third },
      { key: NODE_KEYS.block.encode(4), value: undefined },
      { key: NODE_KEYS.commit.encode(5), value: undefined },
      { key: NODE_KEYS.block.encode(6), value: Uint8Array.of(1, 2, 3) },
    ]);
    await store.close();
    const { out, code } = await runCommand(dbCommand, ['verify', '--data', data]);
    assert.equal(code, 'DB_DAMAGED');
    for (const line of [
      /block 2: the block says that it is of height 3/,
      /block 3: its parent is 0x/,
      /block 4: the block is missing/,
      /block 5: its commit is missing/,
      /block 6: it cannot be read/,
      /entries of the state: they have its root/,
    ])
      assert.match(out, line);
  });

  test('blocks, transactions and accounts are exported, line by line', async (t) => {
    const data = await ledgerWith(t, 5);
    const lines = async (...args: string[]): Promise<string[]> => {
      const { out, error } = await runCommand(exportCommand, [...args, '--data', data]);
      assert.equal(error, undefined, String(error));
      return out.trimEnd().split(/\r?\n/);
    };
    const blocks = (await lines('blocks', '--from', '2', '--to', '4')).map(
      (line) => JSON.parse(line) as Json,
    );
    assert.deepEqual(
      blocks.map(({ height, transactions }) => [height, transactions]),
      [
        [2, 0],
        [3, 1],
        [4, 1],
      ],
    );
    assert.equal(blocks[1]?.['parentId'], blocks[0]?.['id']);
    const [header, ...rows] = await lines('transactions', '--format', 'csv');
    assert.equal(
      header,
      'hash,height,index,timeMs,type,from,to,nonce,valueWei,feeCapWei,gasLimit,gasUsed,status,input',
    );
    const cells = rows.map((row) => row.split(','));
    const [sender, receiver] = [toChecksumAddress(member(0).owner), toChecksumAddress(member(1).owner)];
    assert.deepEqual(
      cells.map(([, height, index, , type, from, to, nonce, value]) => [
        height,
        index,
        type,
        from,
        to,
        nonce,
        value,
      ]),
      [
        ['3', '0', 'eip1559', sender, receiver, '0', '3'],
        ['4', '0', 'eip1559', sender, receiver, '1', '4'],
      ],
    );
    assert.deepEqual(
      cells.map((row) => row.slice(11, 13)),
      [
        ['21000', '1'],
        ['21000', '1'],
      ],
    );
    const accounts = (await lines('accounts')).map(
      (line) => JSON.parse(line) as { address: string; nonce: number },
    );
    assert.equal(accounts.find(({ address }) => address === sender)?.nonce, 2);
  });

  test('where there is no ledger, nothing is made', async (t) => {
    const data = await temporaryFolder(t);
    const { error } = await runCommand(dbCommand, ['stats', '--data', data]);
    assert(error instanceof OgpuError && error.code === 'GENESIS_FILE');
    assert.deepEqual(await readdir(data), []);
  });
});

describe('ogpu config', () => {
  test('faults are told one a line, and as JSON', async (t) => {
    const data = await temporaryFolder(t);
    const text = await runCommand(configCommand, [
      'check',
      '--data',
      data,
      '--rpc-port',
      'x',
      '--p2p-max-peers',
      '0',
    ]);
    assert.equal(text.code, 'CONFIG_INVALID');
    assert.equal(text.err.split('\n').filter((line) => line !== '').length, 2);
    const json = await runCommand(configCommand, ['check', '--data', data, '--rpc-port', 'x', '--json']);
    const { valid, faults } = JSON.parse(json.out) as { valid: boolean; faults: { path: string }[] };
    assert.deepEqual([valid, faults.map(({ path }) => path)], [false, ['rpc.port']]);
  });
});
