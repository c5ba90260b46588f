import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decryptKeystoreJson, encryptKeystoreJson, isKeystoreJson, Wallet } from 'ethers';
import { STANDARD_SCRYPT } from '../../../node/keys/kdf.js';
import { formatWeb3, openWeb3, parseWeb3, sealWeb3 } from '../../../node/keys/web3-secret-storage.js';
import { toHex } from '../../../protocol/bytes.js';
import { createPrng } from '../../support/prng.js';
import { readVector } from '../../support/vectors.js';

interface Vectors {
  readonly password: string;
  readonly secret: string;
  readonly scrypt: unknown;
  readonly pbkdf2: unknown;
  readonly shortKey: unknown;
}

const vectors = readVector<Vectors>('web3-secret-storage.json');

describe("the definition's vectors", () => {
  for (const kdf of ['scrypt', 'pbkdf2'] as const) {
    test(kdf, async () => {
      const keystore = parseWeb3(vectors[kdf]);
      assert.equal(toHex(await openWeb3(keystore, vectors.password)), vectors.secret);
      assert.deepEqual(
        JSON.parse(formatWeb3(keystore)),
        vectors[kdf],
        'the same JSON when it is written again',
      );
    });
  }

  test('a key of 31 bytes, which old versions of geth wrote, opens with its leading zero', async () => {
    const secret = await openWeb3(parseWeb3(vectors.shortKey), 'foo');
    assert.equal(toHex(secret), '0x00fa7b3db73dc7dfdf8c5fbdb796d741e4488628c41fc4febd9160a866ba0f35');
  });
});

describe('with ethers', () => {
  const prng = createPrng(60);
  for (const password of ['plain password', '𝔱𝔢𝔰𝔱🔑', 'caf\u00e9 \ufb01ne', 'cafe\u0301 \u212b']) {
    test(`password ${JSON.stringify(password)}, both ways`, async () => {
      const wallet = new Wallet(toHex(prng.bytes(32)));
      const secret = Uint8Array.from(Buffer.from(wallet.privateKey.slice(2), 'hex'));

      const ours = formatWeb3(
        await sealWeb3(secret, password, { kdf: { function: 'scrypt', n: 16, r: 8, p: 2 } }),
      );
      assert.ok(isKeystoreJson(ours));
      const opened = await decryptKeystoreJson(ours, password);
      assert.deepEqual([opened.address, opened.privateKey], [wallet.address, wallet.privateKey]);

      const theirs = await encryptKeystoreJson(wallet, password, { scrypt: { N: 16, r: 8, p: 2 } });
      assert.deepEqual(await openWeb3(parseWeb3(JSON.parse(theirs)), password), secret);
    });
  }

  test('a PBKDF2 file of ours opens there', async () => {
    const wallet = new Wallet(toHex(prng.bytes(32)));
    const secret = Uint8Array.from(Buffer.from(wallet.privateKey.slice(2), 'hex'));
    const ours = formatWeb3(await sealWeb3(secret, 'password', { kdf: { function: 'pbkdf2', c: 100 } }));
    assert.equal((await decryptKeystoreJson(ours, 'password')).privateKey, wallet.privateKey);
  });

  test('what we write by default opens there', async () => {
    const wallet = new Wallet(toHex(prng.bytes(32)));
    const keystore = await sealWeb3(
      Uint8Array.from(Buffer.from(wallet.privateKey.slice(2), 'hex')),
      'password',
    );
    assert.deepEqual(keystore.sealed.kdf, STANDARD_SCRYPT);
    assert.equal((await decryptKeystoreJson(formatWeb3(keystore), 'password')).address, wallet.address);
  });
});
