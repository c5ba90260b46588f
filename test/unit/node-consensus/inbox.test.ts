import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compactBody, compactBodyCodec, type CompactBody } from '../../../consensus/compact-block.js';
import { duplicateVote } from '../../../consensus/evidence.js';
import { decodeMessage, encodeMessage, type Message, type Polka } from '../../../consensus/messages.js';
import type { VoteKeeper } from '../../../consensus/core/vote-keeper.js';
import type { EngineVote } from '../../../consensus/engine/open-height.js';
import { bytesEqual, toHex } from '../../../protocol/bytes.js';
import { keccak256 } from '../../../protocol/crypto/hash.js';
import { voteSignBytes } from '../../../protocol/sign-bytes.js';
import { SszError, BitArray } from '../../../protocol/ssz/types.js';
import type { Block } from '../../../protocol/types/block.js';
import type { ExtendedCommit } from '../../../protocol/types/commit.js';
import type { Evidence } from '../../../protocol/types/evidence.js';
import { blockId } from '../../../protocol/types/header.js';
import { NIL_BLOCK_ID, PRECOMMIT, PREVOTE, type Vote } from '../../../protocol/types/vote.js';
import { MESSAGE_SAMPLES } from '../../support/consensus-samples.js';
import { SAMPLES } from '../../support/samples.js';
import { createPrng } from '../../support/prng.js';
import { Town, type HandNode } from '../../support/participants.js';

/** Four nodes that have decided three blocks; from now on a test speaks for the others. */
async function besieged(): Promise<{ town: Town; node: HandNode; proposer: number; block: Block }> {
  const town = await Town.create(4);
  await town.openAll();
  await town.runTo(3);
  town.deliver = () => [];
  await town.settle();
  const { proposer, local } = town.proposalFor(town.node(0));
  const { block } = local;
  const node = town.nodes.find(
    ({ index, height }) => index !== proposer && height === block.header.height - 1,
  );
  assert.ok(node);
  node.sent.length = 0;
  return { town, node, proposer, block };
}

function compactOf({ header, body }: Block): CompactBody {
  return compactBody(header, body, body.transactions.map(keccak256));
}

function blames(node: HandNode): string[] {
  return node.blamed.map(({ error }) => error.code);
}

function wanted(node: HandNode, kind: Message['kind']): number {
  return node.sent.filter(({ message }) => message.kind === kind).length;
}

/** +2/3 of votes under one signature. */
function certificate(
  town: Town,
  kind: typeof PREVOTE | typeof PRECOMMIT,
  payload: { height: number; round: number; blockId: Uint8Array },
  signers: readonly number[],
): Polka {
  const { set } = town.node(0).participant.tip.committee;
  const message = voteSignBytes(town.identity, kind, payload);
  const ids = signers.map((index) => town.validator(index).id);
  const bits = set.map(({ id }) => ids.some((signer) => bytesEqual(signer, id)));
  const signature = town.chain.bls.aggregateSignatures(signers.map((index) => town.sign(index, message)));
  return { ...payload, signers: BitArray.fromBoolArray(bits), signature };
}

function commitFor(town: Town, block: Block, signers: readonly number[]): ExtendedCommit {
  const payload = { height: block.header.height, round: 0, blockId: blockId(block.header) };
  const { set } = town.node(0).participant.tip.committee;
  const ordered = set.flatMap(({ id }) =>
    signers.filter((index) => bytesEqual(town.validator(index).id, id)),
  );
  const { height, round } = payload;
  return {
    commit: certificate(town, PRECOMMIT, payload, signers),
    extensions: ordered.map((index) =>
      town.signExtension(index, { height, round, content: new Uint8Array(0) }),
    ),
  };
}

