import { connect as connectTcp } from 'node:net';
import { encodeMessage, type Message } from '../../consensus/messages.js';
import { blockRangeCodec } from '../../p2p/chain-requests.js';
import { messageFrame } from '../../p2p/consensus-link.js';
import { encodeFrame } from '../../p2p/frames.js';
import { transactionBatchCodec } from '../../p2p/gossip/transaction-batches.js';
import type { Hello } from '../../p2p/handshake.js';
import { concatBytes } from '../../protocol/bytes.js';
import { BitArray } from '../../protocol/ssz/types.js';
import { blockId } from '../../protocol/types/header.js';
import { PREVOTE } from '../../protocol/types/vote.js';
import { encodeRpc, GOSSIP_PROTOCOL, RawPeer, varint, type Rpc, type Target } from './p2p.js';
import { createPrng } from './prng.js';
import { SAMPLES } from './samples.js';

/*
 * What a hostile peer can do to a node over its sockets. Each act ends by itself, whatever the node does; it works against any node whose
 * address and chain are known.
 */

export interface Act {
  readonly name: string;
  /** The fault that the node must see in it; undefined for what it may just bear. */
  readonly blamed?: string;
  /** @param key makes the peer's identity: one that was not banned before. @returns the peer's id, where it has one */
  readonly perform: (target: Target, key: number) => Promise<string | undefined>;
}

const prng = createPrng(666);

/** Connects as a new peer and says hello; tries again where the node lets in no more for now. */
async function visit(
  target: Target,
  key: number,
  act: (peer: RawPeer, hello: Hello) => Promise<void>,
): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    let peer: RawPeer | undefined;
    try {
      peer = await RawPeer.dial(key, target);
      const hello = await peer.greet();
      // Being cut off is what should happen.
      await act(peer, hello).catch(() => undefined);
      return peer.id;
    } catch (error) {
      if (attempt >= 40) throw error;
      await pause(250);
    } finally {
      await peer?.stop();
    }
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends all of it, as fast as the node takes it, and leaves it a moment to do something about it. */
async function pour(peer: RawPeer, protocol: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const stream = await peer.open(protocol);
  for (const chunk of chunks) {
    if (stream.status !== 'open') return;
    if (!stream.send(chunk)) await stream.onDrain({ signal: AbortSignal.timeout(10_000) });
  }
  await pause(300);
}

function* times<Item>(count: number, make: (index: number) => Item): Generator<Item, void> {
  for (let i = 0; i < count; i++) yield make(i);
}

function onConsensus(name: string, messages: (hello: Hello) => Iterable<Message>, blamed?: string): Act {
  return {
    name,
    ...(blamed === undefined ? {} : { blamed }),
    perform: (target, key) =>
      visit(target, key, async (peer, hello) => {
        const frames = [...messages(hello)].map((message) => messageFrame(encodeMessage(message)));
        await pour(peer, 'consensus', frames);
      }),
  };
}

function inGossip(name: string, chunks: (topics: Topics) => Iterable<Uint8Array>, blamed?: string): Act {
  return {
    name,
    ...(blamed === undefined ? {} : { blamed }),
    perform: (target, key) =>
      visit(target, key, async (peer) => {
        const topic = (kind: string): string => `/ogpu/${target.hello.chainId}/${kind}/1`;
        const topics = { transactions: topic('transactions'), blocks: topic('blocks') };
        const subscriptions = Object.values(topics).map((each) => ({ topic: each, subscribe: true }));
        await pour(peer, GOSSIP_PROTOCOL, [encodeRpc({ subscriptions, messages: [] }), ...chunks(topics)]);
      }),
  };
}

interface Topics {
  readonly transactions: string;
  readonly blocks: string;
}

function control(change: Partial<NonNullable<Rpc['control']>>): Uint8Array {
  const none = { ihave: [], iwant: [], graft: [], prune: [], idontwant: [] };
  return encodeRpc({ subscriptions: [], messages: [], control: { ...none, ...change } });
}

const ids = (count: number, bytes: number): Uint8Array[] =>
  Array.from({ length: count }, () => prng.bytes(bytes));

