import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sszHasher } from '../../../protocol/ssz/hasher.js';
import { toHex } from '../../../protocol/bytes.js';
import { createCodec, type Codec } from '../../../protocol/ssz/codec.js';
import { CODECS, type CodecName } from '../../../protocol/types/codecs.js';
import {
  bitList,
  BitArray,
  byteList,
  bytes32,
  ContainerType,
  listOf,
  SszError,
  uint128,
  uint16,
  uint64,
  uint8,
} from '../../../protocol/ssz/types.js';
import { blockCodec } from '../../../protocol/types/block.js';
import { bodyCodec, bodyRoots } from '../../../protocol/types/body.js';
import { headerCodec } from '../../../protocol/types/header.js';
import { evidenceCodec } from '../../../protocol/types/evidence.js';
import { createPrng } from '../../support/prng.js';
import { SAMPLES } from '../../support/samples.js';
import { skipWithout } from '../crypto/prebuilt.js';

const throwsSsz = (run: () => unknown, code: SszError['code']): void => {
  assert.throws(run, (error) => error instanceof SszError && error.code === code, code);
};

const numbers = createCodec('Numbers', new ContainerType({ a: uint8, b: uint16, c: uint64, d: uint128 }));
const strings = createCodec(
  'Strings',
  new ContainerType({ fixed: bytes32, free: byteList(5), bits: bitList(9), list: listOf(bytes32, 2) }),
);
const goodNumbers = { a: 255, b: 65_535, c: Number.MAX_SAFE_INTEGER, d: (1n << 128n) - 1n };
const goodStrings = {
  fixed: new Uint8Array(32),
  free: new Uint8Array(5),
  bits: BitArray.fromBitLen(9),
  list: [new Uint8Array(32), new Uint8Array(32)],
};

test('the native hasher is in use on this platform', { skip: skipWithout('hashtree') }, () => {
  assert.equal(sszHasher.name, 'hashtree', sszHasher.fallbackReason);
});

describe('a value that does not fit its schema is refused on encoding and hashing', () => {
  const badNumbers: [string, object][] = [
    ['uint8 above its range', { a: 256 }],
    ['negative', { b: -1 }],
    ['fractional', { b: 1.5 }],
    ['unsafe integer', { c: 2 ** 53 }],
    ['NaN', { c: Number.NaN }],
    ['negative zero', { a: -0 }],
    ['bigint above its range', { d: 1n << 128n }],
    ['negative bigint', { d: -1n }],
  ];
  for (const [what, change] of badNumbers) {
    test(what, () => {
      const value = { ...goodNumbers, ...change };
      throwsSsz(() => numbers.encode(value), 'SSZ_VALUE_RANGE');
      throwsSsz(() => numbers.root(value), 'SSZ_VALUE_RANGE');
    });
  }
  const badStrings: [string, object][] = [
    ['short fixed bytes', { fixed: new Uint8Array(31) }],
    ['long fixed bytes', { fixed: new Uint8Array(33) }],
    ['bytes above the limit', { free: new Uint8Array(6) }],
    ['bits above the limit', { bits: BitArray.fromBitLen(10) }],
    ['list above the limit', { list: Array.from({ length: 3 }, () => new Uint8Array(32)) }],
    ['short element', { list: [new Uint8Array(1)] }],
    ['bits beyond the length', { bits: new BitArray(Uint8Array.of(0xff), 4) }],
  ];
  for (const [what, change] of badStrings) {
    test(what, () => {
      const value = { ...goodStrings, ...change };
      throwsSsz(() => strings.encode(value), 'SSZ_VALUE_LENGTH');
      throwsSsz(() => strings.root(value), 'SSZ_VALUE_LENGTH');
    });
  }
  test('a union member that does not exist', () => {
    const evidence = { ...SAMPLES.evidence(createPrng(1)), selector: 3 };
    throwsSsz(() => evidenceCodec.encode(evidence), 'SSZ_VALUE_RANGE');
    throwsSsz(() => evidenceCodec.root(evidence), 'SSZ_VALUE_RANGE');
  });
  test('the edges fit', () => {
    assert.deepEqual(numbers.decode(numbers.encode(goodNumbers)), goodNumbers);
    assert.deepEqual(strings.decode(strings.encode(goodStrings)), goodStrings);
  });
});

