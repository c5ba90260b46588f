import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { fromHex, toHex } from '../../../protocol/bytes.js';
import { readVector } from '../../support/vectors.js';
import { BLS_BACKENDS } from '../../unit/crypto/both-backends.js';

interface EthereumVectors {
  readonly secretKeys: readonly string[];
  readonly publicKeys: readonly string[];
  readonly messages: readonly string[];
  /** By key, then by message. */
  readonly signatures: readonly (readonly string[])[];
  /** By message, of all keys. */
  readonly aggregates: readonly string[];
  readonly aggregateOfDistinctMessages: string;
}

interface WycheproofVectors {
  readonly publicKey: string;
  readonly tests: readonly {
    readonly tcId: number;
    readonly comment: string;
    readonly message: string;
    readonly signature: string;
    readonly valid: boolean;
  }[];
}

interface PossessionVectors {
  readonly tests: readonly {
    readonly secretKey: string;
    readonly publicKey: string;
    readonly proof: string;
  }[];
}

interface HashToCurveVectors {
  readonly domain: string;
  readonly tests: readonly {
    readonly message: string;
    readonly x: readonly [string, string];
    readonly y: readonly [string, string];
  }[];
}

interface CompressedHashVectors {
  readonly domain: string;
  readonly tests: readonly { readonly tcId: number; readonly message: string; readonly point: string }[];
}

const ethereum = readVector<EthereumVectors>('bls-ethereum.json');
const wycheproof = readVector<WycheproofVectors>('bls-wycheproof.json');
const possession = readVector<PossessionVectors>('bls-possession.json');
const hashToCurve = readVector<HashToCurveVectors>('bls-hash-to-curve.json');
const compressedHash = readVector<CompressedHashVectors>('bls-hash-to-curve-wycheproof.json');

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  assert.ok(item !== undefined);
  return item;
}

for (const bls of BLS_BACKENDS) {
  describe(bls.name, () => {
    const messages = ethereum.messages.map((text) => fromHex(text));
    const keys = ethereum.publicKeys.map((text) => bls.parsePublicKey(fromHex(text)));

    test('bls12-381-tests: public keys and sign', () => {
      for (const [k, text] of ethereum.secretKeys.entries()) {
        const secretKey = fromHex(text);
        assert.equal(toHex(bls.publicKey(secretKey)), at(ethereum.publicKeys, k));
        for (const [m, message] of messages.entries()) {
          assert.equal(toHex(bls.sign(secretKey, message)), at(at(ethereum.signatures, k), m));
        }
      }
    });

    test('bls12-381-tests: verify', () => {
      for (const [k, key] of keys.entries()) {
        const signature = fromHex(at(at(ethereum.signatures, k), 0));
        assert.equal(bls.verify(key, at(messages, 0), signature), true);
        assert.equal(bls.verify(key, at(messages, 1), signature), false);
      }
    });

    test('bls12-381-tests: aggregate, fast_aggregate_verify, aggregate_verify', () => {
      for (const [m, message] of messages.entries()) {
        const signatures = ethereum.signatures.map((byMessage) => fromHex(at(byMessage, m)));
        const aggregate = bls.aggregateSignatures(signatures);
        assert.equal(toHex(aggregate), at(ethereum.aggregates, m));
        assert.equal(bls.fastAggregateVerify(keys, message, aggregate), true);
        assert.equal(bls.fastAggregateVerify(keys.slice(1), message, aggregate), false);
      }
      const distinct = fromHex(ethereum.aggregateOfDistinctMessages);
      assert.equal(bls.aggregateVerify(keys, messages, distinct), true);
      assert.equal(bls.aggregateVerify(keys, [...messages].reverse(), distinct), false);
    });

    test('Wycheproof: POP-scheme signatures', () => {
      const key = bls.parsePublicKey(fromHex(wycheproof.publicKey));
      for (const { tcId, comment, message, signature, valid } of wycheproof.tests) {
        assert.equal(
          bls.verify(key, fromHex(message), fromHex(signature)),
          valid,
          `tcId ${tcId}: ${comment}`,
        );
      }
    });

    test('possession proofs of another implementation', () => {
      for (const { secretKey, publicKey, proof } of possession.tests) {
        assert.equal(toHex(bls.publicKey(fromHex(secretKey))), publicKey);
        assert.equal(toHex(bls.provePossession(fromHex(secretKey))), proof);
        assert.ok(bls.verifyPossession(fromHex(publicKey), fromHex(proof)));
      }
    });
  });
}

test('RFC 9380: the hash to G2 that possession proofs and the fallback are built on', () => {
  for (const { message, x, y } of hashToCurve.tests) {
    const point = bls12_381.G2.hashToCurve(new TextEncoder().encode(message), {
      DST: hashToCurve.domain,
    }).toAffine();
    assert.deepEqual([point.x.c0, point.x.c1], x.map(BigInt));
    assert.deepEqual([point.y.c0, point.y.c1], y.map(BigInt));
  }
});

test('Wycheproof: hash to G2, compressed', () => {
  for (const { tcId, message, point } of compressedHash.tests) {
    const hashed = bls12_381.G2.hashToCurve(fromHex(message), { DST: compressedHash.domain });
    assert.equal(toHex(hashed.toBytes()), point, `tcId ${tcId}`);
  }
});
