import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compactBody } from '../../../consensus/compact-block.js';
import { ConsensusEngine } from '../../../consensus/engine/engine.js';
import type { Input } from '../../../consensus/engine/input.js';
import { decodeMessage, encodeMessage, type Message } from '../../../consensus/messages.js';
import { toHex } from '../../../protocol/bytes.js';
import { keccak256 } from '../../../protocol/crypto/hash.js';
import type { OgpuError } from '../../../protocol/errors.js';
import { PRESETS } from '../../../protocol/presets.js';
import type { Block } from '../../../protocol/types/block.js';
import { bodyRoots } from '../../../protocol/types/body.js';
import { emptyCommit } from '../../../protocol/types/commit.js';
import { blockId } from '../../../protocol/types/header.js';
import { NO_ROUND } from '../../../protocol/types/proposal.js';
import { PREVOTE } from '../../../protocol/types/vote.js';
import type { NamedTransaction } from '../../../node/consensus/block-assembly.js';
import { BlockExchange } from '../../../node/consensus/block-exchange.js';
import { PeerBudget } from '../../../node/consensus/peer-budget.js';
import { createPrng } from '../../support/prng.js';
import { SAMPLES } from '../../support/samples.js';

const HEIGHT = 5;
const MEMBERS = [1, 2, 3, 4].map((byte) => new Uint8Array(20).fill(byte));
const [PROPOSER = new Uint8Array(20), VOTER = PROPOSER] = MEMBERS;

interface Sent {
  readonly to: string;
  readonly message: Message;
}

/** One end of an exchange, with what it sends, submits and complains about. */
class End {
  readonly sent: Sent[] = [];
  readonly submitted: Input[] = [];
  readonly blamed: string[] = [];
  /** Roots of bodies that were whole before their headers came, and where they belong. */
  readonly anticipated: { readonly height: number; readonly root: string }[] = [];
  readonly pool = new Map<string, NamedTransaction>();
  readonly engine = new ConsensusEngine(undefined);
  readonly budget = new PeerBudget({ most: 64, windowMs: 300, silenceMs: 0 });
  readonly exchange: BlockExchange;
  readonly underway = new Set<string>();
  nowMs = 0;

  constructor() {
    const send = (to: string, message: Message): void => {
      this.sent.push({ to, message: decodeMessage(encodeMessage(message)) });
    };
    this.exchange = new BlockExchange({
      engine: this.engine,
      network: {
        broadcast: (message) => {
          send('all', message);
        },
        send,
        sendToValidator: (id, message) => {
          send(toHex(id), message);
        },
        blame: () => assert.fail('the inbox blames'),
      },
      isUnderway: (name) => this.underway.has(name),
      mayCheck: (peer, thing) => this.budget.spend(peer, thing, this.nowMs),
      reject: (_peer, error: OgpuError) => {
        this.blamed.push(error.code);
      },
      submit: (input) => {
        this.submitted.push(input);
      },
      finalBlock: () => undefined,
      anticipate: ({ height }, { roots }) => {
        this.anticipated.push({ height, root: toHex(roots.transactionsRoot) });
      },
      findTransaction: (shortId) => this.pool.get(toHex(shortId)),
    });
    this.exchange.open(HEIGHT);
    const { params } = PRESETS.devnet;
    this.handle({
      kind: 'start',
      context: {
        height: HEIGHT,
        validators: MEMBERS.map((id) => ({ id, blsPublicKey: new Uint8Array(48), votingPower: 1 })),
        params: params.consensus,
        proposerOf: () => PROPOSER,
      },
    });
  }

  handle(input: Input): void {
    const effects = this.engine.handle(input);
    while (effects.next().done !== true);
  }

  knows(transactions: readonly Uint8Array[]): void {
    for (const bytes of transactions) {
      const hash = keccak256(bytes);
      this.pool.set(toHex(hash.subarray(0, 12)), { bytes, hash });
    }
  }

  /** Takes everything another end has sent, as from `peer`. */
  hear(peer: string, { sent }: End): void {
    for (const { message } of sent.splice(0)) this.receive(peer, message);
  }

  receive(peer: string, message: Message): void {
    switch (message.kind) {
      case 'block':
      case 'compactBody':
      case 'compactBlock':
      case 'transactions':
      case 'wantBlock':
      case 'wantTransactions':
        this.exchange.receive(peer, message);
        return;
      default:
        assert.fail(`an exchange does not send ${message.kind}`);
    }
  }

  /** The only block that has come out. */
  result(): Block | undefined {
    assert.ok(this.submitted.length <= 1, 'a block comes out once');
    const [input] = this.submitted;
    return input?.kind === 'block' ? input.block : undefined;
  }
}

function sampleBlock(seed: number): { block: Block; hashes: Uint8Array[] } {
  const prng = createPrng(seed);
  const transactions = Array.from({ length: 20 }, () => prng.bytes(60));
  const body = { transactions, evidence: [], parentCommit: emptyCommit(), parentExtensions: [] };
  const hashes = transactions.map(keccak256);
  const places = { height: HEIGHT, round: 0, proposer: PROPOSER };
  return {
    block: { header: { ...SAMPLES.header(prng), ...places, ...bodyRoots(body, hashes) }, body },
    hashes,
  };
}

