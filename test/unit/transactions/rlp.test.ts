import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fromHex, toHex } from '../../../protocol/bytes.js';
import {
  encodeRlp,
  rlpHeaderLength,
  writeRlpListHeader,
  type RlpInput,
} from '../../../protocol/transactions/rlp-encode.js';
import { RlpError, RlpReader, decodeRlp, type RlpItem } from '../../../protocol/transactions/rlp.js';

const SEED = { seed: 0x726c70, numRuns: 500 };

const { item: anyItem } = fc.letrec<{ item: RlpItem; list: RlpItem[] }>((tie) => ({
  item: fc.oneof({ maxDepth: 5 }, fc.uint8Array({ maxLength: 300 }), tie('list')),
  list: fc.array(tie('item'), { maxLength: 6 }),
}));

describe('canonical encoding', () => {
  test('decode is the inverse of encode', () => {
    fc.assert(
      fc.property(anyItem, (item) => assert.deepEqual(decodeRlp(encodeRlp(item)), item)),
      SEED,
    );
  });

  test('whatever decodes is the encoding of what it decoded to', () => {
    let decoded = 0;
    const check = (bytes: Uint8Array): void => {
      let item: RlpItem;
      try {
        item = decodeRlp(bytes);
      } catch (error) {
        assert.ok(error instanceof RlpError, String(error));
        return;
      }
      decoded++;
      assert.equal(toHex(encodeRlp(item)), toHex(bytes));
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), check), { ...SEED, numRuns: 5_000 });
    for (let prefix = 0; prefix < 0x10000; prefix++) check(Uint8Array.of(prefix >> 8, prefix & 0xff));
    assert.ok(decoded > 500, `${decoded} inputs decoded`);
  });

  test('integers of every width are big-endian without leading zeros', () => {
    for (let bits = 0n; bits <= 256n; bits++) {
      for (const value of [2n ** bits - 1n, 2n ** bits]) {
        const width = value === 0n ? 0 : Math.ceil(value.toString(16).length / 2);
        const encoded = encodeRlp(value);
        const digits = value === 0n ? '' : value.toString(16).padStart(2 * width, '0');
        assert.deepEqual(encoded, encodeRlp(fromHex(`0x${digits}`)));
        assert.equal(new RlpReader(encoded).uint('value', 33), value);
      }
    }
    assert.equal(toHex(encodeRlp(0n)), '0x80');
    assert.equal(toHex(encodeRlp(0x7fn)), '0x7f');
    assert.equal(toHex(encodeRlp(0x80n)), '0x8180');
    assert.throws(() => encodeRlp(-1n), { code: 'RLP_INTEGER_NEGATIVE' });
  });

  test('a type byte goes before the item', () => {
    assert.equal(toHex(encodeRlp([1n], 2)), '0x02c101');
  });
});

describe('bounds', () => {
  test('a length of 4 GiB or more is refused without allocating it', () => {
    for (const prefix of ['0xbbffffffff', '0xfbffffffff', '0xbfffffffffffffffff', '0xffffffffffffffffff']) {
      const before = process.memoryUsage().arrayBuffers;
      for (let i = 0; i < 1_000; i++) {
        assert.throws(() => decodeRlp(fromHex(`${prefix}00`)), { name: 'RlpError' });
      }
      assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024);
    }
  });

  test('nesting is bounded, both ways', () => {
    const nest = (depth: number): RlpInput => (depth === 0 ? new Uint8Array(0) : [nest(depth - 1)]);
    const deepest = encodeRlp(nest(64));
    assert.deepEqual(encodeRlp(decodeRlp(deepest)), deepest);
    assert.throws(() => encodeRlp(nest(65)), { code: 'RLP_TOO_DEEP' });
    assert.throws(() => decodeRlp(encodeRlp(nest(5)), { maxDepth: 4, maxItems: 100 }), {
      code: 'RLP_TOO_DEEP',
    });
    assert.throws(() => decodeRlp(listsInLists(100_000)), { code: 'RLP_TOO_DEEP' });
  });

  test('items are counted', () => {
    const limits = { maxDepth: 2, maxItems: 4 };
    assert.deepEqual(
      decodeRlp(fromHex('0xc3010203'), limits),
      [1, 2, 3].map((byte) => Uint8Array.of(byte)),
    );
    assert.throws(() => decodeRlp(fromHex('0xc401020304'), limits), { code: 'RLP_TOO_MANY_ITEMS' });
    assert.throws(() => decodeRlp(encodeRlp(new Array<bigint>(1 << 17).fill(0n))), {
      code: 'RLP_TOO_MANY_ITEMS',
    });
  });
});

