/**
 * What passes between the pool and its workers: one packed buffer each way, moved rather than copied.
 *
 * - recover:    op ‖ { digest 32 ‖ signature 64 ‖ yParity 1 }*            → { found 1 ‖ address 20 }*
 * - same-message: op ‖ message length 4, big-endian ‖ message ‖ { key 48 ‖ signature 96 }*  → { valid 1 }*
 * - possession: op ‖ key 48 ‖ proof 96                                   → valid 1
 * - aggregates: op ‖ { keys u16 ‖ message 32 ‖ signature 96 ‖ key 48 each }*  → { valid 1 }*
 * - close:      op                                                       → no answer: the worker ends
 *
 * An entry with a field of the wrong length is sent as one that no worker accepts, so that it spoils no other.
 */
export const OP = { recover: 1, sameMessage: 2, possession: 3, close: 4, aggregates: 5 } as const;

export const RECOVERY_LENGTH = 32 + 64 + 1;
export const RECOVERED_LENGTH = 1 + 20;
export const VOTE_LENGTH = 48 + 96;

const MESSAGE_LENGTH = 32;
const KEY_LENGTH = 48;
const SIGNATURE_LENGTH = 96;
const STATEMENT_LENGTH = 2 + MESSAGE_LENGTH + SIGNATURE_LENGTH;

const NO_PARITY = 0xff;
const MESSAGE_OFFSET = 1 + 4;

export type Packed = Uint8Array<ArrayBuffer>;

export interface Recovery {
  /** 32 bytes. */
  readonly digest: Uint8Array;
  /** r ‖ s, 64 bytes. */
  readonly signature: Uint8Array;
  readonly yParity: number;
}

/** That all these keys signed one message together; a single key, that it did alone. */
export interface Statement {
  readonly keys: readonly { readonly bytes: Uint8Array }[];
  /** 32 bytes. */
  readonly message: Uint8Array;
  /** 96 bytes, the aggregate of one by each key. */
  readonly signature: Uint8Array;
}

export interface PackedVote {
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
}

/** The entries alone: the pool joins the entries of several calls behind one op. */
export function packRecoveries(recoveries: readonly Recovery[]): Packed {
  const packed = new Uint8Array(recoveries.length * RECOVERY_LENGTH);
  recoveries.forEach(({ digest, signature, yParity }, i) => {
    const offset = i * RECOVERY_LENGTH;
    const isWellFormed = digest.length === 32 && signature.length === 64 && (yParity === 0 || yParity === 1);
    packed[offset + 96] = isWellFormed ? yParity : NO_PARITY;
    if (!isWellFormed) return;
    packed.set(digest, offset);
    packed.set(signature, offset + 32);
  });
  return packed;
}

export function recoverRequest(bodies: readonly Packed[]): Packed {
  const packed = new Uint8Array(bodies.reduce((length, body) => length + body.length, 1));
  packed[0] = OP.recover;
  let offset = 1;
  for (const body of bodies) {
    packed.set(body, offset);
    offset += body.length;
  }
  return packed;
}

export function unpackRecoveries(packed: Uint8Array): Recovery[] {
  return Array.from({ length: (packed.length - 1) / RECOVERY_LENGTH }, (_, i) => {
    const offset = 1 + i * RECOVERY_LENGTH;
    return {
      digest: packed.subarray(offset, offset + 32),
      signature: packed.subarray(offset + 32, offset + 96),
      yParity: packed[offset + 96] ?? NO_PARITY,
    };
  });
}

export function packRecovered(addresses: readonly (Uint8Array | undefined)[]): Packed {
  const packed = new Uint8Array(addresses.length * RECOVERED_LENGTH);
  addresses.forEach((address, i) => {
    if (address === undefined) return;
    packed[i * RECOVERED_LENGTH] = 1;
    packed.set(address, i * RECOVERED_LENGTH + 1);
  });
  return packed;
}