describe('blocks and proposals from outside', () => {
  test('a genuine proposal with another header is blamed, and does not keep the right one out', async () => {
    const { town, node, proposer, block } = await besieged();
    const message = town.signProposal(proposer, block);
    assert.ok(message.kind === 'proposal');
    const header = { ...block.header, gasUsed: 1 };
    await node.receive({ kind: 'proposal', proposal: { ...message.proposal, header } });
    assert.deepEqual(blames(node), ['PROPOSAL_HEADER_FOREIGN']);
    await node.receive(message);
    await node.receive({ kind: 'block', block });
    assert.ok(node.vote(PREVOTE, block.header.height));
  });

  test('a block with another body is blamed once and its sender not listened to; others are', async () => {
    const { town, node, proposer, block } = await besieged();
    await node.receive(town.signProposal(proposer, block));
    const foreign = { header: block.header, body: { ...block.body, transactions: [Uint8Array.of(1)] } };
    for (let i = 0; i < 50; i++) await node.receive({ kind: 'block', block: foreign }, 7);
    assert.deepEqual(blames(node), ['BLOCK_BODY_FOREIGN']);
    await node.receive({ kind: 'block', block }, 8);
    assert.ok(node.vote(PREVOTE, block.header.height));
  });

  const forms: readonly ((block: Block) => Message)[] = [
    (block) => ({ kind: 'block', block }),
    (block) => ({ kind: 'compactBody', compactBody: compactOf(block) }),
    (block) => ({ kind: 'compactBlock', compactBlock: { header: block.header, body: compactOf(block) } }),
  ];
  for (const form of forms) {
    const { kind } = form(SAMPLES.block(createPrng(1)));
    test(`a block that outruns its proposal is kept: ${kind}`, async () => {
      const { town, node, proposer, block } = await besieged();
      await node.receive(form(block));
      assert.equal(node.vote(PREVOTE, block.header.height), undefined);
      await node.receive(town.signProposal(proposer, block));
      assert.ok(node.vote(PREVOTE, block.header.height));
      assert.equal(wanted(node, 'wantBlock'), 0);
    });

    test(`a block that outruns the commit that names it is kept: ${kind}`, async () => {
      if (kind === 'compactBody') return;
      const { town, node, block } = await besieged();
      await node.receive(form(block));
      await node.receive({ kind: 'commit', commit: commitFor(town, block, [0, 1, 2, 3]) }, 200);
      assert.equal(node.height, block.header.height);
      assert.deepEqual(node.blamed, []);
    });
  }

  test('a compact block with another body is asked for once, blamed once, and its sender not listened to', async () => {
    const { town, node, proposer, block } = await besieged();
    await node.receive(town.signProposal(proposer, block));
    const alien = Uint8Array.of(1);
    const body = { ...block.body, transactions: [alien] };
    const compact = compactBody(block.header, body, [keccak256(alien)]);
    const bodyRoot = compactBodyCodec.root(compact);
    const { height } = compact;
    for (let i = 0; i < 50; i++) {
      await node.receive({ kind: 'compactBlock', compactBlock: { header: block.header, body: compact } }, 7);
    }
    assert.equal(wanted(node, 'wantTransactions'), 1);
    for (let i = 0; i < 50; i++) {
      await node.receive(
        { kind: 'transactions', transactions: { height, bodyRoot, transactions: [Uint8Array.of(2)] } },
        7,
      );
    }
    assert.deepEqual(blames(node), ['BLOCK_TRANSACTIONS_FOREIGN']);
    await node.receive(
      { kind: 'compactBlock', compactBlock: { header: block.header, body: compactOf(block) } },
      7,
    );
    assert.equal(node.vote(PREVOTE, block.header.height), undefined);
    await node.receive(
      { kind: 'compactBlock', compactBlock: { header: block.header, body: compactOf(block) } },
      8,
    );
    assert.ok(node.vote(PREVOTE, block.header.height));
  });

  test('proposal and block of the next height that come early are taken when it begins', async () => {
    const town = await Town.create(4);
    await town.openAll();
    const late = town.node(0);
    await town.runTo(2);
    const { deliver } = town;
    town.deliver = (parcel, to) => (to === 0 && parcel.message.kind === 'commit' ? [] : deliver(parcel, to));
    const others = town.nodes.slice(1);
    await town.runTo(3, others);
    late.sent.length = 0;
    town.deliver = deliver;
    await town.runTo(6);
    assert.deepEqual(late.stops, []);
    assert.deepEqual(late.blamed, []);
  });
});

