import assert from 'node:assert/strict';
import { OgpuError } from '../../protocol/errors.js';
import { decodeTransaction } from '../../protocol/transactions/decode.js';
import { encodeTransaction } from '../../protocol/transactions/encode.js';
import { TransactionError } from '../../protocol/transactions/errors.js';
import { encodeRlp } from '../../protocol/transactions/rlp-encode.js';
import { decodeRlp, RlpError, type RlpItem } from '../../protocol/transactions/rlp.js';
import { signTransaction } from '../../protocol/transactions/sign.js';
import type { Transaction } from '../../protocol/transactions/types.js';
import type { Prng } from '../support/prng.js';
import { mutate, type FuzzTarget } from './target.js';

const CHAIN_ID = 64_782n;

/** Bytes a wallet or a peer may send: a typed refusal, or the one encoding of what was decoded. */
export const transactionTargets: readonly FuzzTarget[] = [
  {
    name: 'transactions/decode',
    attack: (prng) => {
      const bytes = prng.chance(1, 10) ? prng.bytes(prng.below(300)) : mutate(prng, signed(prng));
      const decoded = accepted(() => decodeTransaction(bytes, { chainId: CHAIN_ID }));
      if (decoded !== undefined) assert.deepEqual(encodeTransaction(decoded.transaction), bytes);
    },
  },
  {
    name: 'transactions/rlp',
    attack: (prng) => {
      const bytes = prng.chance(1, 4) ? prng.bytes(prng.below(100)) : mutate(prng, encodeRlp(item(prng, 4)));
      const decoded = accepted(() => decodeRlp(bytes));
      if (decoded !== undefined) assert.deepEqual(encodeRlp(decoded), bytes);
    },
  },
];

function accepted<Value>(run: () => Value): Value | undefined {
  try {
    return run();
  } catch (error) {
    const isTyped = error instanceof TransactionError || error instanceof RlpError;
    assert.ok(isTyped && error instanceof OgpuError, `untyped error: ${String(error)}`);
    return undefined;
  }
}

function signed(prng: Prng): Uint8Array {
  const secretKey = prng.bytes(32);
  secretKey[0] = 1;
  return encodeTransaction(signTransaction(transaction(prng), secretKey));
}

function transaction(prng: Prng): Transaction {
  const common = {
    chainId: CHAIN_ID,
    nonce: prng.bigint(prng.pick([1, 8, 63])),
    gasLimit: prng.bigint(prng.pick([16, 32, 60])),
    to: prng.chance(1, 8) ? undefined : prng.bytes(20),
    value: prng.bigint(prng.pick([1, 64, 128])),
    data: prng.bytes(prng.pick([0, 0, 1, 4, 68, 200])),
  };
  const price = prng.bigint(64);
  const accessList = Array.from({ length: prng.below(3) }, () => ({
    address: prng.bytes(20),
    storageKeys: Array.from({ length: prng.below(3) }, () => prng.bytes(32)),
  }));
  return prng.pick<() => Transaction>([
    () => ({ type: 'legacy', ...common, gasPrice: price }),
    () => ({ type: 'eip2930', ...common, gasPrice: price, accessList }),
    () => ({ type: 'eip1559', ...common, maxFeePerGas: price, maxPriorityFeePerGas: price / 2n, accessList }),
  ])();
}

function item(prng: Prng, depth: number): RlpItem {
  if (depth === 0 || prng.chance(1, 2))
    return prng.bytes(prng.pick([0, 1, 2, 54, 55, 56, 57, 255, 256, 300]));
  return Array.from({ length: prng.below(5) }, () => item(prng, depth - 1));
}
