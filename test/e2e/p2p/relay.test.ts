import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signPayment } from '../../support/payments.js';
import { storedBlock } from '../../../node/consensus/stored-blocks.js';
import { toHex } from '../../../protocol/bytes.js';
import { blockId } from '../../../protocol/types/header.js';
import { simulatedChain, type SimulatedChain } from '../../sim/consensus/chain.js';
import { connect, eventually } from '../../support/p2p.js';
import { startValidator, type SocketValidator } from '../../support/socket-validators.js';

const LIMIT = { timeout: 60_000 };

async function start(chain: SimulatedChain, nodes: number): Promise<SocketValidator[]> {
  return Promise.all(Array.from({ length: nodes }, (_, index) => startValidator(chain, index)));
}

/** The same blocks on all nodes, and their number. */
async function agreed(nodes: readonly SocketValidator[], height: number): Promise<void> {
  await eventually(() => nodes.every(({ participant }) => participant.tip.parent.height >= height));
  for (let at = 1; at <= height; at++) {
    const ids = nodes.map(({ store }) => {
      const block = storedBlock(store, at);
      return block === undefined ? 'none' : toHex(blockId(block.header));
    });
    assert.equal(new Set(ids).size, 1, `height ${at}`);
  }
  assert.deepEqual(
    nodes.flatMap(({ failures }) => failures),
    [],
  );
}

async function pay(chain: SimulatedChain, nodes: readonly SocketValidator[]): Promise<Uint8Array> {
  const [first, second] = chain.validators;
  assert.ok(first && second);
  const envelope = signPayment(chain.store, first.ownerSecretKey, { to: second.id, valueWei: 1n });
  for (const { transactions } of nodes) assert.ok(await transactions.add(envelope));
  return envelope;
}

test('four validators in a line agree, and the last gets transactions it never heard of', LIMIT, async () => {
  const chain = await simulatedChain(4, true);
  const nodes = await start(chain, 4);
  for (const [i, { node }] of nodes.slice(1).entries()) await connect(node, nodes[i]?.node ?? node);
  const envelope = await pay(chain, nodes.slice(0, 3));
  await agreed(nodes, 4);
  const last = nodes.at(-1);
  assert.ok(last);
  const blocks = [1, 2, 3, 4].flatMap((height) => storedBlock(last.store, height) ?? []);
  assert.deepEqual(
    blocks.flatMap(({ body }) => body.transactions),
    [envelope],
  );
  const blamed = nodes.flatMap(({ node }) => node.events.items.filter(({ kind }) => kind === 'peer-blamed'));
  assert.deepEqual(blamed, []);
  await Promise.all(nodes.map((node) => node.stop()));
});

test('validators that know only a node in between agree over it', LIMIT, async () => {
  const chain = await simulatedChain(4, true);
  const nodes = await start(chain, 5);
  const hub = nodes.at(-1);
  assert.ok(hub);
  for (const { node } of nodes.slice(0, 4)) await connect(node, hub.node);
  await pay(chain, nodes);
  await agreed(nodes, 3);
  await Promise.all(nodes.map((node) => node.stop()));
});

test('where all are connected nothing is passed on', LIMIT, async () => {
  const chain = await simulatedChain(4, true);
  const nodes = await start(chain, 4);
  for (const [i, { node }] of nodes.entries()) {
    for (const other of nodes.slice(0, i)) await connect(node, other.node);
  }
  await agreed(nodes, 2);
  for (const { relayed } of nodes) relayed.length = 0;
  await pay(chain, nodes);
  await agreed(nodes, 4);
  assert.deepEqual(
    nodes.map(({ relayed }) => relayed.length),
    [0, 0, 0, 0],
  );
  await Promise.all(nodes.map((node) => node.stop()));
});
