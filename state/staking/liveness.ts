import type { Address } from '../../protocol/address.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { ContainerType, uint32, uint64, type ValueOf } from '../../protocol/ssz/types.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { records, singleRecord } from '../store/record.js';
import type { Scope } from '../transition/block-context.js';
import { nextValidators } from './active-set.js';
import { jailForDowntime } from './slashing.js';

const MissedType = new ContainerType({ window: uint64, blocks: uint32 });
const WindowType = new ContainerType({
  /** Number of the window: header time divided by its length. */
  number: uint64,
  firstHeight: uint64,
});

/** Written only for who misses a block: who signs costs nothing. */
export const missedBlocks = records(
  STATE_KEYS.liveness,
  createCodec<ValueOf<typeof MissedType>>('MissedBlocks', MissedType),
);
export const livenessWindow = singleRecord(
  STATE_KEYS.system,
  createCodec<ValueOf<typeof WindowType>>('LivenessWindow', WindowType),
  'liveness',
);

/**
 * Counts who has not signed the block before this one. At the end of each window of header time those who signed less than their share
 * of its blocks are jailed. A window with few blocks punishes nobody: a halt is no one's absence.
 *
 * @param absent members of the set of that block that are not in its commit
 */
export function countAbsence(scope: Scope, absent: readonly Address[]): void {
  const { state, block } = scope;
  const number = Math.floor(block.timeMs / block.params.staking.downtimeWindowMs);
  const window = livenessWindow.find(state);
  if (window === undefined || window.number !== number) {
    if (window !== undefined) judgeWindow(scope, window.number, block.height - window.firstHeight);
    livenessWindow.write(state, { number, firstHeight: block.height });
  }
  for (const id of absent) {
    const before = missedBlocks.find(state, id);
    const blocks = before?.window === number ? before.blocks : 0;
    missedBlocks.write(state, { window: number, blocks: blocks + 1 }, id);
  }
}

/** Forgets what a validator has missed, when it leaves the active set. */
export function forgetAbsence(state: Overlay, id: Address): void {
  missedBlocks.remove(state, id);
}

function judgeWindow(scope: Scope, number: number, blocks: number): void {
  const { downtimeMinBlocks, downtimeMinSignedBps } = scope.block.params.staking;
  for (const { id } of nextValidators(scope.state)) {
    const record = missedBlocks.find(scope.state, id);
    if (record === undefined) continue;
    missedBlocks.remove(scope.state, id);
    if (record.window !== number || blocks < downtimeMinBlocks) continue;
    const isAbsent = (blocks - record.blocks) * 10_000 < blocks * downtimeMinSignedBps;
    if (isAbsent) jailForDowntime(scope, id, record.blocks);
  }
}
