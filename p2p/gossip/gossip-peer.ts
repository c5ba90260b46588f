import type { Connection, PeerId, Stream } from '@libp2p/interface';
import type { Alarm, Clock } from '../clock.js';
import { P2pError } from '../errors.js';
import { TokenBucket } from '../token-bucket.js';
import { RpcMeter } from './rpc-meter.js';
import type { StreamLimits } from './settings.js';

/*
 * One peer as gossipsub is shown it: with a stream that is open already.
 *
 * gossipsub opens its streams one after the other, for all peers: one that does not answer would hold up the others.
 */

export interface GossipPeerParts {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly limits: StreamLimits;
  readonly open: (signal: AbortSignal) => Promise<Stream>;
  /** There is a stream to send on: the connection to show to gossipsub. */
  readonly opened: (facade: Connection) => void;
  /** The peer did what ends its connections. */
  readonly fault: (error: P2pError) => void;
}

const OPEN_TIMEOUT_MS = 10_000;
const MIN_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 10_000;

export class GossipPeer {
  readonly #parts: GossipPeerParts;
  readonly #stopping = new AbortController();
  readonly #bytes: TokenBucket;
  readonly #items: TokenBucket;
  /** Opened and not taken yet. */
  #ready: Stream | undefined;
  #outgoing: Stream | undefined;
  #incoming: Stream | undefined;
  #backoffMs = MIN_BACKOFF_MS;
  #openedMs = 0;
  #reopening: Alarm | undefined;

  constructor(parts: GossipPeerParts) {
    this.#parts = parts;
    this.#bytes = new TokenBucket(parts.limits.bytes, parts.clock);
    this.#items = new TokenBucket(parts.limits.items, parts.clock);
  }

  get peerId(): PeerId {
    return this.#parts.connection.remotePeer;
  }

  start(): void {
    void this.#open();
  }

  stop(): void {
    this.#stopping.abort();
    this.#reopening?.cancel();
    const ended = new P2pError('STREAM_CLOSED', 'the peer is gone');
    this.#outgoing?.abort(ended);
    this.#incoming?.abort(ended);
  }

  /** Watches what the peer sends on a new stream from now on. Returns the connection to show to gossipsub. */
  accept(stream: Stream): Connection {
    this.#incoming?.abort(new P2pError('STREAM_CLOSED', 'the peer has opened a newer stream'));
    this.#incoming = stream;
    stream.inactivityTimeout = Infinity;
    const meter = new RpcMeter(this.#parts.limits.maxRpcBytes);
    stream.addEventListener('message', ({ data }) => {
      try {
        for (const chunk of data instanceof Uint8Array ? [data] : data) this.#weigh(meter, chunk);
      } catch (error) {
        if (!(error instanceof P2pError)) throw error;
        // Before gossipsub sees any of it.
        stream.abort(error);
        if (!this.#stopping.signal.aborted) this.#parts.fault(error);
      }
    });
    return this.#facade();
  }

  #weigh(meter: RpcMeter, chunk: Uint8Array): void {
    if (!this.#bytes.take(chunk.length)) throw flooded('bytes');
    if (!this.#items.take(meter.push(chunk))) throw flooded('messages');
  }

  async #open(): Promise<void> {
    const { clock, open, opened } = this.#parts;
    const timeout = new AbortController();
    const alarm = clock.setTimer(OPEN_TIMEOUT_MS, () => {
      timeout.abort();
    });
    try {
      const stream = await open(AbortSignal.any([timeout.signal, this.#stopping.signal]));
      this.#outgoing = stream;
      this.#ready = stream;
      this.#openedMs = clock.nowMs();
      stream.inactivityTimeout = Infinity;
      stream.addEventListener('close', () => {
        this.#reopenLater();
      });
      if (this.#stopping.signal.aborted) stream.abort(new P2pError('NETWORK_STOPPED', 'stopping'));
      else if (stream.status === 'open') opened(this.#facade());
      else this.#reopenLater();
    } catch {
      this.#reopenLater();
    } finally {
      alarm.cancel();
    }
  }

  #reopenLater(): void {
    if (this.#stopping.signal.aborted) return;
    const { clock } = this.#parts;
    // One that has lasted ended by misfortune.
    if (clock.nowMs() - this.#openedMs > MAX_BACKOFF_MS) this.#backoffMs = MIN_BACKOFF_MS;
    this.#reopening?.cancel();
    this.#reopening = clock.setTimer(this.#backoffMs, () => {
      void this.#open();
    });
    this.#backoffMs = Math.min(2 * this.#backoffMs, MAX_BACKOFF_MS);
  }

  #facade(): Connection {
    const { remotePeer, remoteAddr, direction } = this.#parts.connection;
    return {
      ...{ remotePeer, remoteAddr, direction, status: 'open' },
      newStream: (): Promise<Stream> => {
        const stream = this.#ready;
        this.#ready = undefined;
        if (stream !== undefined) return Promise.resolve(stream);
        return Promise.reject(new P2pError('STREAM_CLOSED', 'there is no stream yet'));
      },
    } as unknown as Connection;
  }
}

function flooded(what: string): P2pError {
  return new P2pError('GOSSIP_FLOODED', `more ${what} than a correct peer sends`);
}
