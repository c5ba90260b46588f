import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DiskError } from '../../../consensus/disk/disk.js';
import { readTip } from '../../../node/consensus/chain-tip.js';
import type { RecoveredTransaction } from '../../../node/mempool/entry.js';
import { bytesEqual, toHex } from '../../../protocol/bytes.js';
import { PRECOMMIT, PREVOTE } from '../../../protocol/types/vote.js';
import { StoreError } from '../../../state/store/errors.js';
import { nextTick } from '../../support/next-tick.js';
import { Town, type HandNode } from '../../support/participants.js';

function healthy(nodes: readonly HandNode[]): void {
  for (const { stops, blamed } of nodes) {
    assert.deepEqual(stops, []);
    assert.deepEqual(blamed, []);
  }
}

function cutOff(town: Town, victim: HandNode): void {
  town.deliver = ({ from, message }, to) => (from === victim.index || to === victim.index ? [] : [message]);
}

function reconnect(town: Town): void {
  town.deliver = ({ message }) => [message];
}

describe('a node that is behind', () => {
  for (const heights of [1, 2, 12]) {
    test(`by ${heights} catches up by commits and votes again`, async () => {
      const town = await Town.create(4);
      await town.openAll();
      await town.runTo(2);
      const victim = town.node(2);
      cutOff(town, victim);
      const others = town.nodes.filter((node) => node !== victim);
      const start = victim.height;
      await town.runTo(start + heights, others);
      assert.ok(victim.height < start + heights);
      reconnect(town);
      await town.runUntil(() => town.nodes.every(({ height }) => height >= start + heights + 2));
      healthy(town.nodes);
      const { height } = victim.participant.tip.parent;
      await town.runTo(height + 3);
      assert.ok(victim.vote(PRECOMMIT, height + 3), 'it votes again');
    });
  }

  test('a watcher without a key follows, and signs nothing', async () => {
    const town = await Town.create(4);
    const [watcher, ...others] = town.nodes;
    assert.ok(watcher);
    for (const node of others) await node.open();
    await watcher.open({ isWatcher: true });
    await town.runTo(4);
    healthy(town.nodes);
    assert.ok(watcher.sent.every(({ message }) => message.kind !== 'vote' && message.kind !== 'proposal'));
  });
});

describe('a restart', () => {
  test('at every height reads the tip that was left, and goes on', async () => {
    const town = await Town.create(4);
    await town.openAll();
    for (let height = 0; height <= 4; height++) {
      await town.runTo(height);
      const node = town.node(height % 4);
      const { tip } = node.participant;
      const read = await readTip(node.store, town.chain.bls);
      assert.deepEqual(read.parent, tip.parent);
      assert.deepEqual(read.previousBeacon, tip.previousBeacon);
      assert.deepEqual(read.commit?.commit.blockId, tip.commit?.commit.blockId);
      for (const name of ['committee', 'parentCommittee', 'grandparentCommittee'] as const) {
        assert.equal(read[name] && toHex(read[name].hash), tip[name] && toHex(tip[name].hash), name);
      }
      await node.restart();
    }
    await town.runTo(7);
    healthy(town.nodes);
  });

  test('in the middle of a height says nothing else than before', async () => {
    const town = await Town.create(4);
    await town.openAll();
    await town.runTo(2);
    const node = town.node(1);
    const height = node.height + 1;
    await town.runUntil(() => node.vote(PREVOTE, height) !== undefined);
    const before = node.vote(PREVOTE, height);
    node.sent.length = 0;
    await node.restart();
    await town.runTo(height + 2);
    const after = node.vote(PREVOTE, height);
    if (before?.vote.payload.round === after?.vote.payload.round) assert.deepEqual(after, before);
    healthy(town.nodes);
    assert.ok(town.nodes.every(({ sent }) => sent.every(({ message }) => message.kind !== 'evidence')));
  });
});

describe('own trouble', () => {
  test('a store that cannot write stops the node, and it signs nothing after that', async () => {
    const town = await Town.create(4);
    await town.openAll();
    await town.runTo(1);
    const node = town.node(3);
    node.store.isFull = true;
    await town.runUntil(() => node.stops.length > 0);
    assert.ok(node.stops[0] instanceof StoreError);
    const sent = node.sent.length;
    await town.runTo(4, town.nodes.slice(0, 3));
    assert.equal(node.stops.length, 1);
    assert.equal(node.sent.length, sent);
  });

  test('a store that cannot read stops the node, and blames nobody', async () => {
    const town = await Town.create(4);
    await town.openAll();
    await town.runTo(2);
    const node = town.node(3);
    node.store.get = () => {
      throw new StoreError('STORE_READ_FAILED', 'the disk is gone');
    };
    await node.receive({ kind: 'wantCommit', wantCommit: { height: 1 } });
    assert.equal(node.stops.length, 1);
    assert.ok(node.stops[0] instanceof StoreError);
    assert.deepEqual(node.blamed, []);
  });

  test('a log that cannot be written stops the node before it signs', async () => {
    const town = await Town.create(4);
    await town.openAll();
    await town.runTo(1);
    const node = town.node(3);
    node.disk.capacityBytes = 0;
    const votes = node.sent.filter(({ message }) => message.kind === 'vote').length;
    await town.runUntil(() => node.stops.length > 0);
    assert.ok(node.stops[0] instanceof DiskError);
    await town.runTo(3, town.nodes.slice(0, 3));
    assert.equal(node.stops.length, 1);
    const after = node.sent.filter(({ message }) => message.kind === 'vote').length;
    assert.ok(after - votes <= 1, 'only what was signed before');
  });
});