function proposalOf({ header }: Block): Parameters<BlockExchange['propose']>[0] {
  const payload = { height: HEIGHT, round: 0, validRound: NO_ROUND, blockId: blockId(header) };
  return { proposal: { payload, proposer: PROPOSER, signature: new Uint8Array(96) }, header };
}

describe('blocks between validators', () => {
  const { block, hashes } = sampleBlock(1);
  const { transactions } = block.body;

  for (const isBodyFirst of [true, false]) {
    test(`a body comes out of the pool, ${isBodyFirst ? 'before' : 'after'} its proposal`, () => {
      const [proposer, receiver] = [new End(), new End()];
      receiver.knows(transactions);
      proposer.exchange.shareBody(block.header, block.body, hashes);
      if (!isBodyFirst) receiver.exchange.propose(proposalOf(block));
      receiver.hear('1', proposer);
      if (isBodyFirst) {
        assert.equal(receiver.result(), undefined, 'nothing comes out before a header is proposed');
        const root = toHex(block.header.transactionsRoot);
        assert.deepEqual(receiver.anticipated, [{ height: HEIGHT, root }], 'but it can be executed');
        receiver.exchange.propose(proposalOf(block));
      }
      assert.deepEqual(receiver.result(), block);
      assert.equal(receiver.anticipated.length, isBodyFirst ? 1 : 0);
      assert.deepEqual(receiver.sent, [], 'nothing was missing');
    });
  }

  test('what is missing is asked for by place, while the proposer executes', () => {
    const [proposer, receiver] = [new End(), new End()];
    receiver.knows(transactions.filter((_, place) => place % 5 !== 0));
    proposer.exchange.shareBody(block.header, block.body, hashes);
    receiver.hear('1', proposer);
    const [asked] = receiver.sent;
    assert.ok(asked?.message.kind === 'wantTransactions' && asked.to === '1');
    assert.equal(asked.message.wantTransactions.places.getTrueBitIndexes().length, 4);
    proposer.hear('2', receiver);
    const [answer] = proposer.sent;
    assert.ok(answer?.message.kind === 'transactions' && answer.to === '2');
    assert.equal(answer.message.transactions.transactions.length, 4);
    receiver.hear('1', proposer);
    receiver.exchange.propose(proposalOf(block));
    assert.deepEqual(receiver.result(), block);
  });

  test('a block that was shared as a body is not sent again, another is', () => {
    const proposer = new End();
    proposer.exchange.shareBody(block.header, block.body, hashes);
    proposer.exchange.shareBlock(block, hashes);
    assert.deepEqual(
      proposer.sent.map(({ message }) => message.kind),
      ['compactBody'],
    );
    const other = sampleBlock(2);
    proposer.exchange.shareBlock(other.block, other.hashes);
    assert.equal(proposer.sent.at(-1)?.message.kind, 'compactBlock');
    const receiver = new End();
    receiver.knows(other.block.body.transactions);
    receiver.exchange.propose(proposalOf(other.block));
    receiver.hear('1', proposer);
    assert.equal(receiver.sent.length, 1, 'the first body is unknown and asked for');
    assert.deepEqual(receiver.result(), other.block);
  });

  test('a body that no proposal names stays inside', () => {
    const receiver = new End();
    const other = sampleBlock(2);
    receiver.knows([...transactions, ...other.block.body.transactions]);
    const body = compactBody(other.block.header, other.block.body, other.hashes);
    receiver.exchange.receive('1', { kind: 'compactBody', compactBody: body });
    receiver.exchange.propose(proposalOf(block));
    receiver.exchange.receive('1', { kind: 'compactBody', compactBody: { ...body, height: HEIGHT + 1 } });
    assert.equal(receiver.result(), undefined);
    assert.deepEqual(receiver.blamed, []);
  });

  test('answers that are not what was asked for are blamed, and nobody else can answer', () => {
    const receiver = new End();
    const compact = compactBody(block.header, block.body, hashes);
    receiver.exchange.receive('1', { kind: 'compactBody', compactBody: compact });
    const [asked] = receiver.sent;
    assert.ok(asked?.message.kind === 'wantTransactions');
    const { bodyRoot } = asked.message.wantTransactions;
    const answer = (told: Uint8Array[]): Message & { kind: 'transactions' } => ({
      kind: 'transactions',
      transactions: { height: HEIGHT, bodyRoot, transactions: told },
    });
    receiver.exchange.receive('2', answer(transactions));
    receiver.exchange.propose(proposalOf(block));
    assert.equal(receiver.result(), undefined);
    receiver.exchange.receive('1', answer(transactions.slice(1)));
    receiver.exchange.receive('1', answer(transactions.slice(1)));
    assert.deepEqual(receiver.blamed, ['BLOCK_TRANSACTIONS_FOREIGN'], 'one answer in a window is looked at');
    receiver.nowMs += 300;
    receiver.exchange.receive('1', answer([...transactions].reverse()));
    receiver.nowMs += 300;
    assert.deepEqual(receiver.blamed, ['BLOCK_TRANSACTIONS_FOREIGN', 'BLOCK_TRANSACTIONS_FOREIGN']);
    receiver.exchange.receive('1', answer(transactions));
    assert.deepEqual(receiver.result(), block);
  });

  test('a name taken for another transaction costs a round trip; a header of another body is blamed', () => {
    const [proposer, receiver] = [new End(), new End()];
    receiver.knows(transactions);
    const [first] = hashes;
    assert.ok(first);
    const twin = {
      bytes: new Uint8Array(9),
      hash: Uint8Array.from(first, (byte, i) => (i < 12 ? byte : ~byte)),
    };
    receiver.pool.set(toHex(first.subarray(0, 12)), twin);
    receiver.exchange.propose(proposalOf(block));
    proposer.exchange.shareBlock(block, hashes);
    receiver.hear('1', proposer);
    assert.equal(receiver.result(), undefined);
    proposer.hear('2', receiver);
    receiver.hear('1', proposer);
    assert.deepEqual(receiver.result(), block);

    const fooled = new End();
    const other = sampleBlock(2);
    const forged = { header: block.header, body: other.block.body };
    proposer.exchange.shareBlock(forged, other.hashes);
    for (let turn = 0; turn < 3; turn++) {
      fooled.hear('1', proposer);
      proposer.hear('2', fooled);
    }
    assert.equal(fooled.result(), undefined);
    assert.deepEqual(fooled.blamed, ['BLOCK_BODY_FOREIGN']);
  });

  test('one body of two rounds comes out with the header of each', () => {
    const receiver = new End();
    receiver.knows(transactions);
    receiver.exchange.receive('1', {
      kind: 'compactBody',
      compactBody: compactBody(block.header, block.body, hashes),
    });
    receiver.exchange.propose(proposalOf(block));
    assert.deepEqual(receiver.result(), block);
    const again = { header: { ...block.header, timeMs: block.header.timeMs - 1 }, body: block.body };
    const id = toHex(blockId(block.header));
    receiver.underway.add(id);
    receiver.exchange.propose(proposalOf(again));
    assert.deepEqual(
      receiver.submitted.map((input) => input.kind === 'block' && input.block),
      [block, again],
    );
  });

  test('few bodies are put together at a time, one of each peer', () => {
    const receiver = new End();
    const compact = compactBody(block.header, block.body, hashes);
    for (let peer = 0; peer < 100; peer++) {
      receiver.exchange.receive(String(peer), { kind: 'compactBody', compactBody: compact });
    }
    const [asked] = receiver.sent;
    assert.ok(asked?.message.kind === 'wantTransactions');
    const { bodyRoot } = asked.message.wantTransactions;
    receiver.exchange.propose(proposalOf(block));
    const answer: Message & { kind: 'transactions' } = {
      kind: 'transactions',
      transactions: { height: HEIGHT, bodyRoot, transactions },
    };
    receiver.exchange.receive('0', answer);
    assert.equal(receiver.result(), undefined, 'the oldest was forgotten');
    receiver.exchange.receive('99', answer);
    assert.deepEqual(receiver.result(), block);
  });

  test('a missing block is asked of its proposer and of who has voted for it, in turns, at last of everybody', () => {
    const asking = new End();
    const id = blockId(block.header);
    asking.handle({ kind: 'proposal', proposal: proposalOf(block), receivedMs: block.header.timeMs });
    const payload = { height: HEIGHT, round: 0, blockId: id };
    const vote = { kind: PREVOTE, payload, validator: VOTER, signature: new Uint8Array(96) };
    asking.handle({ kind: 'vote', vote: { vote, extension: [] } });
    for (let attempt = 0; attempt < 4; attempt++) asking.exchange.fetch(HEIGHT, id);
    const asked = asking.sent.map(({ to }) => to);
    const pair = [toHex(PROPOSER), toHex(VOTER)];
    assert.deepEqual(asked, [...pair, ...pair, ...pair, 'all']);
  });

  test('who has a block that is open gives it with names', () => {
    const [giver, receiver] = [new End(), new End()];
    giver.handle({ kind: 'proposal', proposal: proposalOf(block), receivedMs: block.header.timeMs });
    giver.handle({ kind: 'block', id: blockId(block.header), block });
    receiver.exchange.propose(proposalOf(block));
    receiver.exchange.fetch(HEIGHT, blockId(block.header));
    giver.hear('2', receiver);
    assert.equal(giver.sent[0]?.message.kind, 'compactBlock');
    receiver.hear('1', giver);
    giver.hear('2', receiver);
    receiver.hear('1', giver);
    assert.deepEqual(receiver.result(), block);
  });
});
