import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concatBytes, fromHex, toHex } from '../../../protocol/bytes.js';
import {
  compressPublicKey,
  isLowS,
  nativeSecp256k1,
  nobleSecp256k1,
  Secp256k1Error,
  type Secp256k1,
} from '../../../protocol/crypto/secp256k1.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { createPrng } from '../../support/prng.js';
import { SECP256K1_BACKENDS } from './both-backends.js';
import { skipWithout } from './prebuilt.js';

const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const P = 2n ** 256n - 2n ** 32n - 977n;
const GENERATOR_X = 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n;
const ONE = scalar(1n);
const DIGEST = sha256(new TextEncoder().encode('digest'));

function scalar(value: bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(64, '0')}`, 32);
}

function bigintOf(bytes: Uint8Array): bigint {
  return BigInt(toHex(bytes));
}

function signatureOf(r: bigint, s: bigint): Uint8Array {
  return concatBytes(scalar(r), scalar(s));
}

function negated(signature: Uint8Array): Uint8Array {
  return concatBytes(signature.subarray(0, 32), scalar(N - bigintOf(signature.subarray(32))));
}

function code(compute: () => unknown): string {
  try {
    compute();
  } catch (error) {
    assert.ok(error instanceof Secp256k1Error);
    return error.code;
  }
  return 'none';
}

for (const backend of SECP256K1_BACKENDS)
  describe(backend.name, () => {
    suite(backend);
  });

function suite(curve: Secp256k1): void {
  const secretKey = scalar(0xc0ffeen);
  const publicKey = curve.publicKey(secretKey);
  const { signature, yParity } = curve.sign(DIGEST, secretKey);

  test('signs, verifies and recovers', () => {
    assert.ok(curve.verify(signature, DIGEST, publicKey));
    assert.ok(curve.verify(signature, DIGEST, compressPublicKey(publicKey)));
    assert.deepEqual(curve.recover(DIGEST, signature, yParity), publicKey);
    assert.notDeepEqual(curve.recover(DIGEST, signature, 1 - yParity), publicKey);
  });

  test('secret keys are 32 bytes in [1, n)', () => {
    const bad = [
      scalar(0n),
      scalar(N),
      scalar(N + 1n),
      scalar(2n ** 256n - 1n),
      new Uint8Array(31).fill(1),
      new Uint8Array(33).fill(1),
    ];
    for (const key of bad) {
      assert.equal(
        code(() => curve.publicKey(key)),
        'SECP256K1_SECRET_KEY',
      );
      assert.equal(
        code(() => curve.sign(DIGEST, key)),
        'SECP256K1_SECRET_KEY',
      );
    }
    assert.equal(bigintOf(curve.publicKey(ONE).subarray(1, 33)), GENERATOR_X);
    assert.equal(bigintOf(curve.publicKey(scalar(N - 1n)).subarray(1, 33)), GENERATOR_X);
  });

  test('digests of another length are refused', () => {
    for (const length of [0, 31, 33]) {
      const digest = new Uint8Array(length);
      assert.equal(
        code(() => curve.sign(digest, secretKey)),
        'SECP256K1_DIGEST_LENGTH',
      );
      assert.equal(curve.verify(signature, digest, publicKey), false);
      assert.equal(curve.recover(digest, signature, yParity), undefined);
    }
  });

  test('high s is refused; its negation with the other parity is the same signature', () => {
    const high = negated(signature);
    assert.ok(isLowS(signature));
    assert.equal(isLowS(high), false);
    assert.equal(curve.verify(high, DIGEST, publicKey), false);
    assert.equal(curve.recover(DIGEST, high, 1 - yParity), undefined);
    assert.deepEqual(curve.recover(DIGEST, negated(high), yParity), publicKey);
  });

  test('s = n/2 is the highest low s', () => {
    const half = (N - 1n) / 2n;
    assert.ok(isLowS(signatureOf(1n, half)));
    assert.equal(isLowS(signatureOf(1n, half + 1n)), false);
    assert.notEqual(curve.recover(DIGEST, signatureOf(GENERATOR_X, half), 0), undefined);
    assert.equal(curve.recover(DIGEST, signatureOf(GENERATOR_X, half + 1n), 0), undefined);
  });

  test('r and s from the special values of Wycheproof (ecdsa_secp256k1_sha256_p1363, tcId 11 and on) never verify', () => {
    const special = [0n, 1n, N - 1n, N, N + 1n, P, P + 1n];
    for (const r of special) {
      for (const s of special) {
        const bad = signatureOf(r, s);
        assert.equal(curve.verify(bad, DIGEST, publicKey), false);
        const isInRange = r > 0n && r < N && s === 1n;
        if (!isInRange) assert.equal(curve.recover(DIGEST, bad, 0), undefined);
      }
    }
  });

  test('Wycheproof ecdsa_secp256k1_sha256_p1363 tcId 1: the low-s twin alone verifies', () => {
    const key = fromHex(
      '0x04b838ff44e5bc177bf21189d0766082fc9d843226887fc9760371100b7ee20a6ff0c9d75bfba7b31a6bca1974496eeb56de357071955d83c4b1badaa0b21832e9',
    );
    const digest = sha256(fromHex('0x313233343030'));
    const low = fromHex(
      '0x813ef79ccefa9a56f7ba805f0e478584fe5f0dd5f567bc09b5123ccbc98323656ff18a52dcc0336f7af62400a6dd9b810732baf1ff758000d6f613a556eb31ba',
    );
    assert.ok(curve.verify(low, digest, key));
    assert.equal(curve.verify(negated(low), digest, key), false);
  });

  test('signatures of another length are refused', () => {
    for (const bad of [
      signature.subarray(0, 63),
      concatBytes(signature, Uint8Array.of(0)),
      new Uint8Array(0),
    ]) {
      assert.equal(curve.verify(bad, DIGEST, publicKey), false);
      assert.equal(curve.recover(DIGEST, bad, yParity), undefined);
      assert.equal(isLowS(bad), false);
    }
  });

  test('only recovery ids 0 and 1 exist', () => {
    for (const parity of [2, 3, -1, 27, 28, 0.5, Number.NaN]) {
      assert.equal(curve.recover(DIGEST, signature, parity), undefined);
    }
    const overflown = signatureOf(P - N - 1n, 1n);
    assert.equal(curve.recover(DIGEST, overflown, 2), undefined);
  });

  test('nothing is recovered at infinity or from an r that is no x coordinate', () => {
    const s = 12345n;
    assert.equal(curve.recover(scalar(s), signatureOf(GENERATOR_X, s), 0), undefined);
    assert.notEqual(curve.recover(scalar(s), signatureOf(GENERATOR_X, s), 1), undefined);
    assert.equal(curve.recover(DIGEST, signatureOf(5n, 1n), 0), undefined);
  });

  test('digests 0, n and 2^256 - 1 are numbers like others', () => {
    for (const digest of [scalar(0n), scalar(N), scalar(2n ** 256n - 1n)]) {
      const signed = curve.sign(digest, secretKey);
      assert.ok(curve.verify(signed.signature, digest, publicKey));
      assert.deepEqual(curve.recover(digest, signed.signature, signed.yParity), publicKey);
    }
    assert.deepEqual(curve.sign(scalar(N), secretKey), curve.sign(scalar(0n), secretKey));
  });

  test('public keys: hybrid, off-curve, out-of-range and mistagged ones are refused', () => {
    const hybrid = Uint8Array.from(publicKey);
    hybrid[0] = 0x06 | ((publicKey[64] ?? 0) & 1);
    const offCurve = Uint8Array.from(publicKey);
    offCurve[64] = (offCurve[64] ?? 0) ^ 1;
    const beyondField = concatBytes(Uint8Array.of(2), scalar(P + 1n));
    const mistagged = concatBytes(Uint8Array.of(4), publicKey.subarray(1, 33));
    const noPoint = concatBytes(Uint8Array.of(2), scalar(5n));
    for (const key of [
      hybrid,
      offCurve,
      beyondField,
      mistagged,
      noPoint,
      new Uint8Array(65),
      Uint8Array.of(0),
      new Uint8Array(0),
      publicKey.subarray(1),
    ]) {
      assert.equal(curve.verify(signature, DIGEST, key), false, toHex(key));
      assert.equal(curve.uncompress(key), undefined, toHex(key));
    }
  });

  test('compress and uncompress are inverse', () => {
    for (const value of [1n, 2n, 3n, 4n, 5n, N - 1n]) {
      const key = curve.publicKey(scalar(value));
      assert.deepEqual(curve.uncompress(compressPublicKey(key)), key);
      assert.deepEqual(curve.uncompress(key), key);
    }
    assert.equal(
      code(() => compressPublicKey(publicKey.subarray(0, 33))),
      'SECP256K1_PUBLIC_KEY',
    );
  });

  test('results are fresh plain bytes', () => {
    const first = curve.recover(DIGEST, signature, yParity);
    curve.recover(DIGEST, signature, 1 - yParity);
    assert.deepEqual(first, publicKey);
    for (const bytes of [first, publicKey, signature]) {
      assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype);
    }
  });
}

// RFC 6979 defines no secp256k1 vectors; these are the community's, shared by trezor-crypto and others.
const RFC6979_VECTORS = [
  [
    1n,
    'Satoshi Nakamoto',
    '0x934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d82442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5',
  ],
  [
    1n,
    'All those moments will be lost in time, like tears in rain. Time to die...',
    '0x8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21',
  ],
  [
    N - 1n,
    'Satoshi Nakamoto',
    '0xfd567d121db66e382991534ada77a6bd3106f0a1098c231e47993447cd6af2d06b39cd0eb1bc8603e159ef5c20a5c8ad685a45b06ce9bebed3f153d10d93bed5',
  ],
  [
    0xf8b8af8ce3c7cca5e300d33939540c10d45ce001b8f252bfbc57ba0342904181n,
    'Alan Turing',
    '0x7063ae83e7f62bbb171798131b4a0564b956930092b33b07b395615d9ec7e15c58dfcc1e00a35e1572f366ffe34ba0fc47db1e7189759b9fb233c5b05ab388ea',
  ],
] as const;

test('RFC 6979 nonces: published signatures', () => {
  for (const curve of SECP256K1_BACKENDS) {
    for (const [secret, message, expected] of RFC6979_VECTORS) {
      const digest = sha256(new TextEncoder().encode(message));
      assert.equal(
        toHex(curve.sign(digest, scalar(secret)).signature),
        expected,
        `${curve.name}: ${message}`,
      );
    }
  }
});

test('backends agree on random and damaged input', { skip: skipWithout('secp256k1') }, () => {
  const prng = createPrng(2);
  assert.ok(nativeSecp256k1.ok);
  const native = nativeSecp256k1.module;
  const fallback = nobleSecp256k1;
  for (let round = 0; round < 60; round++) {
    const secretKey = scalar(1n + (prng.bigint(256) % (N - 1n)));
    const digest = prng.chance(1, 4) ? scalar(2n ** 256n - 1n - prng.bigint(120)) : prng.bytes(32);
    const publicKey = native.publicKey(secretKey);
    const signed = native.sign(digest, secretKey);
    assert.deepEqual(publicKey, fallback.publicKey(secretKey));
    assert.deepEqual(signed, fallback.sign(digest, secretKey));

    const damaged = Uint8Array.from(signed.signature);
    const position = prng.below(64);
    damaged[position] = (damaged[position] ?? 0) ^ (1 << prng.below(8));
    for (const signature of [signed.signature, damaged]) {
      assert.deepEqual(
        native.recover(digest, signature, signed.yParity),
        fallback.recover(digest, signature, signed.yParity),
      );
      assert.equal(
        native.verify(signature, digest, publicKey),
        fallback.verify(signature, digest, publicKey),
      );
    }
    assert.equal(native.verify(damaged, digest, publicKey), false);
  }
});