/** All that can be asked at a stream's beginning, and more. */
const PROTOCOLS = ['handshake', 'consensus', 'status', 'block', 'blocks', 'peers', GOSSIP_PROTOCOL];

export const HOSTILE_ACTS: readonly Act[] = [
  {
    name: 'connections that say nothing, and some that say nonsense',
    perform: async ({ address }) => {
      const [, , host = '', , port = ''] = address.split('/');
      const sockets = Array.from({ length: 300 }, (_, i) => {
        const socket = connectTcp(Number(port), host);
        socket.on('error', () => undefined);
        if (i % 3 === 0) socket.write(prng.bytes(2000));
        return socket;
      });
      await pause(1500);
      for (const socket of sockets) socket.destroy();
      return undefined;
    },
  },
  {
    name: 'a hello too long',
    blamed: 'FRAME_TOO_LONG',
    perform: (target, key) => knock(target, key, Uint8Array.of(0, 1, 0, 0, 1, 2, 3)),
  },
  {
    name: 'a hello that is none',
    blamed: 'HANDSHAKE_MALFORMED',
    perform: (target, key) => knock(target, key, encodeFrame(prng.bytes(60))),
  },
  {
    name: 'a stream reset in every step of every protocol',
    perform: (target, key) =>
      visit(target, key, async (peer) => {
        const beginning = encodeFrame(Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7));
        for (const protocol of PROTOCOLS.slice(1)) {
          for (const length of [0, 1, 4, 5, beginning.length - 1]) {
            const stream = await peer.open(protocol);
            if (length > 0) stream.send(beginning.subarray(0, length));
            stream.abort(new Error('reset by the act'));
          }
        }
      }),
  },
  {
    name: 'streams without end',
    perform: (target, key) =>
      visit(target, key, async (peer) => {
        for (const protocol of PROTOCOLS) {
          await Promise.allSettled(Array.from({ length: 100 }, () => peer.open(protocol)));
        }
        await pause(300);
      }),
  },
  {
    name: 'answers that are asked for and never read',
    blamed: 'REQUEST_FLOODED',
    perform: (target, key) =>
      visit(target, key, async (peer) => {
        const request = encodeFrame(blockRangeCodec.encode({ firstHeight: 1, count: 4_294_967_295 }));
        for (let i = 0; i < 20; i++) {
          // Three at a time are let in.
          const streams = await Promise.all([1, 2, 3].map(() => peer.open('blocks')));
          for (const stream of streams) {
            stream.pause();
            stream.send(request);
          }
          await pause(20);
          for (const stream of streams) stream.abort(new Error('not read'));
        }
        await pause(300);
      }),
  },
  onConsensus(
    'votes of strangers',
    ({ headHeight }) =>
      times(40, (i) => {
        const payload = { height: headHeight + 1 + (i % 4), round: 0, blockId: prng.bytes(32) };
        const vote = { kind: PREVOTE, payload, validator: prng.bytes(20), signature: prng.bytes(96) };
        return { kind: 'vote', vote: { vote, extension: [] } };
      }),
    'VOTE_STRANGER',
  ),
  onConsensus(
    'proposals with the header of another block',
    ({ headHeight }) =>
      times(8, () => {
        const header = SAMPLES.header(prng);
        const proposal = SAMPLES.proposal(prng);
        const payload = { ...proposal.payload, height: Math.max(1, headHeight), blockId: prng.bytes(32) };
        return { kind: 'proposal', proposal: { proposal: { ...proposal, payload }, header } };
      }),
    'PROPOSAL_HEADER_FOREIGN',
  ),
  onConsensus('blocks, votes and proofs of other times', function* ({ headHeight }) {
    for (let i = 0; i < 50; i++) {
      const block = SAMPLES.block(prng);
      const header = { ...block.header, height: headHeight + 1 };
      yield { kind: 'block', block: { ...block, header } };
      yield { kind: 'wantBlock', wantBlock: { height: headHeight, blockId: blockId(header) } };
      yield { kind: 'commit', commit: SAMPLES.extendedCommit(prng) };
      yield { kind: 'vote', vote: { vote: SAMPLES.vote(prng), extension: [] } };
      yield { kind: 'work', work: { height: headHeight + i } };
      yield { kind: 'wantCommit', wantCommit: { height: i } };
    }
  }),
  onConsensus('little that says it is much', function* ({ headHeight }) {
    const height = headHeight + 1;
    const places = BitArray.fromBitLen(65_536);
    for (let i = 0; i < 20; i++) {
      yield { kind: 'wantTransactions', wantTransactions: { height, bodyRoot: prng.bytes(32), places } };
      yield { kind: 'transactions', transactions: manyEmpty(height) };
    }
  }),
  inGossip(
    'messages of no bytes',
    ({ transactions }) =>
      times(200, () => {
        const messages = Array.from({ length: 64 }, () => ({ topic: transactions, data: prng.bytes(3) }));
        return encodeRpc({ subscriptions: [], messages });
      }),
    'SSZ_MALFORMED',
  ),
  inGossip(
    'transactions that are none',
    ({ transactions }) =>
      times(500, () => {
        const data = transactionBatchCodec.encode(Array.from({ length: 512 }, () => prng.bytes(1)));
        return encodeRpc({ subscriptions: [], messages: [{ topic: transactions, data }] });
      }),
    'GOSSIP_REJECTED',
  ),
  inGossip(
    'blocks that are none',
    ({ blocks }) =>
      times(20, () =>
        encodeRpc({ subscriptions: [], messages: [{ topic: blocks, data: prng.bytes(100_000) }] }),
      ),
    'SSZ_MALFORMED',
  ),
  inGossip('an RPC of a gigabyte', () => [varint(1 << 30)], 'FRAME_TOO_LONG'),
  inGossip('RPCs of nothing', () => times(100, () => new Uint8Array(1000)), 'GOSSIP_FLOODED'),
  inGossip('RPCs that are none', () =>
    times(2000, () => concatBytes(varint(34), Uint8Array.of(0x1a, 32), new Uint8Array(32).fill(0xff))),
  ),
  inGossip('promises of messages that nobody has', ({ transactions }) =>
    times(200, () => control({ ihave: [{ topicID: transactions, messageIDs: ids(512, 20) }] })),
  ),
  inGossip('requests for messages that nobody has', () =>
    times(200, () => control({ iwant: [{ messageIDs: ids(1024, 20) }] })),
  ),
  inGossip('names of messages, a kilobyte each', () =>
    times(500, () => control({ idontwant: [{ messageIDs: ids(8, 1000) }] })),
  ),
  inGossip('in and out of the mesh', ({ transactions }) =>
    times(1000, () =>
      control({
        graft: [{ topicID: transactions }],
        prune: [{ topicID: transactions, peers: [], backoff: 4_000_000_000 }],
      }),
    ),
  ),
  inGossip('introductions', ({ transactions }) =>
    times(200, () =>
      control({ prune: [{ topicID: transactions, peers: [{ peerID: prng.bytes(34) }], backoff: 1 }] }),
    ),
  ),
  inGossip('subscriptions to everything', () =>
    times(1000, (i) => {
      const subscriptions = Array.from({ length: 4 }, (_, j) => ({
        topic: `${i} ${j}`.padEnd(1000),
        subscribe: true,
      }));
      return encodeRpc({ subscriptions, messages: [] });
    }),
  ),
];

/** Connects, and says something in the place of a hello. */
async function knock(target: Target, key: number, bytes: Uint8Array): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      const peer = await RawPeer.dial(key, target);
      const stream = await peer.open('handshake');
      stream.send(bytes);
      await pause(300);
      await peer.stop();
      return peer.id;
    } catch (error) {
      if (attempt >= 40) throw error;
      await pause(250);
    }
  }
}

function manyEmpty(height: number): (Message & { readonly kind: 'transactions' })['transactions'] {
  return {
    height,
    bodyRoot: prng.bytes(32),
    transactions: Array.from({ length: 65_536 }, () => new Uint8Array(0)),
  };
}
