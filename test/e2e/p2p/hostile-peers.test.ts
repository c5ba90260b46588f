import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_CONSENSUS_PAYLOAD_BYTES, messageFrame } from '../../../p2p/consensus-link.js';
import { chainHandlers } from '../../../p2p/chain-requests.js';
import { FrameReader } from '../../../p2p/frame-stream.js';
import { encodeFrame } from '../../../p2p/frames.js';
import { encodeMessage } from '../../../consensus/messages.js';
import { bls } from '../../../protocol/crypto/bls.js';
import { MAX_BLOCK_BYTES } from '../../../protocol/limits.js';
import { SAMPLES } from '../../support/samples.js';
import { createPrng } from '../../support/prng.js';
import { TestMember } from '../../support/committee.js';
import { connect, RawPeer, startNode, TEST_HELLO, workNotice, type TestNode } from '../../support/p2p.js';

const LIMIT = { timeout: 60_000 };

/** What a peer does after its handshake, and the code of the fault it is blamed for. */
const ATTACKS: readonly (readonly [string, string, (peer: RawPeer) => Promise<void>])[] = [
  ['garbage', 'FRAME_TOO_LONG', (peer) => sendAll(peer, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2, 3))],
  [
    'a length just too large',
    'FRAME_TOO_LONG',
    (peer) => sendAll(peer, header(MAX_CONSENSUS_PAYLOAD_BYTES + 1)),
  ],
  ['an empty frame', 'FRAME_MALFORMED', (peer) => sendAll(peer, header(0))],
  ['an unknown kind of frame', 'FRAME_MALFORMED', (peer) => sendAll(peer, encodeFrame(Uint8Array.of(77, 1)))],
  [
    'a message that is none',
    'SSZ_MALFORMED',
    (peer) => sendAll(peer, encodeFrame(Uint8Array.of(0, 99, 1, 2))),
  ],
  ['a million tiny messages', 'LINK_FLOODED', flood],
];

for (const [what, code, attack] of ATTACKS) {
  test(`${what}: costs the peer its connection and nobody else anything`, LIMIT, async () => {
    const [node, honest] = await Promise.all([startNode(1), startNode(2)]);
    await connect(honest, node);
    const attacker = await RawPeer.dial(66, node);
    await attacker.greet();
    await attack(attacker).catch(() => undefined);
    const blamed = await node.events.first((event) => event.kind === 'peer-blamed');
    assert.ok(blamed.kind === 'peer-blamed');
    assert.deepEqual([blamed.peer, blamed.error.code], [attacker.id, code]);
    await node.events.first((event) => event.kind === 'peer-gone' && event.peer === attacker.id);
    await exchange(honest, node);
    await attacker.stop();
    await stopAll(node, honest);
  });
}

test('another genesis is refused, and both sides know why', LIMIT, async () => {
  const other = { ...TEST_HELLO, genesisId: new Uint8Array(32) };
  const [node, stranger] = await Promise.all([startNode(1), startNode(2, { chain: other })]);
  await stranger.network.dial(node.address);
  for (const side of [node, stranger]) {
    const refused = await side.events.first((event) => event.kind === 'peer-refused');
    assert.equal(refused.kind === 'peer-refused' && refused.error.code, 'HANDSHAKE_GENESIS');
    assert.deepEqual(side.network.peers, []);
  }
  await stopAll(node, stranger);
});

test('another version and another chain are refused', LIMIT, async () => {
  for (const [number, hello, code] of [
    [11, { ...TEST_HELLO, protocolVersion: 2 }, 'HANDSHAKE_VERSION'],
    [12, { ...TEST_HELLO, chainId: 5 }, 'HANDSHAKE_CHAIN'],
  ] as const) {
    const node = await startNode(1);
    const peer = await RawPeer.dial(number, node);
    await peer.greet(hello);
    const refused = await node.events.first((event) => event.kind === 'peer-refused');
    assert.equal(refused.kind === 'peer-refused' && refused.error.code, code);
    await peer.stop();
    await stopAll(node);
  }
});

test("a peer with another's validator id is refused", LIMIT, async () => {
  const member = new TestMember(7);
  const keyOf = () => bls.parsePublicKey(member.validator.blsPublicKey);
  const node = await startNode(1, { bindings: { bls, keyOf } });
  const thief = await RawPeer.dial(66, node);
  await thief.greet({
    ...TEST_HELLO,
    binding: [{ validator: member.id, signature: member.sign(new Uint8Array(32)) }],
  });
  const refused = await node.events.first((event) => event.kind === 'peer-refused');
  assert.equal(refused.kind === 'peer-refused' && refused.error.code, 'HANDSHAKE_BINDING');
  await thief.stop();
  await stopAll(node);
});

test('nothing is served to a peer that says no hello, and it is let go', LIMIT, async () => {
  const node = await startNode(1, { options: { handshakeTimeoutMs: 300 } });
  const silent = await RawPeer.dial(66, node);
  const stream = await silent.open('consensus');
  stream.send(messageFrame(encodeMessage(workNotice(1))));
  const refused = await node.events.first((event) => event.kind === 'peer-refused');
  assert.equal(refused.kind === 'peer-refused' && refused.error.code, 'HANDSHAKE_TIMEOUT');
  assert.deepEqual(node.received.items, []);
  await silent.stop();
  await stopAll(node);
});

