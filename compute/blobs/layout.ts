import { blobChunkCount, isBlobLength } from '../../protocol/blob.js';
import { toHex } from '../../protocol/bytes.js';
import { HASH_LENGTH, sha256 } from '../../protocol/crypto/hash.js';

/*
 * How a blob lies on the disk, whole or in part:
 *
 *   data ‖ leaves, 32 bytes for each chunk ‖ footer: "OGPUBLB1" ‖ length u64 ‖ uploader bytes32
 *
 * A leaf of zeros is that of a chunk that is not there yet: so the leaves are the bitmap of a download, and a blob that is damaged becomes a
 * download again by being moved.
 */

export const FOOTER_BYTES = 48;

const MAGIC = Uint8Array.from('OGPUBLB1', (character) => character.charCodeAt(0));

export interface Footer {
  readonly lengthBytes: number;
  /** Digest of who has uploaded it; zeros where it came from peers. */
  readonly uploader: Uint8Array;
}

export const NO_UPLOADER = new Uint8Array(HASH_LENGTH);

/** Folders of a store. */
export const WHOLE = 'whole';
export const PARTIAL = 'partial';
export const INCOMING = 'incoming';
export const PINS = 'pins';

/** 64 digits, as files are named. */
export function nameOf(id: Uint8Array): string {
  return toHex(id).slice(2);
}

export function wholeFolder(name: string): string {
  return `${WHOLE}/${name.slice(0, 2)}`;
}

export function wholePath(name: string): string {
  return `${wholeFolder(name)}/${name}`;
}

export function partialPath(name: string): string {
  return `${PARTIAL}/${name}`;
}

export const BLOB_NAME = /^[0-9a-f]{64}$/;

export function uploaderDigest(uploader: string): Uint8Array {
  return sha256(new TextEncoder().encode(uploader));
}

/** Bytes of the file of a blob. */
export function fileBytes(lengthBytes: number): number {
  return lengthBytes + HASH_LENGTH * blobChunkCount(lengthBytes) + FOOTER_BYTES;
}

export function leafPosition(lengthBytes: number, index: number): number {
  return lengthBytes + HASH_LENGTH * index;
}

export function encodeFooter({ lengthBytes, uploader }: Footer): Uint8Array {
  const bytes = new Uint8Array(FOOTER_BYTES);
  bytes.set(MAGIC);
  new DataView(bytes.buffer).setBigUint64(8, BigInt(lengthBytes), true);
  bytes.set(uploader, 16);
  return bytes;
}

/** Undefined where these are not the last bytes of a file of `sizeBytes` that is a blob. */
export function decodeFooter(bytes: Uint8Array, sizeBytes: number): Footer | undefined {
  if (bytes.length !== FOOTER_BYTES || MAGIC.some((byte, i) => byte !== bytes[i])) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(8, true);
  const lengthBytes = Number(length);
  if (!isBlobLength(lengthBytes) || fileBytes(lengthBytes) !== sizeBytes) return undefined;
  return { lengthBytes, uploader: bytes.slice(16) };
}
