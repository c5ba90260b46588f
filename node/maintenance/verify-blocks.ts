import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import { blockCodec } from '../../protocol/types/block.js';
import { blockId } from '../../protocol/types/header.js';
import { readHead, readTail } from '../../state/chain/marks.js';
import { placeCodec } from '../../state/chain/records.js';
import { NODE_KEYS } from '../../state/store/keys.js';
import type { Store } from '../../state/store/store.js';

/** A stored block that is not what the chain has at its height. */
export interface BlockFault {
  readonly height: number;
  readonly reason: string;
}

export interface BlockCheck {
  readonly blocks: number;
  /** The first of them; the rest is counted. */
  readonly faults: readonly BlockFault[];
  readonly faultCount: number;
}

const MAX_FAULTS = 100;

/**
 * Whether the stored blocks are a chain that ends in the head: each decodes, has the height it is stored under, is the parent of the next,
 * and is found by its id; its commit is beside it. That they execute to what they say is `ogpu replay`.
 */
export async function verifyBlocks(
  store: Store,
  onBlock: (done: number, total: number) => void = () => undefined,
): Promise<BlockCheck> {
  const head = readHead(store);
  const faults: BlockFault[] = [];
  let [blocks, faultCount, expected] = [0, 0, readTail(store).height];
  const total = (head?.height ?? 0) - expected + 1;
  const blame = (height: number, reason: string): void => {
    if (++faultCount <= MAX_FAULTS) faults.push({ height, reason });
  };
  let previous: Uint8Array | undefined;
  for await (const page of store.range({ ...NODE_KEYS.block.range(), limit: Number.MAX_SAFE_INTEGER })) {
    for (const { key, value } of page) {
      const [height] = NODE_KEYS.block.decode(key);
      for (; expected < height; expected++) {
        blame(expected, 'the block is missing');
        previous = undefined;
      }
      const found = checkBlock(store, height, value, previous);
      for (const reason of found.reasons) blame(height, reason);
      previous = found.id;
      expected = height + 1;
      onBlock(++blocks, total);
    }
  }
  for (; head !== undefined && expected <= head.height; expected++) blame(expected, 'the block is missing');
  if (head !== undefined && previous !== undefined && !bytesEqual(previous, head.id))
    blame(head.height, 'the last block is not the head');
  return { blocks, faults, faultCount };
}

function checkBlock(
  store: Store,
  height: number,
  bytes: Uint8Array,
  parent: Uint8Array | undefined,
): { readonly id: Uint8Array | undefined; readonly reasons: readonly string[] } {
  const reasons: string[] = [];
  try {
    const { header } = blockCodec.decode(bytes);
    const id = blockId(header);
    if (header.height !== height) reasons.push(`the block says that it is of height ${header.height}`);
    if (parent !== undefined && !bytesEqual(header.parentId, parent))
      reasons.push(`its parent is ${toHex(header.parentId)}, and ${toHex(parent)} is stored`);
    const place = store.get(NODE_KEYS.blockId.encode(id));
    if (place === undefined || placeCodec.decode(place).height !== height)
      reasons.push('it is not found by its id');
    if (!store.has(NODE_KEYS.commit.encode(height))) reasons.push('its commit is missing');
    return { id, reasons };
  } catch (error) {
    if (!(error instanceof OgpuError)) throw error;
    return { id: undefined, reasons: [`it cannot be read: ${error.message}`] };
  }
}
