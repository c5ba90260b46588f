import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeAbi } from '../../../protocol/abi/decode.js';
import { encodeAbi, word } from '../../../protocol/abi/encode.js';
import {
  compileEvent,
  compileFunction,
  createDispatcher,
  decodeCall,
  encodeEvent,
} from '../../../protocol/abi/items.js';
import {
  AbiError,
  abiSignature,
  parseAbiType,
  type AbiFunction,
  type AbiParameter,
  type AbiValue,
} from '../../../protocol/abi/types.js';
import { concatBytes } from '../../../protocol/bytes.js';
import { InvariantError } from '../../../protocol/invariant.js';
import { createPrng } from '../../support/prng.js';

const type = (text: string): ReturnType<typeof parseAbiType> => parseAbiType({ name: '', type: text });

function refuses(run: () => unknown, code: AbiError['code']): void {
  assert.throws(run, (error) => error instanceof AbiError && error.code === code, code);
}

describe('types', () => {
  for (const text of [
    'uint',
    'uint7',
    'uint264',
    'int0',
    'bytes0',
    'bytes33',
    'uint256[0]',
    'uint8[99999]',
    'tuple',
    'fixed',
    '',
    'uint8[-1]',
    `uint8${'[]'.repeat(20)}`,
  ]) {
    test(`refuses ${text}`, () => refuses(() => type(text), 'ABI_TYPE_UNKNOWN'));
  }
  test('refuses an empty tuple, whose lists would take no bytes', () =>
    refuses(() => parseAbiType({ name: '', type: 'tuple', components: [] }), 'ABI_TYPE_UNKNOWN'));
  test('signatures spell tuples out', () => {
    const components = [
      { name: 'a', type: 'address' },
      { name: 'b', type: 'tuple', components: [{ name: 'c', type: 'bytes' }] },
    ];
    assert.equal(abiSignature('f', [{ name: 'x', type: 'tuple[]', components }]), 'f((address,(bytes))[])');
  });
});

describe('values that do not fit', () => {
  const cases: [string, AbiValue, AbiError['code']][] = [
    ['uint8', 256n, 'ABI_VALUE_RANGE'],
    ['uint8', -1n, 'ABI_VALUE_RANGE'],
    ['int8', 128n, 'ABI_VALUE_RANGE'],
    ['uint256', 1n << 256n, 'ABI_VALUE_RANGE'],
    ['bool', 1n, 'ABI_VALUE_TYPE'],
    ['address', new Uint8Array(19), 'ABI_VALUE_COUNT'],
    ['bytes4', new Uint8Array(5), 'ABI_VALUE_COUNT'],
    ['string', 'lone \ud800 surrogate', 'ABI_VALUE_TYPE'],
    ['uint8[2]', [1n], 'ABI_VALUE_COUNT'],
    ['uint8[]', 'no list', 'ABI_VALUE_TYPE'],
  ];
  for (const [text, value, code] of cases) {
    test(`${text}: ${code}`, () => refuses(() => encodeAbi([type(text)], [value]), code));
  }
});

describe('bytes that are not the canonical encoding', () => {
  const u = (value: number | bigint): Uint8Array => word(BigInt(value));
  const cases: [string, string[], Uint8Array[], AbiError['code']][] = [
    ['nothing at all', ['uint8'], [], 'ABI_TOO_SHORT'],
    ['half a word', ['uint8'], [u(1).subarray(16)], 'ABI_TOO_SHORT'],
    ['dirty high bits of a uint8', ['uint8'], [u(256)], 'ABI_NOT_CANONICAL'],
    ['an int8 that is not sign-extended', ['int8'], [u(128)], 'ABI_NOT_CANONICAL'],
    ['a bool of 2', ['bool'], [u(2)], 'ABI_NOT_CANONICAL'],
    ['a dirty address', ['address'], [u(1n << 160n)], 'ABI_NOT_CANONICAL'],
    ['dirty bytes1', ['bytes1'], [u(1)], 'ABI_NOT_CANONICAL'],
    ['a gap before the tail', ['bytes'], [u(64), u(0), u(0)], 'ABI_NOT_CANONICAL'],
    ['an offset beyond the end', ['bytes'], [u(1n << 200n)], 'ABI_TOO_SHORT'],
    ['a length of 2^255', ['bytes'], [u(32), u(1n << 255n)], 'ABI_TOO_SHORT'],
    ['a list of 2^32 items', ['uint256[]'], [u(32), u(2 ** 32)], 'ABI_TOO_SHORT'],
    ['dirty padding', ['bytes'], [u(32), u(1), u(1)], 'ABI_NOT_CANONICAL'],
    [
      'bytes that are not UTF-8',
      ['string'],
      [u(32), u(1), new Uint8Array(32).fill(0xff, 0, 1)],
      'ABI_NOT_CANONICAL',
    ],
    ['a tail used twice', ['bytes', 'bytes'], [u(64), u(64), u(0)], 'ABI_NOT_CANONICAL'],
    ['tails in the wrong order', ['bytes', 'bytes'], [u(96), u(64), u(0), u(0)], 'ABI_NOT_CANONICAL'],
    ['a word too many', ['uint8'], [u(1), u(1)], 'ABI_TRAILING_BYTES'],
  ];
  for (const [what, types, words, code] of cases) {
    test(`${what}: ${code}`, () => refuses(() => decodeAbi(types.map(type), concatBytes(...words)), code));
  }
  test('lists in lists that all point at one tail, which Solidity would expand', () => {
    const nested = concatBytes(u(32), u(3), u(96), u(96), u(96), u(1), u(7));
    refuses(() => decodeAbi([type('uint8[][]')], nested), 'ABI_NOT_CANONICAL');
  });
});

