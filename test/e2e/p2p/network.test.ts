import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  askBlock,
  askBlocks,
  askStatus,
  chainHandlers,
  encodedFinalBlock,
  type Asking,
  type FinalBlock,
} from '../../../p2p/chain-requests.js';
import { bls, type BlsPublicKey } from '../../../protocol/crypto/bls.js';
import { peerBindingRoot } from '../../../protocol/domains.js';
import { bytesEqual } from '../../../protocol/bytes.js';
import { blockCodec } from '../../../protocol/types/block.js';
import { extendedCommitCodec } from '../../../protocol/types/commit.js';
import { blockId } from '../../../protocol/types/header.js';
import { SAMPLES } from '../../support/samples.js';
import { createPrng } from '../../support/prng.js';
import { TEST_CHAIN, TestMember } from '../../support/committee.js';
import { admitted, connect, peerKey, startNode, workNotice, type TestNode } from '../../support/p2p.js';
import type { Binding } from '../../../p2p/handshake.js';
import { peerIdBytes } from '../../../p2p/peer.js';
import { nodeIdentityFromProtobuf } from '../../../node/keys/node-identity.js';

const LIMIT = { timeout: 60_000 };

test('four nodes send each other consensus messages of every size', LIMIT, async () => {
  const nodes = await Promise.all([1, 2, 3, 4].map((number) => startNode(number)));
  await Promise.all(pairsOf(nodes).map(([from, to]) => connect(from, to)));
  const prng = createPrng(5);
  const block = { ...SAMPLES.block(prng) };
  const large = {
    ...block,
    body: { ...block.body, transactions: [prng.bytes(100_000), prng.bytes(100_000)] },
  };
  for (const [i, { network }] of nodes.entries()) {
    network.broadcast(workNotice(i));
    network.broadcast({ kind: 'block', block: large });
  }
  for (const [i, { received }] of nodes.entries()) {
    const messages = await received.count(6);
    const heights = messages.flatMap(([, message]) => (message.kind === 'work' ? [message.work.height] : []));
    assert.deepEqual(
      heights.sort(),
      [0, 1, 2, 3].filter((height) => height !== i),
    );
    const blocks = messages.flatMap(([, message]) => (message.kind === 'block' ? [message.block] : []));
    assert.deepEqual(blocks, [large, large, large]);
  }
  await Promise.all(nodes.map(({ network }) => network.stop()));
});

test('a message for one peer reaches it alone', LIMIT, async () => {
  const [a, b, c] = await Promise.all([startNode(1), startNode(2), startNode(3)]);
  await connect(a, b);
  await connect(a, c);
  a.network.send(b.network.id, workNotice(1));
  a.network.broadcast(workNotice(2));
  await Promise.all([b.received.count(2), c.received.count(1)]);
  assert.deepEqual(c.received.items, [[a.network.id, workNotice(2)]]);
  await stopAll(a, b, c);
});

test('a validator is reached by its id where it has said which peer speaks for it', LIMIT, async () => {
  const member = new TestMember(7);
  const keyOf = (id: Uint8Array): BlsPublicKey | undefined =>
    bytesEqual(id, member.id) ? bls.parsePublicKey(member.validator.blsPublicKey) : undefined;
  const a = await startNode(1, { bindings: { bls, keyOf } });
  const binding = await bindingOf(member, 2);
  const b = await startNode(2, { binding: () => binding });
  const c = await startNode(3);
  await connect(b, a);
  await connect(c, a);
  a.network.sendToValidator(member.id, workNotice(1));
  a.network.broadcast(workNotice(2));
  await Promise.all([b.received.count(2), c.received.count(1)]);
  assert.deepEqual(c.received.items, [[a.network.id, workNotice(2)]]);
  assert.deepEqual(a.network.peers.find(({ id }) => id === b.network.id)?.validator, member.id);
  await stopAll(a, b, c);
});

