import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  encodeEip2335Password,
  formatEip2335,
  openEip2335,
  parseEip2335,
  sealEip2335,
} from '../../../node/keys/eip2335.js';
import { BLS_SECRET, LIGHT_SCRYPT, rejectsWith } from './support.js';

const PASSWORD = 'correct horse battery';

const keystore = await sealEip2335(BLS_SECRET, PASSWORD, {
  kdf: LIGHT_SCRYPT,
  path: 'm/12381/60/0/0/0',
  description: 'first validator',
});

/** The keystore's JSON with the value at `path` replaced, or removed when undefined. */
function edited(path: string, value: unknown): unknown {
  const document: unknown = JSON.parse(formatEip2335(keystore));
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  const parent = keys.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], document);
  (parent as Record<string, unknown>)[last] = value;
  return JSON.parse(JSON.stringify(document));
}

function flipped(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
}

describe('sealEip2335', () => {
  test('round trip through JSON keeps everything', async () => {
    const parsed = parseEip2335(JSON.parse(formatEip2335(keystore)));
    assert.deepEqual(parsed, keystore);
    assert.deepEqual(await openEip2335(parsed, PASSWORD), BLS_SECRET);
  });

  test('writes the standard parameters, a fresh salt, IV and UUID every time', async () => {
    const other = await sealEip2335(BLS_SECRET, PASSWORD, { kdf: LIGHT_SCRYPT });
    assert.notEqual(other.uuid, keystore.uuid);
    assert.notDeepEqual(other.sealed.salt, keystore.sealed.salt);
    assert.notDeepEqual(other.sealed.iv, keystore.sealed.iv);
    assert.match(other.uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('the text holds neither the secret nor the password', () => {
    const text = formatEip2335(keystore);
    assert.ok(!text.includes(Buffer.from(BLS_SECRET).toString('hex')));
    assert.ok(!text.includes(PASSWORD));
  });

  for (const [name, secret] of [
    ['zero', new Uint8Array(32)],
    ['the group order and above', new Uint8Array(32).fill(0xff)],
    ['31 bytes', BLS_SECRET.subarray(1)],
  ] as const) {
    test(`refuses ${name} as a secret`, async () => {
      await rejectsWith(sealEip2335(secret, PASSWORD, { kdf: LIGHT_SCRYPT }), 'KEYSTORE_SECRET_INVALID');
    });
  }
});

describe('openEip2335', () => {
  test('wrong password', async () => {
    const data = await rejectsWith(openEip2335(keystore, `${PASSWORD}!`), 'KEYSTORE_PASSWORD_WRONG');
    assert.equal(typeof data.cure, 'string');
  });

  test('damaged ciphertext, salt or IV cannot be told from a wrong password', async () => {
    const { sealed } = keystore;
    for (const damaged of [
      { ...sealed, ciphertext: flipped(sealed.ciphertext) },
      { ...sealed, salt: flipped(sealed.salt) },
    ]) {
      await rejectsWith(openEip2335({ ...keystore, sealed: damaged }, PASSWORD), 'KEYSTORE_PASSWORD_WRONG');
    }
  });

  test('a damaged checksum is told from a wrong password by the public key', async () => {
    const damaged = {
      ...keystore,
      sealed: { ...keystore.sealed, checksum: flipped(keystore.sealed.checksum) },
    };
    await rejectsWith(openEip2335(damaged, PASSWORD), 'KEYSTORE_CHECKSUM_CORRUPT');
    await rejectsWith(openEip2335(damaged, 'wrong password'), 'KEYSTORE_PASSWORD_WRONG');
    await rejectsWith(openEip2335({ ...damaged, publicKey: undefined }, PASSWORD), 'KEYSTORE_PASSWORD_WRONG');
  });

  test('a damaged IV, which the checksum does not cover, is caught by the public key', async () => {
    const damaged = { ...keystore, sealed: { ...keystore.sealed, iv: flipped(keystore.sealed.iv) } };
    await rejectsWith(openEip2335(damaged, PASSWORD), 'KEYSTORE_PUBLIC_KEY_MISMATCH');
  });

  test("another key's public key", async () => {
    const other = await sealEip2335(
      BLS_SECRET.map((byte) => byte ^ 1),
      PASSWORD,
      { kdf: LIGHT_SCRYPT },
    );
    const mixed = { ...keystore, publicKey: other.publicKey };
    await rejectsWith(openEip2335(mixed, PASSWORD), 'KEYSTORE_PUBLIC_KEY_MISMATCH');
  });

  test('a keystore without public key opens', async () => {
    const anonymous = parseEip2335(edited('pubkey', undefined));
    assert.equal(anonymous.publicKey, undefined);
    assert.deepEqual(await openEip2335(anonymous, PASSWORD), BLS_SECRET);
  });
});

describe('parseEip2335', () => {
  const unsupported: [path: string, value: unknown, code: string][] = [
    ['version', 3, 'KEYSTORE_VERSION_UNSUPPORTED'],
    ['version', 5, 'KEYSTORE_VERSION_UNSUPPORTED'],
    ['crypto.kdf.function', 'argon2id', 'KEYSTORE_KDF_UNSUPPORTED'],
    ['crypto.cipher.function', 'aes-256-gcm', 'KEYSTORE_CIPHER_UNSUPPORTED'],
    ['crypto.checksum.function', 'keccak256', 'KEYSTORE_CHECKSUM_UNSUPPORTED'],
    ['crypto.kdf.params.n', 2 ** 25, 'KEYSTORE_KDF_BOUNDS'],
    ['crypto.kdf.params.p', 2 ** 25, 'KEYSTORE_KDF_BOUNDS'],
    ['crypto.kdf.params.n', 3, 'KEYSTORE_KDF_BOUNDS'],
  ];
  for (const [path, value, code] of unsupported) {
    test(`${path} = ${String(value)} is ${code}`, async () => {
      await rejectsWith(() => parseEip2335(edited(path, value)), code);
    });
  }

  const invalid: [path: string, value: unknown][] = [
    ['version', undefined],
    ['version', '4'],
    ['crypto', undefined],
    ['crypto.kdf', undefined],
    ['crypto.kdf.params', undefined],
    ['crypto.kdf.params.n', '262144'],
    ['crypto.kdf.params.dklen', 64],
    ['crypto.kdf.params.salt', ''],
    ['crypto.kdf.params.salt', 'ab'.repeat(65)],
    ['crypto.kdf.params.salt', 'abc'],
    ['crypto.cipher.params.iv', 'ab'.repeat(15)],
    ['crypto.cipher.message', 'ab'.repeat(31)],
    ['crypto.cipher.message', 'zz'.repeat(32)],
    ['crypto.checksum.message', 'ab'.repeat(33)],
    ['pubkey', 'ab'.repeat(47)],
    ['path', undefined],
    ['path', 'm/'.repeat(200)],
    ['uuid', 'not a uuid'],
    ['description', 7],
  ];
  for (const [path, value] of invalid) {
    test(`${path} = ${(JSON.stringify(value) as string | undefined)?.slice(0, 20) ?? 'missing'} is invalid`, async () => {
      const data = await rejectsWith(() => parseEip2335(edited(path, value)), 'KEYSTORE_INVALID');
      assert.match(JSON.stringify(data.faults), new RegExp(path.replaceAll('.', '\\.')));
    });
  }

  test('reports all faults at once, and never the values', async () => {
    const document = { ...(edited('uuid', 'hunter2-hunter2') as object), path: 7, pubkey: 'hunter2' };
    const data = await rejectsWith(() => parseEip2335(document), 'KEYSTORE_INVALID');
    const faults = data.faults as readonly { field: string }[];
    assert.deepEqual(faults.map(({ field }) => field).sort(), ['path', 'pubkey', 'uuid']);
    assert.ok(!JSON.stringify(data).includes('hunter2'));
  });

  for (const value of [null, 7, 'text', [], {}]) {
    test(`${JSON.stringify(value)} is invalid`, async () => {
      await rejectsWith(() => parseEip2335(value), 'KEYSTORE_INVALID');
    });
  }

  test('reads a null description, 0x, upper-case digits and unknown fields', () => {
    const document = {
      ...(edited('description', null) as object),
      pubkey: `0x${Buffer.from(keystore.publicKey ?? [])
        .toString('hex')
        .toUpperCase()}`,
      name: 'written by another tool',
    };
    const parsed = parseEip2335(document);
    assert.equal(parsed.description, '');
    assert.deepEqual(parsed.publicKey, keystore.publicKey);
  });
});

describe('encodeEip2335Password', () => {
  const encoded = (password: string): string => Buffer.from(encodeEip2335Password(password)).toString('hex');

  test('NFKD: composed and decomposed forms are one password', () => {
    assert.equal(encoded('caf\u00e9'), encoded('cafe\u0301'));
    assert.equal(encoded('\u212b'), encoded('A\u030a'));
  });

  test('C0, C1 and Delete are dropped, space stays', () => {
    assert.equal(encoded('\u0000a\tb\n\u001f \u007f\u0080c\u009f\u00a0'), '6162206320');
  });
});
