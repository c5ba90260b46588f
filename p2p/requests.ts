import type { Stream } from '@libp2p/interface';
import { OgpuError } from '../protocol/errors.js';
import type { Clock } from './clock.js';
import { P2pError } from './errors.js';
import { FrameReader, streamError, withDeadline, writeFrame } from './frame-stream.js';
import { TokenBucket, type Rate } from './token-bucket.js';

/*
 * Questions and answers: a stream for each. The question is one frame; the answer is frames whose first byte says what they are, the last
 * one END or REFUSED, so that a stream that breaks off is not taken for a whole answer.
 */

const PART = 0;
const END = 1;
/** With a reason in ASCII. */
const REFUSED = 2;

const MAX_REASON_BYTES = 64;

export interface RequestProtocol {
  /** Part of the protocol id. */
  readonly name: string;
  readonly maxRequestBytes: number;
  readonly maxPartBytes: number;
  readonly maxParts: number;
  /** For the whole exchange, on each side. */
  readonly timeoutMs: number;
  /** Requests of one peer served at the same time. */
  readonly maxConcurrent: number;
  /** Requests that one peer may make. */
  readonly rate: Rate;
}

/** Answers a request of a peer part by part. Throws an OgpuError to refuse it. */
export type RequestHandler = (peer: string, request: Uint8Array) => AsyncIterable<Uint8Array>;

/** Serves one protocol. Requests of all peers beyond `maxTotal` at a time are refused, whoever they come from. */
export class RequestServer {
  readonly #protocol: RequestProtocol;
  readonly #handler: RequestHandler;
  readonly #clock: Clock;
  readonly #maxTotal: number;
  readonly #running = new Map<string, number>();
  readonly #rates = new Map<string, TokenBucket>();
  #total = 0;

  constructor(protocol: RequestProtocol, handler: RequestHandler, clock: Clock, maxTotal = 32) {
    this.#protocol = protocol;
    this.#handler = handler;
    this.#clock = clock;
    this.#maxTotal = maxTotal;
  }

  get runningCount(): number {
    return this.#total;
  }

  forgetPeer(peer: string): void {
    this.#rates.delete(peer);
  }

  /** @throws P2pError for what is to be held against the peer */
  async serve(peer: string, stream: Stream): Promise<void> {
    const { rate, maxConcurrent, timeoutMs, name } = this.#protocol;
    const bucket = this.#rates.get(peer) ?? new TokenBucket(rate, this.#clock);
    this.#rates.set(peer, bucket);
    const running = this.#running.get(peer) ?? 0;
    if (!bucket.take(1) || running >= maxConcurrent) {
      const error = new P2pError('REQUEST_FLOODED', 'more requests than a correct peer makes', { name });
      stream.abort(error);
      throw error;
    }
    if (this.#total >= this.#maxTotal) {
      stream.abort(new P2pError('REQUEST_BUSY', 'too many requests of all peers', { name }));
      return;
    }
    this.#running.set(peer, running + 1);
    this.#total++;
    try {
      const timeout = (): P2pError =>
        new P2pError('REQUEST_TIMEOUT', 'the peer took too long over a request', { name, timeoutMs });
      await withDeadline(this.#clock, stream, timeoutMs, timeout, () => this.#answer(peer, stream));
    } finally {
      this.#total--;
      const left = (this.#running.get(peer) ?? 1) - 1;
      if (left === 0) this.#running.delete(peer);
      else this.#running.set(peer, left);
    }
  }

  async #answer(peer: string, stream: Stream): Promise<void> {
    const { maxRequestBytes, maxParts, maxPartBytes } = this.#protocol;
    const request = await new FrameReader(stream, maxRequestBytes).next();
    // Nobody's fault: a process that dies leaves such streams, and the rate counts them.
    if (request === undefined) throw new P2pError('STREAM_CLOSED', 'a stream without a request');
    let count = 0;
    try {
      for await (const part of this.#handler(peer, request)) {
        if (count++ >= maxParts || part.length > maxPartBytes) {
          throw new P2pError('REQUEST_REFUSED', 'the answer is too large');
        }
        await writeFrame(stream, Uint8Array.of(PART), part);
      }
      await writeFrame(stream, Uint8Array.of(END));
    } catch (error) {
      if (!isTyped(error) || error.code === 'STREAM_CLOSED') throw error;
      await writeFrame(stream, Uint8Array.of(REFUSED), new TextEncoder().encode(error.code));
      if (error.code.startsWith('SSZ_')) {
        throw new P2pError('REQUEST_MALFORMED', 'not a request of this protocol', {}, { cause: error });
      }
    }
    await stream.close();
  }
}

/**
 * Asks on a new stream, and yields the parts of the answer as they come; the peer sends no faster than they are taken.
 *
 * @throws P2pError REQUEST_REFUSED with the peer's `reason` | REQUEST_TIMEOUT | RESPONSE_MALFORMED | RESPONSE_TRUNCATED | FRAME_TOO_LONG
 */
export async function* ask(
  clock: Clock,
  stream: Stream,
  protocol: RequestProtocol,
  request: Uint8Array,
): AsyncGenerator<Uint8Array, void> {
  const { name, timeoutMs, maxParts, maxPartBytes } = protocol;
  const reader = new FrameReader(stream, maxPartBytes + 1);
  const alarm = clock.setTimer(timeoutMs, () => {
    stream.abort(new P2pError('REQUEST_TIMEOUT', 'no whole answer in time', { name, timeoutMs }));
  });
  try {
    await writeFrame(stream, request);
    for (let count = 0; ; count++) {
      const frame = await nextFrame(reader);
      const body = frame.subarray(1);
      switch (frame[0]) {
        case PART:
          if (count >= maxParts) throw new P2pError('RESPONSE_MALFORMED', 'more parts than agreed', { name });
          yield body;
          break;
        case END:
          await stream.close();
          return;
        case REFUSED:
          throw new P2pError('REQUEST_REFUSED', 'the peer refused', { name, reason: readable(body) });
        default:
          throw new P2pError('RESPONSE_MALFORMED', 'unknown kind of frame', { name });
      }
    }
  } finally {
    alarm.cancel();
    // Where the answer is not wanted to its end, or is none. Does nothing to a stream that both sides have closed.
    stream.abort(new P2pError('STREAM_CLOSED', 'the exchange is over'));
  }
}

async function nextFrame(reader: FrameReader): Promise<Uint8Array> {
  let frame: Uint8Array | undefined;
  try {
    frame = await reader.next();
  } catch (error) {
    const typed = streamError(error);
    if (typed.code !== 'STREAM_CLOSED') throw typed;
    throw new P2pError('RESPONSE_TRUNCATED', 'the answer broke off', {}, { cause: error });
  }
  if (frame === undefined) throw new P2pError('RESPONSE_TRUNCATED', 'the answer broke off');
  return frame;
}

function isTyped(error: unknown): error is OgpuError {
  return error instanceof OgpuError;
}

/** A peer's words, made harmless for a log. */
function readable(reason: Uint8Array): string {
  const ascii = Array.from(reason.subarray(0, MAX_REASON_BYTES), (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?',
  );
  return ascii.join('');
}
