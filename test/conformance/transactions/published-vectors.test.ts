import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { addressFromPublicKey } from '../../../protocol/address.js';
import { fromHex, toHex } from '../../../protocol/bytes.js';
import { secp256k1 } from '../../../protocol/crypto/secp256k1.js';
import { decodeTransaction, type DecodedTransaction } from '../../../protocol/transactions/decode.js';
import { encodeForSigning, encodeTransaction } from '../../../protocol/transactions/encode.js';
import { intrinsicGas } from '../../../protocol/transactions/gas.js';
import { transactionHash } from '../../../protocol/transactions/hash.js';
import { recoverSender } from '../../../protocol/transactions/recover.js';
import { encodeRlp } from '../../../protocol/transactions/rlp-encode.js';
import { decodeRlp, type RlpItem } from '../../../protocol/transactions/rlp.js';
import { signTransaction } from '../../../protocol/transactions/sign.js';
import { MAX_UINT256 } from '../../../protocol/transactions/rules.js';
import { readVector } from '../../support/vectors.js';

interface Accepted {
  readonly name: string;
  readonly chainId: string;
  readonly encoded: string;
  readonly hash?: string;
  readonly signingHash?: string;
  readonly sender?: string;
  readonly secretKey?: string;
  readonly intrinsicGas?: string;
  readonly fields?: Readonly<Record<string, string>>;
}

interface Refused {
  readonly name: string;
  readonly chainId: string;
  readonly encoded: string;
  readonly code: string;
}

const vectors = readVector<{ accepted: Accepted[]; refused: Refused[]; invalidRlp: Refused[] }>(
  'transactions.json',
);

describe('vectors of EIP-155, go-ethereum, ethereum/tests and ethereumjs', () => {
  for (const vector of vectors.accepted) {
    test(`accepts ${vector.name}`, () => {
      const bytes = fromHex(vector.encoded);
      const { transaction, hash, signingHash } = decodeTransaction(bytes, {
        chainId: BigInt(vector.chainId),
      });
      const sender = recoverSender(signingHash, transaction.signature);
      if (vector.hash !== undefined) assert.equal(toHex(hash), vector.hash);
      if (vector.signingHash !== undefined) assert.equal(toHex(signingHash), vector.signingHash);
      if (vector.sender !== undefined) assert.equal(toHex(sender), vector.sender);
      if (vector.intrinsicGas !== undefined)
        assert.equal(intrinsicGas(transaction), BigInt(vector.intrinsicGas));
      for (const [field, value] of Object.entries(vector.fields ?? {})) {
        assert.equal(Reflect.get(transaction, field), BigInt(value), field);
      }
      if (vector.secretKey !== undefined) {
        const secretKey = fromHex(vector.secretKey);
        assert.deepEqual(sender, addressFromPublicKey(secp256k1.publicKey(secretKey)));
        assert.equal(toHex(encodeTransaction(signTransaction(transaction, secretKey))), vector.encoded);
      }
      assert.equal(toHex(encodeTransaction(transaction)), vector.encoded);
    });
  }

  for (const vector of vectors.refused) {
    test(`refuses ${vector.name} with ${vector.code}`, () => {
      const decode = () => decodeTransaction(fromHex(vector.encoded), { chainId: BigInt(vector.chainId) });
      assert.throws(decode, { code: vector.code });
    });
  }

  for (const vector of vectors.invalidRlp) {
    test(`refuses the RLP of ${vector.name} with ${vector.code}`, () => {
      assert.throws(() => decodeRlp(fromHex(vector.encoded)), { code: vector.code });
    });
  }
});

