import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import {
  checkKdfBounds,
  deriveKey,
  isWeakerThanStandard,
  MAX_PBKDF2_ITERATIONS,
  STANDARD_SCRYPT,
  type KdfParams,
} from '../../../node/keys/kdf.js';
import { bytes, rejectsWith } from './support.js';

const scrypt = (n: number, r: number, p: number): KdfParams => ({ function: 'scrypt', n, r, p });
const pbkdf2 = (c: number): KdfParams => ({ function: 'pbkdf2', c });
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe('deriveKey', () => {
  // RFC 7914 §12; the first 32 of the 64 bytes, which do not depend on the length asked for.
  test('scrypt: RFC 7914 vectors', async () => {
    assert.deepEqual(
      await deriveKey(text('password'), text('NaCl'), scrypt(1024, 8, 16)),
      bytes('fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162'),
    );
    assert.deepEqual(
      await deriveKey(text('pleaseletmein'), text('SodiumChloride'), scrypt(16_384, 8, 1)),
      bytes('7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2'),
    );
  });

  // RFC 7914 §11.
  test('PBKDF2-HMAC-SHA-256: RFC 7914 vectors', async () => {
    assert.deepEqual(
      await deriveKey(text('passwd'), text('salt'), pbkdf2(1)),
      bytes('55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc'),
    );
    assert.deepEqual(
      await deriveKey(text('Password'), text('NaCl'), pbkdf2(80_000)),
      bytes('4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56'),
    );
  });

  test('runs beside the main thread', async () => {
    let isDone = false;
    const key = deriveKey(text('password'), text('salt'), scrypt(32_768, 8, 1)).then(() => (isDone = true));
    await setImmediate();
    assert.equal(isDone, false, 'a turn of the event loop passes while the key is derived');
    await key;
  });
});

describe('checkKdfBounds', () => {
  const accepted: KdfParams[] = [
    STANDARD_SCRYPT,
    scrypt(2, 1, 1),
    scrypt(262_144, 1, 8),
    scrypt(2 ** 19, 8, 4),
    pbkdf2(1),
    pbkdf2(MAX_PBKDF2_ITERATIONS),
  ];
  for (const params of accepted) {
    test(`accepts ${JSON.stringify(params)}`, () => {
      checkKdfBounds(params);
    });
  }

  const refused: [KdfParams, RegExp][] = [
    [scrypt(2 ** 20, 8, 1), /memory/],
    [scrypt(2, 1, 2 ** 23), /memory/],
    [scrypt(2, 2 ** 22, 1), /memory/],
    [scrypt(2 ** 18, 8, 16), /n·r·p/],
    [scrypt(1000, 8, 1), /power of two/],
    [scrypt(1, 8, 1), /power of two/],
    [scrypt(0, 8, 1), /positive integers/],
    [scrypt(2.5, 8, 1), /positive integers/],
    [scrypt(2 ** 60, 8, 1), /positive integers/],
    [scrypt(NaN, 8, 1), /positive integers/],
    [scrypt(16, -1, 1), /positive integers/],
    [pbkdf2(0), /positive/],
    [pbkdf2(MAX_PBKDF2_ITERATIONS + 1), /at most/],
    [pbkdf2(Infinity), /positive/],
  ];
  for (const [params, problem] of refused) {
    test(`refuses ${JSON.stringify(params)}`, async () => {
      const data = await rejectsWith(() => {
        checkKdfBounds(params);
      }, 'KEYSTORE_KDF_BOUNDS');
      assert.match(String(data.faults), problem);
    });
  }

  test('deriveKey checks before it works', async () => {
    await rejectsWith(deriveKey(text('p'), text('s'), scrypt(2 ** 30, 8, 1)), 'KEYSTORE_KDF_BOUNDS');
  });
});

test('only parameters as costly as the standard count as strong', () => {
  assert.equal(isWeakerThanStandard(STANDARD_SCRYPT), false);
  assert.equal(isWeakerThanStandard(scrypt(262_144, 1, 8)), false);
  assert.equal(isWeakerThanStandard(scrypt(131_072, 8, 1)), true);
  assert.equal(isWeakerThanStandard(pbkdf2(MAX_PBKDF2_ITERATIONS)), true);
});
