import './promise-with-resolvers.js';
import { randomInt } from 'node:crypto';
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { encodeMessage, type Message } from '../consensus/messages.js';
import { toHex } from '../protocol/bytes.js';
import type { ChainIdentity } from '../protocol/domains.js';
import type { OgpuError } from '../protocol/errors.js';
import { AddressBook, type BookFolder } from './address-book.js';
import { monotonicClock, type Clock } from './clock.js';
import { Conduct } from './conduct.js';
import { ConsensusLink, heardFrame, messageFrame, type LinkStats } from './consensus-link.js';
import { P2pError } from './errors.js';
import { streamError } from './frame-stream.js';
import type { FinalBlock } from './chain-requests.js';
import { Gossip, type GossipHandlers, type GossipStats } from './gossip/gossip.js';
import { Doors } from './doors.js';
import { connectionGate } from './gate.js';
import { isBound, type Binding, type BindingCheck, type Hello } from './handshake.js';
import { Hearing } from './hearing.js';
import { createHost } from './host.js';
import { networkConfig, type NetworkConfig, type NetworkOptions } from './network-config.js';
import { openStream, peerIdBytes, presence, type Peer } from './peer.js';
import { PeerTable } from './peer-table.js';
import { PEERS } from './peer-exchange.js';
import { ask, RequestServer, type RequestHandler, type RequestProtocol } from './requests.js';
import { Seeker } from './seeker.js';
import { StaticPeers } from './static-peers.js';

export interface NetworkParts {
  /** libp2p's protobuf of an Ed25519 private key. */
  readonly privateKeyProtobuf: Uint8Array;
  /** With the version of the protocol that this node speaks. */
  readonly chain: ChainIdentity;
  readonly headHeight: () => number;
  /** This validator's word that this peer speaks for it, as of now: see `peerBindingRoot`. */
  readonly binding?: () => Binding | undefined;
  readonly bindings: BindingCheck;
  readonly serve: readonly (readonly [RequestProtocol, RequestHandler])[];
  /** Without it nothing is gossiped. */
  readonly gossip?: GossipHandlers;
  readonly onMessage: (peer: string, message: Message) => void;
  /** For logs and for who keeps something for each peer. */
  readonly onEvent?: (event: NetworkEvent) => void;
  /** Where addresses and bans are kept; without it they are forgotten with a restart. */
  readonly book?: BookFolder;
  readonly clock?: Clock;
  /** Unix milliseconds: for what is kept over a restart. */
  readonly wallMs?: () => number;
  readonly options?: NetworkOptions;
}

export type NetworkEvent =
  | { readonly kind: 'peer-admitted'; readonly peer: string; readonly isInbound: boolean }
  | { readonly kind: 'peer-gone'; readonly peer: string }
  /** A connection that failed its handshake. */
  | { readonly kind: 'peer-refused'; readonly peer: string; readonly error: P2pError }
  | {
      readonly kind: 'peer-blamed';
      readonly peer: string;
      readonly error: OgpuError;
      readonly isBanned: boolean;
    }
  /** The file of addresses and bans could not be read, or written. */
  | { readonly kind: 'book-failed'; readonly error: P2pError };

export interface PeerInfo extends LinkStats {
  readonly id: string;
  readonly address: string;
  /** Whether the peer has dialled this node. */
  readonly isInbound: boolean;
  /** The validator that has said that this peer speaks for it. */
  readonly validator: Uint8Array | undefined;
  readonly headHeight: number;
}

/** A node among its peers. `broadcast`, `send`, `sendToValidator` and `blame` are what consensus asks of a network. */
export class Network {
  readonly #parts: NetworkParts;
  readonly #config: NetworkConfig;
  readonly #clock: Clock;
  readonly #host: Libp2p;
  readonly #conduct: Conduct;
  readonly #static: StaticPeers;
  readonly #servers: readonly RequestServer[];
  readonly #gossip: Gossip | undefined;
  readonly #hearing: Hearing;
  readonly #book: AddressBook;
  readonly #seeker: Seeker;
  readonly #served: readonly (readonly [RequestProtocol, RequestHandler])[];
  readonly #peers: PeerTable;
  readonly #doors: Doors;
  #isStopped = false;