describe('proofs from outside', () => {
  test('what is wrong with a commit is blamed', async () => {
    const { town, node, block } = await besieged();
    const good = commitFor(town, block, [0, 1, 2, 3]);
    const { commit, extensions } = good;
    const bad: readonly [string, ExtendedCommit][] = [
      [
        'COMMIT_BITMAP_LENGTH',
        { commit: { ...commit, signers: BitArray.fromBoolArray([true]) }, extensions },
      ],
      ['COMMIT_SIGNATURE', { commit: { ...commit, signature: new Uint8Array(96).fill(1) }, extensions }],
      ['COMMIT_NIL', { commit: { ...commit, blockId: NIL_BLOCK_ID }, extensions }],
      ['COMMIT_POWER', commitFor(town, block, [0, 1])],
      ['EXTENDED_COMMIT_COUNT', { commit, extensions: extensions.slice(1) }],
      [
        'EXTENDED_COMMIT_SIGNATURE',
        { commit, extensions: extensions.map((one) => ({ ...one, signature: new Uint8Array(96) })) },
      ],
    ];
    for (const [index, [code, forged]] of bad.entries()) {
      await node.receive({ kind: 'commit', commit: forged }, 100 + index);
      assert.equal(blames(node).at(-1), code);
    }
    await node.receive({ kind: 'commit', commit: good }, 200);
    await node.receive({ kind: 'block', block }, 200);
    assert.equal(node.height, block.header.height);
    assert.deepEqual(node.stops, []);
  });

  test('what is wrong with a polka is blamed', async () => {
    const { town, node, block } = await besieged();
    const payload = { height: block.header.height, round: 0, blockId: blockId(block.header) };
    const polka = certificate(town, PREVOTE, payload, [0, 1, 2]);
    const bad: readonly [string, Polka][] = [
      ['POLKA_POWER', certificate(town, PREVOTE, payload, [0, 1])],
      ['POLKA_SIGNATURE', { ...polka, round: 5 }],
      ['POLKA_SIGNATURE', certificate(town, PRECOMMIT, payload, [0, 1, 2])],
      ['COMMIT_BITMAP_LENGTH', { ...polka, signers: BitArray.fromBoolArray([]) }],
    ];
    for (const [index, [code, forged]] of bad.entries()) {
      await node.receive({ kind: 'polka', polka: forged }, 100 + index);
      assert.equal(blames(node).at(-1), code);
    }
    await node.receive({ kind: 'polka', polka }, 200);
    assert.equal(blames(node).length, bad.length);
  });

  test('a peer whose proof does not hold makes nobody verify another one for a while', async () => {
    const { town, node, block } = await besieged();
    const { commit, extensions } = commitFor(town, block, [0, 1, 2]);
    const forged = { ...commit, signature: new Uint8Array(96) };
    for (let i = 0; i < 500; i++)
      await node.receive({ kind: 'commit', commit: { commit: forged, extensions } }, 7);
    assert.deepEqual(blames(node), ['COMMIT_SIGNATURE']);
    town.clock.nowMs += 10_000;
    await node.receive({ kind: 'commit', commit: { commit: forged, extensions } }, 7);
    assert.equal(blames(node).length, 2);
  });

  test('evidence is blamed where it is forged, and ignored where it is of no use', async () => {
    const { town, node } = await besieged();
    const of = (height: number, index = 3): Evidence => {
      const [one, two] = [1, 2].map((fill) =>
        town.signVote(index, PREVOTE, { height, round: 9, blockId: new Uint8Array(32).fill(fill) }),
      );
      const evidence = one && two && duplicateVote(one.vote, two.vote);
      assert.ok(evidence);
      return evidence;
    };
    await node.receive({ kind: 'evidence', evidence: of(10_000) });
    assert.deepEqual(blames(node), [], 'of heights to come');
    const good = of(2);
    const { first, second } = good.value as { first: Vote; second: Vote };
    const cases: readonly [string | undefined, Evidence][] = [
      [
        'EVIDENCE_SIGNATURE',
        { selector: 1, value: { first, second: { ...second, signature: first.signature } } },
      ],
      ['EVIDENCE_ORDER', { selector: 1, value: { first: second, second: first } }],
      ['EVIDENCE_PAYLOADS_EQUAL', { selector: 1, value: { first, second: first } }],
      ['EVIDENCE_VOTE_KIND', { selector: 1, value: { first: { ...first, kind: PRECOMMIT }, second } }],
    ];
    for (const [index, [code, evidence]] of cases.entries()) {
      await node.receive({ kind: 'evidence', evidence }, 100 + index);
      assert.equal(blames(node).at(-1), code);
    }
    const stranger = { ...first, validator: new Uint8Array(20) };
    const nobody: Evidence = {
      selector: 1,
      value: { first: stranger, second: { ...second, validator: stranger.validator } },
    };
    await node.receive({ kind: 'evidence', evidence: nobody }, 300);
    assert.equal(blames(node).length, cases.length);
  });
});

