import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FinalBlock } from '../../../p2p/chain-requests.js';
import type { Verdict } from '../../../p2p/gossip/judging.js';
import type { GossipHandlers } from '../../../p2p/gossip/gossip.js';
import { toHex } from '../../../protocol/bytes.js';
import { transactionBatchCodec } from '../../../p2p/gossip/transaction-batches.js';
import { createPrng } from '../../support/prng.js';
import { SAMPLES } from '../../support/samples.js';
import {
  connect,
  encodeRpc,
  eventually,
  Gathered,
  GOSSIP_PROTOCOL,
  RawPeer,
  startNode,
  TOPIC,
  type TestNode,
} from '../../support/p2p.js';

const LIMIT = { timeout: 60_000 };

interface GossipNode extends TestNode {
  readonly isFollower: boolean;
  readonly transactions: Gathered<readonly [peer: string, envelope: string]>;
  readonly blocks: Gathered<FinalBlock>;
}

async function startGossip(
  number: number,
  judge: () => Promise<Verdict> = () => Promise.resolve('accept'),
  { follows = true } = {},
): Promise<GossipNode> {
  const transactions = new Gathered<readonly [string, string]>();
  const blocks = new Gathered<FinalBlock>();
  const onBlock: GossipHandlers['onBlock'] = (_peer, block) => {
    blocks.add(block);
    return judge();
  };
  const node = await startNode(number, {
    gossip: {
      onTransactions: (peer, envelopes) => {
        for (const envelope of envelopes) transactions.add([peer, toHex(envelope)]);
        return judge();
      },
      ...(follows ? { onBlock } : {}),
    },
  });
  return { ...node, isFollower: follows, transactions, blocks };
}

test('transactions reach everybody once, over nodes in between', LIMIT, async () => {
  const nodes = await Promise.all([1, 2, 3, 4].map((number) => startGossip(number)));
  const [a, b, c, d] = nodes as [GossipNode, GossipNode, GossipNode, GossipNode];
  await connect(a, b);
  await connect(b, c);
  await connect(c, d);
  await subscribed(a, b, c, d);
  const prng = createPrng(1);
  const envelopes = Array.from({ length: 700 }, (_, i) => prng.bytes(100 + (i % 50)));
  for (let i = 0; i < 700; i += 7) a.network.publishTransactions(envelopes.slice(i, i + 7));
  for (const node of [b, c, d]) {
    const received = await node.transactions.count(700);
    assert.deepEqual(
      received.map(([, envelope]) => envelope).sort(),
      envelopes.map((envelope) => toHex(envelope)).sort(),
    );
  }
  assert.equal(a.transactions.items.length, 0);
  const published = a.network.gossipStats?.transactions.published ?? 0;
  assert.ok(published >= 2 && published < 20, `${published} batches`);
  await stopAll(...nodes);
});

test('what is not accepted goes no further, and a lie is blamed on who told it', LIMIT, async () => {
  const verdicts: Verdict[] = ['ignore', 'reject', 'accept'];
  const a = await startGossip(1);
  const b = await startGossip(2, () => Promise.resolve(verdicts.shift() ?? 'accept'));
  const c = await startGossip(3);
  await connect(a, b);
  await connect(b, c);
  await subscribed(a, b, c);
  for (const mark of [1, 2, 3]) {
    a.network.publishTransactions([Uint8Array.of(mark)]);
    await b.transactions.count(mark);
  }
  assert.deepEqual(await c.transactions.count(1), [[b.network.id, '0x03']]);
  const blamed = await b.events.first((event) => event.kind === 'peer-blamed');
  assert.ok(blamed.kind === 'peer-blamed');
  assert.deepEqual([blamed.peer, blamed.error.code], [a.network.id, 'GOSSIP_REJECTED']);
  const { accepted, ignored, rejected } = b.network.gossipStats?.transactions ?? assert.fail();
  assert.deepEqual([accepted, ignored, rejected], [1, 1, 1]);
  await stopAll(a, b, c);
});

