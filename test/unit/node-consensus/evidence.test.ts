import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Message } from '../../../consensus/messages.js';
import { readTip } from '../../../node/consensus/chain-tip.js';
import { bytesEqual, toHex } from '../../../protocol/bytes.js';
import { PRECOMMIT, PREVOTE } from '../../../protocol/types/vote.js';
import { readAccount } from '../../../state/accounts/account.js';
import { validators } from '../../../state/staking/validator.js';
import { Town, type HandNode } from '../../support/participants.js';

/** Adds a contradiction to the first message of a kind that a validator sends, and tells whether that has happened. */
function contradict(town: Town, culprit: number, kind: 'proposal' | 'vote' | 'extension'): () => boolean {
  let crime: Message | undefined;
  town.deliver = ({ from, message }, to) => {
    if (from === culprit && crime === undefined) crime = otherOf(town, culprit, kind, message);
    return from === culprit && crime !== undefined && to === (culprit + 1) % town.nodes.length
      ? [message, crime]
      : [message];
  };
  return () => crime !== undefined;
}

function otherOf(town: Town, culprit: number, kind: string, message: Message): Message | undefined {
  if (kind === 'proposal' && message.kind === 'proposal') {
    const { header } = message.proposal;
    const other = { ...header, extraData: Uint8Array.of(1) };
    const body = { transactions: [], evidence: [], parentCommit: undefined as never, parentExtensions: [] };
    return town.signProposal(culprit, { header: other, body });
  }
  if (message.kind !== 'vote' || !bytesEqual(message.vote.vote.validator, town.validator(culprit).id)) {
    return undefined;
  }
  const { vote, extension } = message.vote;
  if (kind === 'vote' && vote.kind === PREVOTE) {
    const payload = { ...vote.payload, blockId: new Uint8Array(32).fill(3) };
    return { kind: 'vote', vote: town.signVote(culprit, PREVOTE, payload) };
  }
  if (kind === 'extension' && vote.kind === PRECOMMIT && extension.length > 0) {
    return { kind: 'vote', vote: town.signVote(culprit, PRECOMMIT, vote.payload, Uint8Array.of(9)) };
  }
  return undefined;
}

function isTombstoned(node: HandNode, id: Uint8Array): boolean {
  return validators.read(node.store, id).tombstone.length > 0;
}

