import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromHex, toHex } from '../../../protocol/bytes.js';
import { BlsError } from '../../../protocol/crypto/bls.js';
import { readVector } from '../../support/vectors.js';
import { BLS_BACKENDS } from '../../unit/crypto/both-backends.js';

interface Case {
  readonly name: string;
  readonly bytes: string;
  readonly valid: boolean;
}

const { g1, g2 } = readVector<{ readonly g1: readonly Case[]; readonly g2: readonly Case[] }>(
  'bls-deserialization.json',
);

/** The point at infinity decodes, but KeyValidate refuses it as a key (draft-irtf-cfrg-bls-signature-05 §2.5). */
const INFINITY = 'succeeds_infinity_with_true_b_flag';

/** The encoding of what was decoded, or the code of the refusal. */
function outcome(decode: () => Uint8Array): string {
  try {
    return toHex(decode());
  } catch (error) {
    assert.ok(error instanceof BlsError);
    return error.code;
  }
}

for (const bls of BLS_BACKENDS) {
  describe(bls.name, () => {
    test('bls12-381-tests: deserialization_G1, by parsePublicKey', () => {
      for (const { name, bytes, valid } of g1) {
        const result = outcome(() => bls.parsePublicKey(fromHex(bytes)).bytes);
        if (name === INFINITY) assert.equal(result, 'BLS_KEY_INFINITY');
        else if (valid) assert.equal(result, bytes, name);
        else assert.match(result, /^BLS_KEY_(LENGTH|NON_CANONICAL|NOT_ON_CURVE|NOT_IN_SUBGROUP)$/, name);
      }
    });

    test('bls12-381-tests: deserialization_G2, by the aggregate of one', () => {
      for (const { name, bytes, valid } of g2) {
        const result = outcome(() => bls.aggregateSignatures([fromHex(bytes)]));
        assert.equal(result, valid ? bytes : 'BLS_SIGNATURE_INVALID', name);
      }
    });
  });
}
