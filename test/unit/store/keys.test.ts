import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compareBytes, concatBytes, toHex } from '../../../protocol/bytes.js';
import { bytes, keySpace, nibblePath, sizedBytes, uint, word } from '../../../state/store/key-space.js';
import { NODE_KEYS, STATE_KEYS } from '../../../state/store/keys.js';
import { MAX_KEY_BYTES } from '../../../state/store/limits.js';
import type { KeyRange } from '../../../state/store/store.js';
import { createPrng, type Prng } from '../../support/prng.js';

/** A space with its fields no longer told apart: the table is walked as data. */
interface AnySpace {
  readonly prefix: string;
  encode(...fields: readonly unknown[]): Uint8Array;
  decode(key: Uint8Array): readonly unknown[];
  range(...leading: readonly unknown[]): KeyRange;
}
const SPACES: [string, AnySpace][] = Object.entries({ ...STATE_KEYS, ...NODE_KEYS }).map(([name, space]) => [
  name,
  space as AnySpace,
]);

const lengthOf = (space: AnySpace, fields: readonly unknown[]): number => space.encode(...fields).length;

/** Random fields of each space, of every kind the table uses; edges come up often. */
const FIELDS: Readonly<Record<string, (prng: Prng) => readonly unknown[]>> = {
  account: (prng) => [address(prng)],
  code: (prng) => [hash(prng)],
  slot: (prng) => [address(prng), hash(prng)],
  pool: (prng) => [prng.pick(['reserve', 'verifiers'])],
  system: (prng) => [prng.pick(['epoch', 'beacon'])],
  validator: (prng) => [address(prng)],
  validatorKey: (prng) => [filled(prng, 48)],
  delegation: (prng) => [address(prng), address(prng)],
  delegator: (prng) => [address(prng), address(prng)],
  unbonding: (prng) => [address(prng), u64(prng)],
  provider: (prng) => [address(prng)],
  operator: (prng) => [address(prng)],
  source: (prng) => [hash(prng)],
  sourceGraph: (prng) => [hash(prng)],
  attestations: (prng) => [hash(prng)],
  job: (prng) => [hash(prng)],
  jobStatus: (prng) => [u8(prng), hash(prng)],
  jobClient: (prng) => [address(prng), hash(prng)],
  jobProvider: (prng) => [address(prng), hash(prng)],
  pastJob: (prng) => [hash(prng)],
  attempt: (prng) => [hash(prng), u32(prng)],
  publication: (prng) => [hash(prng)],
  judge: (prng) => [address(prng)],
  duty: (prng) => [address(prng), u32(prng)],
  dutyPlace: (prng) => [address(prng), hash(prng)],
  beacon: (prng) => [u64(prng)],
  epoch: (prng) => [u64(prng)],
  unbondingPool: (prng) => [address(prng), u64(prng)],
  liveness: (prng) => [address(prng)],
  heapItem: (prng) => [prng.pick(['due', 'ranking']), u32(prng)],
  heapPlace: (prng) => [prng.pick(['due', 'ranking']), prng.bytes(prng.below(60))],
  systemLogs: (prng) => [u64(prng)],
  treeNode: (prng) => [path(prng)],
  undo: (prng) => [u64(prng), prng.bytes(prng.below(60))],
  history: (prng) => [prng.bytes(prng.below(60)), u64(prng)],
  block: (prng) => [u64(prng)],
  blockId: (prng) => [hash(prng)],
  commit: (prng) => [u64(prng)],
  receipt: (prng) => [u64(prng), u32(prng)],
  transaction: (prng) => [hash(prng)],
  logAddress: (prng) => [address(prng), u64(prng), u32(prng)],
  logTopic: (prng) => [prng.below(4), hash(prng), u64(prng), u32(prng)],
  meta: (prng) => [prng.pick(['schema', 'head'])],
};

const u8 = (prng: Prng): number => prng.pick([0, 1, 255, prng.below(256)]);
const u32 = (prng: Prng): number => prng.pick([0, 1, 0xffff_ffff, prng.u32()]);
const u64 = (prng: Prng): number =>
  prng.pick([0, 1, 255, 256, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER, Number(prng.bigint(53))]);
const filled = (prng: Prng, length: number): Uint8Array =>
  prng.pick([new Uint8Array(length), new Uint8Array(length).fill(255), prng.bytes(length)]);
const address = (prng: Prng): Uint8Array => filled(prng, 20);
const hash = (prng: Prng): Uint8Array => filled(prng, 32);
const path = (prng: Prng): Uint8Array =>
  Uint8Array.from({ length: prng.pick([0, 1, 2, 63, 64, prng.below(65)]) }, () =>
    prng.pick([0, 15, prng.below(16)]),
  );

/** Order of fields, first field first. Byte strings behind their length sort by length first. */
function compareFields(a: readonly unknown[], b: readonly unknown[]): number {
  for (const [i, left] of a.entries()) {
    const order = compareField(left, b[i]);
    if (order !== 0) return order;
  }
  return 0;
}

function compareField(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [asBytes(a), asBytes(b)];
  return left.length === right.length ? compareBytes(left, right) : left.length - right.length;
}

function asBytes(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new TextEncoder().encode(String(value));
}

