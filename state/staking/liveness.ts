import type { Address } from '../../protocol/address.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { ContainerType, uint64, type ValueOf } from '../../protocol/ssz/types.js';
import { STATE_KEYS } from '../store/keys.js';
import { singleRecord } from '../store/record.js';
import type { Scope } from '../transition/block-context.js';
import { missed } from './absence.js';
import { isMember, nextValidators } from './active-set.js';
import { jailForDowntime } from './slashing.js';

const WindowType = new ContainerType({
  /** Number of the window: header time divided by its length. */
  number: uint64,
  firstHeight: uint64,
});

const windows = singleRecord(
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
  const window = windows.find(state);
  if (window === undefined || window.number !== number) {
    if (window !== undefined) judgeWindow(scope, window.number, block.height - window.firstHeight);
    windows.write(state, { number, firstHeight: block.height });
  }
  const members = nextValidators(state);
  for (const id of absent.filter((candidate) => isMember(members, candidate))) {
    const before = missed.find(state, id);
    const blocks = before?.window === number ? before.blocks : 0;
    missed.write(state, { window: number, blocks: blocks + 1 }, id);
  }
}

function judgeWindow(scope: Scope, number: number, blocks: number): void {
  const { downtimeMinBlocks, downtimeMinSignedBps } = scope.block.params.staking;
  for (const { id } of nextValidators(scope.state)) {
    const record = missed.find(scope.state, id);
    if (record === undefined) continue;
    missed.remove(scope.state, id);
    if (record.window !== number || blocks < downtimeMinBlocks) continue;
    const isAbsent = (blocks - record.blocks) * 10_000 < blocks * downtimeMinSignedBps;
    if (isAbsent) jailForDowntime(scope, id, record.blocks);
  }
}
