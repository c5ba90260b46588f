import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concatBytes, fromHex, toHex } from '../../../protocol/bytes.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { compressPublicKey, SIGNATURE_LENGTH, type Secp256k1 } from '../../../protocol/crypto/secp256k1.js';
import { readVector } from '../../support/vectors.js';
import { SECP256K1_BACKENDS } from '../../unit/crypto/both-backends.js';

interface Case {
  readonly tcId: number;
  readonly comment: string;
  readonly message: string;
  /** r ‖ s; in the invalid cases of any length. */
  readonly signature: string;
  /** Under plain ECDSA, where a high s is as good as a low one. */
  readonly valid: boolean;
}

interface Vectors {
  readonly groups: readonly { readonly publicKey: string; readonly tests: readonly Case[] }[];
}

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** The nonce point of this valid case has x = r + n: recovery ids 2 and 3, which Ethereum does not have. */
const TC_UNRECOVERABLE = 115;

const cases = readVector<Vectors>('secp256k1-wycheproof.json').groups.flatMap((group) =>
  group.tests.map((each) => ({
    ...each,
    label: `tcId ${each.tcId}: ${each.comment}`,
    publicKey: fromHex(group.publicKey),
    digest: sha256(fromHex(each.message)),
    signature: fromHex(each.signature),
  })),
);

/** The twin (r, n − s) of a signature with n/2 < s < n, which verifies exactly when the signature itself does. */
function lowTwin(signature: Uint8Array): Uint8Array | undefined {
  if (signature.length !== SIGNATURE_LENGTH) return undefined;
  const s = BigInt(toHex(signature.subarray(32)));
  if (s <= ORDER / 2n || s >= ORDER) return undefined;
  return concatBytes(signature.subarray(0, 32), fromHex(`0x${(ORDER - s).toString(16).padStart(64, '0')}`));
}

function recoveredKeys(curve: Secp256k1, digest: Uint8Array, signature: Uint8Array): string[] {
  return [0, 1].flatMap((yParity) => {
    const key = curve.recover(digest, signature, yParity);
    return key === undefined ? [] : [toHex(key)];
  });
}

for (const curve of SECP256K1_BACKENDS) {
  describe(curve.name, () => {
    test('Wycheproof: verify, with low s only (EIP-2)', () => {
      for (const { label, publicKey, digest, signature, valid } of cases) {
        const twin = lowTwin(signature);
        if (twin !== undefined) assert.equal(curve.verify(signature, digest, publicKey), false, label);
        const canonical = twin ?? signature;
        assert.equal(curve.verify(canonical, digest, publicKey), valid, label);
        assert.equal(curve.verify(canonical, digest, compressPublicKey(publicKey)), valid, label);
      }
    });

    test('Wycheproof: recover finds the key exactly when verify accepts', () => {
      for (const { tcId, label, publicKey, digest, signature, valid } of cases) {
        const twin = lowTwin(signature);
        if (twin !== undefined) assert.deepEqual(recoveredKeys(curve, digest, signature), [], label);
        const keys = recoveredKeys(curve, digest, twin ?? signature);
        assert.equal(keys.includes(toHex(publicKey)), valid && tcId !== TC_UNRECOVERABLE, label);
      }
    });
  });
}
