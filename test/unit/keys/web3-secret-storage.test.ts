import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toChecksumAddress } from '../../../protocol/address.js';
import {
  accountAddress,
  encodeWeb3Password,
  formatWeb3,
  openWeb3,
  parseWeb3,
  sealWeb3,
} from '../../../node/keys/web3-secret-storage.js';
import { ACCOUNT_ADDRESS, ACCOUNT_SECRET, LIGHT_SCRYPT, rejectsWith } from './support.js';

const PASSWORD = 'correct horse battery';
const keystore = await sealWeb3(ACCOUNT_SECRET, PASSWORD, { kdf: LIGHT_SCRYPT });

function edited(path: string, value: unknown): unknown {
  const document: unknown = JSON.parse(formatWeb3(keystore));
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  const parent = keys.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], document);
  (parent as Record<string, unknown>)[last] = value;
  return JSON.parse(JSON.stringify(document));
}

function flipped(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
}

describe('sealWeb3 and openWeb3', () => {
  test('round trip through JSON', async () => {
    const parsed = parseWeb3(JSON.parse(formatWeb3(keystore)));
    assert.deepEqual(await openWeb3(parsed, PASSWORD), ACCOUNT_SECRET);
    assert.equal(toChecksumAddress(accountAddress(ACCOUNT_SECRET)), ACCOUNT_ADDRESS);
    assert.deepEqual(parsed.address, accountAddress(ACCOUNT_SECRET));
  });

  test('every failure has its code', async () => {
    const { sealed } = keystore;
    const opened = (change: Partial<typeof keystore>, password = PASSWORD): Promise<Uint8Array> =>
      openWeb3({ ...keystore, ...change }, password);
    await rejectsWith(opened({}, 'wrong'), 'KEYSTORE_PASSWORD_WRONG');
    await rejectsWith(
      opened({ sealed: { ...sealed, ciphertext: flipped(sealed.ciphertext) } }),
      'KEYSTORE_PASSWORD_WRONG',
    );
    await rejectsWith(
      opened({ sealed: { ...sealed, checksum: flipped(sealed.checksum) } }),
      'KEYSTORE_CHECKSUM_CORRUPT',
    );
    await rejectsWith(
      opened({ sealed: { ...sealed, iv: flipped(sealed.iv) } }),
      'KEYSTORE_PUBLIC_KEY_MISMATCH',
    );
    await rejectsWith(
      opened({ address: flipped(accountAddress(ACCOUNT_SECRET)) }),
      'KEYSTORE_PUBLIC_KEY_MISMATCH',
    );
    await rejectsWith(
      sealWeb3(new Uint8Array(32), PASSWORD, { kdf: LIGHT_SCRYPT }),
      'KEYSTORE_SECRET_INVALID',
    );
    await rejectsWith(
      sealWeb3(new Uint8Array(32).fill(255), PASSWORD, { kdf: LIGHT_SCRYPT }),
      'KEYSTORE_SECRET_INVALID',
    );
  });

  test('opens a password that was typed in another normal form, and one that was not normalised', async () => {
    const composed = await sealWeb3(ACCOUNT_SECRET, 'caf\u00e9 \ufb01ne', { kdf: LIGHT_SCRYPT });
    assert.deepEqual(await openWeb3(composed, 'cafe\u0301 fine'), ACCOUNT_SECRET);
    const [, asTyped] = encodeWeb3Password('cafe\u0301');
    assert.deepEqual(asTyped, new TextEncoder().encode('cafe\u0301'));
    assert.equal(encodeWeb3Password('plain').length, 1);
  });
});

describe('parseWeb3', () => {
  const cases: [path: string, value: unknown, code: string][] = [
    ['version', 1, 'KEYSTORE_VERSION_UNSUPPORTED'],
    ['crypto.kdf', 'argon2id', 'KEYSTORE_KDF_UNSUPPORTED'],
    ['crypto.cipher', 'aes-128-cbc', 'KEYSTORE_CIPHER_UNSUPPORTED'],
    ['crypto.kdfparams.n', 2 ** 30, 'KEYSTORE_KDF_BOUNDS'],
    ['version', undefined, 'KEYSTORE_INVALID'],
    ['crypto.kdfparams', undefined, 'KEYSTORE_INVALID'],
    ['crypto.kdfparams.dklen', 16, 'KEYSTORE_INVALID'],
    ['crypto.cipherparams.iv', 'ab', 'KEYSTORE_INVALID'],
    ['crypto.mac', '', 'KEYSTORE_INVALID'],
    ['address', 'ab', 'KEYSTORE_INVALID'],
    ['id', 7, 'KEYSTORE_INVALID'],
  ];
  for (const [path, value, code] of cases) {
    test(`${path} = ${String(value)} is ${code}`, async () => {
      await rejectsWith(() => parseWeb3(edited(path, value)), code);
    });
  }

  test('a PBKDF2 file with another hash than SHA-256 is refused', async () => {
    const document = edited('crypto.kdf', 'pbkdf2') as { crypto: { kdfparams: object } };
    document.crypto.kdfparams = { c: 1, dklen: 32, prf: 'hmac-sha512', salt: 'ab'.repeat(32) };
    const data = await rejectsWith(() => parseWeb3(document), 'KEYSTORE_INVALID');
    assert.match(JSON.stringify(data.faults), /crypto\.kdfparams\.prf/);
  });
});
