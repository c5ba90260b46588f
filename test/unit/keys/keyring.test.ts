import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  changePassword,
  findKey,
  listKeys,
  loadNodeIdentity,
  NODE_KEY_NAME,
  openKey,
  storeAccountKey,
  storeNodeIdentity,
  storeValidatorKey,
} from '../../../node/keys/keyring.js';
import { parseKey, readKeyFile } from '../../../node/keys/key-file.js';
import { KeystoreError } from '../../../node/keys/keystore-error.js';
import { concatBytes } from '../../../protocol/bytes.js';
import { createPrng, type Prng } from '../../support/prng.js';
import {
  ACCOUNT_ADDRESS,
  ACCOUNT_SECRET,
  BLS_SECRET,
  LIGHT_SCRYPT,
  rejectsWith,
  temporaryFolder,
  writePrivate,
} from './support.js';

const PASSWORD = 'correct horse battery';
const LIGHT = { kdf: LIGHT_SCRYPT };

describe('storing keys', () => {
  test('names files by their public part, so that no key is stored twice', async (t) => {
    const folder = join(await temporaryFolder(t), 'keys');
    const validator = await storeValidatorKey(folder, BLS_SECRET, PASSWORD, LIGHT);
    const account = await storeAccountKey(folder, ACCOUNT_SECRET, PASSWORD, LIGHT);
    await storeNodeIdentity(folder);
    assert.deepEqual((await readdir(folder)).sort(), [
      `account-${ACCOUNT_ADDRESS.toLowerCase()}.json`,
      NODE_KEY_NAME,
      'validator-0x9612d7a727c9d0a22e185a1c768478dfe919cada9266988cb32359c11f2b7b27f4ae4040902382ae2910c15e2b420d07.json',
    ]);
    assert.deepEqual(await openKey(validator, PASSWORD), BLS_SECRET);
    assert.deepEqual(await openKey(account, PASSWORD), ACCOUNT_SECRET);
    await rejectsWith(storeValidatorKey(folder, BLS_SECRET, PASSWORD, LIGHT), 'SECRET_FILE_EXISTS');
    await rejectsWith(storeAccountKey(folder, ACCOUNT_SECRET, PASSWORD, LIGHT), 'SECRET_FILE_EXISTS');
    await rejectsWith(storeNodeIdentity(folder), 'SECRET_FILE_EXISTS');
  });

  test('a weak password is refused before anything is written', async (t) => {
    const folder = await temporaryFolder(t);
    await rejectsWith(storeValidatorKey(folder, BLS_SECRET, 'short', LIGHT), 'PASSWORD_TOO_SHORT');
    assert.deepEqual(await readdir(folder), []);
  });

  test('a wrong password names the file', async (t) => {
    const key = await storeAccountKey(await temporaryFolder(t), ACCOUNT_SECRET, PASSWORD, LIGHT);
    const data = await rejectsWith(openKey(key, 'wrong password'), 'KEYSTORE_PASSWORD_WRONG');
    assert.equal(data.path, key.file);
    assert.equal(typeof data.cure, 'string');
  });
});

describe('node identity', () => {
  test('is found by name', async (t) => {
    const folder = await temporaryFolder(t);
    await rejectsWith(loadNodeIdentity(folder), 'SECRET_FILE_NOT_FOUND');
    const stored = await storeNodeIdentity(folder);
    assert.deepEqual(await loadNodeIdentity(folder), stored.identity);
  });

  test('another key under its name is refused', async (t) => {
    const folder = await temporaryFolder(t);
    const account = await storeAccountKey(folder, ACCOUNT_SECRET, PASSWORD, LIGHT);
    await rename(account.file, join(folder, NODE_KEY_NAME));
    const data = await rejectsWith(loadNodeIdentity(folder), 'KEYRING_KEY_KIND');
    assert.equal(data.kind, 'account');
  });
});

describe('changePassword', () => {
  test('keeps key, id, path and description, and re-encrypts', async (t) => {
    const folder = await temporaryFolder(t);
    const options = { ...LIGHT, path: 'm/12381/60/0/0/0', description: 'first' };
    const key = await storeValidatorKey(folder, BLS_SECRET, PASSWORD, options);
    await rejectsWith(
      changePassword(key, 'wrong password', 'another password', LIGHT_SCRYPT),
      'KEYSTORE_PASSWORD_WRONG',
    );
    await rejectsWith(changePassword(key, PASSWORD, 'short', LIGHT_SCRYPT), 'PASSWORD_TOO_SHORT');
    await changePassword(key, PASSWORD, 'another password', LIGHT_SCRYPT);

    const changed = { ...(await readKeyFile(key.file)), file: key.file };
    assert(changed.kind === 'validator');
    const { uuid, path, description, publicKey } = key.keystore;
    assert.deepEqual({ ...changed.keystore, sealed: 0 }, { uuid, path, description, publicKey, sealed: 0 });
    assert.deepEqual(await openKey(changed, 'another password'), BLS_SECRET);
    await rejectsWith(openKey(changed, PASSWORD), 'KEYSTORE_PASSWORD_WRONG');
    assert.equal((await readdir(folder)).length, 1);
  });
});

