import { Transaction as EthersTransaction } from 'ethers';
import {
  keccak256 as viemKeccak256,
  parseTransaction,
  recoverTransactionAddress,
  type TransactionSerialized,
} from 'viem';
import { toHex } from '../protocol/bytes.js';
import { decodeTransaction } from '../protocol/transactions/decode.js';
import { encodeTransaction } from '../protocol/transactions/encode.js';
import { recoverSender } from '../protocol/transactions/recover.js';
import { signTransaction } from '../protocol/transactions/sign.js';
import type { Transaction } from '../protocol/transactions/types.js';
import type { Contender, Scenario, Suite } from './harness.js';

const CHAIN_ID = 1234n;
const SECRET_KEY = new Uint8Array(32).fill(7);
const DISTINCT = 64;
const ADDRESS = new Uint8Array(20).fill(9);

const common = {
  chainId: CHAIN_ID,
  gasLimit: 21_000n,
  to: ADDRESS,
  value: 10n ** 18n,
  data: new Uint8Array(0),
};
const fees = { maxPriorityFeePerGas: 10n ** 9n, maxFeePerGas: 2n * 10n ** 9n };
const accessList = [{ address: ADDRESS, storageKeys: [new Uint8Array(32), new Uint8Array(32).fill(1)] }];

const SHAPES: Readonly<Record<string, (nonce: bigint) => Transaction>> = {
  'eip1559-transfer': (nonce) => ({ type: 'eip1559', ...common, ...fees, nonce, accessList: [] }),
  'eip2930-access-list': (nonce) => ({ type: 'eip2930', ...common, gasPrice: 10n ** 9n, nonce, accessList }),
  'legacy-transfer': (nonce) => ({ type: 'legacy', ...common, gasPrice: 10n ** 9n, nonce }),
  'eip1559-4KiB-call': (nonce) => ({
    type: 'eip1559',
    ...common,
    ...fees,
    nonce,
    data: new Uint8Array(4096).fill(1),
    accessList: [],
  }),
};

/**
 * Decoding includes the transaction's hash, for viem and ethers too: a node needs it of every transaction. Ours also
 * computes the signing hash and makes every stateless check; viem and ethers make fewer (docs/spec/transactions.md).
 */
export const suite: Suite = { scenarios };

function scenarios(): readonly Scenario[] {
  return Object.entries(SHAPES).flatMap(([shape, build]) => {
    const signed = Array.from({ length: DISTINCT }, (_, i) => signTransaction(build(BigInt(i)), SECRET_KEY));
    const encoded = signed.map(encodeTransaction);
    const hex = encoded.map((bytes) => toHex(bytes) as TransactionSerialized);
    return [decodeScenario(shape, encoded, hex), recoverScenario(shape, encoded, hex)];
  });
}

function decodeScenario(
  shape: string,
  encoded: readonly Uint8Array[],
  hex: readonly TransactionSerialized[],
): Scenario {
  return {
    name: `transactions/decode/${shape}`,
    operations: DISTINCT,
    ours: over('ogpu', encoded, (bytes) => decodeTransaction(bytes, { chainId: CHAIN_ID })),
    peers: [
      over('viem', hex, (text) => [parseTransaction(text), viemKeccak256(text)]),
      over('ethers', hex, (text) => EthersTransaction.from(text).hash),
    ],
    ...(shape === 'eip1559-transfer' ? { goal: 'under 5 µs' } : {}),
  };
}

function recoverScenario(
  shape: string,
  encoded: readonly Uint8Array[],
  hex: readonly TransactionSerialized[],
): Scenario {
  return {
    name: `transactions/decode+sender/${shape}`,
    operations: DISTINCT,
    ours: over('ogpu', encoded, (bytes) => {
      const { transaction, signingHash } = decodeTransaction(bytes, { chainId: CHAIN_ID });
      return recoverSender(signingHash, transaction.signature);
    }),
    peers: [
      {
        name: 'viem',
        run: async () => {
          for (const serializedTransaction of hex) await recoverTransactionAddress({ serializedTransaction });
        },
      },
      over('ethers', hex, (text) => EthersTransaction.from(text).from),
    ],
    goal: '≥ 20 × both, one thread',
  };
}

function over<Input>(name: string, inputs: readonly Input[], work: (input: Input) => unknown): Contender {
  return {
    name,
    run: () => {
      for (const input of inputs) work(input);
    },
  };
}