describe('reader', () => {
  const refusals: readonly (readonly [string, (reader: RlpReader) => unknown, string])[] = [
    ['0x', (reader) => reader.string('a'), 'RLP_ITEM_MISSING'],
    ['0xc0', (reader) => reader.string('a'), 'RLP_EXPECTED_STRING'],
    ['0x80', (reader) => reader.list('a'), 'RLP_EXPECTED_LIST'],
    ['0x05', (reader) => reader.list('a'), 'RLP_EXPECTED_LIST'],
    ['0x8201', (reader) => reader.string('a'), 'RLP_OVERRUN'],
    ['0xb9', (reader) => reader.string('a'), 'RLP_OVERRUN'],
    ['0x00', (reader) => reader.uint('a'), 'RLP_INTEGER_LEADING_ZERO'],
    ['0x820001', (reader) => reader.uint('a'), 'RLP_INTEGER_LEADING_ZERO'],
    ['0x820100', (reader) => reader.uint('a', 1), 'RLP_INTEGER_TOO_WIDE'],
    [
      '0x820100',
      (reader) => {
        reader.uintInto('a', new Uint8Array(1), 0, 1);
      },
      'RLP_INTEGER_TOO_WIDE',
    ],
    [
      '0x01',
      (reader) => {
        reader.finish();
      },
      'RLP_TRAILING_BYTES',
    ],
  ];
  for (const [hex, read, code] of refusals) {
    test(`${hex}: ${code}`, () => {
      assert.throws(() => read(new RlpReader(fromHex(hex))), { code });
    });
  }

  test('names the field and the offset', () => {
    const reader = new RlpReader(fromHex('0x01820001'));
    assert.equal(reader.uint('nonce'), 1n);
    const expected = { field: 'gasPrice', offset: 2 };
    assert.throws(() => reader.uint('gasPrice'), { code: 'RLP_INTEGER_LEADING_ZERO', data: expected });
  });

  test('a nested list cannot reach beyond its parent', () => {
    const list = new RlpReader(fromHex('0xc2c20102')).list('outer');
    assert.throws(() => list.list('inner'), { code: 'RLP_OVERRUN' });
  });

  test('reads views of a slice of a larger buffer, and plain bytes of a Buffer', () => {
    const large = Buffer.from('ffff83aabbccff', 'hex');
    const view = new RlpReader(large.subarray(2, 6)).string('a');
    assert.deepEqual(view, fromHex('0xaabbcc'));
    assert.ok(!Buffer.isBuffer(view));
  });

  test('uintInto aligns to the right', () => {
    const target = new Uint8Array(6);
    new RlpReader(fromHex('0x820102')).uintInto('a', target, 1, 4);
    assert.equal(toHex(target), '0x000000010200');
  });
});

/** `depth` lists, each the only item of the one before. */
function listsInLists(depth: number): Uint8Array {
  const bytes = new Uint8Array(4 * depth);
  let start = bytes.length;
  for (let i = 0; i < depth; i++) {
    const length = bytes.length - start;
    start -= rlpHeaderLength(length);
    writeRlpListHeader(bytes, start, length);
  }
  return bytes.subarray(start);
}
