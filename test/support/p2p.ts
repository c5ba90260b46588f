import { generateKeyPairFromSeed, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import { RPC } from '@libp2p/gossipsub/message';
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { Message } from '../../consensus/messages.js';
import { encodeFrame } from '../../p2p/frames.js';
import { FrameReader } from '../../p2p/frame-stream.js';
import { helloCodec, type Hello } from '../../p2p/handshake.js';
import { createHost } from '../../p2p/host.js';
import { Network, type NetworkEvent, type NetworkParts } from '../../p2p/network.js';
import { bls } from '../../protocol/crypto/bls.js';
import { concatBytes } from '../../protocol/bytes.js';
import { TEST_CHAIN } from './committee.js';

export async function peerKey(number: number): Promise<Uint8Array> {
  const key = await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(number));
  return privateKeyToProtobuf(key);
}

export type Received = readonly [peer: string, message: Message];

/** A list that can be waited for. */
export class Gathered<Item> {
  readonly items: Item[] = [];
  readonly #waiting = new Set<() => void>();

  add(item: Item): void {
    this.items.push(item);
    for (const check of [...this.#waiting]) check();
  }

  /** The first item, past or future, that is as wanted. The test's own time limit bounds the wait. */
  async first(isWanted: (item: Item) => boolean): Promise<Item> {
    return new Promise((resolve) => {
      const check = (): void => {
        const found = this.items.find(isWanted);
        if (found === undefined) return;
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }

  async count(count: number): Promise<readonly Item[]> {
    if (this.items.length < count) await this.first(() => this.items.length >= count);
    return this.items;
  }
}

/** Longer than anything takes that happens at all, and less than a test may take. */
const EVENTUALLY_MS = 40_000;

/** Waits until something holds that gives no sign. */
export async function eventually(holds: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + EVENTUALLY_MS;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error('what was waited for did not come to pass');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export interface TestNode {
  readonly network: Network;
  readonly events: Gathered<NetworkEvent>;
  readonly received: Gathered<Received>;
  readonly address: string;
}

/** A network on a free port of the loopback interface. */
export async function startNode(number: number, parts: Partial<NetworkParts> = {}): Promise<TestNode> {
  const events = new Gathered<NetworkEvent>();
  const received = new Gathered<Received>();
  const network = await Network.start({
    privateKeyProtobuf: await peerKey(number),
    chain: TEST_CHAIN,
    headHeight: () => number,
    bindings: { bls, keyOf: () => undefined },
    serve: [],
    onMessage: (...message) => {
      received.add(message);
    },
    onEvent: (event) => {
      events.add(event);
    },
    ...parts,
    // A test connects its nodes as it means to.
    options: { targetOutbound: 0, ...parts.options },
  });
  return { network, events, received, address: network.addresses[0] ?? '' };
}

/** Waits until each of two nodes has admitted the other. */
export async function connect(from: TestNode, to: TestNode): Promise<void> {
  await from.network.dial(to.address);
  await Promise.all([admitted(from, to.network.id), admitted(to, from.network.id)]);
}

export async function admitted(node: TestNode, peer: string): Promise<void> {
  await node.events.first((event) => event.kind === 'peer-admitted' && event.peer === peer);
}

export function workNotice(height: number): Message {
  return { kind: 'work', work: { height } };
}

export const TEST_HELLO: Hello = { ...TEST_CHAIN, headHeight: 0, binding: [] };

export const PROTOCOL = (name: string): string => `/ogpu/${TEST_CHAIN.chainId}/${name}/1`;

/** A node to attack: this process's or another's. */
export interface Target {
  /** Multiaddress with the peer's id. */
  readonly address: string;
  /** What its own peers say to it. */
  readonly hello: Hello;
}

/** A peer that speaks libp2p correctly and everything above it as a test wishes. */
export class RawPeer {
  readonly host: Libp2p;
  readonly connection: Connection;
  readonly #hello: Hello;

  private constructor(host: Libp2p, connection: Connection, hello: Hello) {
    this.host = host;
    this.connection = connection;
    this.#hello = hello;
  }

  /** @param handlers of protocols, by name, that it serves from the beginning */
  static async dial(
    number: number,
    to: Pick<Target, 'address'> & Partial<Target>,
    handlers: Readonly<Record<string, (stream: Stream) => void>> = {},
  ): Promise<RawPeer> {
    const hello = to.hello ?? TEST_HELLO;
    const host = await createHost(
      {
        privateKeyProtobuf: await peerKey(number),
        listen: [],
        announce: [],
        maxConnections: 8,
      },
      {},
    );
    const served = { consensus: () => undefined, ...handlers };
    for (const [name, take] of Object.entries<(stream: Stream) => void>(served)) {
      await host.handle(protocolId(hello, name), take);
    }
    await host.start();
    try {
      return new RawPeer(host, await host.dial(multiaddr(to.address)), hello);
    } catch (error) {
      await host.stop();
      throw error;
    }
  }

  get id(): string {
    return this.host.peerId.toString();
  }

  /** Says hello, and hears one. */
  async greet(hello = this.#hello): Promise<Hello> {
    const stream = await this.open('handshake');
    const reader = new FrameReader(stream, helloCodec.maxBytes);
    stream.send(encodeFrame(helloCodec.encode(hello)));
    const answer = await reader.next();
    if (answer === undefined) throw new Error('no hello came back');
    return helloCodec.decode(answer);
  }

  /** @param name of a protocol of the chain, or a whole protocol id */
  async open(name: string): Promise<Stream> {
    return this.connection.newStream(protocolId(this.#hello, name));
  }

  async stop(): Promise<void> {
    await this.host.stop();
  }
}

function protocolId({ chainId }: Hello, name: string): string {
  return name.startsWith('/') ? name : `/ogpu/${chainId}/${name}/1`;
}

/** What a peer says in gossipsub. */
export type Rpc = Parameters<typeof RPC.encode>[0];

export const TOPIC = PROTOCOL;

export const GOSSIP_PROTOCOL = '/meshsub/1.2.0';

/** An RPC as it stands in a stream. */
export function encodeRpc(rpc: Rpc): Uint8Array {
  const bytes = RPC.encode(rpc);
  return concatBytes(varint(bytes.length), bytes);
}

export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) + 0x80);
  return Uint8Array.from([...bytes, value]);
}
