import { concatBytes } from '../protocol/bytes.js';
import { MAX_BLOCK_BYTES } from '../protocol/limits.js';
import { createCodec } from '../protocol/ssz/codec.js';
import { bytes32, ContainerType, listOf, uint32, uint64, type ValueOf } from '../protocol/ssz/types.js';
import { BlockType } from '../protocol/types/block.js';
import { ExtendedCommitType, extendedCommitCodec } from '../protocol/types/commit.js';
import { P2pError } from './errors.js';
import type { RequestHandler, RequestProtocol } from './requests.js';

/*
 * What nodes ask each other about the chain.
 */

const StatusType = new ContainerType({
  /** Of the last final block; 0 before the first. */
  headHeight: uint64,
  headId: bytes32,
  /** Of the oldest block that can be asked for. */
  oldestHeight: uint64,
});

const BlockRangeType = new ContainerType({ firstHeight: uint64, count: uint32 });

const BlockIdType = new ContainerType({ id: bytes32 });

/** A final block and the commit that says so. */
const FinalBlockType = new ContainerType({ block: BlockType, commit: ExtendedCommitType });

export type Status = ValueOf<typeof StatusType>;
export type BlockRange = ValueOf<typeof BlockRangeType>;
export type FinalBlock = ValueOf<typeof FinalBlockType>;

/** Bytes of the largest final block with its commit. */
export const MAX_FINAL_BLOCK_BYTES = MAX_BLOCK_BYTES + extendedCommitCodec.maxBytes + 8;

/** Blocks in one request: half a second of work where blocks are full, and a round trip for each 64 where they are not. */
export const MAX_RANGE_BLOCKS = 64;

/** A question says nothing: its frame still holds a byte. */
export const NOTHING = Uint8Array.of(0);

export const statusCodec = createCodec<Status>('Status', StatusType);
export const blockRangeCodec = createCodec<BlockRange>('BlockRange', BlockRangeType);
const blockIdCodec = createCodec('BlockId', BlockIdType);
export const finalBlockCodec = createCodec<FinalBlock>('FinalBlock', FinalBlockType, {
  maxBytes: MAX_FINAL_BLOCK_BYTES,
  oneCopy: true,
});
const answerOfOne = createCodec('FinalBlocks', listOf(FinalBlockType, 1), {
  maxBytes: MAX_FINAL_BLOCK_BYTES + 4,
  oneCopy: true,
});

const NO_BLOCK = answerOfOne.encode([]);
const FIRST_ELEMENT = Uint8Array.of(4, 0, 0, 0);

export const STATUS: RequestProtocol = {
  name: 'status',
  maxRequestBytes: 1,
  maxPartBytes: statusCodec.maxBytes,
  maxParts: 1,
  timeoutMs: 5000,
  maxConcurrent: 2,
  rate: { perSecond: 2, burst: 8 },
};

export const BLOCK_BY_ID: RequestProtocol = {
  name: 'block',
  maxRequestBytes: blockIdCodec.maxBytes,
  maxPartBytes: MAX_FINAL_BLOCK_BYTES + 4,
  maxParts: 1,
  timeoutMs: 10_000,
  maxConcurrent: 2,
  rate: { perSecond: 4, burst: 16 },
};

export const BLOCK_RANGE: RequestProtocol = {
  name: 'blocks',
  maxRequestBytes: blockRangeCodec.maxBytes,
  maxPartBytes: MAX_FINAL_BLOCK_BYTES,
  maxParts: MAX_RANGE_BLOCKS,
  // The largest answer there is, half a gigabyte, at 100 Mbit/s.
  timeoutMs: 45_000,
  // Two, so that one is on its way while the other is asked for.
  maxConcurrent: 2,
  rate: { perSecond: 8, burst: 32 },
};

/** Where a node finds what it is asked for. Blocks are encodings of `FinalBlock`. */
export interface ChainSource {
  readonly status: () => Status;
  /** Final blocks from `firstHeight` on, at most `count`, ascending without a gap; fewer where it has no more. */
  readonly blocks: (range: BlockRange) => AsyncIterable<Uint8Array>;
  readonly blockById: (id: Uint8Array) => Promise<Uint8Array | undefined>;
}

/** What `finalBlockCodec` would make of a block and its commit, from their encodings: nobody has to decode what is passed on. */
export function encodedFinalBlock(block: Uint8Array, commit: Uint8Array): Uint8Array {
  const offsets = new Uint8Array(FINAL_BLOCK_OFFSETS);
  const view = new DataView(offsets.buffer);
  view.setUint32(0, FINAL_BLOCK_OFFSETS, true);
  view.setUint32(4, FINAL_BLOCK_OFFSETS + block.length, true);
  return concatBytes(offsets, block, commit);
}

/** Neither field of the container is of fixed size. */
const FINAL_BLOCK_OFFSETS = 8;

/** The handlers that answer from a chain. */
export function chainHandlers(source: ChainSource): readonly (readonly [RequestProtocol, RequestHandler])[] {
  return [
    [
      STATUS,
      // eslint-disable-next-line @typescript-eslint/require-await -- one part, at once
      async function* () {
        yield statusCodec.encode(source.status());
      },
    ],
    [
      BLOCK_BY_ID,
      async function* (_peer, request) {
        const block = await source.blockById(blockIdCodec.decode(request).id);
        // A list of one: where its element begins, and the element.
        yield block === undefined ? NO_BLOCK : concatBytes(FIRST_ELEMENT, block);
      },
    ],
    [
      BLOCK_RANGE,
      async function* (_peer, request) {
        const { firstHeight, count } = blockRangeCodec.decode(request);
        const range = { firstHeight, count: Math.min(count, MAX_RANGE_BLOCKS) };
        yield* source.blocks(range);
      },
    ],
  ];
}

/** Sends a request to a peer: `Network.request`, bound to one. */
export type Asking = (protocol: RequestProtocol, request: Uint8Array) => AsyncIterable<Uint8Array>;

/** @throws P2pError | SszError as what the answer is */
export async function askStatus(asking: Asking): Promise<Status> {
  return statusCodec.decode(await onlyPart(asking(STATUS, NOTHING)));
}

/** @returns undefined where the peer has no such block. Nothing about the block is verified. @throws as `askStatus` */
export async function askBlock(asking: Asking, id: Uint8Array): Promise<FinalBlock | undefined> {
  return answerOfOne.decode(await onlyPart(asking(BLOCK_BY_ID, blockIdCodec.encode({ id }))))[0];
}

/**
 * Blocks as they come. Nothing about them is verified but that their heights are the ones asked for.
 *
 * @throws as `askStatus`
 */
export async function* askBlocks(asking: Asking, range: BlockRange): AsyncGenerator<FinalBlock, void> {
  let height = range.firstHeight;
  for await (const part of asking(BLOCK_RANGE, blockRangeCodec.encode(range))) {
    const block = finalBlockCodec.decode(part);
    if (block.block.header.height !== height || height >= range.firstHeight + range.count) {
      throw new P2pError('RESPONSE_MALFORMED', 'not the block that was asked for', {
        expectedHeight: height,
        height: block.block.header.height,
      });
    }
    height++;
    yield block;
  }
}

export async function onlyPart(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  for await (const part of parts) return part;
  throw new P2pError('RESPONSE_MALFORMED', 'an answer without content');
}