describe('bytes that are not the one encoding of a value are refused', () => {
  test('a 64-bit integer above 2^53 - 1', () => {
    const bytes = numbers.encode({ ...goodNumbers, c: 0 });
    bytes.fill(0xff, 3, 11);
    throwsSsz(() => numbers.decode(bytes), 'SSZ_UNSAFE_INTEGER');
  });
  test('every truncation and every trailing byte of a header, a body and a block', () => {
    for (const codec of [headerCodec, bodyCodec, blockCodec] as const) {
      const name = codec.name.toLowerCase() as 'header' | 'body' | 'block';
      const bytes = (codec as typeof headerCodec).encode(SAMPLES[name](createPrng(7)) as never);
      for (let length = 0; length < Math.min(bytes.length, 700); length++) {
        const cut = bytes.subarray(0, length);
        assert.ok(refusesOrDiffers(codec as typeof headerCodec, cut), `${name} cut to ${length}`);
      }
    }
    const fixed = numbers.encode(goodNumbers);
    throwsSsz(() => numbers.decode(Uint8Array.of(...fixed, 0)), 'SSZ_TOO_LONG');
    throwsSsz(() => numbers.decode(fixed.subarray(1)), 'SSZ_MALFORMED');
  });
  test('an empty union and an unknown selector', () => {
    throwsSsz(() => evidenceCodec.decode(new Uint8Array(0)), 'SSZ_MALFORMED');
    throwsSsz(() => evidenceCodec.decode(Uint8Array.of(3, 0, 0, 0)), 'SSZ_MALFORMED');
  });
  test('a bit list without its end bit', () => {
    const bytes = strings.encode({ ...goodStrings, list: [] });
    bytes[bytes.length - 1] = 0;
    throwsSsz(() => strings.decode(bytes), 'SSZ_MALFORMED');
  });
  test('a list longer than its limit', () => {
    const longer = createCodec(
      'Longer',
      new ContainerType({ fixed: bytes32, free: byteList(5), bits: bitList(9), list: listOf(bytes32, 3) }),
    );
    const bytes = longer.encode({
      ...goodStrings,
      list: Array.from({ length: 3 }, () => new Uint8Array(32)),
    });
    throwsSsz(() => createCodec('S', stringsWithRoom, { maxBytes: 10_000 }).decode(bytes), 'SSZ_MALFORMED');
  });
  test('a message above its bound is not parsed at all', () => {
    throwsSsz(() => bodyCodec.decode(new Uint8Array(bodyCodec.maxBytes + 1)), 'SSZ_TOO_LONG');
  });
});

const stringsWithRoom = new ContainerType({
  fixed: bytes32,
  free: byteList(5),
  bits: bitList(9),
  list: listOf(bytes32, 2),
});

/** Some truncations of an object that ends in a list are other valid objects; none may decode to the same bytes. */
function refusesOrDiffers(codec: typeof headerCodec, bytes: Uint8Array): boolean {
  try {
    return Buffer.from(codec.encode(codec.decode(bytes))).equals(bytes);
  } catch (error) {
    return error instanceof SszError;
  }
}

test('a decoded value shares no memory with its encoding', () => {
  for (const name of Object.keys(CODECS) as CodecName[]) {
    const codec = CODECS[name] as Codec<unknown>;
    const bytes = Buffer.from(codec.encode(SAMPLES[name](createPrng(5))));
    const decoded = codec.decode(bytes);
    const before = toHex(codec.encode(decoded));
    bytes.fill(0xff);
    assert.equal(toHex(codec.encode(decoded)), before, name);
  }
});

test('the header commits to every part of the body', () => {
  const prng = createPrng(3);
  const body = { ...SAMPLES.body(prng), evidence: [SAMPLES.evidence(prng)] };
  const hashes = body.transactions.map(() => prng.bytes(32));
  const roots = bodyRoots(body, hashes);
  const changed = {
    transactionsRoot: bodyRoots(body, [...hashes, prng.bytes(32)]).transactionsRoot,
    evidenceRoot: bodyRoots({ ...body, evidence: [] }, hashes).evidenceRoot,
    parentCommitRoot: bodyRoots({ ...body, parentCommit: SAMPLES.commit(prng) }, hashes).parentCommitRoot,
    extensionsRoot: bodyRoots({ ...body, parentExtensions: [SAMPLES.voteExtension(prng)] }, hashes)
      .extensionsRoot,
  };
  for (const name of Object.keys(changed) as (keyof typeof changed)[]) {
    assert.notDeepEqual(roots[name], changed[name], name);
  }
});