describe('a contradiction', () => {
  for (const kind of ['proposal', 'vote', 'extension'] as const) {
    test(`of one ${kind}: two messages at one node end in the ledger of all`, async () => {
      const town = await Town.create(5);
      await town.openAll();
      await town.runTo(1);
      const culprit = 2;
      const { id, stakeWei } = town.validator(culprit);
      const honest = town.nodes.filter(({ index }) => index !== culprit);
      const hasHappened = contradict(town, culprit, kind);
      await town.runUntil(() => hasHappened() && honest.every((node) => isTombstoned(node, id)));
      const told = honest.flatMap(({ sent }) => sent).filter(({ message }) => message.kind === 'evidence');
      assert.ok(told.length > 0, 'peers are told');
      const height = Math.max(...honest.map((node) => node.height));
      await town.runTo(height + 3, honest);
      const [node] = honest;
      assert.ok(node);
      const holding = node.finals.filter(({ local }) => local.block.body.evidence.length > 0);
      assert.equal(holding.length, 1, 'one punishment');
      const finder = holding[0]?.local.block.header.proposer;
      const isOwn = finder === undefined || bytesEqual(finder, id);
      if (!isOwn) {
        const [before, after] = [town.chain.store, node.store].map((store) => readAccount(store, finder));
        assert.ok((after?.balanceWei ?? 0n) > (before?.balanceWei ?? 0n), 'who found it is paid');
      }
      assert.ok(validators.read(node.store, id).pool.tokensWei < stakeWei, 'stake is slashed');
      assert.ok(node.participant.tip.committee.indexOf(id) === undefined, 'out of the set');
      const roots = new Set(honest.map(({ finals }) => toHex(finals[height]?.local.id ?? new Uint8Array(0))));
      assert.equal(roots.size, 1);
      for (const { stops, blamed } of honest) {
        assert.deepEqual(stops, []);
        assert.deepEqual(blamed, []);
      }
    });
  }

  test('outlasts a loss of power of the only one who knows it, and is dropped once it is punished', async () => {
    const town = await Town.create(5);
    await town.openAll();
    await town.runTo(1);
    const [node, culprit] = [town.node(0), 3];
    const { id } = town.validator(culprit);
    town.deliver = () => [];
    for (const fill of [1, 2]) {
      const payload = { height: node.height + 1, round: 0, blockId: new Uint8Array(32).fill(fill) };
      await node.receive({ kind: 'vote', vote: town.signVote(culprit, PREVOTE, payload) });
    }
    await town.settle();
    assert.deepEqual(await saved(node), [`${toHex(id)}.evidence`]);
    await node.restart();
    // What it tells others is lost: it must propose the piece itself.
    town.deliver = ({ message }) => (message.kind === 'evidence' ? [] : [message]);
    await town.runUntil(() => isTombstoned(node, id));
    await town.settle();
    assert.deepEqual(await saved(node), []);
    assert.deepEqual(node.stops, []);
    assert.deepEqual(node.warnings, []);
  });

  test('on a damaged disk is lost, and nothing else is', async () => {
    const town = await Town.create(4);
    const node = town.node(0);
    const { folder, unlock } = node.disk.openFolder('evidence');
    await folder.writeFile(`${'ab'.repeat(20)}.evidence`, Uint8Array.of(7, 7, 7));
    await unlock();
    await town.openAll();
    await town.runTo(2);
    assert.deepEqual(
      node.warnings.map(({ code }) => code),
      ['EVIDENCE_FILE_CORRUPT'],
    );
    assert.deepEqual(await saved(node), []);
  });

  test('of two validators in a row: the set changes twice, and a restart reads every committee', async () => {
    const town = await Town.create(7);
    await town.openAll();
    await town.runTo(1);
    const node = town.node(0);
    const changed: number[] = [];
    for (const culprit of [5, 6]) {
      const { id } = town.validator(culprit);
      const { height } = node;
      const votes = [1, 2].map((fill) =>
        town.signVote(culprit, PREVOTE, { height, round: 7, blockId: new Uint8Array(32).fill(fill) }),
      );
      for (const vote of votes) await node.receive({ kind: 'vote', vote });
      const open = votes.map(({ vote }) => ({
        ...vote,
        payload: { ...vote.payload, height: height + 1 },
      }));
      for (const { payload } of open) {
        await node.receive({ kind: 'vote', vote: town.signVote(culprit, PREVOTE, payload) });
      }
      await town.runUntil(() => isTombstoned(node, id));
      changed.push(node.height);
      await assertTipIsRead(town, node);
    }
    for (let more = 0; more < 4; more++) {
      await town.runTo(node.height + 1, [node]);
      await assertTipIsRead(town, node);
    }
    await node.restart();
    await town.runTo(node.height + 3, town.nodes.slice(0, 5));
    assert.deepEqual(node.stops, []);
    assert.equal(node.participant.tip.committee.set.length, 5);
    assert.ok(changed.length === 2 && (changed[1] ?? 0) - (changed[0] ?? 0) <= 2, changed.join());
  });
});

function saved(node: HandNode): Promise<readonly string[]> {
  return node.evidenceFolder.list();
}

async function assertTipIsRead(town: Town, node: HandNode): Promise<void> {
  const { tip } = node.participant;
  const read = await readTip(node.store, town.chain.bls);
  for (const name of ['committee', 'parentCommittee', 'grandparentCommittee'] as const) {
    assert.equal(read[name] && toHex(read[name].hash), tip[name] && toHex(tip[name].hash), name);
  }
}
