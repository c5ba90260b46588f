import { P2pError } from './errors.js';

/*
 * A stream is a sequence of frames: length of the payload (4 bytes, most significant first), payload.
 */

export const FRAME_HEADER_BYTES = 4;

/** One frame whose payload is `parts`, joined. */
export function encodeFrame(...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const frame = new Uint8Array(FRAME_HEADER_BYTES + length);
  new DataView(frame.buffer).setUint32(0, length);
  let offset = FRAME_HEADER_BYTES;
  for (const part of parts) {
    frame.set(part, offset);
    offset += part.length;
  }
  return frame;
}

/**
 * Cuts what a stream brings into payloads. Holds at most one unfinished frame, in memory that grows with the bytes that came, never with
 * the length a peer claims.
 */
export class FrameDecoder {
  readonly #maxBytes: number;
  /** The unfinished frame, its header included: the first `#length` bytes. */
  #pending = new Uint8Array(0);
  #length = 0;

  /** @param maxBytes of one payload */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of the unfinished frame. */
  get pendingBytes(): number {
    return this.#length;
  }

  /** Bytes of memory held for it. */
  get heldBytes(): number {
    return this.#pending.length;
  }

  /**
   * The payloads that end in `chunk`. They may share its memory.
   *
   * @throws P2pError FRAME_TOO_LONG | FRAME_MALFORMED: the stream cannot be read any further
   */
  *push(chunk: Uint8Array): Generator<Uint8Array, void> {
    // Not as a Buffer, whose `slice` shares memory: whoever decodes a payload relies on a copy.
    let rest = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    while (rest.length > 0) {
      if (this.#length === 0) {
        const whole = this.#wholeFrame(rest);
        if (whole === undefined) {
          this.#keep(rest);
          return;
        }
        rest = rest.subarray(FRAME_HEADER_BYTES + whole.length);
        yield whole;
        continue;
      }
      const wantedBytes = this.#wantedBytes();
      const taken = rest.subarray(0, wantedBytes);
      rest = rest.subarray(taken.length);
      this.#keep(taken);
      const payload = this.#wholeFrame(this.#pending.subarray(0, this.#length));
      if (payload !== undefined) {
        this.#pending = new Uint8Array(0);
        this.#length = 0;
        yield payload;
      }
    }
  }

  /** Bytes to the end of the header, or of the frame once the header is there. */
  #wantedBytes(): number {
    if (this.#length < FRAME_HEADER_BYTES) return FRAME_HEADER_BYTES - this.#length;
    return FRAME_HEADER_BYTES + this.#payloadBytes(this.#pending) - this.#length;
  }

  #wholeFrame(bytes: Uint8Array): Uint8Array | undefined {
    if (bytes.length < FRAME_HEADER_BYTES) return undefined;
    const end = FRAME_HEADER_BYTES + this.#payloadBytes(bytes);
    return bytes.length < end ? undefined : bytes.subarray(FRAME_HEADER_BYTES, end);
  }

  #payloadBytes(frame: Uint8Array): number {
    const length = new DataView(frame.buffer, frame.byteOffset).getUint32(0);
    if (length === 0) throw new P2pError('FRAME_MALFORMED', 'a frame without payload');
    if (length > this.#maxBytes) {
      throw new P2pError('FRAME_TOO_LONG', `a frame of ${length} bytes, more than ${this.#maxBytes}`, {
        length,
        maxBytes: this.#maxBytes,
      });
    }
    return length;
  }

  #keep(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#pending.length) {
      const grown = new Uint8Array(
        Math.min(Math.max(needed, 2 * this.#pending.length), FRAME_HEADER_BYTES + this.#maxBytes),
      );
      grown.set(this.#pending.subarray(0, this.#length));
      this.#pending = grown;
    }
    this.#pending.set(bytes, this.#length);
    this.#length = needed;
  }
}
