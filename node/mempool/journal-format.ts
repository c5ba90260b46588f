import { crc32 } from 'node:zlib';
import { bytesEqual, joinBytes, toHex } from '../../protocol/bytes.js';
import { HASH_LENGTH } from '../../protocol/crypto/hash.js';
import { invariant } from '../../protocol/invariant.js';
import { MAX_TRANSACTION_BYTES } from '../../protocol/limits.js';
import type { PoolEntry, Source } from './entry.js';
import { JournalError } from './errors.js';

/** Whose transactions a journal holds. */
export interface JournalIdentity {
  readonly chainId: number;
  /** 32 bytes. */
  readonly genesisId: Uint8Array;
}

/** A transaction as it was written; nothing of it has been verified. */
export interface JournalRecord {
  readonly envelope: Uint8Array;
  readonly source: Source;
  /** Unix milliseconds. */
  readonly arrivedAtMs: number;
}

/** What can be read of a journal. */
export interface JournalContent {
  readonly records: readonly JournalRecord[];
  /** Bytes from the first damage on, which are given up. */
  readonly damagedBytes: number;
}

/**
 * A journal is `header ‖ record*`; numbers are big-endian, checksums CRC-32 (IEEE 802.3).
 *
 * - header: magic 8 ‖ chain id u64 ‖ genesis id 32 ‖ checksum of the 48 bytes before u32
 * - record: length of the payload u32 ‖ checksum of the payload u32 ‖ payload
 * - payload: time of arrival in ms u64 ‖ source u8 (0 peer, 1 local) ‖ envelope
 */
const MAGIC = new TextEncoder().encode('OGPUTXS1');
const HEADER_BYTES = MAGIC.length + 8 + HASH_LENGTH + 4;
const FRAME_BYTES = 8;
const PREFIX_BYTES = 9;
const MAX_PAYLOAD_BYTES = PREFIX_BYTES + MAX_TRANSACTION_BYTES;
const SOURCES: readonly Source[] = ['peer', 'local'];

export function encodeJournalHeader({ chainId, genesisId }: JournalIdentity): Uint8Array {
  invariant(genesisId.length === HASH_LENGTH, 'a genesis id has 32 bytes');
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  header.set(MAGIC);
  view.setBigUint64(MAGIC.length, BigInt(chainId));
  header.set(genesisId, MAGIC.length + 8);
  view.setUint32(HEADER_BYTES - 4, crc32(header.subarray(0, HEADER_BYTES - 4)));
  return header;
}

export function encodeJournalRecord({ recovered, source, arrivedAtMs }: PoolEntry): Uint8Array {
  const { bytes } = recovered;
  const record = new Uint8Array(FRAME_BYTES + PREFIX_BYTES + bytes.length);
  const view = new DataView(record.buffer);
  view.setBigUint64(FRAME_BYTES, BigInt(arrivedAtMs));
  record[FRAME_BYTES + 8] = source === 'local' ? 1 : 0;
  record.set(bytes, FRAME_BYTES + PREFIX_BYTES);
  view.setUint32(0, PREFIX_BYTES + bytes.length);
  view.setUint32(4, crc32(record.subarray(FRAME_BYTES)));
  return record;
}

/**
 * Reads up to the first damage; what follows it cannot be told apart from rubbish and is given up.
 *
 * @throws JournalError MEMPOOL_JOURNAL_UNKNOWN when this is no journal | MEMPOOL_JOURNAL_FOREIGN when it is another chain's
 */
export function decodeJournal(bytes: Uint8Array, identity: JournalIdentity): JournalContent {
  const expected = encodeJournalHeader(identity);
  if (bytes.length < HEADER_BYTES && bytesEqual(bytes, expected.subarray(0, bytes.length))) {
    return { records: [], damagedBytes: bytes.length };
  }
  assertHeader(bytes, expected);
  const records: JournalRecord[] = [];
  let at = HEADER_BYTES;
  while (at < bytes.length) {
    const payload = readPayload(bytes, at);
    const record = payload === undefined ? undefined : decodePayload(payload);
    if (payload === undefined || record === undefined) break;
    records.push(record);
    at += FRAME_BYTES + payload.length;
  }
  return { records, damagedBytes: bytes.length - at };
}

function assertHeader(bytes: Uint8Array, expected: Uint8Array): void {
  const header = bytes.subarray(0, HEADER_BYTES);
  if (bytesEqual(header, expected)) return;
  const isWhole =
    header.length === HEADER_BYTES &&
    bytesEqual(header.subarray(0, MAGIC.length), MAGIC) &&
    new DataView(header.buffer, header.byteOffset).getUint32(HEADER_BYTES - 4) ===
      crc32(header.subarray(0, HEADER_BYTES - 4));
  if (!isWhole) {
    throw new JournalError('MEMPOOL_JOURNAL_UNKNOWN', 'the file is not a transaction journal', {
      begins: toHex(header.subarray(0, MAGIC.length)),
      cure: 'move the file away; the pool starts empty without it',
    });
  }
  throw new JournalError('MEMPOOL_JOURNAL_FOREIGN', 'the journal is of another chain', {
    chainId: new DataView(header.buffer, header.byteOffset).getBigUint64(MAGIC.length),
    genesisId: toHex(header.subarray(MAGIC.length + 8, HEADER_BYTES - 4)),
    cure: 'move the file away, or start with the data folder of this chain',
  });
}

function readPayload(bytes: Uint8Array, at: number): Uint8Array | undefined {
  if (at + FRAME_BYTES > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  const length = view.getUint32(0);
  const end = at + FRAME_BYTES + length;
  if (length <= PREFIX_BYTES || length > MAX_PAYLOAD_BYTES || end > bytes.length) return undefined;
  const payload = bytes.subarray(at + FRAME_BYTES, end);
  return view.getUint32(4) === crc32(payload) ? payload : undefined;
}

function decodePayload(payload: Uint8Array): JournalRecord | undefined {
  const arrivedAtMs = Number(new DataView(payload.buffer, payload.byteOffset).getBigUint64(0));
  const source = SOURCES[payload[8] ?? SOURCES.length];
  if (source === undefined || !Number.isSafeInteger(arrivedAtMs)) return undefined;
  return { arrivedAtMs, source, envelope: payload.subarray(PREFIX_BYTES) };
}

/** Small pieces joined into chunks of about this size. */
const CHUNK_BYTES = 256 * 1024;

/** A whole journal of these entries, in chunks. */
export function* encodeJournal(
  identity: JournalIdentity,
  entries: Iterable<PoolEntry>,
): Generator<Uint8Array, void, undefined> {
  let parts = [encodeJournalHeader(identity)];
  let sizeBytes = HEADER_BYTES;
  for (const entry of entries) {
    const record = encodeJournalRecord(entry);
    parts.push(record);
    sizeBytes += record.length;
    if (sizeBytes < CHUNK_BYTES) continue;
    yield joinBytes(parts);
    parts = [];
    sizeBytes = 0;
  }
  if (parts.length > 0) yield joinBytes(parts);
}
