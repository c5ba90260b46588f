import type { Address } from '../../protocol/address.js';
import { compareBytes } from '../../protocol/bytes.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { ContainerType, uint64, type ValueOf } from '../../protocol/ssz/types.js';
import type { ValidatorSet } from '../../protocol/types/validators.js';
import { STATE_KEYS } from '../store/keys.js';
import { singleRecord } from '../store/record.js';
import type { Scope } from '../transition/block-context.js';
import { EVENTS } from './abi.js';
import { missedBlocks } from './absence.js';
import { isMember, nextValidators, powerOf } from './active-set.js';
import { readEpoch } from './epoch-record.js';
import { jailForDowntime, leaveActiveSet } from './slashing.js';

const WindowType = new ContainerType({
  /** Number of the window: header time divided by its length. */
  number: uint64,
  firstHeight: uint64,
});

export const livenessWindow = singleRecord(
  STATE_KEYS.system,
  createCodec<Window>('LivenessWindow', WindowType),
  'liveness',
);

type Window = ValueOf<typeof WindowType>;

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
    if (window !== undefined) judgeWindow(scope, window);
    livenessWindow.write(state, { number, firstHeight: block.height });
  }
  const members = nextValidators(state);
  for (const id of absent.filter((candidate) => isMember(members, candidate))) {
    missedBlocks.write(state, { blocks: (missedBlocks.find(state, id)?.blocks ?? 0) + 1 }, id);
  }
}

/**
 * Jails who was absent, the worst first, as long as more than two thirds of the power with which the epoch began are left: a set that
 * shrinks faster would let few decide. Who would go below that stays, with a clean record.
 */
function judgeWindow(scope: Scope, window: Window): void {
  const { state, block } = scope;
  const { firstHeight, votingPower: initialPower } = readEpoch(state, block.epoch);
  /** A window is no longer than an epoch, so that it began in this one or in the one before. */
  const fromEpoch = window.firstHeight < firstHeight ? block.epoch - 1 : block.epoch;
  const members = nextValidators(state);
  let powerLeft = powerOf(members);
  const jailed: Address[] = [];
  for (const { id, votingPower, missed } of takeAbsentees(
    scope,
    members,
    block.height - window.firstHeight,
  )) {
    if ((powerLeft - votingPower) * 3 <= initialPower * 2) {
      scope.emit(EVENTS.JailDeferred, [id, BigInt(missed)]);
      continue;
    }
    powerLeft -= votingPower;
    jailForDowntime(scope, id, fromEpoch, missed);
    jailed.push(id);
  }
  leaveActiveSet(scope, jailed);
}

/** A member that has signed too little of a window. */
interface Absentee {
  readonly id: Address;
  readonly votingPower: number;
  readonly missed: number;
}

/** Those who were absent too often in a window of `blocks`: who signed least first, then by id. Everybody's record is removed. */
function takeAbsentees({ state, block }: Scope, members: ValidatorSet, blocks: number): Absentee[] {
  const { downtimeMinBlocks, downtimeMinSignedBps } = block.params.staking;
  const absentees: Absentee[] = [];
  for (const { id, votingPower } of members) {
    const missed = missedBlocks.find(state, id)?.blocks;
    if (missed === undefined) continue;
    missedBlocks.remove(state, id);
    const isAbsent = (blocks - missed) * 10_000 < blocks * downtimeMinSignedBps;
    if (blocks >= downtimeMinBlocks && isAbsent) absentees.push({ id, votingPower, missed });
  }
  return absentees.sort((a, b) => b.missed - a.missed || compareBytes(a.id, b.id));
}
