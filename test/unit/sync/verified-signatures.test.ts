import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SignaturePool } from '../../../node/signatures/pool.js';
import { VerifiedSignatures } from '../../../node/sync/verified-signatures.js';
import type { Statement } from '../../../node/signatures/wire.js';
import { bls, type Bls } from '../../../protocol/crypto/bls.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { TestMember } from '../../support/committee.js';

const MEMBERS = [1, 2, 3, 4].map((number) => new TestMember(number));
const KEYS = MEMBERS.map(({ validator }) => bls.parsePublicKey(validator.blsPublicKey));
const message = (number: number): Uint8Array => sha256(Uint8Array.of(number));

function signedBy(places: readonly number[], signed: Uint8Array, claimed = signed): Statement {
  const signatures = places.map((place) => MEMBERS[place]?.sign(signed) ?? new Uint8Array(96));
  const keys = places.flatMap((place) => KEYS[place] ?? []);
  return { keys, message: claimed, signature: bls.aggregateSignatures(signatures) };
}

/** One that says no to everything, and counts what it is asked. */
function doubter(): { readonly bls: Bls; readonly asked: { count: number } } {
  const asked = { count: 0 };
  const no = (): boolean => {
    asked.count++;
    return false;
  };
  return {
    asked,
    bls: {
      ...bls,
      ...{ verify: no, fastAggregateVerify: no, verifySameMessage: no, verifyBatch: no },
      findInvalid: (entries) => {
        asked.count += entries.length;
        return entries.map((_, place) => place);
      },
    },
  };
}

describe('the signature pool', () => {
  test('judges statements of one key and of many, each by itself', async () => {
    const pool = new SignaturePool({ workers: 1 });
    try {
      const good = [signedBy([0, 1, 2], message(1)), signedBy([0], message(2)), signedBy([1], message(2))];
      const bad = [
        signedBy([0, 1, 2], message(1), message(2)),
        signedBy([3], message(3), message(4)),
        { ...signedBy([0], message(1)), signature: new Uint8Array(96) },
        { keys: [], message: message(1), signature: signedBy([0], message(1)).signature },
        {
          keys: [{ bytes: new Uint8Array(48) }],
          message: message(1),
          signature: signedBy([0], message(1)).signature,
        },
      ];
      const mixed = [...bad, ...good, ...bad];
      const expected = mixed.map((statement) => good.includes(statement));
      assert.deepEqual(await pool.verifyStatements(mixed), expected);
      assert.deepEqual(await pool.verifyStatements([]), []);
    } finally {
      await pool.close();
    }
  });
});

describe('verified signatures', () => {
  test('are believed where they are asked for, and nothing else is', async () => {
    const verified = new VerifiedSignatures();
    const three = signedBy([0, 1, 2], message(1));
    const one = signedBy([3], message(2));
    await verified.learn([three, one, signedBy([0], message(5))], (asked) =>
      Promise.resolve(asked.map(({ message: of }) => of !== asked[2]?.message)),
    );
    const { bls: no, asked } = doubter();
    const over = verified.over(no);
    const [a, b, c, d] = KEYS;
    assert.ok(a && b && c && d);
    assert.equal(over.fastAggregateVerify([a, b, c], message(1), three.signature), true);
    assert.equal(over.verify(d, message(2), one.signature), true);
    assert.equal(over.verifyBatch([{ key: d, message: message(2), signature: one.signature }]), true);
    assert.equal(over.verifySameMessage([{ key: d, signature: one.signature }], message(2)), true);
    assert.deepEqual(over.findInvalid([{ key: d, signature: one.signature }], message(2)), []);
    assert.equal(asked.count, 0);
    assert.equal(over.fastAggregateVerify([a, b], message(1), three.signature), false);
    assert.equal(over.fastAggregateVerify([a, b, c], message(2), three.signature), false);
    assert.equal(over.verify(a, message(2), one.signature), false);
    assert.equal(over.verify(a, message(5), signedBy([0], message(5)).signature), false);
    const entries = [
      { key: a, signature: one.signature },
      { key: d, signature: one.signature },
      { key: b, signature: one.signature },
    ];
    assert.deepEqual(over.findInvalid(entries, message(2)), [0, 2]);
    assert.equal(over.verifySameMessage([], message(2)), false);
    assert.equal(over.verifyBatch([]), false);
  });

  test('what is in work is not verified twice, a failure teaches nothing, and memory is bounded', async () => {
    const verified = new VerifiedSignatures(2);
    const statements = [1, 2, 3].map((number) => signedBy([0], message(number)));
    let asked = 0;
    const verify = (some: readonly Statement[]): Promise<boolean[]> => {
      asked += some.length;
      return Promise.resolve(some.map(() => true));
    };
    const [first, second, third] = statements;
    assert.ok(first && second && third);
    await assert.rejects(verified.learn([first], () => Promise.reject(new RangeError('busy'))));
    assert.equal(verified.has(first), false);
    await Promise.all([verified.learn([first, second], verify), verified.learn([second, first], verify)]);
    assert.equal(asked, 2);
    await verified.learn([first, third], verify);
    assert.equal(asked, 3);
    assert.deepEqual(
      statements.map((statement) => verified.has(statement)),
      [false, true, true],
    );
  });
});
