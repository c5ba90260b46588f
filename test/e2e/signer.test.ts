import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSigner, type LocalSigner } from '../../consensus/signer/local-signer.js';
import { signerFolder } from '../../node/data-folder.js';
import { openFolder } from '../../node/disk/open-folder.js';
import { toHex } from '../../protocol/bytes.js';
import { runCli } from '../support/cli.js';
import { CHAIN, FAKE_KEY, vote } from '../unit/signer/support.js';

const KEY = toHex(FAKE_KEY.publicKey);

test('ogpu signer export and import carry what a key signed to another data folder', async () => {
  const root = mkdtempSync(join(tmpdir(), 'ogpu-signer-'));
  try {
    const [here, there] = [join(root, 'here'), join(root, 'there')];
    await withSigner(here, true, (signer) => signer.signPrecommit(vote(7, 1, 5), Uint8Array.of(1)));
    const exported = runCli(['signer', 'export', KEY, '--data', here]);
    assert.equal(exported.exitCode, 0, exported.stderr);
    const file = join(root, 'state.json');
    writeFileSync(file, exported.stdout);

    const imported = runCli(['signer', 'import', file, '--data', there, '--json']);
    assert.deepEqual(JSON.parse(imported.stdout), { publicKey: KEY, outcome: 'created' });
    assert.match(runCli(['signer', 'import', file, '--data', there]).stdout, /as high or higher/);
    await withSigner(there, false, async (signer) => {
      await assert.rejects(signer.signPrevote(vote(7, 1, 5)), { code: 'SIGNER_REGRESSION' });
      const busy = runCli(['signer', 'export', KEY, '--data', there, '--json']);
      assert.match(busy.stderr, /DISK_LOCKED/);
      assert.equal(busy.exitCode, 1);
    });
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('ogpu signer says what is wrong, and makes no folder by looking for one', () => {
  const root = mkdtempSync(join(tmpdir(), 'ogpu-signer-'));
  try {
    const missing = runCli(['signer', 'export', KEY, '--data', root, '--json']);
    assert.match(missing.stderr, /SIGNER_RECORD_MISSING/);
    assert.deepEqual(readdirSync(root), []);
    assert.match(
      runCli(['signer', 'import', join(root, 'x'), '--data', root, '--json']).stderr,
      /no such file/,
    );
    assert.equal(runCli(['signer', 'export', '0x12', '--data', root, '--json']).exitCode, 2);
  } finally {
    rmSync(root, { recursive: true });
  }
});

async function withSigner(
  data: string,
  create: boolean,
  use: (signer: LocalSigner) => Promise<unknown>,
): Promise<void> {
  const { folder, unlock } = await openFolder(signerFolder(data, FAKE_KEY.publicKey));
  const signer = await openSigner({ ...CHAIN, folder, key: FAKE_KEY, create, versionAt: () => 1 });
  await use(signer)
    .finally(() => signer.close())
    .finally(unlock);
}
