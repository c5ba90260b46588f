import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  checkBlockEvidence,
  checkEvidence,
  duplicateExtension,
  duplicateProposal,
  duplicateVote,
  type EvidenceContext,
} from '../../../consensus/evidence.js';
import { EvidencePool } from '../../../consensus/evidence-pool.js';
import { compareBytes, toHex } from '../../../protocol/bytes.js';
import { bls } from '../../../protocol/crypto/bls.js';
import { MAX_BLOCK_EVIDENCE } from '../../../protocol/limits.js';
import { DUPLICATE_VOTE, evidenceCodec, type Evidence } from '../../../protocol/types/evidence.js';
import { NO_ROUND } from '../../../protocol/types/proposal.js';
import { NIL_BLOCK_ID, PRECOMMIT, PREVOTE, type Vote } from '../../../protocol/types/vote.js';
import { TEST_CHAIN, TestMember } from '../../support/committee.js';
import { codeOf } from '../../support/error-code.js';

const HEIGHT = 12;
const member = new TestMember(1);
const other = new TestMember(2);
const keys = new Map([member, other].map(({ id, validator }) => [toHex(id), validator.blsPublicKey]));

const context: EvidenceContext = {
  bls,
  chainAt: (height) => ({ ...TEST_CHAIN, protocolVersion: height < 10 ? 1 : 2 }),
  keyAt: (id, height) => (height >= 5 ? keys.get(toHex(id)) : undefined),
};
const chain = context.chainAt(HEIGHT);

const idOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const place = { height: HEIGHT, round: 3 };
const vote = (byte: number, by = member, kind: typeof PREVOTE | typeof PRECOMMIT = PRECOMMIT): Vote =>
  by.vote(kind, { ...place, blockId: idOf(byte) }, chain);

function made(evidence: Evidence | undefined): Evidence {
  assert.ok(evidence);
  return evidence;
}

const proposal = (byte: number, validRound = NO_ROUND) =>
  member.proposal({ ...place, validRound, blockId: idOf(byte) }, chain);
const extension = (byte: number) => member.extension({ ...place, content: Uint8Array.of(byte) }, chain);

describe('a contradiction is proved whatever it is in, and whichever message came first', () => {
  const cases: readonly (readonly [string, Evidence, Evidence])[] = [
    [
      'proposals',
      made(duplicateProposal(proposal(1), proposal(2))),
      made(duplicateProposal(proposal(2), proposal(1))),
    ],
    [
      'proposals of one block',
      made(duplicateProposal(proposal(1), proposal(1, 0))),
      made(duplicateProposal(proposal(1, 0), proposal(1))),
    ],
    ['precommits', made(duplicateVote(vote(1), vote(2))), made(duplicateVote(vote(2), vote(1)))],
    ['nil and a block', made(duplicateVote(vote(1), vote(0))), made(duplicateVote(vote(0), vote(1)))],
    [
      'prevotes',
      made(duplicateVote(vote(1, member, PREVOTE), vote(2, member, PREVOTE))),
      made(duplicateVote(vote(2, member, PREVOTE), vote(1, member, PREVOTE))),
    ],
    [
      'extensions',
      made(duplicateExtension(extension(1), extension(2))),
      made(duplicateExtension(extension(2), extension(1))),
    ],
  ];
  assert.deepEqual(vote(0).payload.blockId, NIL_BLOCK_ID);
  for (const [name, one, two] of cases) {
    test(name, () => {
      assert.deepEqual(one, two);
      const received = evidenceCodec.decode(evidenceCodec.encode(one));
      assert.deepEqual(checkEvidence(context, received), { validator: member.id, height: HEIGHT });
    });
  }
});

test('what is no contradiction makes no evidence', () => {
  const elsewhere = (changes: Partial<typeof place>): Vote =>
    member.vote(PRECOMMIT, { ...place, ...changes, blockId: idOf(2) }, chain);
  assert.equal(duplicateVote(vote(1), vote(1)), undefined);
  assert.equal(duplicateVote(vote(1), vote(2, other)), undefined);
  assert.equal(duplicateVote(vote(1), vote(2, member, PREVOTE)), undefined);
  assert.equal(duplicateVote(vote(1), elsewhere({ height: 13 })), undefined);
  assert.equal(duplicateVote(vote(1), elsewhere({ round: 4 })), undefined);
  assert.equal(duplicateProposal(proposal(1), proposal(1)), undefined);
  assert.equal(duplicateExtension(extension(1), extension(1)), undefined);
});

const sound = made(duplicateVote(vote(1), vote(2)));
const votes = sound.value as { readonly first: Vote; readonly second: Vote };

