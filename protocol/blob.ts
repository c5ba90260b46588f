import { branchOfLevels, rootOfLevels, treeDepth, treeLevels, type TreeLevels } from './audit/tree.js';
import { bytesEqual } from './bytes.js';
import { HASH_LENGTH, sha256 } from './crypto/hash.js';
import { contentHash } from './domains.js';
import { invariant } from './invariant.js';
import { BLOB_CHUNK_BYTES, MAX_BLOB_BYTES } from './limits.js';
import { rootOfBranch } from './ssz/branch.js';

/*
 * Blobs: whatever jobs compute with and is too large for the chain – weights, inputs, states, outputs. A blob is named by its content, the
 * same on every chain:
 *
 *   id = SHA-256("blob" padded with zeros to 32 bytes ‖ length u64 ‖ tree(leaves)),   leaf_i = SHA-256(chunk_i)
 *
 * Chunks have 256 KiB, the last one what is left; the empty blob has one chunk, of no bytes. The tree is that of audits. The length fixes the
 * number of chunks and with it the depth of the tree, so that a node never passes for a leaf, and each chunk is proved alone by its branch.
 */

/** Chunks of a blob of `lengthBytes`. */
export function blobChunkCount(lengthBytes: number): number {
  invariant(isBlobLength(lengthBytes), 'the length of a blob');
  return Math.max(1, Math.ceil(lengthBytes / BLOB_CHUNK_BYTES));
}

/** Bytes of the chunk at `index`. */
export function blobChunkBytes(lengthBytes: number, index: number): number {
  invariant(index >= 0 && index < blobChunkCount(lengthBytes), 'a chunk of the blob');
  return Math.min(BLOB_CHUNK_BYTES, lengthBytes - index * BLOB_CHUNK_BYTES);
}

/** Whether a blob can be so long. */
export function isBlobLength(lengthBytes: number): boolean {
  return Number.isSafeInteger(lengthBytes) && lengthBytes >= 0 && lengthBytes <= MAX_BLOB_BYTES;
}

/** Siblings in the branch of each chunk. */
export function blobBranchLength(lengthBytes: number): number {
  return treeDepth(blobChunkCount(lengthBytes));
}

export function blobLeaf(chunk: Uint8Array): Uint8Array {
  return sha256(chunk);
}

/** Id of a blob that is in memory as a whole. */
export function blobIdOf(bytes: Uint8Array): Uint8Array {
  const leaves = Array.from({ length: blobChunkCount(bytes.length) }, (_, i) =>
    blobLeaf(bytes.subarray(i * BLOB_CHUNK_BYTES, (i + 1) * BLOB_CHUNK_BYTES)),
  );
  return blobIdOfLeaves(bytes.length, leaves);
}

/** @param leaves of all chunks, in order */
export function blobIdOfLeaves(lengthBytes: number, leaves: readonly Uint8Array[]): Uint8Array {
  invariant(leaves.length === blobChunkCount(lengthBytes), 'a leaf for each chunk');
  return idOf(lengthBytes, rootOfLevels(treeLevels(leaves)));
}

/** What branches are taken from; `idOfBlobTree` says of which blob it is. */
export interface BlobTree {
  readonly lengthBytes: number;
  readonly levels: TreeLevels;
}

export function blobTree(lengthBytes: number, leaves: readonly Uint8Array[]): BlobTree {
  invariant(leaves.length === blobChunkCount(lengthBytes), 'a leaf for each chunk');
  return { lengthBytes, levels: treeLevels(leaves) };
}

export function idOfBlobTree({ lengthBytes, levels }: BlobTree): Uint8Array {
  return idOf(lengthBytes, rootOfLevels(levels));
}

/** What proves the chunk at `index`: `blobBranchLength` siblings from the bottom up. */
export function blobBranch({ levels }: BlobTree, index: number): Uint8Array[] {
  return branchOfLevels(levels, index);
}

/** A chunk as it comes from somebody who is not trusted. */
export interface BlobChunk {
  /** Of the whole blob, as claimed; proved with the chunk. */
  readonly lengthBytes: number;
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly branch: readonly Uint8Array[];
}

/** The leaf of a chunk that is proved to be of the blob; undefined where it is not. Proves the length of the blob, too. */
export function provenBlobLeaf(
  id: Uint8Array,
  { lengthBytes, index, bytes, branch }: BlobChunk,
): Uint8Array | undefined {
  if (!isBlobLength(lengthBytes) || !Number.isInteger(index) || index < 0) return undefined;
  const count = blobChunkCount(lengthBytes);
  if (index >= count || bytes.length !== blobChunkBytes(lengthBytes, index)) return undefined;
  const depth = treeDepth(count);
  if (branch.length !== depth) return undefined;
  const leaf = blobLeaf(bytes);
  const root = rootOfBranch(leaf, branch, 2 ** depth + index);
  return root !== undefined && bytesEqual(idOf(lengthBytes, root), id) ? leaf : undefined;
}

/** Leaves one after the other, as they are stored and sent. */
export function splitLeaves(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.floor(bytes.length / HASH_LENGTH) }, (_, i) =>
    bytes.slice(i * HASH_LENGTH, (i + 1) * HASH_LENGTH),
  );
}

function idOf(lengthBytes: number, root: Uint8Array): Uint8Array {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(lengthBytes), true);
  return contentHash('blob', length, root);
}
