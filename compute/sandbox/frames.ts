import { OgpuError } from '../../protocol/errors.js';

/**
 * The pipe between a node and a job: frames of a 12-byte header (magic, kind, three zeros, length; little-endian) and a payload.
 *
 * To the job: `start` (JSON), then for each input `chunk`s and an `end`. From the job: `progress` (JSON), for each segment `chunk`s and
 * an `end`, then `done` or `failed` (JSON), after which nothing follows. Both streams are read as hostile.
 */
export const FRAME_KINDS = ['start', 'chunk', 'end', 'progress', 'done', 'failed'] as const;
export type FrameKind = (typeof FRAME_KINDS)[number];

export interface Frame {
  readonly kind: FrameKind;
  readonly payload: Uint8Array;
}

/**
 * Descriptor on which a job writes its frames. Not standard output: drivers print there, Dawn does, and what they print is for the log.
 */
export const FRAMES_FD = 3;

/** Bytes of one frame's payload. Larger things travel as chunks. */
export const MAX_FRAME_BYTES = 1024 * 1024;

const HEADER_BYTES = 12;
const MAGIC = 0x5367_706f;

export class FrameError extends OgpuError<'FRAME_MALFORMED'> {
  constructor(reason: string) {
    super('FRAME_MALFORMED', reason);
  }
}

export function frameHeader(kind: FrameKind, length: number): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, MAGIC, true);
  header[4] = FRAME_KINDS.indexOf(kind);
  view.setUint32(8, length, true);
  return header;
}

/** Payload of an `end`: which segment or input it was, and how many bytes its chunks made. */
export function endPayload(index: number, byteLength: number): Uint8Array {
  const payload = new Uint8Array(12);
  const view = new DataView(payload.buffer);
  view.setUint32(0, index, true);
  view.setUint32(4, byteLength % 2 ** 32, true);
  view.setUint32(8, Math.floor(byteLength / 2 ** 32), true);
  return payload;
}

export function readEnd(payload: Uint8Array): { readonly index: number; readonly byteLength: number } {
  if (payload.length !== 12) throw new FrameError('an end of the wrong length');
  const view = new DataView(payload.buffer, payload.byteOffset);
  const byteLength = view.getUint32(4, true) + view.getUint32(8, true) * 2 ** 32;
  return { index: view.getUint32(0, true), byteLength };
}

/** Cuts a stream into frames; holds at most one frame beside the piece it was given. */
export class FrameReader {
  private readonly pending: Uint8Array[] = [];
  private pendingBytes = 0;

  /** Frames that are complete with `piece`. @throws FrameError at the first byte that cannot be part of one */
  *push(piece: Uint8Array): Generator<Frame> {
    this.pending.push(piece);
    this.pendingBytes += piece.length;
    for (;;) {
      if (this.pendingBytes < HEADER_BYTES) return;
      const { kind, length } = readHeader(this.peek(HEADER_BYTES));
      if (this.pendingBytes < HEADER_BYTES + length) return;
      const frame = this.take(HEADER_BYTES + length);
      yield { kind, payload: frame.subarray(HEADER_BYTES) };
    }
  }

  /** Whether the stream may end here. */
  isAtBoundary(): boolean {
    return this.pendingBytes === 0;
  }

  private peek(count: number): Uint8Array {
    const [first] = this.pending;
    if (first === undefined || first.length < count) this.join();
    return (this.pending[0] as Uint8Array).subarray(0, count);
  }

  private take(count: number): Uint8Array {
    const bytes = this.peek(count);
    const rest = (this.pending[0] as Uint8Array).subarray(count);
    if (rest.length > 0) this.pending[0] = rest;
    else this.pending.shift();
    this.pendingBytes -= count;
    return bytes;
  }

  private join(): void {
    const all = Buffer.concat(this.pending);
    this.pending.length = 0;
    this.pending.push(all);
  }
}

function readHeader(header: Uint8Array): { readonly kind: FrameKind; readonly length: number } {
  const view = new DataView(header.buffer, header.byteOffset);
  if (view.getUint32(0, true) !== MAGIC) throw new FrameError('bytes that begin no frame');
  const kind = FRAME_KINDS[header[4] ?? FRAME_KINDS.length];
  if (kind === undefined || header[5] !== 0 || header[6] !== 0 || header[7] !== 0)
    throw new FrameError('a frame of no known kind');
  const length = view.getUint32(8, true);
  if (length > MAX_FRAME_BYTES) throw new FrameError(`a frame of ${length} bytes`);
  return { kind, length };
}

/** The JSON object of a frame. @throws FrameError */
export function readJson(payload: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    throw new FrameError('a frame that is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new FrameError('a frame that is no JSON object');
  return value as Readonly<Record<string, unknown>>;
}

/** The frames that carry `bytes` under `index`: chunks and an end. */
export function* framesOf(index: number, bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += MAX_FRAME_BYTES) {
    const chunk = bytes.subarray(at, at + MAX_FRAME_BYTES);
    yield frameHeader('chunk', chunk.length);
    yield chunk;
  }
  const end = endPayload(index, bytes.length);
  yield frameHeader('end', end.length);
  yield end;
}

export function* jsonFrame(kind: FrameKind, value: unknown): Generator<Uint8Array> {
  const payload = new TextEncoder().encode(JSON.stringify(value));
  yield frameHeader(kind, payload.length);
  yield payload;
}
