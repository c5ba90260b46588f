import { gossipsub, type GossipSub, type GossipSubComponents } from '@libp2p/gossipsub';
import type { Connection, Libp2p, Stream, Topology } from '@libp2p/interface';
import type { OgpuError } from '../../protocol/errors.js';
import { concatBytes } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { SszError } from '../../protocol/ssz/types.js';
import { finalBlockCodec, type FinalBlock } from '../chain-requests.js';
import type { Clock } from '../clock.js';
import { P2pError } from '../errors.js';
import { GossipPeer } from './gossip-peer.js';
import { Judging, type Verdict } from './judging.js';
import { asLibraryCache, MessageCache } from './message-cache.js';
import * as settings from './settings.js';
import { transactionBatchCodec, TransactionBatches } from './transaction-batches.js';

/*
 * Transactions and finalized blocks, from everybody to everybody, by gossipsub.
 *
 * gossipsub is given a world in which only peers exist that have passed the handshake: it learns of a peer, and of a peer's streams, from
 * here alone. It dials nobody.
 */

/** What becomes of what peers send. Without a handler a node does not take part in the topic, but can publish in it. */
export interface GossipHandlers {
  /** A batch. Reject what no correct node relays; ignore what is known, or of no use now. */
  readonly onTransactions?: (peer: string, envelopes: readonly Uint8Array[]) => Promise<Verdict>;
  /** Nothing about the block is verified; accept one whose commit holds. */
  readonly onBlock?: (peer: string, block: FinalBlock) => Promise<Verdict>;
}

export interface GossipParts {
  readonly host: Libp2p;
  readonly clock: Clock;
  readonly chainId: number;
  readonly handlers: GossipHandlers;
  readonly batchIntervalMs: number;
  readonly conductPoints: (peer: string) => number;
  readonly blame: (peer: string, error: OgpuError) => void;
  /** The peer did what ends its connections. */
  readonly disconnect: (peer: string, error: Error) => void;
  /** Has streams of a protocol handed over, of peers that have passed the handshake. */
  readonly serve: (protocolId: string, take: (peer: string, stream: Stream) => void) => Promise<void>;
  /** A new stream to a peer. */
  readonly open: (peer: string, protocolId: string, signal: AbortSignal) => Promise<Stream>;
}

interface TopicCounts {
  /** Messages that came and were new, by what became of them. */
  accepted: number;
  ignored: number;
  rejected: number;
  /** Ignored because too many others were being judged. */
  overloaded: number;
  published: number;
}

export interface TopicStats extends Readonly<TopicCounts> {
  /** Peers that take part. */
  readonly subscribers: number;
}

export interface GossipStats {
  readonly transactions: TopicStats;
  readonly blocks: TopicStats;
  /** Peers that send and are sent whole transactions. */
  readonly meshPeers: number;
  readonly judging: number;
}

/** gossipsub as its own service sees it. */
type Router = GossipSub & {
  start(): Promise<void>;
  stop(): Promise<void>;
  reportMessageValidationResult(name: string, source: string, verdict: Verdict): void;
  getMeshPeers(topic: string): string[];
  /** Its own `stop` leaves the next heartbeat waiting. */
  readonly status: { readonly heartbeatTimeout?: NodeJS.Timeout };
  /** By topic and peer, until when it is not to be in the mesh. Peers choose how long, and it keeps them when they are gone. */
  readonly backoff: ReadonlyMap<string, Map<string, number>>;
};

interface Topic {
  readonly id: string;
  readonly judging: Judging;
  readonly counts: TopicCounts;
  /** Undefined where this node takes no part. @throws SszError */
  readonly judge: ((peer: string, data: Uint8Array) => Promise<Verdict>) | undefined;
}

/** The newest version alone: it knows how to say that a message is not wanted. */
const PROTOCOL_ID = '/meshsub/1.2.0';

/** Bytes of a SHA-256 that name a message. */
const NAME_BYTES = 20;