describe('what takes long', () => {
  test('a block that is still being checked when another one is decided is dropped', async () => {
    const town = await Town.create(4);
    const node = town.node(0);
    const held: (() => void)[] = [];
    let isHeld = false;
    await node.open({
      transactions: (real) => ({
        get hasWork() {
          return real.hasWork;
        },
        get onWork() {
          return real.onWork;
        },
        set onWork(run) {
          real.onWork = run;
        },
        select: (limits) => real.select(limits),
        find: (shortId) => real.find(shortId),
        onBlock: (hashes, changes) => real.onBlock(hashes, changes),
        resolve: async (envelopes): Promise<readonly RecoveredTransaction[]> => {
          if (isHeld) {
            isHeld = false;
            await new Promise<void>((resolve) => held.push(resolve));
          }
          return real.resolve(envelopes);
        },
      }),
    });
    for (const other of town.nodes.slice(1)) await other.open();
    await town.runTo(2);
    // The first block of the height is held up here; the others, not hearing of it, decide another one.
    const height = node.height + 1;
    isHeld = true;
    let hidden: number | undefined;
    town.deliver = ({ from, message }, to) => {
      if (message.kind === 'proposal' && message.proposal.header.height === height) hidden ??= from;
      const isHidden = from === hidden && to !== 0 && node.height < height;
      return isHidden ? [] : [message];
    };
    await town.runUntil(() => node.height >= height || held.length > 0);
    await town.runTo(height);
    assert.equal(held.length, 1, 'one was held');
    const warned = node.warnings.length;
    for (const release of held) release();
    await nextTick();
    healthy(town.nodes);
    assert.equal(node.warnings.length, warned);
    reconnect(town);
    await town.runTo(height + 2);
    healthy(town.nodes);
  });

  test('closing waits for what is in progress, closes the log, and is no failure', async () => {
    const town = await Town.create(4);
    await town.openAll();
    await town.runTo(2);
    for (const node of town.nodes) {
      await node.participant.close();
      const { size } = town.clock.timers;
      node.participant.receive('1', { kind: 'work', work: { height: node.height + 1 } });
      node.transactions.onWork?.();
      await nextTick();
      assert.equal(town.clock.timers.size, size);
      assert.deepEqual(node.stops, []);
    }
    assert.equal(town.clock.timers.size, 0, 'no alarm is left');
  });
});

test('commits have the signatures of those who were slow', async () => {
  const town = await Town.create(4);
  await town.openAll();
  await town.runTo(1);
  const slow = town.node(2);
  slow.extension = Uint8Array.of(1, 2, 3);
  const kept: (() => void)[] = [];
  town.deliver = ({ from, message }, to) => {
    const isSlow = from === slow.index && message.kind === 'vote' && message.vote.vote.kind === PRECOMMIT;
    if (!isSlow) return [message];
    kept.push(() => town.node(to).participant.receive(String(from), message));
    return [];
  };
  const others = town.nodes.filter((node) => node !== slow);
  const height = Math.max(...town.nodes.map((node) => node.height)) + 1;
  await town.runTo(height, others);
  for (const hand of kept.splice(0)) hand();
  await town.runTo(height + 2);
  const [other] = others;
  const blocks = other?.finals.map(({ local }) => local.block) ?? [];
  const said = blocks.flatMap(({ body }) => body.parentExtensions);
  const late = said.filter(
    ({ payload, validator }) => payload.height === height && bytesEqual(validator, slow.validator.id),
  );
  assert.equal(late.length, 1, 'its extension is in a block, once');
  healthy(town.nodes);
});

test('a chain that nobody went on with goes on at once, and then at its pace', async () => {
  const town = await Town.create(4);
  for (const node of town.nodes) await node.open({ resumesAtOnce: true });
  const { blockIntervalIdleMs } = town.node(0).participant.tip.params.consensus;
  const startMs = town.clock.nowMs;
  await town.runTo(1);
  assert.ok(town.clock.nowMs - startMs < blockIntervalIdleMs / 2, 'the first block is overdue');
  const firstMs = town.clock.nowMs;
  await town.runTo(2);
  assert.ok(town.clock.nowMs - firstMs >= blockIntervalIdleMs, 'nothing hurries the second');
});