describe('floods', () => {
  test('final blocks are given by their id, few at a time, and no block twice', async () => {
    const { town, node } = await besieged();
    for (let i = 0; i < 5_000; i++) {
      const id = createPrng(i).bytes(32);
      node.participant.receive('7', {
        kind: 'wantBlock',
        wantBlock: { height: 1 + (i % 3), blockId: id },
      });
    }
    assert.equal(node.sent.length, 0, 'another block is no answer');
    const [first] = node.finals;
    assert.ok(first);
    const wantBlock = { height: 1, blockId: first.local.id };
    for (let i = 0; i < 100; i++) node.participant.receive('8', { kind: 'wantBlock', wantBlock });
    assert.equal(wanted(node, 'block'), 1);
    for (let i = 0; i < 5_000; i++)
      node.participant.receive('9', { kind: 'wantCommit', wantCommit: { height: i } });
    assert.equal(wanted(node, 'commit'), 3);
    town.clock.nowMs += 1_000;
    node.participant.receive('9', { kind: 'wantCommit', wantCommit: { height: 2 } });
    assert.equal(wanted(node, 'commit'), 4);
  });

  test('transactions of a body and open blocks are given few at a time, and none twice', async () => {
    const { town, node, proposer, block } = await besieged();
    await node.receive(town.signProposal(proposer, block));
    await node.receive({ kind: 'block', block }, proposer);
    const { height } = block.header;
    const wantBlock: Message = { kind: 'wantBlock', wantBlock: { height, blockId: blockId(block.header) } };
    for (let i = 0; i < 100; i++) node.participant.receive('8', wantBlock);
    assert.equal(wanted(node, 'compactBlock'), 1);
    const request = (bodyRoot: Uint8Array): Message => ({
      kind: 'wantTransactions',
      wantTransactions: { height, bodyRoot, places: BitArray.fromBoolArray([]) },
    });
    const own = request(compactBodyCodec.root(compactOf(block)));
    for (let i = 0; i < 100; i++) node.participant.receive('8', own);
    assert.equal(wanted(node, 'transactions'), 1);
    for (let i = 0; i < 16; i++) node.participant.receive('9', request(createPrng(i).bytes(32)));
    node.participant.receive('9', own);
    node.participant.receive('9', wantBlock);
    assert.deepEqual([wanted(node, 'transactions'), wanted(node, 'compactBlock')], [1, 1]);
    town.clock.nowMs += 1_000;
    node.participant.receive('9', own);
    assert.equal(wanted(node, 'transactions'), 2);
  });

  test('a list of old votes is answered as little as one', async () => {
    const { node, town } = await besieged();
    town.clock.nowMs += 1_000;
    const votes = Array.from({ length: 1_000 }, (_, i) =>
      town.signVote(3, PREVOTE, { height: 1 + (i % 3), round: i, blockId: NIL_BLOCK_ID }),
    );
    await node.receive({ kind: 'votes', votes });
    assert.ok(wanted(node, 'commit') <= 3, `${wanted(node, 'commit')} commits`);
  });

  test('of votes for ever later rounds a validator is given a few in a second, and later ones when they come again', async () => {
    const { node, town, block } = await besieged();
    const { height } = block.header;
    const name = toHex(town.validator(3).id);
    const voteIn = (round: number): Message => ({
      kind: 'vote',
      vote: town.signVote(3, PREVOTE, { height, round, blockId: NIL_BLOCK_ID }),
    });
    const last = 1_000;
    for (let round = 2; round <= last; round++) await node.receive(voteIn(round));
    const votes = (): VoteKeeper<EngineVote> | undefined => node.participant.engine.current?.driver.votes;
    assert.equal(votes()?.has('prevote', 9, name), true);
    assert.equal(votes()?.has('prevote', last, name), false, 'what is taken in fills the log');
    await node.receive({
      kind: 'vote',
      vote: town.signVote(1, PREVOTE, { height, round: last, blockId: NIL_BLOCK_ID }),
    });
    assert.equal(votes()?.has('prevote', last, toHex(town.validator(1).id)), true, 'nobody else is held up');
    town.clock.nowMs += 1_000;
    await node.receive(voteIn(last));
    assert.equal(votes()?.has('prevote', last, name), true);
    assert.deepEqual(node.blamed, []);
  });

  test('votes of strangers, of no round, with foreign or missing extensions are blamed one by one', async () => {
    const { town, node, block } = await besieged();
    const payload = { height: block.header.height, round: 0, blockId: blockId(block.header) };
    const good = town.signVote(3, PRECOMMIT, payload);
    const stranger = { ...good.vote, validator: new Uint8Array(20) };
    const votes = [
      { vote: stranger, extension: good.extension.map((one) => ({ ...one, validator: stranger.validator })) },
      { ...good, extension: [] },
      { ...good, vote: { ...good.vote, payload: { ...payload, round: 0xffff_ffff } } },
      { ...good, vote: { ...good.vote, signature: new Uint8Array(96) } },
      good,
      good,
    ];
    await node.receive({ kind: 'votes', votes });
    assert.deepEqual(blames(node).sort(), [
      'VOTE_EXTENSION_MISSING',
      'VOTE_EXTENSION_PLACE',
      'VOTE_SIGNATURE',
      'VOTE_STRANGER',
    ]);
  });

  test('whatever well-formed peers send, no node stops, throws or answers without end', async () => {
    const { town, node } = await besieged();
    const prng = createPrng(20_26);
    for (let i = 0; i < 1_500; i++) {
      node.participant.receive(String(prng.below(3_000)), anyMessage(prng));
      if (i % 100 === 0) {
        town.clock.nowMs += 50;
        await town.settle();
      }
    }
    await town.settle();
    assert.deepEqual(node.stops, []);
    assert.ok(node.sent.length < 400, `${node.sent.length} answers`);
  });
});

