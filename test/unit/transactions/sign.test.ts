import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addressFromPublicKey } from '../../../protocol/address.js';
import { secp256k1 } from '../../../protocol/crypto/secp256k1.js';
import { assertIntrinsicGas, intrinsicGas } from '../../../protocol/transactions/gas.js';
import { signingHash } from '../../../protocol/transactions/hash.js';
import { recoverSender } from '../../../protocol/transactions/recover.js';
import { signTransaction } from '../../../protocol/transactions/sign.js';
import type { Transaction } from '../../../protocol/transactions/types.js';
import { EIP1559, EIP2930, LEGACY, SECRET_KEY } from './fixtures.js';

describe('signTransaction', () => {
  for (const transaction of [LEGACY, EIP2930, EIP1559]) {
    test(`${transaction.type}: the sender recovers, from no other digest`, () => {
      const { signature } = signTransaction(transaction, SECRET_KEY);
      const sender = addressFromPublicKey(secp256k1.publicKey(SECRET_KEY));
      assert.deepEqual(recoverSender(signingHash(transaction), signature), sender);
      const changed = { ...transaction, nonce: transaction.nonce + 1n };
      assert.notDeepEqual(recoverSender(signingHash(changed), signature), sender);
    });
  }

  const refusals: readonly (readonly [string, Transaction, string])[] = [
    ['chain id 0', { ...LEGACY, chainId: 0n }, 'TX_INTEGER_RANGE'],
    ['a negative value', { ...EIP1559, value: -1n }, 'TX_INTEGER_RANGE'],
    ['a gas price of 2^256', { ...EIP2930, gasPrice: 2n ** 256n }, 'TX_INTEGER_RANGE'],
    ['a negative tip', { ...EIP1559, maxPriorityFeePerGas: -1n }, 'TX_INTEGER_RANGE'],
    ['nonce 2^64 - 1', { ...LEGACY, nonce: 2n ** 64n - 1n }, 'TX_NONCE_TOO_HIGH'],
    ['gas limit 2^64', { ...LEGACY, gasLimit: 2n ** 64n }, 'TX_GAS_LIMIT_TOO_HIGH'],
    ['tip above fee cap', { ...EIP1559, maxFeePerGas: 1n }, 'TX_TIP_ABOVE_FEE_CAP'],
    ['200 kB of data', { ...EIP1559, gasLimit: 10_000_000n, data: new Uint8Array(200_000) }, 'TX_TOO_LARGE'],
    ['a legacy chain id whose v needs 257 bits', { ...LEGACY, chainId: 2n ** 255n }, 'TX_INTEGER_RANGE'],
    ['cost 2^256', { ...EIP1559, value: 2n ** 256n - 1n }, 'TX_COST_OVERFLOW'],
    [
      'init code of 49,153 bytes',
      { ...LEGACY, to: undefined, data: new Uint8Array(49_153) },
      'TX_INIT_CODE_TOO_LARGE',
    ],
    ['an empty `to`', { ...LEGACY, to: new Uint8Array(0) }, 'TX_TO_LENGTH'],
    [
      'a short access list address',
      { ...EIP2930, accessList: [{ address: new Uint8Array(19), storageKeys: [] }] },
      'TX_ACCESS_LIST_ADDRESS_LENGTH',
    ],
    [
      'a short storage key',
      { ...EIP1559, accessList: [{ address: new Uint8Array(20), storageKeys: [new Uint8Array(31)] }] },
      'TX_ACCESS_LIST_KEY_LENGTH',
    ],
  ];
  for (const [name, transaction, code] of refusals) {
    test(`refuses ${name}: ${code}`, () => {
      assert.throws(() => signTransaction(transaction, SECRET_KEY), { code });
    });
  }
});

test('recoverSender refuses an r that is no abscissa', () => {
  const rs = new Uint8Array(64);
  rs[31] = 5; // 5^3 + 7 = 132 is no square modulo p
  rs[63] = 6;
  const recover = () => recoverSender(signingHash(LEGACY), { rs, yParity: 0 });
  assert.throws(recover, { code: 'TX_SENDER_UNRECOVERABLE' });
});

describe('intrinsicGas', () => {
  const cases: readonly (readonly [string, Transaction, bigint])[] = [
    ['a transfer', { ...LEGACY, data: new Uint8Array(0) }, 21_000n],
    ['one zero and two other bytes', LEGACY, 21_000n + 4n + 2n * 16n],
    ['one address and two storage keys', EIP2930, 21_000n + 2_400n + 2n * 1_900n],
    [
      'creation from 33 zero bytes, two words',
      { ...EIP1559, to: undefined, data: new Uint8Array(33) },
      21_000n + 32_000n + 33n * 4n + 2n * 2n,
    ],
  ];
  for (const [name, transaction, gas] of cases) {
    test(name, () => {
      assert.equal(intrinsicGas(transaction), gas);
      assertIntrinsicGas({ ...transaction, gasLimit: gas });
      const short = { code: 'TX_GAS_LIMIT_BELOW_INTRINSIC', data: { gasLimit: gas - 1n, required: gas } };
      assert.throws(() => {
        assertIntrinsicGas({ ...transaction, gasLimit: gas - 1n });
      }, short);
    });
  }
});
