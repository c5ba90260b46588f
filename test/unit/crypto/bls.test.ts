import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromHex, toHex } from '../../../protocol/bytes.js';
import {
  BlsError,
  MAX_BLS_BATCH,
  type Bls,
  type BlsPublicKey,
  type SignedBy,
} from '../../../protocol/crypto/bls.js';
import { InvariantError } from '../../../protocol/invariant.js';
import { createPrng } from '../../support/prng.js';
import { BLS_BACKENDS } from './both-backends.js';
import {
  cancellingPair,
  flagged,
  keyOffCurve,
  keyOutsideSubgroup,
  negatedPoint,
  signatureOutsideSubgroup,
  signaturePlusTorsion,
  withUnreducedX,
} from './hostile-points.js';

const R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
const MESSAGE = new TextEncoder().encode('one message');
const OTHER_MESSAGE = new TextEncoder().encode('another message');
const INFINITY_KEY = flagged(new Uint8Array(48), 0xc0);
const INFINITY_SIGNATURE = flagged(new Uint8Array(96), 0xc0);

function secretKey(value: number | bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(64, '0')}`, 32);
}

function code(compute: () => unknown): string {
  try {
    compute();
  } catch (error) {
    assert.ok(error instanceof BlsError, String(error));
    return error.code;
  }
  return 'none';
}

function voters(bls: Bls, count: number): { key: BlsPublicKey; signature: Uint8Array }[] {
  return Array.from({ length: count }, (_, i) => ({
    key: bls.parsePublicKey(bls.publicKey(secretKey(i + 1))),
    signature: bls.sign(secretKey(i + 1), MESSAGE),
  }));
}

/** Every way a signature can be malformed that a peer could send, by name. */
function malformedSignatures(valid: Uint8Array): [string, Uint8Array][] {
  const prng = createPrng(11);
  const strayInfinity = Uint8Array.from(INFINITY_SIGNATURE);
  strayInfinity[95] = 1;
  const secondCoordinateUnreduced = Uint8Array.from(valid).fill(0xff, 48);
  return [
    ['empty', new Uint8Array(0)],
    ['truncated', valid.subarray(0, 95)],
    ['one byte more', Uint8Array.from([...valid, 0])],
    ['key length', valid.subarray(0, 48)],
    ['uncompressed length', new Uint8Array(192)],
    ['zeros', new Uint8Array(96)],
    ['infinity', INFINITY_SIGNATURE],
    ['infinity with the sign flag', flagged(INFINITY_SIGNATURE, 0xe0)],
    ['infinity with a stray bit', strayInfinity],
    ['infinity flag on a point', flagged(valid, (valid[0] ?? 0) | 0x40)],
    ['compression flag missing', flagged(valid, (valid[0] ?? 0) & 0x7f)],
    ['c1 not reduced', flagged(Uint8Array.from(valid).fill(0xff, 0, 48), 0x80)],
    ['c0 not reduced', secondCoordinateUnreduced],
    ['outside the subgroup', signatureOutsideSubgroup(prng)],
    ['moved by torsion', signaturePlusTorsion(valid, prng)],
    [
      'not on the curve',
      flagged(
        Uint8Array.from({ length: 96 }, (_, i) => Number(i === 95)),
        0x80,
      ),
    ],
  ];
}

for (const bls of BLS_BACKENDS)
  describe(bls.name, () => {
    suite(bls);
  });

function suite(bls: Bls): void {
  const [first, second, third] = voters(bls, 3);
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const entries = [first, second, third];
  const keys = entries.map(({ key }) => key);
  const aggregate = bls.aggregateSignatures(entries.map(({ signature }) => signature));

  test('a signature verifies for its key and message alone', () => {
    assert.ok(bls.verify(first.key, MESSAGE, first.signature));
    assert.equal(bls.verify(second.key, MESSAGE, first.signature), false);
    assert.equal(bls.verify(first.key, OTHER_MESSAGE, first.signature), false);
    assert.equal(bls.verify(first.key, MESSAGE, negatedPoint(first.signature)), false);
  });

  test('secret keys are 32 bytes in [1, r)', () => {
    const tooShort = new Uint8Array(31).fill(1);
    const tooLong = new Uint8Array(33).fill(1);
    const bad = [
      secretKey(0),
      secretKey(R),
      secretKey(R + 1n),
      secretKey(2n ** 256n - 1n),
      tooShort,
      tooLong,
    ];
    for (const key of bad) {
      assert.equal(
        code(() => bls.publicKey(key)),
        'BLS_SECRET_KEY',
      );
      assert.equal(
        code(() => bls.sign(key, MESSAGE)),
        'BLS_SECRET_KEY',
      );
      assert.equal(
        code(() => bls.provePossession(key)),
        'BLS_SECRET_KEY',
      );
    }
    assert.deepEqual(bls.publicKey(secretKey(R - 1n)), negatedPoint(bls.publicKey(secretKey(1))));
  });

  test('public keys: each fault has its code', () => {
    const prng = createPrng(10);
    const valid = first.key.bytes;
    const strayInfinity = Uint8Array.from(INFINITY_KEY);
    strayInfinity[47] = 1;
    const x0 = flagged(new Uint8Array(48), 0x80);
    const faults: [Uint8Array, BlsError['code']][] = [
      [new Uint8Array(0), 'BLS_KEY_LENGTH'],
      [valid.subarray(1), 'BLS_KEY_LENGTH'],
      [Uint8Array.from([...valid, 0]), 'BLS_KEY_LENGTH'],
      [new Uint8Array(96), 'BLS_KEY_LENGTH'],
      [new Uint8Array(48), 'BLS_KEY_NON_CANONICAL'],
      [flagged(valid, (valid[0] ?? 0) & 0x7f), 'BLS_KEY_NON_CANONICAL'],
      [flagged(valid, (valid[0] ?? 0) | 0x40), 'BLS_KEY_NON_CANONICAL'],
      [strayInfinity, 'BLS_KEY_NON_CANONICAL'],
      [flagged(INFINITY_KEY, 0xe0), 'BLS_KEY_NON_CANONICAL'],
      [flagged(INFINITY_KEY, 0x40), 'BLS_KEY_NON_CANONICAL'],
      [new Uint8Array(48).fill(0xff), 'BLS_KEY_NON_CANONICAL'],
      [flagged(new Uint8Array(48).fill(0xff), 0x80), 'BLS_KEY_NON_CANONICAL'],
      [INFINITY_KEY, 'BLS_KEY_INFINITY'],
      [keyOffCurve(prng), 'BLS_KEY_NOT_ON_CURVE'],
      [keyOutsideSubgroup(prng), 'BLS_KEY_NOT_IN_SUBGROUP'],
      [x0, 'BLS_KEY_NOT_IN_SUBGROUP'],
    ];
    for (const [bytes, expected] of faults) {
      assert.equal(
        code(() => bls.parsePublicKey(bytes)),
        expected,
        toHex(bytes),
      );
    }
  });

  test('an x that was not reduced modulo p is refused in keys and signatures', () => {
    let tried = 0;
    for (let i = 1; tried < 3; i++) {
      const key = withUnreducedX(bls.publicKey(secretKey(i)));
      const signature = withUnreducedX(bls.sign(secretKey(i), MESSAGE));
      if (key === undefined || signature === undefined) continue;
      tried++;
      assert.equal(
        code(() => bls.parsePublicKey(key)),
        'BLS_KEY_NON_CANONICAL',
      );
      const owner = bls.parsePublicKey(bls.publicKey(secretKey(i)));
      assert.equal(bls.verify(owner, MESSAGE, signature), false);
    }
  });

  test('a parsed key is a copy and belongs to its backend', () => {
    const bytes = Uint8Array.from(first.key.bytes);
    const key = bls.parsePublicKey(bytes);
    bytes.fill(0);
    assert.deepEqual(key.bytes, first.key.bytes);
    assert.throws(() => bls.verify({ bytes: key.bytes }, MESSAGE, first.signature), InvariantError);
  });

  test('malformed signatures are false in every verification and errors in an aggregation', () => {
    for (const [name, signature] of malformedSignatures(first.signature)) {
      assert.equal(bls.verify(first.key, MESSAGE, signature), false, name);
      assert.equal(bls.fastAggregateVerify([first.key], MESSAGE, signature), false, name);
      assert.equal(bls.aggregateVerify([first.key], [MESSAGE], signature), false, name);
      const bad: SignedBy = { key: first.key, signature };
      assert.equal(bls.verifySameMessage([second, bad], MESSAGE), false, name);
      assert.equal(bls.verifyBatch([{ ...bad, message: MESSAGE }]), false, name);
      assert.equal(bls.verifyPossession(first.key.bytes, signature), false, name);
      if (name === 'infinity') continue;
      assert.equal(
        code(() => bls.aggregateSignatures([second.signature, signature])),
        'BLS_SIGNATURE_INVALID',
        name,
      );
    }
  });

  test('a refused aggregation names the first signature at fault', () => {
    const bad = signatureOutsideSubgroup(createPrng(12));
    assert.throws(
      () => bls.aggregateSignatures([first.signature, bad, new Uint8Array(5)]),
      (error) => error instanceof BlsError && error.data['index'] === 1,
    );
  });

  test('aggregation: empty is an error, infinity is a term and a result', () => {
    assert.equal(
      code(() => bls.aggregateSignatures([])),
      'BLS_AGGREGATE_EMPTY',
    );
    assert.deepEqual(bls.aggregateSignatures([INFINITY_SIGNATURE]), INFINITY_SIGNATURE);
    assert.deepEqual(bls.aggregateSignatures([first.signature, INFINITY_SIGNATURE]), first.signature);
    assert.deepEqual(
      bls.aggregateSignatures([first.signature, negatedPoint(first.signature)]),
      INFINITY_SIGNATURE,
    );
  });

  test('an aggregate verifies for exactly its keys', () => {
    assert.ok(bls.fastAggregateVerify(keys, MESSAGE, aggregate));
    assert.ok(bls.fastAggregateVerify([...keys].reverse(), MESSAGE, aggregate));
    assert.equal(bls.fastAggregateVerify(keys.slice(1), MESSAGE, aggregate), false);
    assert.equal(bls.fastAggregateVerify([...keys, first.key], MESSAGE, aggregate), false);
    assert.equal(bls.fastAggregateVerify(keys, OTHER_MESSAGE, aggregate), false);
    assert.ok(bls.aggregateVerify(keys, [MESSAGE, MESSAGE, MESSAGE], aggregate));
    assert.equal(bls.aggregateVerify(keys, [MESSAGE, MESSAGE, OTHER_MESSAGE], aggregate), false);
    assert.equal(bls.aggregateVerify(keys, [MESSAGE, MESSAGE], aggregate), false);
  });

  test('keys that cancel each other verify nothing', () => {
    const opposite = bls.parsePublicKey(negatedPoint(first.key.bytes));
    for (const signature of [INFINITY_SIGNATURE, first.signature]) {
      assert.equal(bls.fastAggregateVerify([first.key, opposite], MESSAGE, signature), false);
      assert.equal(bls.aggregateVerify([first.key, opposite], [MESSAGE, MESSAGE], signature), false);
    }
  });

  test('empty lists are false', () => {
    assert.equal(bls.fastAggregateVerify([], MESSAGE, first.signature), false);
    assert.equal(bls.fastAggregateVerify([], MESSAGE, INFINITY_SIGNATURE), false);
    assert.equal(bls.aggregateVerify([], [], INFINITY_SIGNATURE), false);
    assert.equal(bls.verifySameMessage([], MESSAGE), false);
    assert.equal(bls.verifyBatch([]), false);
    assert.deepEqual(bls.findInvalid([], MESSAGE), []);
  });

  test('lists are bounded', () => {
    const many = Array.from({ length: MAX_BLS_BATCH + 1 }, () => first);
    const manyKeys = many.map(({ key }) => key);
    for (const call of [
      () => bls.aggregateSignatures(many.map(({ signature }) => signature)),
      () => bls.fastAggregateVerify(manyKeys, MESSAGE, aggregate),
      () => bls.aggregateVerify(manyKeys, [MESSAGE], aggregate),
      () =>
        bls.aggregateVerify(
          [],
          many.map(() => MESSAGE),
          aggregate,
        ),
      () => bls.verifySameMessage(many, MESSAGE),
      () => bls.findInvalid(many, MESSAGE),
      () => bls.verifyBatch(many.map((entry) => ({ ...entry, message: MESSAGE }))),
    ]) {
      assert.equal(code(call), 'BLS_BATCH_TOO_LARGE');
    }
  });

  test('two signatures that cancel each other out pass an aggregate and fail a batch', () => {
    const [left, right] = cancellingPair(first.signature, second.signature, 7n);
    const forged = [{ key: first.key, signature: left }, third, { key: second.key, signature: right }];
    const sum = bls.aggregateSignatures(forged.map(({ signature }) => signature));
    assert.ok(
      bls.fastAggregateVerify(
        forged.map(({ key }) => key),
        MESSAGE,
        sum,
      ),
    );
    assert.equal(bls.verifySameMessage(forged, MESSAGE), false);
    assert.equal(bls.verifyBatch(forged.map((entry) => ({ ...entry, message: MESSAGE }))), false);
    assert.deepEqual(bls.findInvalid(forged, MESSAGE), [0, 2]);
  });

  test('two votes with their signatures exchanged are both found', () => {
    const exchanged = [
      { key: first.key, signature: second.signature },
      { key: second.key, signature: first.signature },
    ];
    assert.equal(bls.verifySameMessage(exchanged, MESSAGE), false);
    assert.deepEqual(bls.findInvalid(exchanged, MESSAGE), [0, 1]);
  });

  test('batches over one and over several messages', () => {
    assert.ok(bls.verifySameMessage(entries, MESSAGE));
    assert.ok(bls.verifySameMessage([first, first], MESSAGE));
    assert.equal(bls.verifySameMessage(entries, OTHER_MESSAGE), false);
    const other = {
      key: first.key,
      message: OTHER_MESSAGE,
      signature: bls.sign(secretKey(1), OTHER_MESSAGE),
    };
    const batch = [{ ...second, message: MESSAGE }, other];
    assert.ok(bls.verifyBatch(batch));
    assert.equal(bls.verifyBatch([...batch, { ...third, message: OTHER_MESSAGE }]), false);
  });

  test('possession is proved by its own tag', () => {
    const proof = bls.provePossession(secretKey(1));
    assert.ok(bls.verifyPossession(first.key.bytes, proof));
    assert.equal(bls.verifyPossession(second.key.bytes, proof), false);
    assert.equal(bls.verify(first.key, first.key.bytes, proof), false);
    assert.equal(bls.verifyPossession(first.key.bytes, bls.sign(secretKey(1), first.key.bytes)), false);
    for (const key of [
      INFINITY_KEY,
      new Uint8Array(48),
      keyOutsideSubgroup(createPrng(13)),
      new Uint8Array(0),
    ]) {
      assert.equal(bls.verifyPossession(key, proof), false);
      assert.equal(bls.verifyPossession(key, INFINITY_SIGNATURE), false);
    }
  });

  test('results are plain bytes', () => {
    for (const bytes of [
      first.key.bytes,
      bls.publicKey(secretKey(1)),
      first.signature,
      aggregate,
      bls.provePossession(secretKey(2)),
    ]) {
      assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype);
    }
  });
}

test('findInvalid finds every subset of culprits', () => {
  const [fastest] = BLS_BACKENDS;
  assert.ok(fastest !== undefined);
  const good = voters(fastest, 9);
  const wrong = fastest.sign(secretKey(99), MESSAGE);
  const prng = createPrng(14);
  for (let round = 0; round < 12; round++) {
    const bad = new Set([...good.keys()].filter(() => prng.chance(1, 3)));
    const entries = good.map((entry, i) =>
      bad.has(i) ? { ...entry, signature: prng.chance(1, 2) ? wrong : new Uint8Array(3) } : entry,
    );
    assert.deepEqual(fastest.findInvalid(entries, MESSAGE), [...bad], `round ${round}`);
  }
});
