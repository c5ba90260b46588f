import { blobBranchLength, isBlobLength, type BlobChunk } from '../protocol/blob.js';
import { BLOB_CHUNK_BYTES, MAX_BLOB_BYTES } from '../protocol/limits.js';
import { createCodec } from '../protocol/ssz/codec.js';
import {
  byteList,
  bytes32,
  ContainerType,
  listOf,
  uint32,
  uint64,
  type ValueOf,
} from '../protocol/ssz/types.js';
import { onlyPart, type Asking } from './chain-requests.js';
import { P2pError } from './errors.js';
import type { RequestHandler, RequestProtocol } from './requests.js';

/*
 * Blobs are named by their content (`protocol/blob.ts`) and exchanged chunk by chunk, each with its proof: who holds which, and a range of
 * chunks. Only who has the whole of a blob gives of it.
 */

/** Blobs in one question who holds them. */
export const MAX_HELD_IDS = 64;

/** Chunks in one request: 2 MiB. */
export const MAX_RANGE_CHUNKS = 8;

/** Ranges that a node sends at a time, to all peers together; others are told that it is busy. */
export const MAX_SENDING = 8;

const MAX_BRANCH = blobBranchLength(MAX_BLOB_BYTES);

const idsCodec = createCodec<Uint8Array[]>('BlobIds', listOf(bytes32, MAX_HELD_IDS));

const HeldType = new ContainerType({
  /** 0 where it is not held, otherwise its length and one. */
  lengthAndOne: uint64,
});

/** For each id, in order. */
const heldCodec = createCodec('BlobsHeld', listOf(HeldType, MAX_HELD_IDS));

const ChunkRangeType = new ContainerType({ id: bytes32, first: uint32, count: uint32 });
const ChunkType = new ContainerType({
  lengthBytes: uint64,
  index: uint32,
  branch: listOf(bytes32, MAX_BRANCH),
  bytes: byteList(BLOB_CHUNK_BYTES),
});

export type ChunkRange = ValueOf<typeof ChunkRangeType>;

export const chunkRangeCodec = createCodec<ChunkRange>('BlobChunkRange', ChunkRangeType);
export const blobChunkCodec = createCodec<ValueOf<typeof ChunkType>>('BlobChunk', ChunkType, {
  oneCopy: true,
});

export const BLOBS_HELD: RequestProtocol = {
  name: 'blobs-held',
  maxRequestBytes: idsCodec.maxBytes,
  maxPartBytes: heldCodec.maxBytes,
  maxParts: 1,
  timeoutMs: 5_000,
  maxConcurrent: 2,
  rate: { perSecond: 4, burst: 32 },
};

export const BLOB_CHUNKS: RequestProtocol = {
  name: 'blob-chunks',
  maxRequestBytes: chunkRangeCodec.maxBytes,
  maxPartBytes: blobChunkCodec.maxBytes,
  maxParts: MAX_RANGE_CHUNKS,
  // 2 MiB at 1 Mbit/s.
  timeoutMs: 20_000,
  // Two blobs, or one that is on its way while the next range is asked for.
  maxConcurrent: 2,
  // Single chunks, where many peers share the work; 32 whole ranges are 64 MiB.
  rate: { perSecond: 32, burst: 64 },
};

/** What a node gives away. */
export interface BlobShelf {
  /** Length of a blob it has the whole of. */
  readonly lengthOf: (id: Uint8Array) => number | undefined;
  /** Chunks from `first` on, each verified; ends where the blob does. Throws an OgpuError where it has it not. */
  readonly chunks: (range: ChunkRange) => AsyncIterable<BlobChunk>;
}

export function blobHandlers(shelf: BlobShelf): readonly (readonly [RequestProtocol, RequestHandler])[] {
  let sending = 0;
  return [
    [
      BLOBS_HELD,
      // eslint-disable-next-line @typescript-eslint/require-await -- one part, at once
      async function* (_peer, request) {
        yield heldCodec.encode(
          idsCodec.decode(request).map((id) => ({ lengthAndOne: 1 + (shelf.lengthOf(id) ?? -1) })),
        );
      },
    ],
    [
      BLOB_CHUNKS,
      async function* (_peer, request) {
        const { id, first, count } = chunkRangeCodec.decode(request);
        // Not the fault of who asks: a refusal that costs nobody anything.
        if (sending >= MAX_SENDING) throw new P2pError('REQUEST_BUSY', 'too many ranges are being sent');
        sending++;
        try {
          const range = { id, first, count: Math.min(count, MAX_RANGE_CHUNKS) };
          for await (const { branch, ...chunk } of shelf.chunks(range))
            yield blobChunkCodec.encode({ ...chunk, branch: [...branch] });
        } finally {
          sending--;
        }
      },
    ],
  ];
}

/** Lengths of those blobs that the peer says it has, undefined for the others. Nothing is verified. @throws P2pError | SszError */
export async function askHeld(
  asking: Asking,
  ids: readonly Uint8Array[],
): Promise<readonly (number | undefined)[]> {
  const held = heldCodec.decode(await onlyPart(asking(BLOBS_HELD, idsCodec.encode([...ids]))));
  const lengths = held.map(({ lengthAndOne }) => (lengthAndOne === 0 ? undefined : lengthAndOne - 1));
  if (
    lengths.length !== ids.length ||
    lengths.some((length) => length !== undefined && !isBlobLength(length))
  )
    throw new P2pError('RESPONSE_MALFORMED', 'not an answer for the blobs that were asked for');
  return lengths;
}

/**
 * Chunks as they come, in order. Nothing about them is verified but that they are the ones asked for.
 *
 * @throws P2pError | SszError
 */
export async function* askChunks(asking: Asking, range: ChunkRange): AsyncGenerator<BlobChunk, void> {
  let index = range.first;
  for await (const part of asking(BLOB_CHUNKS, chunkRangeCodec.encode(range))) {
    const chunk = blobChunkCodec.decode(part);
    if (chunk.index !== index || index >= range.first + range.count)
      throw new P2pError('RESPONSE_MALFORMED', 'not the chunk that was asked for', { expected: index });
    index++;
    yield chunk;
  }
}
