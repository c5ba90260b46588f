import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compactBody, type BlockPremise } from '../../../consensus/compact-block.js';
import type { Message } from '../../../consensus/messages.js';
import type { LocalBlock } from '../../../node/consensus/block-execution.js';
import type { TransactionSource } from '../../../node/consensus/surroundings.js';
import { toHex } from '../../../protocol/bytes.js';
import { keccak256 } from '../../../protocol/crypto/hash.js';
import type { Body } from '../../../protocol/types/body.js';
import { blockId, type Header } from '../../../protocol/types/header.js';
import { isNilBlockId, PREVOTE } from '../../../protocol/types/vote.js';
import type { SimulatedTransactions } from '../../sim/consensus/transactions.js';
import { Town, type HandNode } from '../../support/participants.js';

/** A node that has decided a block, and what the next proposer sends it. */
interface Scene {
  readonly town: Town;
  readonly judge: HandNode;
  readonly proposer: number;
  readonly good: LocalBlock;
  /** How many bodies the judge has begun to execute. */
  executions(): number;
}

async function scene(): Promise<Scene> {
  const town = await Town.create(4);
  let resolved = 0;
  const counted = (real: SimulatedTransactions): TransactionSource => ({
    get hasWork() {
      return real.hasWork;
    },
    onWork: undefined,
    select: (limits) => real.select(limits),
    find: (shortId) => real.find(shortId),
    resolve: (envelopes) => {
      resolved++;
      return real.resolve(envelopes);
    },
    onBlock: (hashes, changes) => {
      real.onBlock(hashes, changes);
    },
  });
  for (const node of town.nodes) await node.open({ transactions: counted });
  await town.runTo(1);
  town.deliver = () => [];
  await town.settle();
  const [first] = town.nodes;
  assert.ok(first);
  const { proposer, local: good } = town.proposalFor(first);
  const judge = town.nodes.find((node) => node.index !== proposer && node.height === 1);
  assert.ok(judge);
  resolved = 0;
  return { town, judge, proposer, good, executions: () => resolved };
}

function bodyMessage(premise: BlockPremise, body: Body): Message {
  return { kind: 'compactBody', compactBody: compactBody(premise, body, body.transactions.map(keccak256)) };
}

/** What the judge votes for: the id of a block, nil or nothing yet. */
function prevoted({ judge }: Scene): string | undefined {
  const vote = judge.vote(PREVOTE, 2)?.vote.payload.blockId;
  return vote && (isNilBlockId(vote) ? 'nil' : toHex(vote));
}

describe('a body that comes before its header', () => {
  test('is executed at once, and its block needs no second execution', async () => {
    const here = await scene();
    const { town, judge, proposer, good } = here;
    await judge.receive(bodyMessage(good.block.header, good.block.body), proposer);
    assert.equal(here.executions(), 1);
    assert.equal(prevoted(here), undefined);
    await judge.receive(town.signProposal(proposer, good.block), proposer);
    assert.equal(prevoted(here), toHex(good.id));
    assert.equal(here.executions(), 1);
    assert.deepEqual(judge.blamed, []);
  });

  test('is executed again where the header is of another moment', async () => {
    const here = await scene();
    const { town, judge, proposer, good } = here;
    const { header, body } = good.block;
    await judge.receive(bodyMessage({ ...header, timeMs: header.timeMs + 1 }, body), proposer);
    assert.equal(here.executions(), 1);
    await judge.receive(town.signProposal(proposer, good.block), proposer);
    assert.equal(prevoted(here), toHex(good.id));
    assert.equal(here.executions(), 2);
  });

  for (const change of [
    { stateRoot: new Uint8Array(32) },
    { gasUsed: 1 },
    { extraData: new Uint8Array(8) },
  ]) {
    test(`does not make a header true that lies about ${Object.keys(change).join()}`, async () => {
      const here = await scene();
      const { town, judge, proposer, good } = here;
      const header: Header = { ...good.block.header, ...change };
      await judge.receive(bodyMessage(header, good.block.body), proposer);
      await judge.receive(town.signProposal(proposer, { ...good.block, header }), proposer);
      const isLie = !('extraData' in change);
      assert.equal(prevoted(here), isLie ? 'nil' : toHex(blockId(header)));
      assert.deepEqual(judge.stops, []);
    });
  }

  test('is not executed for who is not drawn, has not revealed or comes second', async () => {
    const here = await scene();
    const { judge, proposer, good, town } = here;
    const { header, body } = good.block;
    const stranger = town.validator((proposer + 1) % 4).id;
    for (const lie of [
      { proposer: stranger },
      { beaconReveal: new Uint8Array(96).fill(7) },
      { round: 1 },
      { height: 1 },
      { height: 3 },
    ]) {
      await judge.receive(bodyMessage({ ...header, ...lie }, body), 9);
    }
    assert.equal(here.executions(), 0);
    await judge.receive(bodyMessage(header, body), proposer);
    await judge.receive(bodyMessage({ ...header, timeMs: header.timeMs + 1 }, body), 9);
    assert.equal(here.executions(), 1);
  });

  test('is looked at a few times only, and its block is judged all the same', async () => {
    const here = await scene();
    const { judge, proposer, good, town } = here;
    const { header, body } = good.block;
    for (let liar = 0; liar < 8; liar++) {
      const beaconReveal = new Uint8Array(96).fill(liar);
      await judge.receive(bodyMessage({ ...header, beaconReveal }, body), 10 + liar);
    }
    await judge.receive(bodyMessage(header, body), proposer);
    assert.equal(here.executions(), 0);
    await judge.receive(town.signProposal(proposer, good.block), proposer);
    assert.equal(prevoted(here), toHex(good.id));
  });

  test('stops nobody, whatever its transactions are', async () => {
    const here = await scene();
    const { judge, proposer, good } = here;
    const transactions = [Uint8Array.of(0xc1), new Uint8Array(70).fill(2)];
    const body = { ...good.block.body, transactions };
    await judge.receive(bodyMessage(good.block.header, body), proposer);
    const asked = judge.sent.map(({ message }) => message).find(({ kind }) => kind === 'wantTransactions');
    assert.ok(asked?.kind === 'wantTransactions');
    const { height, bodyRoot } = asked.wantTransactions;
    await judge.receive({ kind: 'transactions', transactions: { height, bodyRoot, transactions } }, proposer);
    assert.equal(here.executions(), 1);
    assert.deepEqual(judge.stops, []);
  });
});
