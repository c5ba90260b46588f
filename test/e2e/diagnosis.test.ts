import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DOCUMENT_FILE } from '../../genesis/create.js';
import { loadGenesis } from '../../genesis/load.js';
import { openDatabase } from '../../node/database.js';
import { genesisFolder, ledgerFolder } from '../../node/data-folder.js';
import { chainParamsCodec } from '../../protocol/params-codec.js';
import { HEAD_KEY } from '../../state/chain/marks.js';
import type { Store } from '../../state/store/store.js';
import { STATE_KEYS } from '../../state/store/keys.js';
import { runCli } from '../support/cli.js';
import { dataFolderOf } from '../support/data-folder.js';
import { MEMBERS } from '../support/diagnosis.js';
import { signPayment } from '../support/payments.js';

function payment(store: Store): Uint8Array {
  const [alice, bob] = MEMBERS;
  assert.ok(alice !== undefined && bob !== undefined);
  return signPayment(store, alice.ownerSecretKey, { to: bob.owner, valueWei: 5n });
}

test('a kept ledger is replayed and checked; a value flipped on disk is found, written down and explained', async (t) => {
  const data = await dataFolderOf(t, 6, (store, height) => (height <= 3 ? [payment(store)] : []));
  const genesis = join(genesisFolder(data), DOCUMENT_FILE);
  const folder = await mkdtemp(join(tmpdir(), 'ogpu-diagnosis-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const where = ['--data', data, '--genesis', genesis];

  await t.test('sound', () => {
    const all = runCli(['replay', '1', '--to', '6', '--check-invariants', ...where]);
    assert.equal(all.exitCode, 0, all.stderr);
    assert.match(all.stdout, /^blocks 1 to 6: as stored \(3 transactions, \d+ changed entries\)\n$/);
    const check = runCli(['check', ...where]);
    assert.equal(check.exitCode, 0, check.stderr);
    assert.match(check.stdout, /entries have this root\nevery invariant holds/);
  });

  await t.test('refusals', async () => {
    for (const [height, code] of [
      ['0', 'REPLAY_OF_GENESIS'],
      ['1000', 'REPLAY_ABOVE_HEAD'],
    ] as const) {
      const refused = runCli(['replay', height, ...where]);
      assert.equal(refused.exitCode, 1);
      assert.match(refused.stderr, new RegExp(`\\[${code} `));
    }
    const nowhere = join(folder, 'nowhere');
    const missing = runCli(['check', '--data', nowhere, '--genesis', genesis]);
    assert.match(missing.stderr, /\[LEDGER_MISSING /);
    assert.equal(existsSync(nowhere), false, 'looking makes nothing');
    const damaged = join(folder, 'damaged');
    await mkdir(join(damaged, 'ledger'), { recursive: true });
    assert.match(runCli(['check', '--data', damaged, '--genesis', genesis]).stderr, /\[LEDGER_MISSING /);
    await writeFile(join(damaged, 'ledger', '000005.ldb'), 'a table');
    assert.match(
      runCli(['check', '--data', damaged, '--genesis', genesis]).stderr,
      /CURRENT is missing.*\[STORE_CORRUPT /,
    );
    assert.equal(runCli(['replay', 'x', ...where]).exitCode, 2);
    assert.equal(runCli(['diagnose', join(folder, 'none.json')]).exitCode, 1);
  });

  await t.test('damaged', async () => {
    const { chainId, id } = await loadGenesis(genesis);
    const identity = { chainId, genesisId: id, protocolVersion: 1 };
    const { store } = await openDatabase({ path: ledgerFolder(data), identity });
    const key = STATE_KEYS.system.encode('params');
    const stored = store.get(key);
    assert.ok(stored);
    const params = chainParamsCodec.decode(stored);
    const blocks = { ...params.blocks, gasLimit: 5_000_000 };
    await store.write([{ key, value: chainParamsCodec.encode({ ...params, blocks }) }]);
    await store.close();

    const replayed = runCli(['replay', '6', '--json', ...where]);
    assert.equal(replayed.exitCode, 1);
    const report = JSON.parse(replayed.stdout) as {
      verdict: string;
      damage: { where: string }[];
      bundle: string;
    };
    assert.equal(report.verdict, 'damaged');
    assert.deepEqual(
      report.damage.map((damage) => damage.where),
      ['sys/ params'],
    );
    const spare = join(folder, 'spare');
    await rename(join(data, 'diagnosis'), spare);
    await writeFile(join(data, 'diagnosis'), '');
    const unsaved = runCli(['replay', '6', ...where]);
    assert.equal(unsaved.exitCode, 1);
    assert.match(unsaved.stdout, /verdict: damaged: (.*\n)+no bundle: .*\[BUNDLE_FILE /);
    assert.match(unsaved.stderr, /\[REPLAY_DIFFERS /, 'what was found out is not lost with the bundle');
    await rm(join(data, 'diagnosis'));
    await rename(spare, join(data, 'diagnosis'));

    const text = runCli(['replay', '6', ...where]);
    assert.match(text.stdout, /header\.gasLimit\n +expected "120000000"\n +got {6}"5000000"\n/);
    assert.match(text.stderr, /\[REPLAY_DIFFERS /);
    assert.ok(text.stdout.includes(`bundle: ${report.bundle}\n`), 'the same bundle, which stays');

    const diagnosed = runCli(['diagnose', report.bundle]);
    assert.equal(diagnosed.exitCode, 1);
    assert.match(diagnosed.stdout, /1 entries it read are not .*\n {2}sys\/ params \[PROOF_ROOT_MISMATCH\]/);
    assert.match(diagnosed.stdout, /executed again here from the bundle alone: the same result\n/);
    const same = runCli(['diagnose', report.bundle, report.bundle]);
    assert.equal(same.exitCode, 0, same.stderr);
    assert.match(same.stdout, /no differences\n$/);

    const check = runCli(['check', ...where]);
    assert.equal(check.exitCode, 1);
    assert.match(check.stdout, /1 faults among \d+ entries\n {2}entry-differs: sys\/ params\n/);

    const { store: headless } = await openDatabase({ path: ledgerFolder(data), identity });
    await headless.write([{ key: HEAD_KEY, value: undefined }]);
    await headless.close();
    assert.match(runCli(['check', ...where]).stderr, /lost its head \[STORE_CORRUPT /);
  });
});
