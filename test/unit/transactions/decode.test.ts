import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concatBytes, fromHex, toHex } from '../../../protocol/bytes.js';
import { MAX_TRANSACTION_BYTES } from '../../../protocol/limits.js';
import { decodeTransaction } from '../../../protocol/transactions/decode.js';
import { encodeTransaction } from '../../../protocol/transactions/encode.js';
import { signingHash, transactionHash } from '../../../protocol/transactions/hash.js';
import { encodeRlp } from '../../../protocol/transactions/rlp-encode.js';
import { signTransaction } from '../../../protocol/transactions/sign.js';
import {
  CHAIN_ID,
  EIP1559,
  EIP1559_FIELDS,
  EIP2930,
  LEGACY,
  LEGACY_FIELDS,
  ORDER,
  SECRET_KEY,
  eip1559Bytes,
  legacyBytes,
} from './fixtures.js';

const decode = (bytes: Uint8Array) => decodeTransaction(bytes, { chainId: CHAIN_ID });
const address = new Uint8Array(20);
const key = new Uint8Array(32);

describe('accepts', () => {
  for (const transaction of [LEGACY, EIP2930, EIP1559, { ...EIP1559, to: undefined }]) {
    test(`${transaction.type}${transaction.to === undefined ? ' creation' : ''}`, () => {
      const signed = signTransaction(transaction, SECRET_KEY);
      const bytes = encodeTransaction(signed);
      const decoded = decode(bytes);
      assert.deepEqual(decoded.transaction, signed);
      assert.deepEqual(decoded.hash, transactionHash(signed));
      assert.deepEqual(decoded.signingHash, signingHash(transaction));
      assert.deepEqual(decode(Buffer.from(bytes)), decoded);
    });
  }

  test('every bound itself', () => {
    const highest = {
      nonce: 2n ** 64n - 2n,
      gasLimit: 2n ** 64n - 1n,
      maxFeePerGas: 2n ** 190n,
      maxPriorityFeePerGas: 2n ** 190n,
    };
    assert.equal(decode(eip1559Bytes(highest)).transaction.nonce, highest.nonce);
    const value = 2n ** 256n - 1n - 50_000n * 3n;
    assert.equal(decode(eip1559Bytes({ value })).transaction.value, value);
    const r = ORDER - 1n;
    const s = ORDER / 2n;
    assert.equal(
      toHex(decode(eip1559Bytes({ r, s })).transaction.signature.rs),
      `0x${r.toString(16)}${s.toString(16)}`,
    );
    decode(eip1559Bytes({ to: 0n, data: new Uint8Array(49_152) }));
    decode(eip1559Bytes({ data: new Uint8Array(49_153) }));
    const overhead = eip1559Bytes({ data: new Uint8Array(100_000) }).length - 100_000;
    decode(eip1559Bytes({ data: new Uint8Array(MAX_TRANSACTION_BYTES - overhead) }));
  });

  test('the same bytes up to another maximum', () => {
    const bytes = eip1559Bytes();
    decodeTransaction(bytes, { chainId: CHAIN_ID, maxBytes: bytes.length });
    const smaller = () => decodeTransaction(bytes, { chainId: CHAIN_ID, maxBytes: bytes.length - 1 });
    assert.throws(smaller, {
      code: 'TX_TOO_LARGE',
      data: { bytes: bytes.length, maxBytes: bytes.length - 1 },
    });
  });
});

const fields = Object.values(EIP1559_FIELDS);
const legacyFields = Object.values(LEGACY_FIELDS);

