import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeRecord, PREVOTE_STEP, type SignerRecord } from '../../../consensus/signer/record.js';
import { toHex } from '../../../protocol/bytes.js';
import { ViolationError } from '../../sim/checker.js';
import { simulatedChain } from '../../sim/consensus/chain.js';
import { consensusCheckers } from '../../sim/consensus/checkers.js';
import { hashBls } from '../../sim/consensus/hash-bls.js';
import type { Seen } from '../../sim/consensus/observations.js';
import { drawSize } from '../../sim/consensus/size.js';
import { witnessedKey, type Witnessed } from '../../sim/consensus/witness.js';
import { createStreams } from '../../sim/streams.js';

const NODES = 4;
const CRIMINAL = 3;
const chain = await simulatedChain(NODES, false);
const idOf = (node: number): string => toHex(chain.validators[node]?.id ?? new Uint8Array(0));

type Final = Extract<Seen, { readonly kind: 'final' }>;

const final = (height: number, changes: Partial<Final> = {}): Final => ({
  kind: 'final',
  ...{
    height,
    round: 0,
    id: `${height}`,
    stateRoot: '',
    signers: [0, 1, 2].map(idOf),
    tombstoned: [],
    transactions: [],
    events: [],
    line: '',
  },
  ...changes,
});
const signed = (place: string | undefined, payload: string, isLogged = true): Seen => ({
  kind: 'signed',
  place,
  payload,
  isLogged,
  line: '',
});
const crime: Seen = { kind: 'crime', validator: idOf(CRIMINAL), line: '' };

/** All checkers of a run in which the last of four nodes is Byzantine. */
function watch() {
  const crimes = new Map([[CRIMINAL, 'equivocator']]);
  const checkers = consensusCheckers({ seed: 1, nodes: NODES, crimes }, chain);
  return {
    see: (node: number, ...seen: readonly Seen[]): void => {
      const moment = { node, isHonest: node !== CRIMINAL, timeUs: 0 };
      for (const one of seen) for (const checker of checkers) checker.observe?.(one, moment);
    },
    heal: (): void => {
      for (const checker of checkers) checker.healed?.();
    },
    unsatisfied: () =>
      checkers.filter((checker) => checker.isSatisfied?.() === false).map(({ name }) => name),
    tally: () => Object.assign({}, ...checkers.map((checker) => checker.tally?.())) as Record<string, number>,
  };
}

const broken = (promise: string) => (error: unknown) =>
  error instanceof ViolationError && error.message.startsWith(`${promise}: `);

