import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assembleCommit, commitSigners, verifyCommit } from '../../../consensus/commit.js';
import {
  assembleExtendedCommit,
  isExtensionOf,
  verifyExtendedCommit,
} from '../../../consensus/extended-commit.js';
import { BitArray } from '../../../protocol/ssz/types.js';
import { commitCodec, extendedCommitCodec } from '../../../protocol/types/commit.js';
import { NIL_BLOCK_ID, PREVOTE } from '../../../protocol/types/vote.js';
import {
  committeeOf,
  equalCommittee,
  TEST_CHAIN,
  testCommittee,
  TestMember,
} from '../../support/committee.js';
import { codeOf } from '../../support/error-code.js';
import { cancellingPair } from '../crypto/hostile-points.js';

const { committee, members } = equalCommittee(4);
const blockId = new Uint8Array(32).fill(3);
const payload = { height: 5, round: 1, blockId };
const precommits = members.map((member) => member.precommit(payload));
const commit = assembleCommit(committee, TEST_CHAIN, precommits.slice(1));

test('a commit of more than two thirds verifies, whoever they are and in whatever order', () => {
  assert.deepEqual(commitSigners(committee, commit), [1, 2, 3]);
  verifyCommit(committee, TEST_CHAIN, commit, payload);
  verifyCommit(committee, TEST_CHAIN, commitCodec.decode(commitCodec.encode(commit)), payload);
  const [a, b, c, d] = precommits;
  assert.ok(a && b && c && d);
  for (const votes of [
    [d, b, c],
    [c, a, d, b],
  ]) {
    verifyCommit(committee, TEST_CHAIN, assembleCommit(committee, TEST_CHAIN, votes), payload);
  }
});

test('exactly two thirds are too few, by power and not by number', () => {
  const { committee: weighted, members: holders } = testCommittee([40, 10, 10], 20);
  const whale = holders.find(({ validator }) => validator.votingPower === 40);
  const others = holders.filter((member) => member !== whale);
  assert.ok(whale);
  assert.equal(
    codeOf(() => assembleCommit(weighted, TEST_CHAIN, [whale.precommit(payload)])),
    'COMMIT_POWER',
  );
  const small = others.map((member) => member.precommit(payload));
  assert.equal(
    codeOf(() => assembleCommit(weighted, TEST_CHAIN, small)),
    'COMMIT_POWER',
  );
  assert.ok(assembleCommit(weighted, TEST_CHAIN, [whale.precommit(payload), ...small.slice(1)]));
});

test('every field of a commit is checked', () => {
  const other = new Uint8Array(32).fill(4);
  const claim = BitArray.fromBoolArray([true, true, true, true]);
  const long = BitArray.fromBoolArray([false, true, true, true, false]);
  const cases = [
    ['COMMIT_HEIGHT', { ...commit, height: 6 }, payload],
    ['COMMIT_HEIGHT', commit, { ...payload, height: 6 }],
    ['COMMIT_BLOCK', commit, { ...payload, blockId: other }],
    ['COMMIT_NIL', { ...commit, blockId: NIL_BLOCK_ID }, { ...payload, blockId: NIL_BLOCK_ID }],
    ['COMMIT_BITMAP_LENGTH', { ...commit, signers: long }, payload],
    ['COMMIT_POWER', { ...commit, signers: BitArray.fromBoolArray([true, true, false, false]) }, payload],
    ['COMMIT_SIGNATURE', { ...commit, signers: claim }, payload],
    ['COMMIT_SIGNATURE', { ...commit, round: 2 }, payload],
    ['COMMIT_SIGNATURE', { ...commit, blockId: other }, { ...payload, blockId: other }],
    ['COMMIT_SIGNATURE', { ...commit, signature: new Uint8Array(96) }, payload],
  ] as const;
  for (const [code, changed, expected] of cases) {
    assert.equal(
      codeOf(() => verifyCommit(committee, TEST_CHAIN, changed, expected)),
      code,
    );
  }
  for (const chain of [
    { ...TEST_CHAIN, chainId: 1 },
    { ...TEST_CHAIN, protocolVersion: 2 },
  ]) {
    assert.equal(
      codeOf(() => verifyCommit(committee, chain, commit, payload)),
      'COMMIT_SIGNATURE',
    );
  }
});

test('prevotes commit nothing', () => {
  const votes = members.map((member) => member.vote(PREVOTE, payload));
  const signature = committee.bls.aggregateSignatures(votes.map((vote) => vote.signature));
  const forged = { ...payload, signers: BitArray.fromBoolArray(members.map(() => true)), signature };
  assert.equal(
    codeOf(() => verifyCommit(committee, TEST_CHAIN, forged, payload)),
    'COMMIT_SIGNATURE',
  );
});