describe('the table of keys', () => {
  test('has random fields here for every space', () => {
    assert.deepEqual(Object.keys(FIELDS).sort(), SPACES.map(([name]) => name).sort());
  });

  test('no key of one space is in the range of another', () => {
    for (const [name, space] of SPACES) {
      for (const [otherName, other] of SPACES) {
        if (name === otherName) continue;
        const [a, b] = [space.range(), other.range()];
        const apart = compareBytes(a.lt, b.gte) <= 0 || compareBytes(b.lt, a.gte) <= 0;
        assert.ok(apart, `${space.prefix} and ${other.prefix} overlap`);
      }
    }
  });

  for (const [name, space] of SPACES) {
    test(`${space.prefix}: keys decode to their fields, sort as they do, and stay inside their ranges`, () => {
      const prng = createPrng(7);
      const samples = Array.from({ length: 120 }, () => FIELDS[name]?.(prng) ?? []);
      const whole = space.range();
      for (const fields of samples) {
        const key = space.encode(...fields);
        assert.deepEqual(space.decode(key), [...fields]);
        assert.ok(key.length <= MAX_KEY_BYTES);
        assert.ok(compareBytes(key, whole.gte) >= 0 && compareBytes(key, whole.lt) < 0);
        for (const other of samples) {
          const order = Math.sign(compareBytes(key, space.encode(...other)));
          assert.equal(order, Math.sign(compareFields(fields, other)));
        }
      }
    });

    test(`${space.prefix}: the range of leading fields holds exactly the keys that begin with them`, () => {
      const prng = createPrng(8);
      const samples = Array.from({ length: 60 }, () => FIELDS[name]?.(prng) ?? []);
      for (const fields of samples) {
        for (let used = 0; used < fields.length; used++) {
          const leading = fields.slice(0, used);
          const { gte, lt } = space.range(...leading);
          for (const other of samples) {
            const key = space.encode(...other);
            const inside = compareBytes(key, gte) >= 0 && compareBytes(key, lt) < 0;
            assert.equal(inside, compareFields(leading, other.slice(0, used)) === 0);
          }
        }
      }
    });

    test(`${space.prefix}: refuses keys that it does not make`, () => {
      const fields = FIELDS[name]?.(createPrng(9)) ?? [];
      const key = space.encode(...fields);
      const wrong = [
        key.subarray(0, -1),
        concatBytes(key, Uint8Array.of(0)),
        key.map((b, i) => (i === 0 ? b ^ 1 : b)),
      ];
      for (const bad of wrong)
        assert.throws(() => space.decode(bad), { code: 'STORE_KEY_INVALID' }, toHex(bad));
    });
  }
});

describe('fields refuse what they cannot hold', () => {
  const invalid = { name: 'StoreError', code: 'STORE_KEY_INVALID' };
  const one = keySpace<[number]>('n/', uint('n', 4));
  const wide = keySpace<[number]>('w/', uint('w', 8));
  for (const value of [-1, 2 ** 32, 1.5, NaN]) {
    test(`number ${value}`, () => {
      assert.throws(() => one.encode(value), invalid);
    });
  }
  test('a number that JavaScript cannot hold exactly, either way', () => {
    assert.throws(() => wide.encode(2 ** 53), invalid);
    const key = concatBytes(wide.range().gte, Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0));
    assert.throws(() => wide.decode(key), invalid);
  });
  test('byte strings of the wrong length', () => {
    const fixed = keySpace<[Uint8Array]>('b/', bytes('b', 3));
    const sized = keySpace<[Uint8Array]>('s/', sizedBytes('s'));
    assert.throws(() => fixed.encode(new Uint8Array(2)), invalid);
    assert.throws(() => sized.encode(new Uint8Array(256)), invalid);
    assert.throws(() => sized.decode(new Uint8Array([0x73, 0x2f])), invalid);
  });
  test('paths that are too long, have wide nibbles, or a padding that is not zero', () => {
    const paths = keySpace<[Uint8Array]>('p/', nibblePath('p'));
    assert.throws(() => paths.encode(new Uint8Array(65)), invalid);
    assert.throws(() => paths.encode(Uint8Array.of(16)), invalid);
    const key = paths.encode(Uint8Array.of(10));
    assert.equal(toHex(key), '0x702f01a0');
    assert.throws(() => paths.decode(Uint8Array.of(...key.subarray(0, -1), 0xa1)), invalid);
  });
  test('words with anything but letters', () => {
    const words = keySpace<[string]>('x/', word('x'));
    for (const text of ['', 'a b', 'ä', 'a/', 'x'.repeat(33)])
      assert.throws(() => words.encode(text), invalid);
    assert.throws(() => words.decode(Uint8Array.of(0x78, 0x2f, 1, 0x2f)), invalid);
  });
});

test('keys are locked: changing one of these is a new format', () => {
  const prng = createPrng(10);
  const lengths = SPACES.map(
    ([name, space]) => `${space.prefix}${lengthOf(space, FIELDS[name]?.(prng) ?? [])}`,
  );
  assert.deepEqual(
    lengths.filter((text) => !/^(pool|sys|meta|tree|undo|hist|heap|hplc)/.test(text)),
    [
      ...[
        'acct/25',
        'code/37',
        'slot/57',
        'epo/12',
        'val/24',
        'valk/53',
        'del/44',
        'delr/45',
        'unb/32',
        'unbp/33',
        'live/25',
        'prov/25',
        'oper/25',
      ],
      ...[
        'src/36',
        'srcg/37',
        'srca/37',
        'job/36',
        'jobs/38',
        'jobc/57',
        'jobp/57',
        'jobt/37',
        'att/40',
        'pub/36',
        'jdg/24',
        'duty/29',
        'dutp/57',
        'beac/13',
      ],
      ...['blk/12', 'bid/36', 'com/12', 'rcpt/17', 'slog/13', 'tx/35'],
      ...['loga/37', 'logt/50'],
    ],
  );
  assert.equal(toHex(NODE_KEYS.block.encode(0x0102_0304)), '0x626c6b2f0000000001020304');
  assert.equal(toHex(NODE_KEYS.meta.encode('schema')), '0x6d6574612f06736368656d61');
});