test('a list of 200,000 items survives its encoding', () => {
  const items = Array.from({ length: 200_000 }, (_, i) => BigInt(i));
  assert.deepEqual(decodeAbi([type('uint256[]')], encodeAbi([type('uint256[]')], [items])), [items]);
});

test('an unknown selector, and calldata without one', () => {
  const dispatcher = createDispatcher([]);
  refuses(() => decodeCall(dispatcher, new Uint8Array(0)), 'ABI_SELECTOR_UNKNOWN');
  refuses(() => decodeCall(dispatcher, new Uint8Array(4)), 'ABI_SELECTOR_UNKNOWN');
});

describe('events', () => {
  const input = (name: string, text: string): AbiParameter => ({ name, type: text, indexed: true });
  test('have at most three indexed parameters, none of them a list', () => {
    const four = ['a', 'b', 'c', 'd'].map((name) => input(name, 'bool'));
    assert.throws(() => compileEvent({ type: 'event', name: 'E', inputs: four }), InvariantError);
    for (const list of [input('a', 'uint8[]'), input('a', 'uint8[2]')]) {
      refuses(() => compileEvent({ type: 'event', name: 'E', inputs: [list] }), 'ABI_TYPE_UNKNOWN');
    }
  });
  test('refuse values that do not fit, indexed ones too', () => {
    const event = compileEvent({ type: 'event', name: 'E', inputs: [input('a', 'string')] });
    refuses(() => encodeEvent(event, []), 'ABI_VALUE_COUNT');
    refuses(() => encodeEvent(event, [1n]), 'ABI_VALUE_TYPE');
    refuses(() => encodeEvent(event, ['lone \ud800 surrogate']), 'ABI_VALUE_TYPE');
  });
});

test('functions that share a selector cannot be told apart', () => {
  const named = (name: string): AbiFunction => ({
    type: 'function',
    name,
    inputs: [],
    outputs: [],
    stateMutability: 'view',
  });
  assert.deepEqual(compileFunction(named('fzom')).selector, compileFunction(named('f9g4')).selector);
  assert.throws(() => createDispatcher([named('fzom'), named('f9g4')]), InvariantError);
});

test('text is UTF-8 by its definition, byte order marks and all', () => {
  const prng = createPrng(8);
  const pieces = [[0x41], [0xef, 0xbb, 0xbf], [0xc2, 0x80], [0xed, 0x9f, 0xbf], [0xf4, 0x8f, 0xbf, 0xbf]];
  const bad = [
    [0x80],
    [0xc0, 0x80],
    [0xc1, 0xbf],
    [0xe0, 0x9f, 0xbf],
    [0xed, 0xa0, 0x80],
    [0xf0, 0x8f, 0xbf, 0xbf],
  ];
  const worse = [
    [0xf4, 0x90, 0x80, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
    [0xc2],
    [0xe1, 0x80],
    [0xf1, 0x80, 0x80],
  ];
  let refused = 0;
  for (let i = 0; i < 3_000; i++) {
    const chosen = Array.from({ length: prng.below(40) }, () => prng.pick(pieces));
    if (prng.chance(1, 2)) chosen.splice(prng.below(chosen.length + 1), 0, prng.pick([...bad, ...worse]));
    const content = Uint8Array.from(chosen.flat());
    const encoded = encodeAbi([{ kind: 'bytes' }], [content]);
    if (isUtf8(content)) {
      const [text = ''] = decodeAbi([{ kind: 'string' }], encoded);
      assert.deepEqual(encodeAbi([{ kind: 'string' }], [text]), encoded, `case ${i}`);
    } else {
      refuses(() => decodeAbi([{ kind: 'string' }], encoded), 'ABI_NOT_CANONICAL');
      refused++;
    }
  }
  assert.ok(refused > 1_000);
});

/** By RFC 3629, section 4. */
function isUtf8(bytes: Uint8Array): boolean {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  const tail = '[\\x80-\\xbf]';
  const forms = [
    '[\\x00-\\x7f]',
    `[\\xc2-\\xdf]${tail}`,
    `\\xe0[\\xa0-\\xbf]${tail}`,
    `[\\xe1-\\xec\\xee\\xef]${tail}{2}`,
    `\\xed[\\x80-\\x9f]${tail}`,
    `\\xf0[\\x90-\\xbf]${tail}{2}`,
    `[\\xf1-\\xf3]${tail}{3}`,
    `\\xf4[\\x80-\\x8f]${tail}{2}`,
  ];
  return new RegExp(`^(?:${forms.join('|')})*$`).test(text);
}
