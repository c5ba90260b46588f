import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { Command } from 'commander';
import { ConfigError, type ConfigFault } from '../../../node/config/config-error.js';
import { addConfigFlags, flagValues } from '../../../node/config/flags.js';
import type { Layer } from '../../../node/config/layer.js';
import { loadConfig, resolveConfig } from '../../../node/config/load.js';
import { configTemplate } from '../../../node/config/template.js';

const PEER = '/ip4/10.0.0.7/tcp/26600/p2p/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo';

async function folderWith(t: TestContext, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ogpu-config-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

function flags(...args: string[]): Layer {
  const command = addConfigFlags(new Command('start')).exitOverride();
  command.parse(args, { from: 'user' });
  return flagValues(command.opts());
}

async function faultsOf(work: Promise<unknown>): Promise<readonly ConfigFault[]> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert(error instanceof ConfigError, `no ConfigError but ${String(error)}`);
  return error.faults;
}

test('without anything, the defaults hold', async (t) => {
  const folder = await folderWith(t);
  const config = await loadConfig({ env: { OGPU_DATA_DIR: folder } });
  assert.equal(config.genesis, join(folder, 'genesis', 'genesis.json'));
  assert.deepEqual(config.history, { mode: 'archive' });
  assert.deepEqual(config.rpc.corsOrigins, []);
  assert.equal(config.rpc.port, 8545);
  assert.equal(config.metrics.port, 9464);
  assert.equal(config.validator, undefined);
  assert.deepEqual(config.sync, { mode: 'blocks', checkpoint: undefined, snapshotIntervalBlocks: 10_000 });
  assert.equal(config.mempool.maxBytes, 32 * 1024 * 1024);
  assert.equal(config.mempool.minTipWei, 1n);
  assert.equal(config.database.readCacheBytes, 16 * 1024 * 1024);
});

test('flags go before the environment, that before the file, that before defaults', async (t) => {
  const file = '[p2p]\nmaxPeers = 1\n[rpc]\nport = 1\n[metrics]\nport = 1\n';
  const folder = await folderWith(t, { 'config.toml': file });
  const { config, effective } = await resolveConfig({
    flags: flags('--data', folder, '--p2p-max-peers', '3'),
    env: { OGPU_P2P_MAX_PEERS: '2', OGPU_RPC_PORT: '2' },
  });
  assert.deepEqual([config.p2p.maxPeers, config.rpc.port, config.metrics.port], [3, 2, 1]);
  const sources = Object.fromEntries(effective.map(({ path, source }) => [path, source]));
  assert.equal(sources['p2p.maxPeers'], '--p2p-max-peers');
  assert.equal(sources['rpc.port'], 'OGPU_RPC_PORT');
  assert.equal(sources['metrics.port'], `${join(folder, 'config.toml')}:6`);
  assert.equal(sources['log.level'], 'default');
});

test('every fault is told at once, with its path and where it was said', async (t) => {
  const file = [
    'historie = 3',
    '[p2p]',
    'maxPeers = "many"',
    `peers = ["${PEER}", "/ip4/10.0.0.8/tcp/1", 7]`,
    'lisen = ["/ip4/0.0.0.0/tcp/1"]',
    '[rpc]',
    'port = 70000',
    'corsOrigins = ["https://app.example.org/path"]',
    '[minig]',
    'threads = 4',
    '[log]',
    'level = 3',
  ].join('\n');
  const folder = await folderWith(t, { 'node.toml': file });
  const path = join(folder, 'node.toml');
  const faults = await faultsOf(
    loadConfig({
      file: path,
      env: { OGPU_METRICS_PROT: '1', OGPU_METRICS_ENABLED: 'yes', OGPU_CASES: '1' },
      flags: flags('--history', '12', '--mempool-max-bytes', '5 parsecs'),
    }),
  );
  const found = faults.map(({ path: at, source, code }) => `${at} ${source.replace(path, 'file')} ${code}`);
  assert.deepEqual(
    found.sort(),
    [
      'OGPU_METRICS_PROT environment CONFIG_UNKNOWN',
      'history --history CONFIG_VALUE',
      'historie file:1 CONFIG_UNKNOWN',
      'log.level file:12 CONFIG_VALUE',
      'mempool.maxBytes --mempool-max-bytes CONFIG_VALUE',
      'metrics.enabled OGPU_METRICS_ENABLED CONFIG_VALUE',
      'minig file:9 CONFIG_UNKNOWN',
      'p2p.lisen file:5 CONFIG_UNKNOWN',
      'p2p.maxPeers file:3 CONFIG_VALUE',
      'p2p.peers[1] file:4 CONFIG_VALUE',
      'p2p.peers[2] file:4 CONFIG_VALUE',
      'rpc.corsOrigins[0] file:8 CONFIG_VALUE',
      'rpc.port file:7 CONFIG_VALUE',
    ].sort(),
  );
  const text = (at: string): string => faults.find((fault) => fault.path === at)?.message ?? '';
  assert.match(text('historie'), /did you mean history\?/);
  assert.match(text('p2p.lisen'), /did you mean p2p\.listen\?/);
  assert.match(text('OGPU_METRICS_PROT'), /did you mean OGPU_METRICS_PORT\?/);
  assert.match(text('p2p.maxPeers'), /expected a whole number from 1 to 1024, got "many"/);
  assert.match(text('p2p.peers[1]'), /the peer id is missing/);
  assert.match(text('history'), /at least 128, got "12"/);
});