test('what does not verify as a whole is not assembled', () => {
  const [first, second, third] = precommits;
  const [, bad] = cancellingPair(precommits[0]?.signature ?? blockId, second?.signature ?? blockId, 5n);
  assert.ok(first && second && third);
  const assemble = (votes: typeof precommits): string =>
    codeOf(() => assembleCommit(committee, TEST_CHAIN, votes));
  assert.equal(assemble([first, { ...second, signature: bad }, third]), 'COMMIT_SIGNATURE');
  assert.equal(
    assemble([first, { ...second, signature: new Uint8Array(96) }, third]),
    'BLS_SIGNATURE_INVALID',
  );
  assert.equal(assemble([]), 'INVARIANT_VIOLATED');
  assert.equal(assemble([first, first, second]), 'INVARIANT_VIOLATED');
  assert.equal(assemble([first, second, new TestMember(99).precommit(payload)]), 'INVARIANT_VIOLATED');
  const elsewhere = members.slice(2, 3).map((member) => member.precommit({ ...payload, round: 2 }));
  assert.equal(assemble([first, second, ...elsewhere]), 'INVARIANT_VIOLATED');
});

test('a committee of others does not make the commit its own', () => {
  const rotated = committeeOf(members.map((_, i) => new TestMember(i + 1, 1, { keyNumber: i + 50 })));
  assert.equal(
    codeOf(() => verifyCommit(rotated.committee, TEST_CHAIN, commit, payload)),
    'COMMIT_SIGNATURE',
  );
});

const extended = members.map((member, i) => ({
  vote: member.precommit(payload),
  extension: member.extension({ height: 5, round: 1, content: new Uint8Array(i % 2) }),
}));

test('an extended commit has the extension of every signer in the order of the set', () => {
  const [first, second, third, fourth] = extended;
  assert.ok(first && second && third && fourth);
  const whole = assembleExtendedCommit(committee, TEST_CHAIN, [fourth, first, third]);
  assert.deepEqual(
    whole.extensions.map(({ validator }) => validator),
    [first, third, fourth].map(({ vote }) => vote.validator),
  );
  const again = extendedCommitCodec.decode(extendedCommitCodec.encode(whole));
  verifyExtendedCommit(committee, TEST_CHAIN, again, payload);

  const [one, two, three] = whole.extensions;
  assert.ok(one && two && three);
  const otherRound = members[0]?.extension({ height: 5, round: 2, content: new Uint8Array(0) });
  assert.ok(otherRound);
  const cases = [
    ['EXTENDED_COMMIT_COUNT', [one, two]],
    ['EXTENDED_COMMIT_COUNT', [...whole.extensions, second.extension]],
    ['EXTENDED_COMMIT_SIGNER', [one, three, two]],
    ['EXTENDED_COMMIT_SIGNER', [one, second.extension, three]],
    ['EXTENDED_COMMIT_PLACE', [otherRound, two, three]],
    ['EXTENDED_COMMIT_SIGNATURE', [one, two, { ...three, signature: two.signature }]],
    [
      'EXTENDED_COMMIT_SIGNATURE',
      [{ ...one, payload: { ...one.payload, content: new Uint8Array(9) } }, two, three],
    ],
  ] as const;
  for (const [code, extensions] of cases) {
    const changed = { ...whole, extensions: [...extensions] };
    assert.equal(
      codeOf(() => verifyExtendedCommit(committee, TEST_CHAIN, changed, payload)),
      code,
    );
  }
});

test('extensions that cancel each other out are found', () => {
  const empty = members.map((member) => ({
    vote: member.precommit(payload),
    extension: member.extension({ height: 5, round: 1, content: new Uint8Array(0) }),
  }));
  const whole = assembleExtendedCommit(committee, TEST_CHAIN, empty);
  const [one, two, ...rest] = whole.extensions;
  assert.ok(one && two);
  const [left, right] = cancellingPair(one.signature, two.signature, 9n);
  const extensions = [{ ...one, signature: left }, { ...two, signature: right }, ...rest];
  assert.equal(
    codeOf(() => verifyExtendedCommit(committee, TEST_CHAIN, { ...whole, extensions }, payload)),
    'EXTENDED_COMMIT_SIGNATURE',
  );
});

test('an extension stands in an extended commit with every byte or not at all', () => {
  const whole = assembleExtendedCommit(committee, TEST_CHAIN, extended.slice(1));
  const stands = isExtensionOf(extendedCommitCodec.decode(extendedCommitCodec.encode(whole)));
  const [absent, one, two] = extended.map(({ extension }) => extension);
  assert.ok(absent && one && two);
  assert.deepEqual([one, two, absent].map(stands), [true, true, false]);
  const changed = [
    { ...one, signature: two.signature },
    { ...one, validator: two.validator },
    { ...one, payload: { ...one.payload, round: 2 } },
    { ...one, payload: { ...one.payload, height: 6 } },
    { ...one, payload: { ...one.payload, content: new Uint8Array(2) } },
  ];
  assert.deepEqual(changed.map(stands), [false, false, false, false, false]);
});
