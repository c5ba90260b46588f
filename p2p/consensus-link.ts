import type { Stream } from '@libp2p/interface';
import { decodeMessage, type Message } from '../consensus/messages.js';
import { MAX_BLOCK_BYTES } from '../protocol/limits.js';
import { SszError } from '../protocol/ssz/types.js';
import type { Alarm, Clock } from './clock.js';
import { P2pError } from './errors.js';
import { encodeFrame, FrameDecoder } from './frames.js';
import { decodeHeard } from './hearing.js';
import { Outbox, type OutboxLimits } from './outbox.js';
import { TokenBucket, type Rate } from './token-bucket.js';

/*
 * Consensus messages to and from one peer. Each side keeps one stream open on which it only sends; it opens it again when it breaks.
 *
 * First byte of a payload: what it is.
 */

const MESSAGE = 0;
/** With 8 bytes that the answer brings back. */
const PING = 1;
const PONG = 2;
const PING_BYTES = 9;
/** The validators its sender hears: `hearing.ts`. */
const HEARD = 3;

/** Bytes of the largest payload: a block, its kind, and what it is. */
export const MAX_CONSENSUS_PAYLOAD_BYTES = MAX_BLOCK_BYTES + 2;

export interface LinkLimits extends OutboxLimits {
  /** Frames, pings included, that a peer may send. */
  readonly frames: Rate;
  /** Bytes that a peer may send. */
  readonly bytes: Rate;
  readonly pingIntervalMs: number;
  /** A ping without answer for so long ends the connection. */
  readonly stallTimeoutMs: number;
  readonly openTimeoutMs: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
}

export const DEFAULT_LINK_LIMITS: LinkLimits = {
  // Three rounds of two votes of all 1,024 validators make some six thousand; the older ones are sent again where they are missed.
  maxCount: 4096,
  // One of the largest blocks, or eight of a megabyte. What is broadcast is one frame in memory for all peers.
  maxBytes: MAX_BLOCK_BYTES + 8,
  // A full outbox at once and the traffic of its next second, twice over.
  frames: { perSecond: 8192, burst: 16_384 },
  bytes: { perSecond: 8 * MAX_BLOCK_BYTES, burst: 8 * MAX_BLOCK_BYTES },
  pingIntervalMs: 5000,
  // A process stopped for ten seconds keeps its place.
  stallTimeoutMs: 30_000,
  openTimeoutMs: 10_000,
  minBackoffMs: 100,
  maxBackoffMs: 10_000,
};

export interface LinkParts {
  readonly clock: Clock;
  readonly limits: LinkLimits;
  /** A new outgoing stream to the peer. */
  readonly open: (signal: AbortSignal) => Promise<Stream>;
  readonly receive: (message: Message) => void;
  /** Validators the peer hears itself, in hex. */
  readonly hears: (validators: ReadonlySet<string>) => void;
  /** The peer did what ends the connection. */
  readonly fault: (error: P2pError | SszError) => void;
}

export interface LinkStats {
  readonly queuedCount: number;
  readonly queuedBytes: number;
  /** Frames dropped because the peer did not take them in time. */
  readonly droppedCount: number;
  /** From a ping to its answer, what waited before it included; undefined before the first. */
  readonly lagMs: number | undefined;
  readonly sentCount: number;
  readonly receivedCount: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly openedCount: number;
}

/** A frame of the link, made once for all peers. */
export function messageFrame(encoded: Uint8Array): Uint8Array {
  return encodeFrame(Uint8Array.of(MESSAGE), encoded);
}

/** A frame that tells whom this node hears. */
export function heardFrame(encoded: Uint8Array): Uint8Array {
  return encodeFrame(Uint8Array.of(HEARD), encoded);
}