test('what is no canonical encoding is no message', () => {
  const good = encodeMessage({ kind: 'work', work: { height: 5 } });
  assert.throws(() => decodeMessage(new Uint8Array(0)), SszError);
  assert.throws(() => decodeMessage(Uint8Array.of(14, ...good.subarray(1))), SszError);
  assert.throws(() => decodeMessage(Uint8Array.of(...good, 0)), SszError);
  assert.throws(() => decodeMessage(good.subarray(0, -1)), SszError);
  assert.throws(
    () => decodeMessage(Uint8Array.of(6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)),
    SszError,
  );
});

function anyMessage(prng: ReturnType<typeof createPrng>): Message {
  const height = prng.pick([0, 1, 3, 4, 5, 6, 900, Number.MAX_SAFE_INTEGER]);
  const signed = (): { vote: ReturnType<typeof SAMPLES.vote>; extension: [] } => ({
    vote: { ...SAMPLES.vote(prng), payload: { ...SAMPLES.votePayload(prng), height } },
    extension: [],
  });
  const kinds: readonly (() => Message)[] = [
    () => ({
      kind: 'proposal',
      proposal: { proposal: SAMPLES.proposal(prng), header: SAMPLES.header(prng) },
    }),
    () => ({
      kind: 'block',
      block: { header: { ...SAMPLES.header(prng), height }, body: SAMPLES.body(prng) },
    }),
    () => ({ kind: 'vote', vote: signed() }),
    () => ({ kind: 'votes', votes: [signed(), signed()] }),
    () => ({ kind: 'polka', polka: { ...SAMPLES.commit(prng), height } }),
    () => ({
      kind: 'commit',
      commit: {
        commit: { ...SAMPLES.commit(prng), height },
        extensions: SAMPLES.extendedCommit(prng).extensions,
      },
    }),
    () => ({ kind: 'work', work: { height } }),
    () => ({ kind: 'evidence', evidence: SAMPLES.evidence(prng) }),
    () => ({ kind: 'wantBlock', wantBlock: { height, blockId: prng.bytes(32) } }),
    () => ({ kind: 'wantCommit', wantCommit: { height } }),
    () => {
      const { compactBody: body } = MESSAGE_SAMPLES.compactBody(prng);
      return { kind: 'compactBody', compactBody: { ...body, height } };
    },
    () => {
      const { header, body } = MESSAGE_SAMPLES.compactBlock(prng).compactBlock;
      const compactBlock = { header: { ...header, height }, body: { ...body, height } };
      return { kind: 'compactBlock', compactBlock };
    },
    () => MESSAGE_SAMPLES.wantTransactions(prng),
    () => MESSAGE_SAMPLES.transactions(prng),
  ];
  return prng.pick(kinds)();
}