test('a judge that fails neither relays nor blames', LIMIT, async () => {
  let isBroken = true;
  const a = await startGossip(1);
  const b = await startGossip(2, () =>
    isBroken ? Promise.reject(new Error('of the test')) : Promise.resolve('accept'),
  );
  await connect(a, b);
  await subscribed(a, b);
  a.network.publishTransactions([Uint8Array.of(1)]);
  await b.transactions.count(1);
  isBroken = false;
  a.network.publishTransactions([Uint8Array.of(2)]);
  await b.transactions.count(2);
  assert.equal(b.network.gossipStats?.transactions.ignored, 1);
  assert.deepEqual(
    b.events.items.map(({ kind }) => kind),
    ['peer-admitted'],
  );
  await stopAll(a, b);
});

test('finalized blocks reach followers that are far, and nobody who has no use for them', LIMIT, async () => {
  const validator = await startGossip(1, undefined, { follows: false });
  const other = await startGossip(2, undefined, { follows: false });
  const [near, far] = await Promise.all([startGossip(3), startGossip(4)]);
  await connect(validator, other);
  await connect(validator, near);
  await connect(near, far);
  await subscribed(validator, other, near, far);
  const prng = createPrng(4);
  const block = SAMPLES.block(prng);
  const large = {
    ...block,
    body: { ...block.body, transactions: Array.from({ length: 30 }, () => prng.bytes(100_000)) },
  };
  const final = { block: large, commit: SAMPLES.extendedCommit(prng) };
  validator.network.publishBlock(final);
  assert.deepEqual(await near.blocks.count(1), [final]);
  assert.deepEqual(await far.blocks.count(1), [final]);
  assert.deepEqual(other.blocks.items, []);
  await stopAll(validator, other, near, far);
});

test('nobody is there: publishing does nothing', LIMIT, async () => {
  const node = await startGossip(1);
  node.network.publishTransactions([Uint8Array.of(1)]);
  node.network.publishBlock({
    block: SAMPLES.block(createPrng(1)),
    commit: SAMPLES.extendedCommit(createPrng(1)),
  });
  assert.equal(node.network.gossipStats?.transactions.published, 0);
  await node.network.stop();
  node.network.publishTransactions([Uint8Array.of(1)]);
});

test('who has not said hello is neither heard nor told anything', LIMIT, async () => {
  const [a, b] = await Promise.all([startGossip(1), startGossip(2)]);
  await connect(a, b);
  await subscribed(a, b);
  const silent = await RawPeer.dial(66, a);
  const heard: string[] = [];
  await silent.host.handle(GOSSIP_PROTOCOL, (stream) => {
    heard.push(stream.id);
  });
  const stream = await silent.connection.newStream(GOSSIP_PROTOCOL);
  const topic = TOPIC('transactions');
  const data = transactionBatchCodec.encode([Uint8Array.of(9)]);
  stream.send(encodeRpc({ subscriptions: [{ topic, subscribe: true }], messages: [{ topic, data }] }));
  b.network.publishTransactions([Uint8Array.of(1)]);
  await a.transactions.count(1);
  assert.deepEqual(a.transactions.items, [[b.network.id, '0x01']]);
  assert.deepEqual([heard, a.network.gossipStats?.meshPeers], [[], 1]);
  await silent.greet();
  await a.transactions.first(([peer]) => peer === silent.id);
  await silent.stop();
  await stopAll(a, b);
});

/** Waits until each of some nodes knows what each of its peers wants to hear. */
async function subscribed(...nodes: readonly GossipNode[]): Promise<void> {
  const follows = (id: string): boolean =>
    nodes.some(({ network, isFollower }) => network.id === id && isFollower);
  await eventually(() =>
    nodes.every(({ network }) => {
      const followers = network.peers.filter(({ id }) => follows(id));
      const { transactions, blocks } = network.gossipStats ?? assert.fail('the node gossips');
      return transactions.subscribers === network.peers.length && blocks.subscribers === followers.length;
    }),
  );
}

async function stopAll(...nodes: readonly TestNode[]): Promise<void> {
  await Promise.all(nodes.map(({ network }) => network.stop()));
}
