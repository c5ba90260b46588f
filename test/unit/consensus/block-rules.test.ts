import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beaconAfter, genesisBeacon } from '../../../consensus/beacon.js';
import { checkBlock, type BlockContext } from '../../../consensus/block-rules.js';
import { assembleExtendedCommit } from '../../../consensus/extended-commit.js';
import { duplicateVote } from '../../../consensus/evidence.js';
import { checkProposalOf } from '../../../consensus/proposal-rules.js';
import { proposerOf } from '../../../consensus/proposer.js';
import { bytesEqual } from '../../../protocol/bytes.js';
import { keccak256 } from '../../../protocol/crypto/hash.js';
import { MAX_BLOCK_TIME_MS } from '../../../protocol/limits.js';
import { PRESETS } from '../../../protocol/presets.js';
import { BitArray } from '../../../protocol/ssz/types.js';
import { blockCodec, encodedBlockBytes, type Block } from '../../../protocol/types/block.js';
import { bodyRoots, type Body } from '../../../protocol/types/body.js';
import { emptyCommit } from '../../../protocol/types/commit.js';
import { blockId, type Header } from '../../../protocol/types/header.js';
import { NO_ROUND } from '../../../protocol/types/proposal.js';
import { PRECOMMIT, type Vote } from '../../../protocol/types/vote.js';
import { equalCommittee, TEST_CHAIN, type TestMember } from '../../support/committee.js';
import { codeOf } from '../../support/error-code.js';
import { createPrng } from '../../support/prng.js';
import { SAMPLES } from '../../support/samples.js';

const GENESIS_TIME_MS = 1_800_000_000_000;
const { committee, members } = equalCommittee(4);

const first: BlockContext = {
  params: PRESETS.devnet.params,
  chainAt: () => TEST_CHAIN,
  parent: { height: 0, id: TEST_CHAIN.genesisId, timeMs: GENESIS_TIME_MS, extensions: [] },
  previousBeacon: genesisBeacon(TEST_CHAIN),
  committee,
  parentCommittee: undefined,
  grandparentCommittee: undefined,
  keyAt: (id) => members.find((member) => bytesEqual(member.id, id))?.validator.blsPublicKey,
};

const EMPTY_BODY: Body = {
  transactions: [],
  evidence: [],
  parentCommit: emptyCommit(),
  parentExtensions: [],
};

const hashesOf = ({ transactions }: Body): Uint8Array[] =>
  transactions.map((envelope) => keccak256(envelope));

function proposerIn(context: BlockContext, round: number): TestMember {
  const { id } = proposerOf(TEST_CHAIN.chainId, committee.set, context.previousBeacon, round);
  const member = members[committee.indexOf(id) ?? -1];
  assert.ok(member);
  return member;
}

/** A block that fits, but for the changes. */
function blockOn(
  context: BlockContext,
  body: Body,
  { round = 0, header = {} }: { round?: number; header?: Partial<Header> } = {},
): Block {
  const { parent } = context;
  const proposer = proposerIn(context, round);
  const height = parent.height + 1;
  return {
    header: {
      ...SAMPLES.header(createPrng(height)),
      protocolVersion: 1,
      chainId: TEST_CHAIN.chainId,
      height,
      round,
      timeMs: parent.timeMs + 1,
      parentId: parent.id,
      proposer: proposer.id,
      beaconReveal: proposer.reveal(height, context.previousBeacon),
      validatorsHash: committee.hash,
      ...bodyRoots(body, hashesOf(body)),
      ...header,
    },
    body,
  };
}

/** The context after a block, and the votes for it as its child carries them. */
function after(context: BlockContext, { header, body }: Block): { context: BlockContext; votes: Body } {
  const { height, timeMs } = header;
  const id = blockId(header);
  const precommits = members.slice(1).map((member) => ({
    vote: member.precommit({ height, round: header.round, blockId: id }),
    extension: member.extension({ height, round: header.round, content: new Uint8Array(0) }),
  }));
  const extended = assembleExtendedCommit(committee, TEST_CHAIN, precommits);
  return {
    context: {
      ...context,
      parent: { height, id, timeMs, extensions: body.parentExtensions },
      previousBeacon: beaconAfter(header, context.previousBeacon),
      parentCommittee: committee,
      grandparentCommittee: context.parentCommittee,
    },
    votes: { ...EMPTY_BODY, parentCommit: extended.commit, parentExtensions: extended.extensions },
  };
}