  /** Listens, and dials the static peers. @throws what libp2p cannot listen with */
  static async start(parts: NetworkParts): Promise<Network> {
    const config = networkConfig(parts.options);
    const clock = parts.clock ?? monotonicClock;
    const conduct = new Conduct(clock);
    const peers = new PeerTable(parts.bindings, parts.chain);
    const isStatic = (peer: string): boolean => config.staticPeers.some(({ id }) => id === peer);
    const host: Libp2p = await createHost(
      { ...parts, ...config },
      connectionGate({
        limits: config,
        isStatic,
        isBanned: (peer) => conduct.isBanned(peer),
        connections: () => host.getConnections(),
        clock,
      }),
    );
    const network = new Network(parts, config, clock, host, conduct, peers);
    await network.#start();
    return network;
  }

  private constructor(
    parts: NetworkParts,
    config: NetworkConfig,
    clock: Clock,
    host: Libp2p,
    conduct: Conduct,
    peers: PeerTable,
  ) {
    this.#parts = parts;
    this.#config = config;
    this.#clock = clock;
    this.#host = host;
    this.#conduct = conduct;
    this.#peers = peers;
    const warn = (error: P2pError): void => {
      // Also while it stops.
      parts.onEvent?.({ kind: 'book-failed', error });
    };
    this.#book = new AddressBook(parts.book, conduct, parts.wallMs ?? Date.now, warn);
    this.#seeker = this.#createSeeker();
    this.#served = [...parts.serve, [PEERS, (peer, request) => this.#answerSeeker(peer, request)]];
    this.#servers = this.#served.map(([protocol, handler]) => new RequestServer(protocol, handler, clock));
    this.#hearing = new Hearing({
      clock,
      heard: () => this.#heard(),
      tell: (encoded) => {
        peers.sendAll(heardFrame(encoded));
      },
    });
    this.#doors = this.#createDoors();
    this.#gossip = parts.gossip && this.#createGossip(parts.gossip);
    this.#static = new StaticPeers({
      peers: config.staticPeers,
      clock,
      dial: async ({ address }) => {
        await this.dial(address);
      },
      isConnected: (id) => peers.get(id) !== undefined,
      waitMs: (id) => conduct.banLeftMs(id),
      ...config.redial,
    });
  }

  /** This node's peer id. */
  get id(): string {
    return this.#host.peerId.toString();
  }

  /** Multiaddresses others can dial. */
  get addresses(): readonly string[] {
    return this.#host.getMultiaddrs().map(String);
  }

  get peers(): readonly PeerInfo[] {
    return this.#peers.all.map((peer) => ({
      id: peer.id,
      address: [...peer.connections][0]?.remoteAddr.toString() ?? '',
      isInbound: [...peer.connections][0]?.direction === 'inbound',
      validator: this.#peers.validatorOf(peer),
      headHeight: peer.headHeight,
      ...peer.link.stats,
    }));
  }

  /** Peers whose address is known and can be told. */
  get knownCount(): number {
    return this.#seeker.knownCount;
  }

  /** Undefined where nothing is gossiped. */
  get gossipStats(): GossipStats | undefined {
    return this.#gossip?.stats;
  }

  /** Connects to a node; its handshake may still fail. */
  async dial(address: string): Promise<void> {
    if (this.#isStopped) throw new P2pError('NETWORK_STOPPED', 'the network was stopped');
    await this.#host.dial(multiaddr(address));
  }

  broadcast(message: Message): void {
    if (this.#peers.all.length > 0) this.#peers.sendAll(messageFrame(encodeMessage(message)));
  }

  send(peer: string, message: Message): void {
    this.#peers.send(peer, message);
  }

  sendToValidator(validator: Uint8Array, message: Message): void {
    this.#peers.sendToValidator(validator, message);
  }

  /**
   * Passes a message on to the peers that do not hear its signer themselves.
   *
   * @param signer the validator
   * @param source the peer it came from
   * @param make called where there is such a peer
   */
  relay(signer: Uint8Array, source: string, make: () => Message): void {
    this.#peers.relay(signer, source, make);
  }

  /** Tells everybody of transactions. What is published within a few milliseconds travels together. Never throws. */
  publishTransactions(envelopes: readonly Uint8Array[]): void {
    if (!this.#isStopped) this.#gossip?.publishTransactions(envelopes);
  }

  /** Tells everybody who follows finalized blocks of one. Never throws. */
  publishBlock(block: FinalBlock): void {
    if (!this.#isStopped) this.#gossip?.publishBlock(block);
  }

  /** Holds a fault against a peer: enough of them, and it is disconnected and banned for a while. */
  blame(peer: string, error: OgpuError): void {
    const isBanned = this.#conduct.blame(peer, error, this.#static.has(peer));
    this.#tell({ kind: 'peer-blamed', peer, error, isBanned });
    if (isBanned) this.#peers.disconnect(peer, error);
  }

  /**
   * Asks a peer. A fault in its answer is blamed on it and thrown.
   *
   * @throws P2pError as `ask` | PEER_UNKNOWN
   */
  async *request(
    peerId: string,
    protocol: RequestProtocol,
    request: Uint8Array,
  ): AsyncGenerator<Uint8Array, void> {
    const peer = this.#peers.get(peerId);
    if (peer === undefined) throw new P2pError('PEER_UNKNOWN', 'not connected to the peer', { peer: peerId });
    try {
      const stream = await openStream(peer, this.#protocolId(protocol.name));
      yield* ask(this.#clock, stream, protocol, request);
    } catch (error) {
      const typed = streamError(error);
      if (!this.#isStopped) this.blame(peerId, typed);
      throw typed;
    }
  }

  /** Ends every connection, to greet with what has changed: static peers and those it has chosen are dialled again at once. */
  greetAnew(): void {
    const error = new P2pError('GREETING_CHANGED', 'this node comes back to say whom it speaks for');
    for (const { id } of this.#peers.all) this.#peers.disconnect(id, error);
  }

  /** Ends every connection and stops listening. Nothing is left running. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#static.stop();
    this.#hearing.stop();
    this.#doors.shut();
    for (const peer of this.#peers.all) peer.link.stop();
    await this.#seeker.stop();
    await this.#gossip?.stop();
    await this.#host.stop();
  }

  async #start(): Promise<void> {
    await this.#doors.open();
    await this.#doors.serve(this.#protocolId('consensus'), 2, (id, stream) => {
      this.#peers.get(id)?.link.accept(stream);
    });
    for (const [i, [{ name, maxConcurrent }]] of this.#served.entries()) {
      await this.#doors.serve(this.#protocolId(name), maxConcurrent + 1, async (id, stream) => {
        try {
          await this.#servers[i]?.serve(id, stream);
        } catch (error) {
          this.blame(id, streamError(error));
        }
      });
    }
    await this.#gossip?.start();
    await this.#book.load();
    await this.#host.start();
    this.#static.start();
    this.#seeker.start();
  }

  #createDoors(): Doors {
    return new Doors({
      host: this.#host,
      clock: this.#clock,
      handshakeId: this.#protocolId('handshake'),
      handshakeTimeoutMs: this.#config.handshakeTimeoutMs,
      ownHello: () => this.#hello(),
      admit: (connection, hello) => {
        this.#admit(connection, hello);
      },
      refused: (connection, error) => {
        this.#refuse(connection, error);
      },
      closed: (connection) => {
        this.#closed(connection);
      },
    });
  }

  #hello(): Hello {
    const { chain, headHeight } = this.#parts;
    const binding = this.#parts.binding?.();
    return { ...chain, headHeight: headHeight(), binding: binding === undefined ? [] : [binding] };
  }

  #admit(connection: Connection, hello: Hello): void {
    const id = connection.remotePeer.toString();
    if (this.#conduct.isBanned(id)) throw new P2pError('PEER_BANNED', 'the peer is banned', { peer: id });
    const [claim] = hello.binding;
    const { bindings, chain } = this.#parts;
    const bound = claim === undefined ? undefined : isBound(bindings, chain, claim, peerIdBytes(id));
    if (bound === false) {
      throw new P2pError('HANDSHAKE_BINDING', 'the peer speaks for a validator that has not said so');
    }
    const known = this.#peers.get(id);
    if (known !== undefined) {
      known.connections.add(connection);
      known.headHeight = hello.headHeight;
      return;
    }
    const peer: Peer = {
      id,
      connections: new Set([connection]),
      link: this.#link(id),
      claim,
      isBound: bound,
      hears: new Set(),
      headHeight: hello.headHeight,
    };
    this.#peers.add(peer);
    this.#static.admitted(id);
    this.#tell({ kind: 'peer-admitted', peer: id, isInbound: connection.direction === 'inbound' });
    this.#seeker.admitted(presence(peer));
    peer.link.start();
    peer.link.send(heardFrame(this.#hearing.current()));
    this.#hearing.changed();
    this.#gossip?.join(id, connection);
  }

  #createSeeker(): Seeker {
    return new Seeker({
      ownId: () => this.id,
      ownAddresses: () => this.addresses,
      targetOutbound: this.#config.targetOutbound,
      clock: this.#clock,
      book: this.#book,
      peers: () => this.#peers.all.map(presence),
      isExcluded: (id) => this.#static.has(id) || this.#conduct.isBanned(id),
      dial: (address) => this.dial(address),
      ask: (peer, request) => this.request(peer, PEERS, request),
      blame: (peer, error) => {
        this.blame(peer, error);
      },
      draw: (bound) => randomInt(bound),
    });
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- one part, at once
  async *#answerSeeker(id: string, request: Uint8Array): AsyncGenerator<Uint8Array, void> {
    const peer = this.#peers.get(id);
    if (peer !== undefined) yield this.#seeker.answer(presence(peer), request);
  }

  #createGossip(handlers: GossipHandlers): Gossip {
    return new Gossip({
      host: this.#host,
      clock: this.#clock,
      chainId: this.#parts.chain.chainId,
      handlers,
      batchIntervalMs: this.#config.batchIntervalMs,
      // A misfortune or two do not move a peer to the edge, and nothing does one that is named.
      conductPoints: (peer) =>
        this.#static.has(peer) ? 0 : Math.max(0, this.#conduct.points(peer) - FORGIVEN_POINTS),
      blame: (peer, error) => {
        this.blame(peer, error);
      },
      disconnect: (peer, error) => {
        this.#peers.disconnect(peer, error);
      },
      serve: (protocolId, take) => this.#doors.serve(protocolId, 2, take),
      open: (id, protocolId, signal) => this.#openStream(id, protocolId, signal),
    });
  }

  async #openStream(id: string, protocolId: string, signal: AbortSignal): Promise<Stream> {
    const peer = this.#peers.get(id);
    if (peer === undefined) throw new P2pError('PEER_UNKNOWN', 'the peer is gone', { peer: id });
    return openStream(peer, protocolId, signal);
  }

  #link(id: string): ConsensusLink {
    return new ConsensusLink({
      clock: this.#clock,
      limits: this.#config.link,
      open: (signal) => this.#openStream(id, this.#protocolId('consensus'), signal),
      receive: (message) => {
        this.#parts.onMessage(id, message);
      },
      hears: (validators) => {
        const peer = this.#peers.get(id);
        if (peer !== undefined) peer.hears = validators;
      },
      fault: (error) => {
        this.blame(id, error);
        this.#peers.disconnect(id, error);
      },
    });
  }

  #refuse(connection: Connection, error: P2pError): void {
    const peer = connection.remotePeer.toString();
    this.#conduct.blame(peer, error, this.#static.has(peer));
    this.#tell({ kind: 'peer-refused', peer, error });
  }

  #closed(connection: Connection): void {
    const id = connection.remotePeer.toString();
    const peer = this.#peers.get(id);
    peer?.connections.delete(connection);
    if (peer?.connections.size === 0) {
      this.#peers.remove(id);
      peer.link.stop();
      this.#gossip?.leave(id);
      if (!this.#isStopped) this.#hearing.changed();
      this.#seeker.gone(id);
      for (const server of this.#servers) server.forgetPeer(id);
      this.#tell({ kind: 'peer-gone', peer: id });
    }
    if (this.#isStopped || this.#peers.get(id) !== undefined) return;
    // What libp2p remembers of everybody who ever came would grow without a bound.
    void this.#host.peerStore.delete(connection.remotePeer).catch(() => undefined);
    this.#static.lost(id);
  }

  #heard(): ReadonlySet<string> {
    const binding = this.#parts.binding?.();
    const own = binding === undefined ? [] : [toHex(binding.validator)];
    return new Set([...own, ...this.#peers.heard()]);
  }

  #protocolId(name: string): string {
    return `/ogpu/${this.#parts.chain.chainId}/${name}/1`;
  }

  #tell(event: NetworkEvent): void {
    if (!this.#isStopped) this.#parts.onEvent?.(event);
  }
}

const FORGIVEN_POINTS = 30;
