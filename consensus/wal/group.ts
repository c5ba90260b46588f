import { bytesEqual, joinBytes } from '../../protocol/bytes.js';
import { crc32 } from '../../protocol/crc32.js';
import { invariant } from '../../protocol/invariant.js';
import { MARKER_BYTES } from './header.js';

/** What led to an output of consensus: a kind its reader knows, and bytes. */
export interface WalRecord {
  /** 0–255. */
  readonly kind: number;
  readonly payload: Uint8Array;
}

/** What was synced together: whole after a crash or not there at all. */
export interface Group {
  readonly records: readonly WalRecord[];
  /** Where the next group begins. */
  readonly end: number;
}

const GROUP_HEADER_BYTES = MARKER_BYTES + 16;
const RECORD_HEADER_BYTES = 5;

/** Bytes that a group takes, and that one more record adds to it. */
export const EMPTY_GROUP_BYTES = GROUP_HEADER_BYTES;
export function recordBytes({ payload }: WalRecord): number {
  return RECORD_HEADER_BYTES + payload.length;
}

/**
 * `marker ‖ sequence u64 ‖ length u32 ‖ CRC-32 ‖ body`, big-endian; the checksum is of sequence, length and body. The body is a
 * list of `kind u8 ‖ length u32 ‖ payload`.
 *
 * @param sequence counts the groups of a file, from 1
 */
export function encodeGroup(marker: Uint8Array, sequence: number, records: readonly WalRecord[]): Uint8Array {
  const body = joinBytes(records.flatMap((record) => [recordHeader(record), record.payload]));
  const header = new Uint8Array(GROUP_HEADER_BYTES);
  const view = new DataView(header.buffer);
  header.set(marker);
  view.setBigUint64(MARKER_BYTES, BigInt(sequence));
  view.setUint32(MARKER_BYTES + 8, body.length);
  view.setUint32(MARKER_BYTES + 12, checksum(header, body));
  return joinBytes([header, body]);
}

/** The whole group number `sequence` at `start`, its payloads windows on `file`; undefined where there is anything else. */
export function decodeGroup(
  marker: Uint8Array,
  sequence: number,
  file: Uint8Array,
  start: number,
): Group | undefined {
  const found = frameAt(marker, file, start);
  if (found?.sequence !== BigInt(sequence)) return undefined;
  const records = decodeBody(found.body);
  return records && { records, end: start + GROUP_HEADER_BYTES + found.body.length };
}

/**
 * Where the first group with a number above `sequence` lies, at `start` or later. A group is written only when the one before
 * it is durable, so a later group proves that what is missing before it had been durable once.
 */
export function findLaterGroup(
  marker: Uint8Array,
  sequence: number,
  file: Uint8Array,
  start: number,
): number | undefined {
  for (let at = start; at + GROUP_HEADER_BYTES <= file.length; at++) {
    at = file.indexOf(marker[0] ?? 0, at);
    if (at === -1) return undefined;
    const found = frameAt(marker, file, at);
    if (found !== undefined && found.sequence > BigInt(sequence)) return at;
  }
  return undefined;
}

function frameAt(
  marker: Uint8Array,
  file: Uint8Array,
  start: number,
): { readonly sequence: bigint; readonly body: Uint8Array } | undefined {
  const bodyStart = start + GROUP_HEADER_BYTES;
  if (bodyStart > file.length) return undefined;
  const header = file.subarray(start, bodyStart);
  if (!bytesEqual(header.subarray(0, MARKER_BYTES), marker)) return undefined;
  const view = new DataView(header.buffer, header.byteOffset);
  const body = file.subarray(bodyStart, bodyStart + view.getUint32(MARKER_BYTES + 8));
  if (body.length !== view.getUint32(MARKER_BYTES + 8)) return undefined;
  if (view.getUint32(MARKER_BYTES + 12) !== checksum(header, body)) return undefined;
  return { sequence: view.getBigUint64(MARKER_BYTES), body };
}

function checksum(header: Uint8Array, body: Uint8Array): number {
  return crc32(body, crc32(header.subarray(MARKER_BYTES, MARKER_BYTES + 12)));
}

function recordHeader({ kind, payload }: WalRecord): Uint8Array {
  invariant(Number.isInteger(kind) && kind >= 0 && kind < 256, 'the kind of a record is a byte');
  const header = new Uint8Array(RECORD_HEADER_BYTES);
  header[0] = kind;
  new DataView(header.buffer).setUint32(1, payload.length);
  return header;
}

function decodeBody(body: Uint8Array): WalRecord[] | undefined {
  const records: WalRecord[] = [];
  const view = new DataView(body.buffer, body.byteOffset);
  let at = 0;
  while (at < body.length) {
    const start = at + RECORD_HEADER_BYTES;
    if (start > body.length) return undefined;
    const end = start + view.getUint32(at + 1);
    if (end > body.length) return undefined;
    records.push({ kind: view.getUint8(at), payload: body.subarray(start, end) });
    at = end;
  }
  return records;
}