describe('listKeys and findKey', () => {
  test('bad files are listed beside the good ones, with their reason', async (t) => {
    const folder = await temporaryFolder(t);
    const account = await storeAccountKey(folder, ACCOUNT_SECRET, PASSWORD, LIGHT);
    await writePrivate(join(folder, 'broken.json'), '{');
    await writePrivate(join(folder, 'open.json'), '{}');
    await chmod(join(folder, 'open.json'), 0o644);
    await writePrivate(join(folder, 'z.json'), '{"crypto":{"kdf":{}},"version":9}');
    await writeFile(join(folder, 'notes.txt'), 'not a key');
    await writePrivate(join(folder, '.account.json.012345.tmp'), 'unfinished');
    await mkdir(join(folder, 'folder.json'));

    const { keys, faults } = await listKeys(folder);
    assert.deepEqual(keys, [account]);
    assert.deepEqual(
      faults.map(({ file, error }) => [file.slice(folder.length + 1), error.code]),
      [
        ['broken.json', 'KEYSTORE_FORMAT_UNKNOWN'],
        ['folder.json', 'SECRET_FILE_NOT_REGULAR'],
        ['open.json', 'SECRET_FILE_PERMISSIONS'],
        ['z.json', 'KEYSTORE_INVALID'],
      ],
    );
  });

  test('a key is found by name, by path and by the first digits of its address', async (t) => {
    const folder = await temporaryFolder(t);
    const account = await storeAccountKey(folder, ACCOUNT_SECRET, PASSWORD, LIGHT);
    await storeNodeIdentity(folder);
    for (const name of ['account', ACCOUNT_ADDRESS, ACCOUNT_ADDRESS.slice(0, 8), account.file]) {
      assert.deepEqual(await findKey(folder, name), account, name);
    }
    assert.equal((await findKey(folder, 'node-key')).kind, 'node');
    await rejectsWith(findKey(folder, 'nobody'), 'KEYRING_KEY_NOT_FOUND');
    const data = await rejectsWith(findKey(folder, 'json'), 'KEYRING_KEY_AMBIGUOUS');
    assert.equal((data.matches as readonly string[]).length, 2);
  });

  test('no folder', async (t) => {
    await rejectsWith(listKeys(join(await temporaryFolder(t), 'none')), 'KEYRING_IO');
  });
});

describe('parseKey', () => {
  const junk = [
    '',
    '{',
    '[]',
    'null',
    '7',
    '"text"',
    '{}',
    '{"version":3}',
    '{"crypto":',
    '\u0000\u0001',
    'hunter2',
  ];
  for (const text of junk) {
    test(`${JSON.stringify(text)} is no key, and is not quoted`, async () => {
      const data = await rejectsWith(parseKey(new TextEncoder().encode(text)), 'KEYSTORE_FORMAT_UNKNOWN');
      assert.ok(!JSON.stringify(data).includes('hunter2'));
    });
  }

  test('bytes that are not UTF-8', async () => {
    await rejectsWith(parseKey(Uint8Array.of(0xff, 0xfe, 0xfd)), 'KEYSTORE_FORMAT_UNKNOWN');
  });

  test('mutated files of every kind parse or fail with a typed error', async (t) => {
    const folder = await temporaryFolder(t);
    const stored = [
      await storeValidatorKey(folder, BLS_SECRET, PASSWORD, LIGHT),
      await storeAccountKey(folder, ACCOUNT_SECRET, PASSWORD, LIGHT),
      await storeNodeIdentity(folder),
    ];
    const prng = createPrng(7);
    let accepted = 0;
    let refused = 0;
    for (const { file } of stored) {
      const original = await readFile(file);
      for (let i = 0; i < 700; i++) {
        try {
          await parseKey(mutated(original, prng));
          accepted++;
        } catch (error) {
          assert(error instanceof KeystoreError, String(error));
          refused++;
        }
      }
    }
    assert.ok(accepted > 100 && refused > 1000, `both outcomes occur: ${accepted} and ${refused}`);
  });
});

/** One to three edits: a byte changed, a part dropped, a part repeated. */
function mutated(original: Uint8Array, prng: Prng): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(original);
  for (let edits = 1 + prng.below(3); edits > 0; edits--) {
    const start = prng.below(bytes.length);
    const end = start + prng.below(bytes.length - start);
    const kind = prng.below(4);
    if (kind === 0) bytes = concatBytes(bytes.subarray(0, start), bytes.subarray(Math.min(end, start + 8)));
    else if (kind === 1) bytes = concatBytes(bytes.subarray(0, end), bytes.subarray(start));
    else bytes[start] = kind === 2 ? prng.below(256) : 0x30 + prng.below(10);
  }
  return bytes;
}