test(
  'a stream reset in the middle of a frame leaves the connection, and the next one is read',
  LIMIT,
  async () => {
    const node = await startNode(1);
    const peer = await RawPeer.dial(66, node);
    await peer.greet();
    const broken = await peer.open('consensus');
    broken.send(messageFrame(encodeMessage(workNotice(1))).subarray(0, 9));
    broken.abort(new Error('reset by the test'));
    const next = await peer.open('consensus');
    next.send(messageFrame(encodeMessage(workNotice(2))));
    assert.deepEqual(await node.received.count(1), [[peer.id, workNotice(2)]]);
    await peer.stop();
    await stopAll(node);
  },
);

test('a peer that reads nothing bounds what waits for it, and is let go in the end', LIMIT, async () => {
  const link = { pingIntervalMs: 100, stallTimeoutMs: 1500 };
  const [node, honest] = await Promise.all([startNode(1, { options: { link } }), startNode(2)]);
  await connect(honest, node);
  const slow = await RawPeer.dial(66, node);
  await slow.host.unhandle('/none');
  await slow.host.handle(
    `/ogpu/${TEST_HELLO.chainId}/consensus/1`,
    (stream) => {
      stream.pause();
    },
    { force: true },
  );
  await slow.greet();
  await node.events.first((event) => event.kind === 'peer-admitted' && event.peer === slow.id);
  const block = SAMPLES.block(createPrng(1));
  const megabyte = {
    ...block,
    body: { ...block.body, transactions: Array.from({ length: 10 }, () => new Uint8Array(100_000)) },
  };
  let mostBytes = 0;
  for (let i = 1; i <= 60; i++) {
    node.network.broadcast({ kind: 'block', block: megabyte });
    await honest.received.count(i);
    const waiting = node.network.peers.find(({ id }) => id === slow.id)?.queuedBytes ?? 0;
    mostBytes = Math.max(mostBytes, waiting);
  }
  assert.ok(mostBytes > 1_000_000, 'the slow peer did hold something up');
  assert.ok(mostBytes <= MAX_BLOCK_BYTES + 1_100_000 + 16_384, `${mostBytes} bytes waited`);
  const blamed = await node.events.first((event) => event.kind === 'peer-blamed');
  assert.equal(blamed.kind === 'peer-blamed' && blamed.error.code, 'LINK_STALLED');
  await node.events.first((event) => event.kind === 'peer-gone' && event.peer === slow.id);
  await exchange(honest, node);
  await slow.stop();
  await stopAll(node, honest);
});

test('more requests than agreed are refused and blamed, malformed ones at once', LIMIT, async () => {
  const serve = chainHandlers({
    status: () => ({ headHeight: 20, headId: new Uint8Array(32), oldestHeight: 1 }),
    blocks: () => {
      throw new Error('not asked for');
    },
    blockById: () => Promise.resolve(undefined),
  });
  const node = await startNode(1, { serve });
  const peer = await RawPeer.dial(66, node);
  await peer.greet();
  for (let i = 0; i < 40; i++) {
    const answer = await askOnce(peer, 'status', 1).catch(() => undefined);
    if (answer === undefined) break;
  }
  const flooded = await node.events.first((event) => event.kind === 'peer-blamed');
  assert.equal(flooded.kind === 'peer-blamed' && flooded.error.code, 'REQUEST_FLOODED');
  await askOnce(peer, 'block', 31).catch(() => undefined);
  const last = await node.events.first(
    (event) => event.kind === 'peer-blamed' && event.error.code !== 'REQUEST_FLOODED',
  );
  assert.equal(last.kind === 'peer-blamed' && last.error.code, 'REQUEST_MALFORMED');
  await node.events.first((event) => event.kind === 'peer-gone' && event.peer === peer.id);
  await peer.stop();
  await stopAll(node);
});

async function askOnce(peer: RawPeer, name: string, requestBytes: number): Promise<Uint8Array | undefined> {
  const stream = await peer.open(name);
  const reader = new FrameReader(stream, 1000);
  stream.send(encodeFrame(new Uint8Array(requestBytes)));
  const answer = await reader.next();
  stream.abort(new Error('enough'));
  return answer;
}

async function exchange(from: TestNode, to: TestNode): Promise<void> {
  from.network.broadcast(workNotice(123));
  await to.received.first(([, message]) => message.kind === 'work' && message.work.height === 123);
}

async function sendAll(peer: RawPeer, bytes: Uint8Array): Promise<void> {
  const stream = await peer.open('consensus');
  if (!stream.send(bytes)) await stream.onDrain();
}

async function flood(peer: RawPeer): Promise<void> {
  const stream = await peer.open('consensus');
  const frame = messageFrame(encodeMessage(workNotice(1)));
  const thousand = new Uint8Array(frame.length * 1000);
  for (let i = 0; i < 1000; i++) thousand.set(frame, i * frame.length);
  for (let i = 0; i < 1000; i++) if (!stream.send(thousand)) await stream.onDrain();
}

function header(length: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, length);
  return bytes;
}

async function stopAll(...nodes: readonly TestNode[]): Promise<void> {
  await Promise.all(nodes.map(({ network }) => network.stop()));
}
