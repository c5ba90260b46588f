import { P2pError } from '../errors.js';

/*
 * gossipsub reads whatever a peer sends. This looks at the stream before it does, without keeping any of it: a stream is a sequence of
 * RPCs, each a length (varint) and a protobuf whose fields are subscriptions, messages and one block of control messages.
 */

/** A varint of more bytes is a length that nobody sends. */
const MAX_VARINT_BYTES = 5;

/** The wire type of everything in an RPC: a length and as many bytes. */
const LENGTH_DELIMITED = 2;

/** Counts the RPCs of a stream and what is in them. */
export class RpcMeter {
  readonly #maxRpcBytes: number;
  #reads: 'rpc' | 'tag' | 'field' = 'rpc';
  #varint = 0;
  #varintBytes = 0;
  /** Of the RPC that has begun. */
  #leftBytes = 0;
  /** Of its field that has begun. */
  #fieldBytes = 0;

  constructor(maxRpcBytes: number) {
    this.#maxRpcBytes = maxRpcBytes;
  }

  /**
   * @returns RPCs and fields of RPCs that begin in `chunk`
   * @throws P2pError FRAME_TOO_LONG | FRAME_MALFORMED: the stream cannot be read any further
   */
  push(chunk: Uint8Array): number {
    let count = 0;
    for (let at = 0; at < chunk.length;) {
      if (this.#fieldBytes > 0) {
        const taken = Math.min(this.#fieldBytes, chunk.length - at);
        this.#fieldBytes -= taken;
        this.#spend(taken);
        at += taken;
      } else if (this.#takeVarint(chunk[at++] ?? 0)) count++;
    }
    return count;
  }

  /** Whether that byte was the last of an RPC's or a field's length. */
  #takeVarint(byte: number): boolean {
    if (this.#varintBytes++ === MAX_VARINT_BYTES) throw malformed('a length of too many bytes');
    this.#varint += (byte & 0x7f) * 2 ** (7 * (this.#varintBytes - 1));
    const reads = this.#reads;
    const isWhole = byte < 0x80;
    if (reads === 'rpc') {
      if (isWhole) this.#beginRpc(this.#takeNumber());
      return isWhole;
    }
    if (isWhole) this.#beginField(this.#takeNumber());
    this.#spend(1);
    if (this.#leftBytes === 0 && (!isWhole || reads === 'tag'))
      throw malformed('an RPC that ends in a field');
    return isWhole && reads === 'field';
  }

  #takeNumber(): number {
    const value = this.#varint;
    this.#varint = 0;
    this.#varintBytes = 0;
    return value;
  }

  #beginRpc(length: number): void {
    if (length > this.#maxRpcBytes) {
      const data = { length, maxBytes: this.#maxRpcBytes };
      throw new P2pError('FRAME_TOO_LONG', `an RPC of ${length} bytes, more than ${this.#maxRpcBytes}`, data);
    }
    this.#leftBytes = length;
    this.#reads = length === 0 ? 'rpc' : 'tag';
  }

  #beginField(value: number): void {
    if (this.#reads === 'tag') {
      if (value % 8 !== LENGTH_DELIMITED) throw malformed('a field that no RPC has');
      this.#reads = 'field';
      return;
    }
    if (value >= this.#leftBytes) throw malformed('a field longer than its RPC');
    this.#fieldBytes = value;
    this.#reads = 'tag';
  }

  #spend(bytes: number): void {
    this.#leftBytes -= bytes;
    if (this.#leftBytes === 0 && this.#reads === 'tag' && this.#fieldBytes === 0) this.#reads = 'rpc';
  }
}

function malformed(what: string): P2pError {
  return new P2pError('FRAME_MALFORMED', what);
}
