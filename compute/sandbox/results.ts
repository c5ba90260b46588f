import { FrameError, FrameReader, readEnd, readJson, type Frame } from './frames.js';
import type { Ending, MemoryLimit } from './outcome.js';

export interface ResultSink {
  /** Segments come in rising order. While the promise it returns is open, no more is read from the job. */
  readonly onSegment: (index: number, bytes: Uint8Array) => void | Promise<void>;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Bytes of a progress or failure message, and of the text taken over from it. */
const MAX_MESSAGE_BYTES = 16 * 1024;
const MAX_TEXT = 1000;

/** Reads what a job writes to its results, until it says how it ended or breaks the protocol. */
export class ResultReader {
  private readonly frames = new FrameReader();
  private readonly sink: ResultSink;
  private readonly maxBytes: number;
  private chunks: Uint8Array[] = [];
  private chunkBytes = 0;
  private totalBytes = 0;
  private lastIndex = -1;
  private said: Ending | undefined;

  constructor(sink: ResultSink, maxBytes: number) {
    this.sink = sink;
    this.maxBytes = maxBytes;
  }

  /** What the job said last, when it said so. */
  ending(): Ending | undefined {
    return this.said;
  }

  /** Takes the next bytes. The answer is why the job must be ended, if it must be. Errors of the sink are the caller's. */
  async push(piece: Uint8Array): Promise<Ending | undefined> {
    const reader = this.frames.push(piece);
    for (;;) {
      try {
        const next = reader.next();
        if (next.done === true) return undefined;
        const breach = this.accept(next.value);
        if (breach !== undefined) return breach;
      } catch (error) {
        if (error instanceof FrameError) return { kind: 'garbage', reason: error.message };
        throw error;
      }
      await this.deliver();
    }
  }

  /** The stream has ended: whether it may have. */
  end(): Ending | undefined {
    if (this.said === undefined) return undefined;
    if (this.frames.isAtBoundary() && this.chunkBytes === 0) return undefined;
    return { kind: 'garbage', reason: 'a stream that ends inside a segment' };
  }

  private finished: { readonly index: number; readonly bytes: Uint8Array } | undefined;

  private async deliver(): Promise<void> {
    const { finished } = this;
    this.finished = undefined;
    if (finished !== undefined) await this.sink.onSegment(finished.index, finished.bytes);
  }

  private accept({ kind, payload }: Frame): Ending | undefined {
    if (this.said !== undefined) throw new FrameError('a frame after the last one');
    if (kind === 'chunk') return this.acceptChunk(payload);
    if (kind === 'end') this.acceptEnd(payload);
    else if (kind === 'progress') this.acceptProgress(readMessage(payload));
    else if (kind === 'done') {
      if (this.chunkBytes > 0) throw new FrameError('the end of a job inside a segment');
      this.said = { kind: 'completed' };
    } else if (kind === 'failed') this.said = failure(readMessage(payload));
    else throw new FrameError(`a job that sends ${kind}`);
    return undefined;
  }

  private acceptChunk(payload: Uint8Array): Ending | undefined {
    if (payload.length === 0) throw new FrameError('a chunk of nothing');
    this.totalBytes += payload.length;
    if (this.totalBytes > this.maxBytes)
      return { kind: 'output-too-large', stream: 'results', maxBytes: this.maxBytes };
    this.chunks.push(payload);
    this.chunkBytes += payload.length;
    return undefined;
  }

  private acceptEnd(payload: Uint8Array): void {
    const { index, byteLength } = readEnd(payload);
    if (index <= this.lastIndex) throw new FrameError(`segment ${index} after segment ${this.lastIndex}`);
    if (byteLength !== this.chunkBytes)
      throw new FrameError(`segment ${index} of ${byteLength} bytes came with ${this.chunkBytes}`);
    this.lastIndex = index;
    this.finished = { index, bytes: new Uint8Array(Buffer.concat(this.chunks)) };
    this.chunks = [];
    this.chunkBytes = 0;
  }

  private acceptProgress({ done, total }: Readonly<Record<string, unknown>>): void {
    if (!isCount(done) || !isCount(total) || done > total) throw new FrameError('progress that is none');
    this.sink.onProgress?.(done, total);
  }
}

function readMessage(payload: Uint8Array): Readonly<Record<string, unknown>> {
  if (payload.length > MAX_MESSAGE_BYTES) throw new FrameError(`a message of ${payload.length} bytes`);
  return readJson(payload);
}

function failure(said: Readonly<Record<string, unknown>>): Ending {
  const { how, code, message } = said;
  if (typeof code !== 'string' || typeof message !== 'string')
    throw new FrameError('a failure without a reason');
  const text = message.slice(0, MAX_TEXT);
  if (how === 'device-lost') return { kind: 'device-lost', message: text };
  const limit = ({ allocation: 'allocation', vram: 'vram' } as const)[String(how)] as MemoryLimit | undefined;
  if (limit !== undefined) return { kind: 'out-of-memory', limit };
  return { kind: 'failed', code: code.slice(0, MAX_TEXT), message: text };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