export class ConsensusLink {
  readonly #parts: LinkParts;
  readonly #outbox: Outbox;
  readonly #frames: TokenBucket;
  readonly #bytes: TokenBucket;
  readonly #stopping = new AbortController();
  #outgoing: Stream | undefined;
  #incoming: Stream | undefined;
  #isOpening = false;
  #backoffMs: number;
  #reopening: Alarm | undefined;
  #pinging: Alarm | undefined;
  #ping: { readonly number: bigint; readonly sentMs: number } | undefined;
  #pingCount = 0n;
  #lagMs: number | undefined;
  #sentCount = 0;
  #receivedCount = 0;
  #sentBytes = 0;
  #receivedBytes = 0;
  #openedCount = 0;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#outbox = new Outbox(parts.limits);
    this.#frames = new TokenBucket(parts.limits.frames, parts.clock);
    this.#bytes = new TokenBucket(parts.limits.bytes, parts.clock);
    this.#backoffMs = parts.limits.minBackoffMs;
  }

  get stats(): LinkStats {
    return {
      queuedCount: this.#outbox.count,
      queuedBytes: this.#outbox.bytes + (this.#outgoing?.writeBufferLength ?? 0),
      droppedCount: this.#outbox.dropped,
      lagMs: this.#lagMs,
      sentCount: this.#sentCount,
      receivedCount: this.#receivedCount,
      sentBytes: this.#sentBytes,
      receivedBytes: this.#receivedBytes,
      openedCount: this.#openedCount,
    };
  }

  start(): void {
    void this.#open();
    this.#schedulePing();
  }

  stop(): void {
    this.#stopping.abort();
    this.#reopening?.cancel();
    this.#pinging?.cancel();
    this.#outbox.clear();
    const ended = new P2pError('STREAM_CLOSED', 'the link was closed');
    this.#outgoing?.abort(ended);
    this.#incoming?.abort(ended);
  }

  /** Queues a frame of `messageFrame` or `heardFrame`. */
  send(frame: Uint8Array): void {
    if (this.#stopping.signal.aborted) return;
    this.#outbox.push(frame);
    this.#pump();
  }

  /** Takes the stream on which the peer sends from now on: it has given up the one before. */
  accept(stream: Stream): void {
    this.#incoming?.abort(new P2pError('STREAM_CLOSED', 'the peer has opened a newer stream'));
    this.#incoming = stream;
    const decoder = new FrameDecoder(MAX_CONSENSUS_PAYLOAD_BYTES);
    stream.inactivityTimeout = Infinity;
    stream.addEventListener('message', (event) => {
      if (this.#incoming !== stream || this.#stopping.signal.aborted) return;
      this.#guarded(() => {
        const chunk = event.data.subarray();
        this.#receivedBytes += chunk.length;
        if (!this.#bytes.take(chunk.length)) throw flooded('bytes');
        for (const payload of decoder.push(chunk)) this.#take(payload);
      });
    });
  }

  #take(payload: Uint8Array): void {
    if (!this.#frames.take(1)) throw flooded('messages');
    this.#receivedCount++;
    const [what] = payload;
    if (what === MESSAGE) {
      this.#parts.receive(decodeMessage(payload.subarray(1)));
      return;
    }
    if (what === HEARD) {
      this.#parts.hears(decodeHeard(payload.subarray(1)));
      return;
    }
    if ((what !== PING && what !== PONG) || payload.length !== PING_BYTES) {
      throw new P2pError('FRAME_MALFORMED', 'neither message, ping, pong nor who is heard', { what });
    }
    if (what === PING) this.send(encodeFrame(Uint8Array.of(PONG), payload.subarray(1)));
    else this.#takePong(new DataView(payload.buffer, payload.byteOffset).getBigUint64(1));
  }

  #takePong(number: bigint): void {
    if (this.#ping?.number !== number) return;
    this.#lagMs = this.#parts.clock.nowMs() - this.#ping.sentMs;
    this.#ping = undefined;
  }

  /** What a peer sends may fail; nothing it sends may throw out of here. */
  #guarded(take: () => void): void {
    try {
      take();
    } catch (error) {
      if (!(error instanceof P2pError || error instanceof SszError)) throw error;
      this.#parts.fault(error);
    }
  }

  #schedulePing(): void {
    const { clock, limits } = this.#parts;
    this.#pinging = clock.setTimer(limits.pingIntervalMs, () => {
      this.#schedulePing();
      const nowMs = clock.nowMs();
      if (this.#ping === undefined) {
        this.#ping = { number: ++this.#pingCount, sentMs: nowMs };
        const payload = new Uint8Array(PING_BYTES);
        payload[0] = PING;
        new DataView(payload.buffer).setBigUint64(1, this.#ping.number);
        this.send(encodeFrame(payload));
      } else if (nowMs - this.#ping.sentMs >= limits.stallTimeoutMs) {
        const error = new P2pError('LINK_STALLED', 'the peer has not answered a ping', {
          sinceMs: Math.round(nowMs - this.#ping.sentMs),
        });
        this.#ping = undefined;
        this.#parts.fault(error);
      }
    });
  }

  #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #open(): Promise<void> {
    if (this.#isOpening || this.#isStopped()) return;
    this.#isOpening = true;
    const timeout = new AbortController();
    const { clock, limits, open } = this.#parts;
    const alarm = clock.setTimer(limits.openTimeoutMs, () => {
      timeout.abort();
    });
    try {
      const stream = await open(AbortSignal.any([timeout.signal, this.#stopping.signal]));
      if (this.#isStopped()) stream.abort(new P2pError('NETWORK_STOPPED', 'stopping'));
      else this.#use(stream);
    } catch {
      // The connection may be gone, or come back: either way the next attempt or the end of the peer follows.
      this.#reopenLater();
    } finally {
      alarm.cancel();
      this.#isOpening = false;
    }
  }

  #use(stream: Stream): void {
    this.#openedCount++;
    this.#outgoing = stream;
    stream.inactivityTimeout = Infinity;
    stream.addEventListener('drain', () => {
      this.#backoffMs = this.#parts.limits.minBackoffMs;
      // The stream takes up its own buffer first.
      queueMicrotask(() => {
        this.#pump();
      });
    });
    stream.addEventListener('close', () => {
      if (this.#outgoing !== stream) return;
      this.#outgoing = undefined;
      this.#reopenLater();
    });
    if (stream.status !== 'open') {
      this.#outgoing = undefined;
      this.#reopenLater();
    }
    this.#pump();
  }

  #reopenLater(): void {
    if (this.#stopping.signal.aborted) return;
    const delayMs = this.#backoffMs;
    this.#backoffMs = Math.min(2 * delayMs, this.#parts.limits.maxBackoffMs);
    this.#reopening?.cancel();
    this.#reopening = this.#parts.clock.setTimer(delayMs, () => {
      void this.#open();
    });
  }

  /** Gives the stream as much as it takes; the rest waits here, where it can still be overtaken or dropped. */
  #pump(): void {
    const stream = this.#outgoing;
    while (stream?.status === 'open' && !stream.writableNeedsDrain && stream.writeStatus === 'writable') {
      const frame = this.#outbox.shift();
      if (frame === undefined) return;
      this.#sentCount++;
      this.#sentBytes += frame.length;
      try {
        stream.send(frame);
      } catch {
        stream.abort(new P2pError('STREAM_CLOSED', 'the stream cannot be written to'));
        return;
      }
    }
  }
}

function flooded(what: string): P2pError {
  return new P2pError('LINK_FLOODED', `more ${what} than a correct peer sends`);
}
