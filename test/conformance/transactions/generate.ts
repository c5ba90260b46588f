import type { AccessList, Transaction, TransactionType } from '../../../protocol/transactions/types.js';
import type { Prng } from '../../support/prng.js';

export const TRANSACTION_TYPES: readonly TransactionType[] = ['legacy', 'eip2930', 'eip1559'];

/** Where RLP changes form: no byte, bare and prefixed bytes, short and long strings, one and two bytes of length. */
const DATA_LENGTHS = [0, 1, 2, 32, 54, 55, 56, 57, 68, 255, 256, 257, 600];

/**
 * A transaction this chain accepts, with integers of every width.
 *
 * Nonces stop at 2^53 - 1, where viem and ethers stop; gas * price + value stays below 2^256.
 */
export function randomTransaction(prng: Prng, type: TransactionType, chainId: bigint): Transaction {
  const common = {
    chainId,
    nonce: randomUint(prng, 53),
    gasLimit: randomUint(prng, 64),
    to: prng.chance(1, 8) ? undefined : randomAddress(prng),
    value: randomUint(prng, 255),
    data: prng.bytes(prng.pick(DATA_LENGTHS)),
  };
  switch (type) {
    case 'legacy':
      return { type, ...common, gasPrice: randomUint(prng, 190) };
    case 'eip2930':
      return { type, ...common, gasPrice: randomUint(prng, 190), accessList: randomAccessList(prng) };
    case 'eip1559': {
      const maxFeePerGas = randomUint(prng, 190);
      const tip = randomUint(prng, 190);
      const maxPriorityFeePerGas = tip < maxFeePerGas ? tip : maxFeePerGas;
      return { type, ...common, maxPriorityFeePerGas, maxFeePerGas, accessList: randomAccessList(prng) };
    }
  }
}

/** At least 1 and below 2^31: viem doubles chain ids as floating-point numbers. */
export function randomChainId(prng: Prng): bigint {
  return 1n + randomUint(prng, 30);
}

/** 32 bytes in [1, n) but for a chance of 2^-128. */
export function randomSecretKey(prng: Prng): Uint8Array {
  return prng.bytes(32);
}

function randomUint(prng: Prng, maxBits: number): bigint {
  return prng.bigint(prng.below(maxBits + 1));
}

function randomAddress(prng: Prng): Uint8Array {
  return prng.chance(1, 16) ? new Uint8Array(20) : prng.bytes(20);
}

function randomAccessList(prng: Prng): AccessList {
  return Array.from({ length: prng.below(4) }, () => ({
    address: randomAddress(prng),
    storageKeys: Array.from({ length: prng.below(4) }, () => prng.bytes(32)),
  }));
}