const REFUSALS: readonly (readonly [name: string, bytes: Uint8Array, code: string])[] = [
  ['no bytes', new Uint8Array(0), 'TX_EMPTY'],
  ['more bytes than allowed', new Uint8Array(MAX_TRANSACTION_BYTES + 1).fill(0xff), 'TX_TOO_LARGE'],
  ['type 0', concatBytes(Uint8Array.of(0), legacyBytes()), 'TX_TYPE_UNKNOWN'],
  ['type 3', concatBytes(Uint8Array.of(3), eip1559Bytes().subarray(1)), 'TX_TYPE_BLOB_UNSUPPORTED'],
  ['type 4', concatBytes(Uint8Array.of(4), eip1559Bytes().subarray(1)), 'TX_TYPE_SET_CODE_UNSUPPORTED'],
  ['type 5', concatBytes(Uint8Array.of(5), eip1559Bytes().subarray(1)), 'TX_TYPE_UNKNOWN'],
  ['type 0x7f', Uint8Array.of(0x7f, 0xc0), 'TX_TYPE_UNKNOWN'],
  [
    'an envelope inside an RLP string, as in a block body',
    encodeRlp(eip1559Bytes()),
    'TX_ENVELOPE_MISPLACED',
  ],
  ['an envelope inside a list', encodeRlp([eip1559Bytes()]), 'RLP_INTEGER_TOO_WIDE'],
  ['a type byte inside the list', encodeRlp([2n, ...fields], 2), 'TX_CHAIN_ID_WRONG'],
  ['a typed payload without its type', eip1559Bytes().subarray(1), 'TX_TO_LENGTH'],
  ['a type byte alone', Uint8Array.of(2), 'RLP_ITEM_MISSING'],
  ['a string after the type', Uint8Array.of(2, 0x80), 'RLP_EXPECTED_LIST'],
  ['bytes after a typed transaction', concatBytes(eip1559Bytes(), Uint8Array.of(0)), 'RLP_TRAILING_BYTES'],
  ['bytes after a legacy transaction', concatBytes(legacyBytes(), Uint8Array.of(0)), 'RLP_TRAILING_BYTES'],
  ['a typed transaction still to be signed', encodeRlp(fields.slice(0, 9), 2), 'TX_UNSIGNED'],
  ['a legacy transaction still to be signed', encodeRlp(legacyFields.slice(0, 6)), 'TX_UNSIGNED'],
  ['what EIP-155 signs', legacyBytes({ v: CHAIN_ID, r: 0n, s: 0n }), 'TX_CHAIN_ID_WRONG'],
  ['a field too few', encodeRlp(fields.slice(0, 11), 2), 'RLP_ITEM_MISSING'],
  ['a field too many', encodeRlp([...fields, 1n], 2), 'TX_EXTRA_FIELDS'],
  ['a legacy field too many', encodeRlp([...legacyFields, 1n]), 'TX_EXTRA_FIELDS'],

  ['another chain', eip1559Bytes({ chainId: 1n }), 'TX_CHAIN_ID_WRONG'],
  ['another chain in v', legacyBytes({ v: 37n }), 'TX_CHAIN_ID_WRONG'],
  ['v = 27', legacyBytes({ v: 27n }), 'TX_NOT_REPLAY_PROTECTED'],
  ['v = 28', legacyBytes({ v: 28n }), 'TX_NOT_REPLAY_PROTECTED'],
  ...[0n, 1n, 26n, 29n, 34n, 35n, 36n].map(
    (v) => [`v = ${v}`, legacyBytes({ v }), 'TX_LEGACY_V_INVALID'] as const,
  ),
  ['nonce 2^64 - 1', eip1559Bytes({ nonce: 2n ** 64n - 1n }), 'TX_NONCE_TOO_HIGH'],
  ['nonce with a leading zero', eip1559Bytes({ nonce: Uint8Array.of(0, 1) }), 'RLP_INTEGER_LEADING_ZERO'],
  ['nonce as a zero byte', eip1559Bytes({ nonce: Uint8Array.of(0) }), 'RLP_INTEGER_LEADING_ZERO'],
  ['nonce as a list', eip1559Bytes({ nonce: [] }), 'RLP_EXPECTED_STRING'],
  ['gas limit 2^64', eip1559Bytes({ gasLimit: 2n ** 64n }), 'TX_GAS_LIMIT_TOO_HIGH'],
  ['value 2^256', eip1559Bytes({ value: 2n ** 256n }), 'RLP_INTEGER_TOO_WIDE'],
  ['gas price 2^256', legacyBytes({ gasPrice: 2n ** 256n }), 'RLP_INTEGER_TOO_WIDE'],
  ['tip above fee cap', eip1559Bytes({ maxPriorityFeePerGas: 4n }), 'TX_TIP_ABOVE_FEE_CAP'],
  ['cost 2^256', eip1559Bytes({ value: 2n ** 256n - 150_000n }), 'TX_COST_OVERFLOW'],
  ['legacy cost 2^256', legacyBytes({ value: 2n ** 256n - 50_000n }), 'TX_COST_OVERFLOW'],
  ['`to` of 19 bytes', eip1559Bytes({ to: new Uint8Array(19) }), 'TX_TO_LENGTH'],
  ['`to` of 21 bytes', legacyBytes({ to: new Uint8Array(21) }), 'TX_TO_LENGTH'],
  ['`to` as a list', legacyBytes({ to: [] }), 'RLP_EXPECTED_STRING'],
  [
    'init code of 49,153 bytes',
    eip1559Bytes({ to: 0n, data: new Uint8Array(49_153) }),
    'TX_INIT_CODE_TOO_LARGE',
  ],

  ['an access list that is a string', eip1559Bytes({ accessList: 0n }), 'RLP_EXPECTED_LIST'],
  ['an entry that is a string', eip1559Bytes({ accessList: [address] }), 'RLP_EXPECTED_LIST'],
  ['an empty entry', eip1559Bytes({ accessList: [[]] }), 'RLP_ITEM_MISSING'],
  ['an entry without keys', eip1559Bytes({ accessList: [[address]] }), 'RLP_ITEM_MISSING'],
  ['an entry of three items', eip1559Bytes({ accessList: [[address, [], key]] }), 'TX_ACCESS_LIST_ENTRY'],
  ['keys that are a string', eip1559Bytes({ accessList: [[address, key]] }), 'RLP_EXPECTED_LIST'],
  [
    'an address of 19 bytes',
    eip1559Bytes({ accessList: [[new Uint8Array(19), []]] }),
    'TX_ACCESS_LIST_ADDRESS_LENGTH',
  ],
  [
    'a key of 31 bytes',
    eip1559Bytes({ accessList: [[address, [new Uint8Array(31)]]] }),
    'TX_ACCESS_LIST_KEY_LENGTH',
  ],
  ['a key that is a list', eip1559Bytes({ accessList: [[address, [[key]]]] }), 'RLP_EXPECTED_STRING'],

  ['y_parity 2', eip1559Bytes({ yParity: 2n }), 'TX_Y_PARITY_INVALID'],
  ['y_parity 27', eip1559Bytes({ yParity: 27n }), 'TX_Y_PARITY_INVALID'],
  ['y_parity 0 as a zero byte', eip1559Bytes({ yParity: Uint8Array.of(0) }), 'RLP_INTEGER_LEADING_ZERO'],
  ['r = 0', eip1559Bytes({ r: 0n }), 'TX_SIGNATURE_R_RANGE'],
  ['r = n', legacyBytes({ r: ORDER }), 'TX_SIGNATURE_R_RANGE'],
  ['r of 33 bytes', eip1559Bytes({ r: 2n ** 256n }), 'RLP_INTEGER_TOO_WIDE'],
  ['r with a leading zero', eip1559Bytes({ r: new Uint8Array(32) }), 'RLP_INTEGER_LEADING_ZERO'],
  ['s = 0', legacyBytes({ s: 0n }), 'TX_SIGNATURE_S_RANGE'],
  ['s = n', eip1559Bytes({ s: ORDER }), 'TX_SIGNATURE_S_RANGE'],
  ['s = (n + 1) / 2', eip1559Bytes({ s: ORDER / 2n + 1n }), 'TX_SIGNATURE_HIGH_S'],
  ['s = n - 1', legacyBytes({ s: ORDER - 1n }), 'TX_SIGNATURE_HIGH_S'],
];

describe('refuses', () => {
  for (const [name, bytes, code] of REFUSALS) {
    test(`${name}: ${code}`, () => {
      assert.throws(() => decode(bytes), { code });
    });
  }

  test('says what it wanted', () => {
    const wrongChain = { code: 'TX_CHAIN_ID_WRONG', data: { expected: CHAIN_ID, received: 1n } };
    assert.throws(() => decode(eip1559Bytes({ chainId: 1n })), wrongChain);
    const blob = { code: 'TX_TYPE_BLOB_UNSUPPORTED', data: { typeByte: 3 } };
    assert.throws(() => decode(Uint8Array.of(3)), blob);
  });

  test('4 GiB claimed by a field, without allocating them', () => {
    const claim = fromHex('0x02fbfffffffffbffffffff');
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 1_000; i++) assert.throws(() => decode(claim), { code: 'RLP_OVERRUN' });
    assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024);
  });

  test('a chain id of 0 as an option', () => {
    assert.throws(() => decodeTransaction(eip1559Bytes(), { chainId: 0n }), { code: 'INVARIANT_VIOLATED' });
  });
});