test('forged evidence is refused, each kind with a reason of its own', () => {
  const { first, second } = votes;
  const pair = (a: Vote, b: Vote): Evidence => ({ selector: DUPLICATE_VOTE, value: { first: a, second: b } });
  const oddKind = { ...first, kind: 7 };
  const early = { ...place, height: 4 };
  const [low, high] = [1, 2]
    .map((byte) => member.vote(PRECOMMIT, { ...early, blockId: idOf(byte) }))
    .sort((a, b) => compareBytes(a.payload.blockId, b.payload.blockId));
  assert.ok(low && high);
  const cases: readonly (readonly [string, Evidence])[] = [
    ['EVIDENCE_VOTE_KIND', pair(first, { ...second, kind: PREVOTE })],
    ['EVIDENCE_VOTE_KIND', pair(oddKind, { ...second, kind: 7 })],
    ['EVIDENCE_SIGNERS_DIFFER', pair(first, vote(2, other))],
    ['EVIDENCE_PLACES_DIFFER', pair(first, { ...second, payload: { ...second.payload, height: 13 } })],
    ['EVIDENCE_PLACES_DIFFER', pair(first, { ...second, payload: { ...second.payload, round: 0 } })],
    ['EVIDENCE_PAYLOADS_EQUAL', pair(first, first)],
    ['EVIDENCE_ORDER', pair(second, first)],
    ['EVIDENCE_KEY_UNKNOWN', made(duplicateVote(low, high))],
    ['EVIDENCE_SIGNATURE', pair(first, { ...second, signature: first.signature })],
    ['EVIDENCE_SIGNATURE', pair({ ...first, signature: new Uint8Array(96) }, second)],
    ['EVIDENCE_SIGNATURE', pair({ ...first, validator: other.id }, { ...second, validator: other.id })],
  ];
  for (const [code, evidence] of cases) {
    assert.equal(
      codeOf(() => checkEvidence(context, evidence)),
      code,
    );
  }
});

test('prevotes dressed up as precommits, and signatures under other rules, prove nothing', () => {
  const dressed = [1, 2].map((byte) => ({ ...vote(byte, member, PREVOTE), kind: PRECOMMIT }));
  const oldRules = [1, 2].map((byte) => member.precommit({ ...place, blockId: idOf(byte) }));
  for (const [a, b] of [dressed, oldRules]) {
    assert.ok(a && b);
    assert.equal(
      codeOf(() => checkEvidence(context, made(duplicateVote(a, b)))),
      'EVIDENCE_SIGNATURE',
    );
  }
});

const ofOther = made(duplicateVote(vote(1, other), vote(2, other)));
const sorted = [sound, ofOther].sort((a, b) => {
  const [one, two] = [a, b].map(({ value }) => (value.first as Vote).validator);
  return compareBytes(one ?? idOf(0), two ?? idOf(0));
});

test('the evidence of a block ascends by validator, one piece for each', () => {
  assert.equal(checkBlockEvidence(context, sorted).length, 2);
  assert.deepEqual(checkBlockEvidence(context, []), []);
  const third = made(duplicateVote(vote(1), vote(3)));
  for (const list of [[...sorted].reverse(), [sound, sound], [sound, third]]) {
    assert.equal(
      codeOf(() => checkBlockEvidence(context, list)),
      'EVIDENCE_UNSORTED',
    );
  }
});

test('the pool keeps one checked piece of each validator', () => {
  const pool = new EvidencePool();
  assert.equal(pool.add(context, sound), true);
  assert.equal(pool.add(context, made(duplicateVote(vote(1), vote(3)))), false);
  const forged = {
    ...ofOther,
    value: { ...ofOther.value, second: { ...votes.second, validator: other.id } },
  } as Evidence;
  assert.equal(
    codeOf(() => {
      pool.add(context, forged);
    }),
    'EVIDENCE_SIGNATURE',
  );
  assert.equal(pool.size, 1);
  assert.equal(pool.add(context, ofOther), true);
  assert.deepEqual(
    pool.select(() => true),
    sorted,
  );
  assert.deepEqual(
    pool.select(() => true, 1),
    sorted.slice(0, 1),
  );
  assert.deepEqual(
    pool.select(({ validator }) => validator === member.id),
    [sound],
  );
});

test('the pool forgets what is punished or too old, and stays within its bound', () => {
  const pool = new EvidencePool(undefined, 1);
  assert.equal(pool.add(context, sound), true);
  assert.equal(pool.add(context, ofOther), false, 'full');
  pool.remove([Uint8Array.from(member.id)]);
  assert.equal(pool.add(context, ofOther), true);
  pool.prune(({ height }) => height > HEIGHT);
  assert.equal(pool.size, 0);
});

test('a proposal carries no more than a block may', () => {
  const members = Array.from({ length: MAX_BLOCK_EVIDENCE + 1 }, (_, i) => new TestMember(100 + i));
  const keyOf = new Map(members.map(({ id, validator }) => [toHex(id), validator.blsPublicKey]));
  const pool = new EvidencePool();
  for (const by of members) {
    pool.add(
      { ...context, keyAt: (id) => keyOf.get(toHex(id)) },
      made(duplicateVote(vote(1, by), vote(2, by))),
    );
  }
  assert.equal(pool.size, MAX_BLOCK_EVIDENCE + 1);
  assert.equal(pool.select(() => true, 1_000).length, MAX_BLOCK_EVIDENCE);
});
