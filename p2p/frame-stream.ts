import type { Stream } from '@libp2p/interface';
import type { Clock } from './clock.js';
import { P2pError } from './errors.js';
import { encodeFrame, FrameDecoder } from './frames.js';

/** Reads a stream frame by frame, and lets the peer send no more than is read. */
export class FrameReader {
  readonly #stream: Stream;
  readonly #decoder: FrameDecoder;
  readonly #frames: Uint8Array[] = [];
  #end: { readonly error: Error | undefined } | undefined;
  #wake: (() => void) | undefined;

  constructor(stream: Stream, maxFrameBytes: number) {
    this.#stream = stream;
    this.#decoder = new FrameDecoder(maxFrameBytes);
    stream.addEventListener('message', (event) => {
      this.#take(event.data.subarray());
    });
    stream.addEventListener('end', () => {
      this.#finish(undefined);
    });
    stream.addEventListener('close', (event) => {
      this.#finish(event.error);
    });
  }

  /**
   * The next payload; undefined where the peer has closed its end.
   *
   * @throws P2pError FRAME_TOO_LONG | FRAME_MALFORMED | STREAM_CLOSED, or what the stream was aborted with
   */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      if (this.#end !== undefined) {
        if (this.#end.error !== undefined) throw streamError(this.#end.error);
        return undefined;
      }
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      if (this.#stream.readStatus === 'paused') this.#stream.resume();
      await woken;
    }
  }

  #take(chunk: Uint8Array): void {
    if (this.#end !== undefined) return;
    try {
      this.#frames.push(...this.#decoder.push(chunk));
    } catch (error) {
      this.#finish(error as Error);
      return;
    }
    if (this.#frames.length === 0) return;
    if (this.#stream.readStatus === 'readable') this.#stream.pause();
    this.#wakeUp();
  }

  #finish(error: Error | undefined): void {
    this.#end ??= { error };
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

/** Sends one frame; done when the stream can take the next. @throws P2pError STREAM_CLOSED */
export async function writeFrame(stream: Stream, ...parts: readonly Uint8Array[]): Promise<void> {
  try {
    if (!stream.send(encodeFrame(...parts))) await stream.onDrain();
  } catch (error) {
    throw streamError(error);
  }
}

/** Runs `use`, and aborts the stream with `timeout` if that takes longer than `timeoutMs`, or with what `use` throws. */
export async function withDeadline<Result>(
  clock: Clock,
  stream: Stream,
  timeoutMs: number,
  timeout: () => P2pError,
  use: () => Promise<Result>,
): Promise<Result> {
  const alarm = clock.setTimer(timeoutMs, () => {
    stream.abort(timeout());
  });
  try {
    return await use();
  } catch (error) {
    stream.abort(streamError(error));
    throw error;
  } finally {
    alarm.cancel();
  }
}

/** Whatever a stream failed with, typed. */
export function streamError(error: unknown): P2pError {
  if (error instanceof P2pError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new P2pError('STREAM_CLOSED', `the stream ended: ${reason}`, {}, { cause: error });
}
