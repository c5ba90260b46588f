import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromHex } from '../../../protocol/bytes.js';
import { decodeTransaction } from '../../../protocol/transactions/decode.js';
import { encodeTransaction } from '../../../protocol/transactions/encode.js';
import { TransactionError } from '../../../protocol/transactions/errors.js';
import { signingHash } from '../../../protocol/transactions/hash.js';
import { RlpError } from '../../../protocol/transactions/rlp.js';
import type { SignedTransaction } from '../../../protocol/transactions/types.js';
import { CHAIN_ID, ORDER, eip1559Bytes, legacyBytes } from './fixtures.js';

const uint = (bits: bigint) => fc.bigInt({ min: 0n, max: 2n ** bits - 1n });
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

const plain = { noNullPrototype: true } as const;

/** r in [1, n), s in [1, n / 2]. */
const scalars = fc
  .tuple(fc.bigInt({ min: 1n, max: ORDER - 1n }), fc.bigInt({ min: 1n, max: ORDER / 2n }))
  .map((pair) => fromHex(`0x${pair.map((scalar) => scalar.toString(16).padStart(64, '0')).join('')}`));
const common = {
  chainId: fc.constant(CHAIN_ID),
  nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 2n }),
  gasLimit: uint(64n),
  to: fc.option(bytes(20), { nil: undefined }),
  value: uint(255n),
  data: fc.uint8Array({ maxLength: 300 }),
  signature: fc.record({ rs: scalars, yParity: fc.constantFrom<(0 | 1)[]>(0, 1) }, plain),
};

const accessList = fc.array(
  fc.record({ address: bytes(20), storageKeys: fc.array(bytes(32), { maxLength: 4 }) }, plain),
  { maxLength: 4 },
);
const anyTransaction: fc.Arbitrary<SignedTransaction> = fc.oneof(
  fc.record({ type: fc.constant('legacy' as const), ...common, gasPrice: uint(190n) }, plain),
  fc.record({ type: fc.constant('eip2930' as const), ...common, gasPrice: uint(190n), accessList }, plain),
  fc
    .record(
      {
        type: fc.constant('eip1559' as const),
        ...common,
        maxFeePerGas: uint(190n),
        maxPriorityFeePerGas: uint(190n),
        accessList,
      },
      plain,
    )
    .filter(({ maxFeePerGas, maxPriorityFeePerGas }) => maxPriorityFeePerGas <= maxFeePerGas),
);

test('decode is the inverse of encode, and finds the signing hash without encoding', () => {
  const check = (transaction: SignedTransaction): void => {
    const decoded = decodeTransaction(encodeTransaction(transaction), { chainId: CHAIN_ID });
    assert.deepEqual(decoded.transaction, transaction);
    assert.deepEqual(decoded.signingHash, signingHash(transaction));
  };
  fc.assert(fc.property(anyTransaction, check), { seed: 0x7478, numRuns: 1_000 });
});

test('arbitrary bytes decode, or fail with TransactionError or RlpError', () => {
  const check = (input: Uint8Array): void => {
    try {
      const { transaction } = decodeTransaction(input, { chainId: CHAIN_ID });
      assert.deepEqual(encodeTransaction(transaction), input);
    } catch (error) {
      if (!(error instanceof TransactionError) && !(error instanceof RlpError)) throw error;
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check), { seed: 1, numRuns: 3_000 });
  for (const valid of [eip1559Bytes(), legacyBytes()]) {
    for (let at = 0; at < valid.length; at++) {
      for (let byte = 0; byte < 256; byte++) check(valid.with(at, byte));
      check(valid.subarray(0, at));
    }
  }
});