export class Gossip {
  readonly #parts: GossipParts;
  readonly #router: Router;
  readonly #peers = new Map<string, GossipPeer>();
  readonly #transactions: Topic;
  readonly #blocks: Topic;
  readonly #batches: TransactionBatches;
  readonly #limits: settings.StreamLimits;
  #topology: Topology | undefined;

  constructor(parts: GossipParts) {
    this.#parts = parts;
    const { onTransactions, onBlock } = parts.handlers;
    const topicId = (name: string): string => `/ogpu/${parts.chainId}/${name}/1`;
    this.#transactions = {
      ...{
        id: topicId('transactions'),
        judging: new Judging(settings.TRANSACTION_JUDGING),
        counts: noCounts(),
      },
      judge:
        onTransactions && (async (peer, data) => onTransactions(peer, transactionBatchCodec.decode(data))),
    };
    this.#blocks = {
      ...{ id: topicId('blocks'), judging: new Judging(settings.BLOCK_JUDGING), counts: noCounts() },
      judge: onBlock && (async (peer, data) => onBlock(peer, finalBlockCodec.decode(data))),
    };
    this.#limits = onBlock === undefined ? settings.TRANSACTION_STREAM : settings.BLOCK_STREAM;
    this.#batches = new TransactionBatches(parts.clock, parts.batchIntervalMs, (batch) => {
      this.#publish(this.#transactions, batch);
    });
    this.#router = this.#createRouter();
  }

  get stats(): GossipStats {
    return {
      transactions: this.#statsOf(this.#transactions),
      blocks: this.#statsOf(this.#blocks),
      meshPeers: this.#router.getMeshPeers(this.#transactions.id).length,
      judging: this.#transactions.judging.count + this.#blocks.judging.count,
    };
  }

  async start(): Promise<void> {
    this.#router.addEventListener('gossipsub:message', ({ detail: { propagationSource, msgId, msg } }) => {
      const topic = msg.topic === this.#blocks.id ? this.#blocks : this.#transactions;
      this.#judge(topic, propagationSource.toString(), msgId, msg.data);
    });
    await this.#router.start();
    for (const { id, judge } of this.#topics) if (judge !== undefined) this.#router.subscribe(id);
  }

  async stop(): Promise<void> {
    this.#batches.stop();
    for (const peer of this.#peers.values()) peer.stop();
    this.#peers.clear();
    clearTimeout(this.#router.status.heartbeatTimeout);
    await this.#router.stop();
  }

  /** A peer has passed its handshake. */
  join(id: string, connection: Connection): void {
    const peer = new GossipPeer({
      connection,
      clock: this.#parts.clock,
      limits: this.#limits,
      open: (signal) => this.#parts.open(id, PROTOCOL_ID, signal),
      opened: (facade) => {
        void this.#topology?.onConnect?.(connection.remotePeer, facade);
      },
      fault: (error) => {
        this.#parts.blame(id, error);
        this.#parts.disconnect(id, error);
      },
    });
    this.#peers.set(id, peer);
    peer.start();
  }

  leave(id: string): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    this.#peers.delete(id);
    peer.stop();
    void this.#topology?.onDisconnect?.(peer.peerId);
    for (const backoff of this.#router.backoff.values()) backoff.delete(id);
  }

  /** Sends transactions to whoever takes them, with others of the same moment. */
  publishTransactions(envelopes: readonly Uint8Array[]): void {
    if (this.#subscribers(this.#transactions) > 0) this.#batches.add(envelopes);
  }

  publishBlock(block: FinalBlock): void {
    if (this.#subscribers(this.#blocks) > 0) this.#publish(this.#blocks, finalBlockCodec.encode(block));
  }

  get #topics(): readonly Topic[] {
    return [this.#transactions, this.#blocks];
  }

  #statsOf(topic: Topic): TopicStats {
    return { ...topic.counts, subscribers: this.#subscribers(topic) };
  }

  #subscribers({ id }: Topic): number {
    return this.#router.getSubscribers(id).length;
  }

  #publish({ id, counts }: Topic, data: Uint8Array): void {
    counts.published++;
    // What it may fail with are streams that ended meanwhile.
    this.#router.publish(id, data).catch(() => undefined);
  }

  #judge(topic: Topic, peer: string, name: string, data: Uint8Array): void {
    const { counts, judge, judging } = topic;
    if (judge === undefined) return;
    const judged = async (): Promise<Verdict> => {
      try {
        return await judge(peer, data);
      } catch (error) {
        if (!(error instanceof SszError)) throw error;
        this.#parts.blame(peer, error);
        return 'reject';
      }
    };
    const isTaken = judging.submit(peer, judged, (verdict) => {
      if (verdict === 'accept') counts.accepted++;
      else if (verdict === 'ignore') counts.ignored++;
      else counts.rejected++;
      this.#router.reportMessageValidationResult(name, peer, verdict);
      if (verdict !== 'reject') return;
      const error = new P2pError('GOSSIP_REJECTED', 'the peer has relayed what does not hold', {
        topic: topic.id,
      });
      this.#parts.blame(peer, error);
    });
    if (!isTaken) counts.overloaded++;
  }

  #createRouter(): Router {
    const { host, conductPoints } = this.#parts;
    const topics = this.#topics.map(({ id }) => id);
    const cache = new MessageCache(
      settings.CACHE_LIMITS,
      nameOf,
      settings.KEPT_HEARTBEATS,
      settings.TOLD_HEARTBEATS,
    );
    const create = gossipsub({
      ...settings.MESH,
      ...settings.scoring(topics, conductPoints),
      globalSignaturePolicy: 'StrictNoSign',
      allowedTopics: topics,
      // The same bytes in another topic are another message: else they would count as seen where they are wanted.
      msgIdFn: ({ topic, data }) =>
        sha256(concatBytes(new TextEncoder().encode(topic), data)).subarray(0, NAME_BYTES),
      msgIdToStrFn: nameOf,
      messageCache: asLibraryCache(cache),
      mcacheLength: settings.KEPT_HEARTBEATS,
      mcacheGossip: settings.TOLD_HEARTBEATS,
      heartbeatInterval: settings.HEARTBEAT_MS,
      seenTTL: 60_000,
      asyncValidation: true,
      ...{ floodPublish: false, batchPublish: true, fallbackToFloodsub: false },
      ...{ emitSelf: false, doPX: false, tagMeshPeers: false },
      ...{ allowPublishToZeroTopicPeers: true, ignoreDuplicatePublishError: true },
      ...{ idontwantMinDataSize: 1024, idontwantMaxMessages: 1024 },
      decodeRpcLimits: settings.DECODE_LIMITS,
      maxInboundDataLength: this.#limits.maxRpcBytes,
      maxOutboundBufferSize: this.#limits.maxQueuedBytes,
      maxTopicBytesPerPeer: 16_384,
    });
    const router = create({
      peerId: host.peerId,
      // Nothing is signed, nobody remembered, nobody dialled.
      privateKey: undefined,
      peerStore: undefined,
      connectionManager: undefined,
      registrar: this.#registrar(),
      logger: host.logger,
    } as unknown as GossipSubComponents) as Router;
    router.protocols = [PROTOCOL_ID];
    return router;
  }

  /** Where gossipsub believes to meet all peers. */
  #registrar(): unknown {
    return {
      handle: (protocolId: string, take: (stream: Stream, connection: Connection) => void) =>
        this.#parts.serve(protocolId, (id, stream) => {
          const facade = this.#peers.get(id)?.accept(stream);
          if (facade === undefined) stream.abort(new P2pError('PEER_UNKNOWN', 'the peer is gone'));
          else take(stream, facade);
        }),
      unhandle: () => Promise.resolve(),
      register: (protocolId: string, topology: Topology) => {
        this.#topology = topology;
        return Promise.resolve(protocolId);
      },
      unregister: () => undefined,
    };
  }
}

function noCounts(): TopicCounts {
  return { accepted: 0, ignored: 0, rejected: 0, overloaded: 0, published: 0 };
}

/** A message's id as a key. Peers name messages in as many bytes as they like. */
function nameOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, Math.min(id.length, NAME_BYTES)).toString('base64');
}