test('a claim about a validator that is not known yet is judged when it is', LIMIT, async () => {
  const member = new TestMember(7);
  let isKnown = false;
  const keyOf = (): BlsPublicKey | undefined =>
    isKnown ? bls.parsePublicKey(member.validator.blsPublicKey) : undefined;
  const a = await startNode(1, { bindings: { bls, keyOf } });
  const binding = await bindingOf(member, 2);
  const honest = await startNode(2, { binding: () => binding });
  const thief = await startNode(3, { binding: () => binding });
  await connect(honest, a);
  await connect(thief, a);
  assert.deepEqual(
    a.network.peers.map(({ validator }) => validator),
    [undefined, undefined],
  );
  isKnown = true;
  const bound = a.network.peers.filter(({ validator }) => validator !== undefined);
  assert.deepEqual(
    bound.map(({ id }) => id),
    [honest.network.id],
  );
  await stopAll(a, honest, thief);
});

test('a static peer that went away is found again', LIMIT, async () => {
  const b = await startNode(2);
  const staticPeers = [{ id: b.network.id, address: b.address }];
  const a = await startNode(1, { options: { staticPeers, redial: { minBackoffMs: 20, maxBackoffMs: 100 } } });
  await admitted(a, b.network.id);
  await b.network.stop();
  await a.events.first((event) => event.kind === 'peer-gone');
  const again = await startNode(2, { options: { listen: [b.address.replace(/\/p2p\/.*/, '')] } });
  await admitted(again, a.network.id);
  again.network.broadcast(workNotice(9));
  assert.deepEqual(await a.received.count(1), [[b.network.id, workNotice(9)]]);
  await stopAll(a, again);
});

test('status and blocks are asked for and come in order', LIMIT, async () => {
  const prng = createPrng(3);
  const chain = Array.from({ length: 20 }, (_, i) => finalBlock(i + 1));
  function finalBlock(height: number): FinalBlock {
    const block = SAMPLES.block(prng);
    return { block: { ...block, header: { ...block.header, height } }, commit: SAMPLES.extendedCommit(prng) };
  }
  const encode = ({ block, commit }: FinalBlock): Uint8Array =>
    encodedFinalBlock(blockCodec.encode(block), extendedCommitCodec.encode(commit));
  const serve = chainHandlers({
    status: () => ({ headHeight: 20, headId: new Uint8Array(32), oldestHeight: 1 }),
    // eslint-disable-next-line @typescript-eslint/require-await -- from memory
    blocks: async function* ({ firstHeight, count }) {
      yield* chain.slice(firstHeight - 1, firstHeight - 1 + count).map(encode);
    },
    blockById: (id) => {
      const found = chain.find(({ block }) => bytesEqual(blockId(block.header), id));
      return Promise.resolve(found && encode(found));
    },
  });
  const [a, b] = await Promise.all([startNode(1), startNode(2, { serve })]);
  await connect(a, b);
  const asking: Asking = (protocol, request) => a.network.request(b.network.id, protocol, request);
  assert.equal((await askStatus(asking)).headHeight, 20);
  const blocks: FinalBlock[] = [];
  for await (const block of askBlocks(asking, { firstHeight: 5, count: 64 })) blocks.push(block);
  assert.deepEqual(blocks, chain.slice(4));
  const [first] = chain;
  assert.ok(first);
  assert.deepEqual(await askBlock(asking, blockId(first.block.header)), first);
  assert.equal(await askBlock(asking, new Uint8Array(32)), undefined);
  await stopAll(a, b);
});

function pairsOf<Item>(items: readonly Item[]): (readonly [Item, Item])[] {
  return items.flatMap((from, i) => items.slice(i + 1).map((to) => [from, to] as const));
}

async function bindingOf(member: TestMember, peerNumber: number): Promise<Binding> {
  const { peerId } = await nodeIdentityFromProtobuf(await peerKey(peerNumber));
  const root = peerBindingRoot(TEST_CHAIN, member.id, peerIdBytes(peerId));
  return { validator: member.id, signature: member.sign(root) };
}

async function stopAll(...nodes: readonly TestNode[]): Promise<void> {
  await Promise.all(nodes.map(({ network }) => network.stop()));
}
