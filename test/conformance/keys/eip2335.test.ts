import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create, decrypt, isValidKeystore, type IKeystore } from '@chainsafe/bls-keystore';
import { decryptEIP2335Keystore } from 'micro-key-producer/bls.js';
import {
  blsPublicKey,
  encodeEip2335Password,
  formatEip2335,
  openEip2335,
  parseEip2335,
  sealEip2335,
} from '../../../node/keys/eip2335.js';
import { STANDARD_SCRYPT, type KdfParams } from '../../../node/keys/kdf.js';
import { bareHex } from '../../../node/keys/keystore-schema.js';
import { toHex } from '../../../protocol/bytes.js';
import { createPrng } from '../../support/prng.js';
import { readVector } from '../../support/vectors.js';

interface Vectors {
  readonly password: string;
  readonly encodedPassword: string;
  readonly secret: string;
  readonly scrypt: IKeystore;
  readonly pbkdf2: IKeystore;
}

const vectors = readVector<Vectors>('eip2335.json');
const SECRET = Uint8Array.from(Buffer.from(vectors.secret.slice(2), 'hex'));
const PASSWORDS = ['plain password', vectors.password, 'caf\u00e9\t\u007f \u212b'];
const LIGHT: readonly KdfParams[] = [
  { function: 'scrypt', n: 16, r: 8, p: 2 },
  { function: 'pbkdf2', c: 10 },
];

describe("EIP-2335's vectors", () => {
  test('password', () => {
    assert.equal(toHex(encodeEip2335Password(vectors.password)), vectors.encodedPassword);
  });

  for (const kdf of ['scrypt', 'pbkdf2'] as const) {
    test(kdf, async () => {
      const keystore = parseEip2335(vectors[kdf]);
      assert.equal(toHex(await openEip2335(keystore, vectors.password)), vectors.secret);
      assert.deepEqual(
        JSON.parse(formatEip2335(keystore)),
        vectors[kdf],
        'the same JSON when it is written again',
      );
    });
  }
});

describe('with @chainsafe/bls-keystore', () => {
  const prng = createPrng(2335);
  for (const kdf of LIGHT) {
    for (const password of PASSWORDS) {
      test(`${kdf.function}, password ${JSON.stringify(password)}, both ways`, async () => {
        const secret = prng.bytes(32);
        secret[0] = (secret[0] ?? 0) & 0x3f;

        const ours: unknown = JSON.parse(
          formatEip2335(await sealEip2335(secret, password, { kdf, path: 'm/12381/60/0/0/0' })),
        );
        assert.ok(isValidKeystore(ours), 'valid under its JSON schema');
        assert.deepEqual(Uint8Array.from(await decrypt(ours, password)), secret);

        const theirs = await create(
          password,
          secret,
          blsPublicKey(secret),
          '',
          'theirs',
          theirKdf(kdf, prng.bytes(32)),
        );
        const keystore = parseEip2335(JSON.parse(JSON.stringify(theirs)));
        assert.equal(keystore.description, 'theirs');
        assert.deepEqual(await openEip2335(keystore, password), secret);
      });
    }
  }

  test('what we write by default has the parameters of the EIP and opens there and in micro-key-producer', async () => {
    const keystore = await sealEip2335(SECRET, vectors.password);
    assert.deepEqual(keystore.sealed.kdf, STANDARD_SCRYPT);
    const ours: unknown = JSON.parse(formatEip2335(keystore));
    assert.ok(isValidKeystore(ours));
    assert.deepEqual(Uint8Array.from(await decrypt(ours, vectors.password)), SECRET);
    const store = ours as Parameters<typeof decryptEIP2335Keystore>[0];
    assert.deepEqual(decryptEIP2335Keystore(store, vectors.password), SECRET);
  });
});

function theirKdf(
  kdf: KdfParams,
  saltBytes: Uint8Array,
): Pick<IKeystore['crypto']['kdf'], 'function' | 'params'> {
  const salt = bareHex(saltBytes);
  return kdf.function === 'scrypt'
    ? { function: 'scrypt', params: { dklen: 32, n: kdf.n, r: kdf.r, p: kdf.p, salt } }
    : { function: 'pbkdf2', params: { dklen: 32, c: kdf.c, prf: 'hmac-sha256', salt } };
}