describe('suites of @ethersproject/testcases', () => {
  test('rlp-coder: every case encodes and decodes', () => {
    type Nested = string | readonly Nested[];
    const toItem = (nested: Nested): RlpItem =>
      typeof nested === 'string' ? fromHex(nested) : nested.map(toItem);
    const cases = readSuite<{ name: string; decoded: Nested; encoded: string }>('rlp-coder');
    assert.equal(cases.length, 61);
    for (const { name, decoded, encoded } of cases) {
      assert.equal(toHex(encodeRlp(toItem(decoded))), encoded, name);
      assert.deepEqual(decodeRlp(fromHex(encoded)), toItem(decoded), name);
    }
  });

  test('transactions: legacy for chain 5 signs and decodes as given, without a chain id it is refused', () => {
    interface LegacyCase extends Fields {
      name: string;
      accountAddress: string;
      privateKey: string;
      unsignedTransactionChainId5: string;
      signedTransaction: string;
      signedTransactionChainId5: string;
    }
    const outcomes: Record<string, number> = {};
    for (const entry of readSuite<LegacyCase>('transactions')) {
      const unprotected = () => decodeTransaction(fromHex(entry.signedTransaction), { chainId: 5n });
      assert.throws(unprotected, { code: 'TX_NOT_REPLAY_PROTECTED' }, entry.name);

      const bytes = fromHex(entry.signedTransactionChainId5);
      const outcome = expectedRefusal({ ...entry, chainId: 5 });
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      if (outcome !== 'accepted') {
        assert.throws(() => decodeTransaction(bytes, { chainId: 5n }), { code: outcome }, entry.name);
        continue;
      }
      checkCase(decodeTransaction(bytes, { chainId: 5n }), {
        name: entry.name,
        address: entry.accountAddress,
        key: entry.privateKey,
        unsigned: entry.unsignedTransactionChainId5,
        signed: entry.signedTransactionChainId5,
      });
    }
    assert.deepEqual(outcomes, { accepted: 984, TX_GAS_LIMIT_TOO_HIGH: 83 });
  });

  test('typed-transactions: EIP-2930 and EIP-1559 decode, sign and re-encode as given', () => {
    const outcomes: Record<string, number> = {};
    for (const entry of readSuite<Case & { readonly tx: Fields }>('typed-transactions')) {
      const outcome = expectedRefusal(entry.tx);
      const chainId = BigInt(entry.tx.chainId ?? 0);
      const decode = () =>
        decodeTransaction(fromHex(entry.signed), { chainId: chainId === 0n ? 1n : chainId });
      if (outcome === 'accepted') checkCase(decode(), entry);
      else assert.throws(decode, { code: outcome }, entry.name);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
    assert.deepEqual(outcomes, { accepted: 1408, TX_CHAIN_ID_WRONG: 384 });
  });
});

interface Fields {
  readonly chainId?: number;
  readonly gasLimit?: string;
  readonly gasPrice?: string;
  readonly maxFeePerGas?: string;
  readonly maxPriorityFeePerGas?: string;
  readonly value?: string;
}

interface Case {
  readonly name: string;
  readonly address: string;
  readonly key: string;
  readonly unsigned: string;
  readonly signed: string;
}

/** Computed from the fields alone: these suites test encodings, and some of their transactions no chain would take. */
function expectedRefusal({
  chainId = 0,
  gasLimit,
  gasPrice,
  maxFeePerGas,
  maxPriorityFeePerGas,
  value,
}: Fields): string {
  const feeCap = uint(maxFeePerGas ?? gasPrice);
  if (chainId === 0) return 'TX_CHAIN_ID_WRONG';
  if (uint(gasLimit) >= 2n ** 64n) return 'TX_GAS_LIMIT_TOO_HIGH';
  if (uint(maxPriorityFeePerGas) > feeCap) return 'TX_TIP_ABOVE_FEE_CAP';
  if (uint(gasLimit) * feeCap + uint(value) > MAX_UINT256) return 'TX_COST_OVERFLOW';
  return 'accepted';
}

function uint(hex = '0x'): bigint {
  return hex === '0x' ? 0n : BigInt(hex);
}

function checkCase({ transaction, hash, signingHash }: DecodedTransaction, expected: Case): void {
  const { name } = expected;
  assert.equal(toHex(encodeForSigning(transaction)), expected.unsigned, name);
  const signed = signTransaction(transaction, fromHex(expected.key));
  assert.equal(toHex(encodeTransaction(signed)), expected.signed, name);
  assert.deepEqual(transactionHash(signed), hash, name);
  assert.equal(
    toHex(recoverSender(signingHash, transaction.signature)),
    expected.address.toLowerCase(),
    name,
  );
}

function readSuite<Case>(name: string): Case[] {
  const path = createRequire(import.meta.url).resolve(`@ethersproject/testcases/testcases/${name}.json.gz`);
  return JSON.parse(gunzipSync(readFileSync(path)).toString('utf8')) as Case[];
}