const blockOne = blockOn(first, EMPTY_BODY);
const { context: second, votes } = after(first, blockOne);
const withTransactions: Body = { ...votes, transactions: [Uint8Array.of(1, 2), Uint8Array.of(3)] };
const blockTwo = blockOn(second, withTransactions);
const third = after(second, blockTwo);

const check = (context: BlockContext, block: Block): string =>
  codeOf(() => {
    checkBlock(context, block, hashesOf(block.body));
  });

test('blocks that follow one another pass, in any round, before and after a wire', () => {
  assert.equal(check(first, blockOne), 'none');
  assert.equal(check(first, blockOn(first, EMPTY_BODY, { round: 6 })), 'none');
  assert.equal(check(second, blockTwo), 'none');
  assert.equal(check(second, blockCodec.decode(blockCodec.encode(blockTwo))), 'none');
  assert.equal(check(third.context, blockOn(third.context, third.votes)), 'none');
});

test('a header that does not fit is refused, with a reason for each field', () => {
  const wrong = new Uint8Array(32).fill(9);
  const { timeMs } = second.parent;
  const stranger = proposerIn(second, 1);
  const cases: readonly (readonly [string, Partial<Header>])[] = [
    ['HEADER_HEIGHT', { height: 3 }],
    ['HEADER_HEIGHT', { height: 1 }],
    ['HEADER_PARENT', { parentId: wrong }],
    ['HEADER_CHAIN_ID', { chainId: 1 }],
    ['HEADER_VERSION', { protocolVersion: 2 }],
    ['HEADER_ROUND', { round: NO_ROUND }],
    ['HEADER_VALIDATORS_HASH', { validatorsHash: wrong }],
    ['HEADER_TIME_NOT_AFTER_PARENT', { timeMs }],
    ['HEADER_TIME_TOO_LATE', { timeMs: MAX_BLOCK_TIME_MS }],
    ['BODY_ROOT', { transactionsRoot: wrong }],
    ['BODY_ROOT', { evidenceRoot: wrong }],
    ['BODY_ROOT', { parentCommitRoot: wrong }],
    ['BODY_ROOT', { extensionsRoot: wrong }],
    ['HEADER_PROPOSER', { round: 1 }],
    ['HEADER_PROPOSER', { proposer: stranger.id }],
    ['HEADER_REVEAL', { beaconReveal: stranger.reveal(2, second.previousBeacon) }],
    ['HEADER_REVEAL', { beaconReveal: proposerIn(second, 0).reveal(2, first.previousBeacon) }],
  ];
  for (const [code, header] of cases) {
    assert.equal(check(second, blockOn(second, withTransactions, { header })), code, JSON.stringify(header));
  }
  const late = { timeMs: MAX_BLOCK_TIME_MS - 1 };
  assert.equal(check(second, blockOn(second, withTransactions, { header: late })), 'none');
});

test('a body is as large as the parameters allow', () => {
  const bytes = encodedBlockBytes(blockTwo);
  assert.equal(bytes, blockCodec.encode(blockTwo).length);
  const limited = (maxBlockBytes: number): BlockContext => ({
    ...second,
    params: { ...second.params, blocks: { ...second.params.blocks, maxBlockBytes } },
  });
  assert.equal(check(limited(bytes), blockTwo), 'none');
  assert.equal(check(limited(bytes - 1), blockTwo), 'BODY_TOO_LARGE');
});