test('what belongs together is judged together', async (t) => {
  const folder = await folderWith(t);
  const env = {
    OGPU_DATA_DIR: folder,
    OGPU_VALIDATOR_ENABLED: 'true',
    OGPU_SYNC_MODE: 'snapshot',
    OGPU_SYNC_TRUSTED_HEIGHT: '7',
    OGPU_METRICS_PORT: '8545',
    OGPU_P2P_PEERS: `${PEER},${PEER}`,
    OGPU_MEMPOOL_MAX_COUNT: '100',
  };
  const faults = await faultsOf(loadConfig({ env }));
  assert.deepEqual(
    faults.map(({ path, code }) => `${path} ${code}`),
    [
      'validator.keystoreFile',
      'validator.passwordFile',
      'validator.owner',
      'sync.trustedId',
      'metrics.port',
      'p2p.peers',
      'mempool.maxExemptCount',
    ].map((path) => `${path} CONFIG_RELATION`),
  );
});

test('paths are meant from where they are written', async (t) => {
  const folder = await folderWith(t, {
    'node.toml': 'dataDir = "data"\n[validator]\nkeystoreFile = "k.json"\nenabled = true\n',
  });
  const config = await loadConfig({
    file: join(folder, 'node.toml'),
    folder: '/elsewhere',
    env: {
      OGPU_VALIDATOR_PASSWORD_FILE: 'password',
      OGPU_GENESIS: '~/genesis.json',
      OGPU_VALIDATOR_OWNER: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
    },
  });
  assert.equal(config.dataDir, join(folder, 'data'));
  assert.equal(config.genesis, join(homedir(), 'genesis.json'));
  assert.equal(config.validator?.keystoreFile, join(folder, 'k.json'));
  assert.equal(config.validator.passwordFile, '/elsewhere/password');
});

test('a named file must be there; one that nobody named need not be', async (t) => {
  const folder = await folderWith(t);
  const [fault] = await faultsOf(loadConfig({ env: { OGPU_CONFIG: join(folder, 'no.toml') } }));
  assert.equal(fault?.code, 'CONFIG_FILE');
  await assert.doesNotReject(loadConfig({ env: { OGPU_DATA_DIR: folder } }));
});

describe('a file that is no TOML is a fault with its line', () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ['a value that is missing', '[rpc]\nport =, \n', 2],
    ['a key twice', '[rpc]\nport = 1\nport = 2\n', 3],
    ['a table twice', '[rpc]\n[p2p]\n[rpc]\n', 3],
    ['a list without an end', '[p2p]\nlisten = ["a",\n', 3],
    ['binary rubbish', '\u0000\u0001', 1],
  ];
  for (const [name, text, line] of cases) {
    test(name, async (t) => {
      const folder = await folderWith(t, { 'config.toml': text });
      const [fault, ...more] = await faultsOf(loadConfig({ env: { OGPU_DATA_DIR: folder } }));
      assert.equal(fault?.code, 'CONFIG_SYNTAX');
      assert.equal(fault.source, `${join(folder, 'config.toml')}:${line}`);
      assert.deepEqual(more, []);
    });
  }
});

test('a scalar for a section, a table for a setting, a list of tables', async (t) => {
  const file = 'rpc = 1\n[history]\nx = 1\n[[p2p]]\nmaxPeers = 1\n[log]\nlevel = { a = 1 }\n';
  const folder = await folderWith(t, { 'config.toml': file });
  const faults = await faultsOf(loadConfig({ env: { OGPU_DATA_DIR: folder } }));
  assert.deepEqual(
    faults.map(({ path, code }) => `${path} ${code}`),
    ['rpc CONFIG_TYPE', 'history CONFIG_UNKNOWN', 'p2p.0 CONFIG_UNKNOWN', 'log.level CONFIG_VALUE'],
  );
});

test('the template says what holds anyway, and what it is given', async (t) => {
  const folder = await folderWith(t);
  const bare = await loadConfig({ env: { OGPU_DATA_DIR: folder } });
  await writeFile(join(folder, 'config.toml'), configTemplate());
  assert.deepEqual(await loadConfig({ env: { OGPU_DATA_DIR: folder } }), bare);
  // With every comment taken away that has a default, too.
  const all = configTemplate()
    .replaceAll(/^# Not set\. An example:\n.*$/gm, '')
    .replaceAll(/^# (\w+ = )/gm, '$1')
    .replaceAll(/^(?:dataDir|genesis) = .*$/gm, '');
  await writeFile(join(folder, 'config.toml'), all);
  assert.deepEqual(await loadConfig({ env: { OGPU_DATA_DIR: folder } }), bare);
  await writeFile(join(folder, 'config.toml'), configTemplate({ 'p2p.peers': [PEER], 'rpc.port': 7 }));
  const given = await loadConfig({ env: { OGPU_DATA_DIR: folder } });
  assert.deepEqual([given.p2p.peers[0]?.address, given.rpc.port], [PEER, 7]);
});
