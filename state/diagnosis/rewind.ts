import { OgpuError } from '../../protocol/errors.js';
import { blockCodec, type Block } from '../../protocol/types/block.js';
import { readHead } from '../chain/block-batch.js';
import { oldEntries } from '../chain/history.js';
import { updateStateRoot } from '../chain/state-root.js';
import { readWindow } from '../chain/window.js';
import { StoreError } from '../store/errors.js';
import { NODE_KEYS } from '../store/keys.js';
import { Overlay } from '../store/overlay.js';
import type { Change, Store } from '../store/store.js';

/** Memory kept for what differs between the present and a past state, tree nodes included: about 1.2 million entries. Computing it takes 1.7 times as much beside it. */
export const MAX_REWIND_BYTES = 1024 * 1024 * 1024;

/**
 * A height that cannot be replayed.
 *
 * | code | meaning |
 * |---|---|
 * | `REPLAY_OF_GENESIS` | height 0 is no block: nothing was executed |
 * | `REPLAY_ABOVE_HEAD` | the block is not there yet |
 * | `REPLAY_PRUNED` | the height has left the retention window; `lowest` is the lowest that can be replayed |
 * | `REPLAY_TOO_FAR` | more entries have changed since than are held in memory |
 * | `REPLAY_BLOCK_MISSING` | inside of the window, but not stored: the database is damaged |
 * | `REPLAY_RANGE_REVERSED` | the range ends before it begins |
 */
export class ReplayError extends OgpuError<
  | 'REPLAY_OF_GENESIS'
  | 'REPLAY_ABOVE_HEAD'
  | 'REPLAY_PRUNED'
  | 'REPLAY_TOO_FAR'
  | 'REPLAY_BLOCK_MISSING'
  | 'REPLAY_RANGE_REVERSED'
> {}

/** A past state in memory, on top of the present one in the store, which must not change meanwhile. */
export interface RewoundState {
  /** State and tree as they were. Can be moved on, by the changes and nodes of the next block. */
  readonly state: Overlay;
  /** Of the rewound tree. */
  readonly root: Uint8Array;
}

/**
 * The state before block `height`, with its tree: every later change is undone in memory, and the tree is computed from the present one.
 *
 * @throws ReplayError for a height that cannot be replayed, StoreError and TreeError for a damaged store
 */
export async function rewindBefore(
  store: Store,
  height: number,
  { maxBytes = MAX_REWIND_BYTES }: { readonly maxBytes?: number } = {},
): Promise<RewoundState> {
  const head = assertReplayable(store, height);
  const state = new Overlay(store, { maxBytes });
  try {
    for (let undone = head; undone >= height; undone--) apply(state, await oldEntries(store, undone));
    const { root, nodes } = updateStateRoot(store, state.changes());
    apply(state, nodes);
    return { state, root };
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'STORE_OVERLAY_FULL') throw error;
    throw new ReplayError(
      'REPLAY_TOO_FAR',
      'too many entries have changed since this block',
      { height, head, maxBytes },
      { cause: error },
    );
  }
}

export function apply(state: Overlay, changes: readonly Change[]): void {
  for (const { key, value } of changes) {
    if (value === undefined) state.delete(key);
    else state.put(key, value);
  }
}

/** @returns the height of the head @throws ReplayError */
export function assertReplayable(store: Store, height: number): number {
  const { lowest: lowestState, highest: head } = readWindow(store);
  const data = { height, lowest: lowestState + 1, head };
  if (height === 0)
    throw new ReplayError('REPLAY_OF_GENESIS', 'the genesis is no block: the first is 1', data);
  if (height > head) throw new ReplayError('REPLAY_ABOVE_HEAD', 'there is no such block yet', data);
  if (height <= lowestState)
    throw new ReplayError('REPLAY_PRUNED', 'the block and the state before it were dropped', data);
  return head;
}

/** @throws ReplayError REPLAY_BLOCK_MISSING */
export function readStoredBlock(store: Store, height: number): Block {
  const block = findStoredBlock(store, height);
  if (block !== undefined) return block;
  throw new ReplayError('REPLAY_BLOCK_MISSING', 'a block inside of the window is not stored', { height });
}

export function findStoredBlock(store: Store, height: number): Block | undefined {
  const bytes = store.get(NODE_KEYS.block.encode(height));
  return bytes === undefined ? undefined : blockCodec.decode(bytes);
}

/** The state root after block `height`, which is not below the window; undefined for the genesis unless it is the head. */
export function recordedRoot(store: Store, height: number): Uint8Array | undefined {
  const head = readHead(store);
  if (head?.height === height) return head.stateRoot;
  return findStoredBlock(store, height)?.header.stateRoot;
}