export function unpackRecovered(packed: Uint8Array): (Uint8Array | undefined)[] {
  return Array.from({ length: packed.length / RECOVERED_LENGTH }, (_, i) => {
    const offset = i * RECOVERED_LENGTH;
    return packed[offset] === 1 ? packed.slice(offset + 1, offset + RECOVERED_LENGTH) : undefined;
  });
}

export function sameMessageRequest(message: Uint8Array, votes: readonly PackedVote[]): Packed {
  const votesOffset = MESSAGE_OFFSET + message.length;
  const packed = new Uint8Array(votesOffset + votes.length * VOTE_LENGTH);
  packed[0] = OP.sameMessage;
  new DataView(packed.buffer).setUint32(1, message.length);
  packed.set(message, MESSAGE_OFFSET);
  votes.forEach((vote, i) => {
    setVote(packed, votesOffset + i * VOTE_LENGTH, vote);
  });
  return packed;
}

export function unpackSameMessage(packed: Uint8Array): { message: Uint8Array; votes: PackedVote[] } {
  const messageLength = new DataView(packed.buffer, packed.byteOffset).getUint32(1);
  const votesOffset = MESSAGE_OFFSET + messageLength;
  const votes = Array.from({ length: (packed.length - votesOffset) / VOTE_LENGTH }, (_, i) =>
    voteAt(packed, votesOffset + i * VOTE_LENGTH),
  );
  return { message: packed.subarray(MESSAGE_OFFSET, votesOffset), votes };
}

export function possessionRequest(publicKey: Uint8Array, proof: Uint8Array): Packed {
  const packed = new Uint8Array(1 + VOTE_LENGTH);
  packed[0] = OP.possession;
  setVote(packed, 1, { publicKey, signature: proof });
  return packed;
}

export function aggregatesRequest(statements: readonly Statement[]): Packed {
  const length = statements.reduce((sum, { keys }) => sum + STATEMENT_LENGTH + keys.length * KEY_LENGTH, 1);
  const packed = new Uint8Array(length);
  const view = new DataView(packed.buffer);
  packed[0] = OP.aggregates;
  let offset = 1;
  for (const { keys, message, signature } of statements) {
    view.setUint16(offset, keys.length);
    setField(packed, offset + 2, MESSAGE_LENGTH, message);
    setField(packed, offset + 2 + MESSAGE_LENGTH, SIGNATURE_LENGTH, signature);
    offset += STATEMENT_LENGTH;
    for (const { bytes } of keys) {
      setField(packed, offset, KEY_LENGTH, bytes);
      offset += KEY_LENGTH;
    }
  }
  return packed;
}

export function unpackAggregates(packed: Uint8Array): Statement[] {
  const view = new DataView(packed.buffer, packed.byteOffset);
  const statements: Statement[] = [];
  for (let offset = 1; offset < packed.length;) {
    const count = view.getUint16(offset);
    const message = packed.subarray(offset + 2, offset + 2 + MESSAGE_LENGTH);
    const signature = packed.subarray(offset + 2 + MESSAGE_LENGTH, offset + STATEMENT_LENGTH);
    offset += STATEMENT_LENGTH;
    const keys = Array.from({ length: count }, (_, i) => {
      const at = offset + i * KEY_LENGTH;
      return { bytes: packed.subarray(at, at + KEY_LENGTH) };
    });
    offset += count * KEY_LENGTH;
    statements.push({ keys, message, signature });
  }
  return statements;
}

export function closeRequest(): Packed {
  return Uint8Array.of(OP.close);
}

export function unpackPossession(packed: Uint8Array): PackedVote {
  return voteAt(packed, 1);
}

function setVote(packed: Packed, offset: number, { publicKey, signature }: PackedVote): void {
  setField(packed, offset, 48, publicKey);
  setField(packed, offset + 48, 96, signature);
}

function voteAt(packed: Uint8Array, offset: number): PackedVote {
  return {
    publicKey: packed.subarray(offset, offset + 48),
    signature: packed.subarray(offset + 48, offset + VOTE_LENGTH),
  };
}

/** A field of another length stays zero, which encodes no point. */
function setField(packed: Packed, offset: number, length: number, field: Uint8Array): void {
  if (field.length === length) packed.set(field, offset);
}
