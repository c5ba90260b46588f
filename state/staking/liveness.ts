import type { Address } from '../../protocol/address.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { ContainerType, uint64, type ValueOf } from '../../protocol/ssz/types.js';
import { STATE_KEYS } from '../store/keys.js';
import { singleRecord } from '../store/record.js';
import type { Scope } from '../transition/block-context.js';
import { missedBlocks } from './absence.js';
import { isMember, nextValidators } from './active-set.js';
import { jailForDowntime, leaveActiveSet } from './slashing.js';

const WindowType = new ContainerType({
  /** Number of the window: header time divided by its length. */
  number: uint64,
  firstHeight: uint64,
});

export const livenessWindow = singleRecord(
  STATE_KEYS.system,
  createCodec<ValueOf<typeof WindowType>>('LivenessWindow', WindowType),
  'liveness',
);

/**
 * Counts who has not signed the block before this one. At the end of each window of header time those who signed less than their share
 * of its blocks are jailed. A window with few blocks punishes nobody: a halt is no one's absence.
 *
 * @param absent members of the set of that block that are not in its commit; who has left the set since is not counted
 */
export function countAbsence(scope: Scope, absent: readonly Address[]): void {
  const { state, block } = scope;
  const number = Math.floor(block.timeMs / block.params.staking.downtimeWindowMs);
  const window = livenessWindow.find(state);
  if (window === undefined || window.number !== number) {
    if (window !== undefined) judgeWindow(scope, block.height - window.firstHeight);
    livenessWindow.write(state, { number, firstHeight: block.height });
  }
  const members = nextValidators(state);
  for (const id of absent.filter((candidate) => isMember(members, candidate))) {
    missedBlocks.write(state, { blocks: (missedBlocks.find(state, id)?.blocks ?? 0) + 1 }, id);
  }
}

/** Everybody's record is judged and removed, so that a window begins without any. */
function judgeWindow(scope: Scope, blocks: number): void {
  const { downtimeMinBlocks, downtimeMinSignedBps } = scope.block.params.staking;
  const jailed: Address[] = [];
  for (const { id } of nextValidators(scope.state)) {
    const record = missedBlocks.find(scope.state, id);
    if (record === undefined) continue;
    missedBlocks.remove(scope.state, id);
    if (blocks < downtimeMinBlocks) continue;
    const isAbsent = (blocks - record.blocks) * 10_000 < blocks * downtimeMinSignedBps;
    if (!isAbsent) continue;
    jailForDowntime(scope, id, record.blocks);
    jailed.push(id);
  }
  leaveActiveSet(scope, jailed);
}
