import { MAX_BLOCK_BYTES } from '../limits.js';
import { createCodec } from '../ssz/codec.js';
import { ContainerType, type ValueOf } from '../ssz/types.js';
import { BodyType } from './body.js';
import { HeaderType } from './header.js';

/** A block as it is proposed, stored and synced. Its id is the id of its header. */
export const BlockType = new ContainerType({ header: HeaderType, body: BodyType });

export type Block = ValueOf<typeof BlockType>;

export const blockCodec = createCodec<Block>('Block', BlockType, {
  maxBytes: MAX_BLOCK_BYTES,
  oneCopy: true,
});

/** Bytes of the encoding, without making it. */
export function encodedBlockBytes(block: Block): number {
  return BlockType.value_serializedSize(block);
}