describe('what is watched', () => {
  test('two blocks at a height, or two states', () => {
    for (const other of [{ id: 'x' }, { stateRoot: 'x' }]) {
      const run = watch();
      run.see(0, final(1));
      assert.throws(() => {
        run.see(1, final(1, other));
      }, broken('agreement'));
    }
  });

  test('a height left out, or final twice', () => {
    for (const height of [1, 3]) {
      const run = watch();
      run.see(0, final(1));
      assert.throws(() => {
        run.see(0, final(height));
      }, broken('order'));
    }
  });

  test('a transaction that nobody made, or that is in two blocks', () => {
    const run = watch();
    assert.throws(() => {
      run.see(0, final(1, { transactions: ['a'] }));
    }, broken('validity'));
    const again = watch();
    again.see(0, { kind: 'submitted', transaction: 'a', line: '' }, final(1, { transactions: ['a'] }));
    again.see(1, final(1, { transactions: ['a'] }));
    assert.throws(() => {
      again.see(1, final(2, { transactions: ['a'] }));
    }, broken('validity'));
  });

  test('two signatures of an honest node for one place, or one that its record does not hold', () => {
    const run = watch();
    run.see(0, signed('the prevote', 'a'), signed('the prevote', 'a'), signed('the precommit', 'b'));
    run.see(1, signed('the prevote', 'b'));
    run.see(CRIMINAL, signed('the prevote', 'a'), signed('the prevote', 'b'), signed(undefined, 'c'));
    assert.equal(run.tally()['signatures'], 3);
    assert.throws(() => {
      run.see(1, signed('the precommit', 'b', false));
    }, broken('order of durability'));
    run.see(CRIMINAL, signed('the precommit', 'b', false));
    for (const wrong of [signed('the prevote', 'b'), signed(undefined, 'a')]) {
      assert.throws(() => {
        run.see(0, wrong);
      }, broken('no equivocation'));
    }
  });

  test('who does not go on after healing', () => {
    const run = watch();
    for (const node of [0, 1, 2]) run.see(node, final(1));
    run.heal();
    assert.deepEqual(run.unsatisfied(), ['progress']);
    for (const node of [0, 1, 2]) run.see(node, final(2), final(3), ...(node === 2 ? [] : [final(4)]));
    assert.deepEqual(run.unsatisfied(), ['progress']);
    run.see(2, final(4));
    assert.deepEqual(run.unsatisfied(), []);
    assert.throws(() => {
      run.see(0, final(5, { round: 9 }));
    }, broken('progress'));
  });

  test('a criminal who goes free, and an honest validator who does not', () => {
    const run = watch();
    run.see(CRIMINAL, crime);
    run.heal();
    for (const node of [0, 1, 2]) run.see(node, final(1), final(2), final(3));
    assert.deepEqual(run.unsatisfied(), [], 'proofs of the trouble may be lost');
    run.see(CRIMINAL, crime);
    assert.deepEqual(run.unsatisfied(), ['justice']);
    run.see(0, final(4, { tombstoned: [idOf(CRIMINAL)] }));
    assert.deepEqual(run.unsatisfied(), []);
    assert.throws(() => {
      run.see(0, final(5, { tombstoned: [idOf(CRIMINAL), idOf(1)] }));
    }, broken('justice'));
  });
});

test('a witnessed key says where its signatures stand on the durable record', () => {
  const bytes = (value: number): Uint8Array => new Uint8Array(32).fill(value);
  const identity = { chainId: 1, genesisId: bytes(9), publicKey: new Uint8Array(48) };
  const extension = [{ content: new Uint8Array(0), signBytes: bytes(2) }];
  const last = { height: 5, round: 1, step: PREVOTE_STEP, signBytes: bytes(1), extension };
  let record: SignerRecord = { identity, last };
  const told: (string | undefined)[] = [];
  const key = witnessedKey({
    bls: hashBls,
    secretKey: bytes(7),
    durableRecord: () => encodeRecord(record),
    beacon: () => ({ height: 6, signBytes: bytes(3) }),
    tell: ({ place }: Witnessed) => told.push(place),
  });
  for (const value of [1, 2, 3, 4])
    assert.deepEqual(key.sign(bytes(value)), hashBls.sign(bytes(7), bytes(value)));
  record = { identity, last: undefined };
  key.sign(bytes(1));
  assert.deepEqual(told, [
    'the prevote of height 5, round 1',
    'the extension of height 5, round 1',
    'the beacon of height 6',
    undefined,
    undefined,
  ]);
});

test('most runs are small, some large, some sign with BLS; a seed has one size', () => {
  const sizes = Array.from({ length: 1_000 }, (_, seed) => drawSize(createStreams(seed)('size')));
  assert.deepEqual(drawSize(createStreams(7)('size')), sizes[7]);
  const share = (is: (size: (typeof sizes)[number]) => boolean): number =>
    sizes.filter(is).length / sizes.length;
  const shares = [
    share(({ nodes }) => nodes === 4),
    share(({ nodes }) => nodes > 4 && nodes < 8),
    share(({ nodes }) => nodes === 16),
    share(({ isReal }) => isReal),
  ];
  const expected = [0.85, 0.14, 0.01, 0.05];
  for (const [i, is] of shares.entries()) assert.ok(Math.abs(is - (expected[i] ?? 0)) < 0.03, `${i}: ${is}`);
});
