import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  blobBranch,
  blobBranchLength,
  blobChunkBytes,
  blobChunkCount,
  blobIdOf,
  blobLeaf,
  blobTree,
  idOfBlobTree,
  provenBlobLeaf,
  type BlobChunk,
} from '../../../protocol/blob.js';
import { toHex } from '../../../protocol/bytes.js';
import { BLOB_CHUNK_BYTES, MAX_BLOB_BYTES } from '../../../protocol/limits.js';
import { stateIdOf } from '../../../protocol/audit/commitment.js';
import { createPrng } from '../../support/prng.js';
import { assertVector } from '../../support/vectors.js';

/** Written from the definition alone, recursion over halves, with Node's hash. */
function naiveId(bytes: Uint8Array): string {
  const sha = (...parts: Uint8Array[]): Buffer => {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    return hash.digest();
  };
  const chunks = Math.max(1, Math.ceil(bytes.length / 262_144));
  const subtree = (first: number, width: number): Buffer => {
    if (width > 1) return sha(subtree(first, width / 2), subtree(first + width / 2, width / 2));
    return first < chunks ? sha(bytes.subarray(first * 262_144, (first + 1) * 262_144)) : Buffer.alloc(32);
  };
  let width = 1;
  while (width < chunks) width *= 2;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  const domain = Buffer.alloc(32);
  domain.write('blob');
  return `0x${sha(domain, length, subtree(0, width)).toString('hex')}`;
}

const LENGTHS = [
  ...[0, 1, 31, 32, 64, BLOB_CHUNK_BYTES - 1, BLOB_CHUNK_BYTES, BLOB_CHUNK_BYTES + 1],
  ...[2 * BLOB_CHUNK_BYTES, 3 * BLOB_CHUNK_BYTES - 7, 5 * BLOB_CHUNK_BYTES + 5],
];

const contentOf = (length: number): Uint8Array => createPrng(length).bytes(length);

function chunksOf(bytes: Uint8Array): { readonly id: Uint8Array; readonly chunks: BlobChunk[] } {
  const pieces = Array.from({ length: blobChunkCount(bytes.length) }, (_, i) =>
    bytes.slice(i * BLOB_CHUNK_BYTES, (i + 1) * BLOB_CHUNK_BYTES),
  );
  const tree = blobTree(bytes.length, pieces.map(blobLeaf));
  const chunks = pieces.map((piece, index) => ({
    ...{ lengthBytes: bytes.length, index, bytes: piece, branch: blobBranch(tree, index) },
  }));
  return { id: idOfBlobTree(tree), chunks };
}

test('ids are those of an independent implementation, and stay what they are', () => {
  const ids = Object.fromEntries(LENGTHS.map((length) => [`${length}`, toHex(blobIdOf(contentOf(length)))]));
  for (const length of LENGTHS) assert.equal(ids[`${length}`], naiveId(contentOf(length)), `${length} bytes`);
  assertVector('blobs.json', ids);
  assert.equal(toHex(stateIdOf(contentOf(31))), ids['31'], 'states are named as blobs');
});

test('every chunk proves itself and the length alone, at its place and nowhere else', () => {
  for (const length of LENGTHS) {
    const { id, chunks } = chunksOf(contentOf(length));
    assert.equal(toHex(id), toHex(blobIdOf(contentOf(length))));
    for (const chunk of chunks) {
      const { index, bytes, branch } = chunk;
      assert.deepEqual(provenBlobLeaf(id, chunk), blobLeaf(bytes));
      assert.equal(bytes.length, blobChunkBytes(length, index));
      assert.equal(branch.length, blobBranchLength(length));
      const other = bytes.slice();
      other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
      const wrong: Partial<BlobChunk>[] = [
        ...[{ index: index + 1 }, { index: -1 }, { index: 0.5 }, { index: 2 ** 31 }],
        ...[{ lengthBytes: length + 1 }, { lengthBytes: length + BLOB_CHUNK_BYTES }, { lengthBytes: -1 }],
        ...[{ lengthBytes: MAX_BLOB_BYTES + 1 }, { lengthBytes: NaN }],
        ...[{ branch: [...branch, new Uint8Array(32)] }, { bytes: new Uint8Array([...bytes, 0]) }],
        ...(bytes.length > 0 ? [{ bytes: other }, { bytes: bytes.slice(1) }] : []),
        ...(branch.length > 0
          ? [{ branch: branch.slice(1) }, { branch: branch.map(() => new Uint8Array(31)) }]
          : []),
      ];
      for (const change of wrong)
        assert.equal(
          provenBlobLeaf(id, { ...chunk, ...change }),
          undefined,
          `${length}: ${JSON.stringify(Object.keys(change))}`,
        );
      assert.equal(
        provenBlobLeaf(
          id.map((byte) => byte ^ 1),
          chunk,
        ),
        undefined,
      );
    }
  }
});

test('a node of the tree never passes for a chunk', () => {
  // A blob of 64 bytes that are the two leaves of another: another length, another id.
  const { id, chunks } = chunksOf(contentOf(2 * BLOB_CHUNK_BYTES));
  const leaves = new Uint8Array(chunks.flatMap(({ bytes }) => [...blobLeaf(bytes)]));
  assert.notEqual(toHex(blobIdOf(leaves)), toHex(id));
  for (const lengthBytes of [64, 2 * BLOB_CHUNK_BYTES])
    assert.equal(provenBlobLeaf(id, { lengthBytes, index: 0, bytes: leaves, branch: [] }), undefined);
});
