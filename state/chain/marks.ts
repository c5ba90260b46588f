import { NODE_KEYS } from '../store/keys.js';
import type { Reader } from '../store/store.js';
import { headCodec, tailCodec, type Head, type Tail } from './records.js';

/** Where the chain stands: undefined before the genesis is stored. */
export function readHead(reader: Reader): Head | undefined {
  const bytes = reader.get(HEAD_KEY);
  return bytes === undefined ? undefined : headCodec.decode(bytes);
}

/** `height` is the lowest one whose block, receipts, indices and history are still there: that of the first block where nothing was dropped. */
export function readTail(reader: Reader): Tail {
  const bytes = reader.get(TAIL_KEY);
  return bytes === undefined ? { height: FIRST_BLOCK, compacted: FIRST_BLOCK } : tailCodec.decode(bytes);
}

export const HEAD_KEY = NODE_KEYS.meta.encode('head');
export const TAIL_KEY = NODE_KEYS.meta.encode('tail');

/** The genesis, at height 0, is a state without a block. */
const FIRST_BLOCK = 1;