test('block 1 carries nobody’s votes, every other one those for its parent', () => {
  assert.equal(check(first, blockOn(first, votes)), 'BODY_FIRST_BLOCK');
  assert.equal(check(first, blockOn(first, { ...votes, parentCommit: emptyCommit() })), 'BODY_FIRST_BLOCK');
  assert.equal(check(first, blockOn(first, { ...votes, parentExtensions: [] })), 'BODY_FIRST_BLOCK');
  assert.equal(check(second, blockOn(second, EMPTY_BODY)), 'COMMIT_HEIGHT');
  const { parentCommit, parentExtensions } = votes;
  const body = (changes: Partial<Body>): Block => blockOn(second, { ...votes, ...changes });
  const everybody = BitArray.fromBoolArray(members.map(() => true));
  assert.equal(
    check(second, body({ parentCommit: { ...parentCommit, signers: everybody } })),
    'COMMIT_SIGNATURE',
  );
  assert.equal(check(second, body({ parentExtensions: [] })), 'EXTENDED_COMMIT_COUNT');
  assert.equal(
    check(
      second,
      body({
        parentExtensions: parentExtensions.with(0, {
          ...parentExtensions[0],
          signature: new Uint8Array(96),
        } as Body['parentExtensions'][number]),
      }),
    ),
    'EXTENSIONS_SIGNATURE',
  );
  const fork = blockOn(first, EMPTY_BODY, { round: 1 });
  assert.equal(check(second, blockOn(second, after(first, fork).votes)), 'COMMIT_BLOCK');
});

test('what an extension of the parent said before does not come again', () => {
  const [absent] = members;
  assert.ok(absent);
  const late = absent.extension({ height: 1, round: 0, content: new Uint8Array(4) });
  const including = blockOn(second, { ...votes, parentExtensions: [...votes.parentExtensions, late] });
  assert.equal(check(second, including), 'none');
  const next = after(second, including);
  const again = { ...next.votes, parentExtensions: [...next.votes.parentExtensions, late] };
  assert.equal(check(next.context, blockOn(next.context, again)), 'EXTENSIONS_REPEATED');
  const other = after(second, blockTwo);
  const inTime = { ...other.votes, parentExtensions: [...other.votes.parentExtensions, late] };
  assert.equal(check(other.context, blockOn(other.context, inTime)), 'none');
});

test('evidence is checked and its offences are handed on', () => {
  const [criminal] = members;
  assert.ok(criminal);
  const vote = (byte: number): Vote =>
    criminal.vote(PRECOMMIT, { height: 1, round: 0, blockId: new Uint8Array(32).fill(byte) });
  const evidence = duplicateVote(vote(1), vote(2));
  assert.ok(evidence);
  const block = blockOn(second, { ...votes, evidence: [evidence] });
  assert.deepEqual(checkBlock(second, block, []), [{ validator: criminal.id, height: 1 }]);
  const unknown: BlockContext = { ...second, keyAt: () => undefined };
  assert.equal(check(unknown, block), 'EVIDENCE_KEY_UNKNOWN');
  assert.equal(
    check(second, blockOn(second, { ...votes, evidence: [evidence, evidence] })),
    'EVIDENCE_UNSORTED',
  );
});

test('a proposal fits its block', () => {
  const block = blockOn(second, votes, { round: 2 });
  const fresh = { height: 2, round: 2, validRound: NO_ROUND, blockId: blockId(block.header) };
  const judge = (by: TestMember, changes: Partial<typeof fresh>): string =>
    codeOf(() => checkProposalOf(by.proposal({ ...fresh, ...changes }), block.header));
  const [maker, other] = [proposerIn(second, 2), proposerIn(second, 3)];
  assert.equal(judge(maker, {}), 'none');
  assert.equal(judge(other, { round: 3, validRound: 2 }), 'none');
  assert.equal(judge(other, { round: 9, validRound: 8 }), 'none');
  assert.equal(judge(maker, { height: 3 }), 'PROPOSAL_HEIGHT');
  assert.equal(judge(maker, { blockId: new Uint8Array(32) }), 'PROPOSAL_BLOCK');
  assert.equal(judge(maker, { round: 3 }), 'PROPOSAL_NOT_FRESH');
  assert.equal(judge(other, {}), 'PROPOSAL_NOT_FRESH');
  assert.equal(judge(other, { round: 3, validRound: 1 }), 'PROPOSAL_VALID_ROUND');
  assert.equal(judge(other, { round: 3, validRound: 3 }), 'PROPOSAL_VALID_ROUND');
});
