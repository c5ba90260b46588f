import './promise-with-resolvers.js';
import { randomInt } from 'node:crypto';
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { encodeMessage, type Message } from '../consensus/messages.js';
import { bytesEqual, toHex } from '../protocol/bytes.js';
import type { ChainIdentity } from '../protocol/domains.js';
import type { OgpuError } from '../protocol/errors.js';
import { AddressBook, type BookFolder } from './address-book.js';
import { Admission } from './admission.js';
import { monotonicClock, type Clock } from './clock.js';
import { Conduct } from './conduct.js';
import { ConsensusLink, heardFrame, messageFrame, type LinkStats } from './consensus-link.js';
import { P2pError } from './errors.js';
import { streamError } from './frame-stream.js';
import type { FinalBlock } from './chain-requests.js';
import { Gossip, type GossipHandlers, type GossipStats } from './gossip/gossip.js';
import { connectionGate } from './gate.js';
import { isBound, type Binding, type BindingCheck, type Hello } from './handshake.js';
import { Hearing } from './hearing.js';
import { createHost } from './host.js';
import { networkConfig, type NetworkConfig, type NetworkOptions } from './network-config.js';
import { openStream, peerIdBytes, presence, type Peer } from './peer.js';
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
  /** This validator's word that this peer speaks for it: see `peerBindingRoot`. */
  readonly binding?: Binding;
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
  readonly #peers: Map<string, Peer>;
  readonly #admissions = new Map<Connection, Admission>();
  #isStopped = false;

  /** Listens, and dials the static peers. @throws what libp2p cannot listen with */
  static async start(parts: NetworkParts): Promise<Network> {
    const config = networkConfig(parts.options);
    const clock = parts.clock ?? monotonicClock;
    const conduct = new Conduct(clock);
    const peers = new Map<string, Peer>();
    const isStatic = (peer: string): boolean => config.staticPeers.some(({ id }) => id === peer);
    const host: Libp2p = await createHost(
      { ...parts, ...config },
      connectionGate({
        limits: config,
        isStatic,
        isBanned: (peer) => conduct.isBanned(peer),
        connections: () => host.getConnections(),
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
    peers: Map<string, Peer>,
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
        const frame = heardFrame(encoded);
        for (const peer of peers.values()) peer.link.send(frame);
      },
    });
    this.#gossip = parts.gossip && this.#createGossip(parts.gossip);
    this.#static = new StaticPeers({
      peers: config.staticPeers,
      clock,
      dial: async ({ address }) => {
        await this.dial(address);
      },
      isConnected: (id) => peers.has(id),
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
    return [...this.#peers.values()].map((peer) => ({
      id: peer.id,
      address: [...peer.connections][0]?.remoteAddr.toString() ?? '',
      isInbound: [...peer.connections][0]?.direction === 'inbound',
      validator: this.#isBound(peer) ? peer.claim?.validator : undefined,
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
    if (this.#peers.size === 0) return;
    const frame = messageFrame(encodeMessage(message));
    for (const peer of this.#peers.values()) peer.link.send(frame);
  }

  send(peer: string, message: Message): void {
    this.#peers.get(peer)?.link.send(messageFrame(encodeMessage(message)));
  }

  sendToValidator(validator: Uint8Array, message: Message): void {
    for (const peer of this.#peers.values()) {
      const isClaimed = peer.claim !== undefined && bytesEqual(peer.claim.validator, validator);
      if (isClaimed && this.#isBound(peer)) this.send(peer.id, message);
    }
  }

  /**
   * Passes a message on to the peers that do not hear its signer themselves.
   *
   * @param signer the validator
   * @param source the peer it came from
   * @param make called where there is such a peer
   */
  relay(signer: Uint8Array, source: string, make: () => Message): void {
    const name = toHex(signer);
    let frame: Uint8Array | undefined;
    for (const peer of this.#peers.values()) {
      if (peer.id === source || peer.hears.has(name) || this.#validatorOf(peer) === name) continue;
      frame ??= messageFrame(encodeMessage(make()));
      peer.link.send(frame);
    }
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
    if (isBanned) this.#disconnect(peer, error);
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

  /** Ends every connection and stops listening. Nothing is left running. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#static.stop();
    this.#hearing.stop();
    for (const admission of this.#admissions.values()) admission.cancel();
    for (const peer of this.#peers.values()) peer.link.stop();
    await this.#seeker.stop();
    await this.#gossip?.stop();
    await this.#host.stop();
  }

  async #start(): Promise<void> {
    const host = this.#host;
    host.addEventListener('connection:open', ({ detail }) => {
      if (this.#isStopped) detail.abort(new P2pError('NETWORK_STOPPED', 'stopping'));
      else this.#admission(detail);
    });
    host.addEventListener('connection:close', ({ detail }) => {
      this.#closed(detail);
    });
    await host.handle(
      this.#protocolId('handshake'),
      (stream, connection) => {
        this.#admission(connection).answer(stream);
      },
      { maxInboundStreams: 2, maxOutboundStreams: 2 },
    );
    await this.#serve('consensus', 2, (peer, stream) => {
      peer.link.accept(stream);
    });
    for (const [i, [protocol]] of this.#served.entries()) {
      await this.#serve(protocol.name, protocol.maxConcurrent + 1, async (peer, stream) => {
        try {
          await this.#servers[i]?.serve(peer.id, stream);
        } catch (error) {
          this.blame(peer.id, streamError(error));
        }
      });
    }
    await this.#gossip?.start();
    await this.#book.load();
    await host.start();
    this.#static.start();
    this.#seeker.start();
  }

  /** Serves a protocol to peers that have passed the handshake; streams that come before wait for it. */
  async #serve(
    name: string,
    maxStreams: number,
    serve: (peer: Peer, stream: Stream) => Promise<void> | void,
  ): Promise<void> {
    await this.#serveId(this.#protocolId(name), maxStreams, serve);
  }

  async #serveId(
    protocolId: string,
    maxStreams: number,
    serve: (peer: Peer, stream: Stream) => Promise<void> | void,
  ): Promise<void> {
    await this.#host.handle(
      protocolId,
      async (stream, connection) => {
        const isAdmitted = await this.#admission(connection).result;
        const peer = this.#peers.get(connection.remotePeer.toString());
        if (isAdmitted && peer !== undefined && stream.status === 'open') await serve(peer, stream);
        else stream.abort(new P2pError('HANDSHAKE_FAILED', 'nothing is served before the handshake'));
      },
      { maxInboundStreams: maxStreams, maxOutboundStreams: maxStreams },
    );
  }

  #admission(connection: Connection): Admission {
    const known = this.#admissions.get(connection);
    if (known !== undefined) return known;
    const admission = new Admission(
      {
        clock: this.#clock,
        timeoutMs: this.#config.handshakeTimeoutMs,
        protocolId: this.#protocolId('handshake'),
        ownHello: () => this.#hello(),
        admit: (of, hello) => {
          this.#admit(of, hello);
        },
        refuse: (of, error, lastWord) => {
          this.#refuse(of, error);
          void lastWord.then(() => this.#close(of, error));
        },
      },
      connection,
    );
    this.#admissions.set(connection, admission);
    // A connection that ended before anybody asked for it gives no further event.
    if (connection.status !== 'open') this.#closed(connection);
    return admission;
  }

  #hello(): Hello {
    const { chain, binding, headHeight } = this.#parts;
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
    this.#peers.set(id, peer);
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
      peers: () => [...this.#peers.values()].map(presence),
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
      conductPoints: (peer) => this.#conduct.points(peer),
      blame: (peer, error) => {
        this.blame(peer, error);
      },
      disconnect: (peer, error) => {
        this.#disconnect(peer, error);
      },
      serve: (protocolId, take) =>
        this.#serveId(protocolId, 2, (peer, stream) => {
          take(peer.id, stream);
        }),
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
        this.#disconnect(id, error);
      },
    });
  }

  #refuse(connection: Connection, error: P2pError): void {
    const peer = connection.remotePeer.toString();
    this.#conduct.blame(peer, error, this.#static.has(peer));
    this.#tell({ kind: 'peer-refused', peer, error });
  }

  #closed(connection: Connection): void {
    this.#admissions.get(connection)?.cancel();
    this.#admissions.delete(connection);
    const id = connection.remotePeer.toString();
    const peer = this.#peers.get(id);
    peer?.connections.delete(connection);
    if (peer?.connections.size === 0) {
      this.#peers.delete(id);
      peer.link.stop();
      this.#gossip?.leave(id);
      if (!this.#isStopped) this.#hearing.changed();
      this.#seeker.gone(id);
      for (const server of this.#servers) server.forgetPeer(id);
      this.#tell({ kind: 'peer-gone', peer: id });
    }
    if (this.#isStopped || this.#peers.has(id)) return;
    // What libp2p remembers of everybody who ever came would grow without a bound.
    void this.#host.peerStore.delete(connection.remotePeer).catch(() => undefined);
    this.#static.lost(id);
  }

  /** Looks again at a claim that could not be judged when the peer came. */
  #isBound(peer: Peer): boolean {
    const { bindings, chain } = this.#parts;
    if (peer.isBound === undefined && peer.claim !== undefined) {
      peer.isBound = isBound(bindings, chain, peer.claim, peerIdBytes(peer.id));
    }
    return peer.isBound === true;
  }

  /** The validator that has said that a peer speaks for it, in hex. */
  #validatorOf(peer: Peer): string | undefined {
    return peer.claim !== undefined && this.#isBound(peer) ? toHex(peer.claim.validator) : undefined;
  }

  #heard(): ReadonlySet<string> {
    const { binding } = this.#parts;
    const heard = [...this.#peers.values()].map((peer) => this.#validatorOf(peer));
    if (binding !== undefined) heard.push(toHex(binding.validator));
    return new Set(heard.flatMap((validator) => validator ?? []));
  }

  #disconnect(id: string, error: Error): void {
    for (const connection of this.#peers.get(id)?.connections ?? []) connection.abort(error);
  }

  /** Lets go of a connection in order, so that what was said last arrives, but not for long. */
  async #close(connection: Connection, error: Error): Promise<void> {
    try {
      await connection.close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) });
    } catch {
      connection.abort(error);
    }
  }

  #protocolId(name: string): string {
    return `/ogpu/${this.#parts.chain.chainId}/${name}/1`;
  }

  #tell(event: NetworkEvent): void {
    if (!this.#isStopped) this.#parts.onEvent?.(event);
  }
}

const CLOSE_TIMEOUT_MS = 1000;
