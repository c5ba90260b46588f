import type { Address } from '../../protocol/address.js';
import { compareBytes } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { votingPowerOf, type ValidatorSet } from '../../protocol/types/validators.js';
import { topValidators } from '../queues/ranking.js';
import type { Overlay } from '../store/overlay.js';
import type { Reader } from '../store/store.js';
import type { Scope } from '../transition/block-context.js';
import { EVENTS } from './abi.js';
import { forgetAbsence } from './absence.js';
import { changeNextValidators, isMember, nextValidators, powerOf } from './active-set.js';
import { beginEpoch, epochNumber, readEpoch } from './epoch-record.js';
import { leaveSeat, settleSeat, takeSeat } from './rewards.js';
import { keyAt, validators } from './validator.js';

/** Whether the block in execution ends the epoch: by header time, and after one height at least. */
export function endsEpoch({ state, block }: Omit<Scope, 'emit'>): boolean {
  const { startMs, firstHeight } = readEpoch(state, epochNumber(state));
  return block.timeMs - startMs >= block.params.staking.epochMs && block.height >= firstHeight;
}

/** Ends the epoch: its rewards are settled, and the validators with the most stake decide from the next height on. */
export function changeEpoch(scope: Scope): void {
  const { state, block } = scope;
  const { height, timeMs, params } = block;
  const leaving = nextValidators(state);
  for (const { id } of leaving) {
    validators.write(state, leaveSeat(state, settleSeat(scope, id, validators.read(state, id))), id);
  }
  const number = epochNumber(state) + 1;
  const chosen = electValidators(state, number, params.consensus.maxValidators);
  const entering = chosen.length > 0 ? chosen : withKeysAt(state, leaving, number);
  const votingPower = powerOf(entering);
  beginEpoch(state, { firstHeight: height + 1, startMs: timeMs, votingPower }, params);
  seatValidators(state, entering);
  changeNextValidators(state, height, () => entering);
  for (const { id } of leaving) {
    if (!isMember(entering, id)) forgetAbsence(state, id);
  }
  scope.emit(EVENTS.EpochStarted, [BigInt(number), BigInt(entering.length), BigInt(votingPower)]);
}

/** The eligible validators with the most stake, in the order of a set. */
export function electValidators(state: Reader, epoch: number, maxValidators: number): ValidatorSet {
  const chosen = topValidators(state, maxValidators).map(({ address, stakeWei }) => ({
    id: address,
    votingPower: votingPowerOf(stakeWei),
  }));
  return withKeysAt(
    state,
    chosen.sort((a, b) => compareBytes(a.id, b.id)),
    epoch,
  );
}

function withKeysAt(
  state: Reader,
  members: readonly { readonly id: Address; readonly votingPower: number }[],
  epoch: number,
): ValidatorSet {
  return members.map(({ id, votingPower }) => {
    const blsPublicKey = keyAt(validators.read(state, id), epoch);
    invariant(blsPublicKey !== undefined, 'a validator of the set has a key');
    return { id, blsPublicKey, votingPower };
  });
}

export function seatValidators(state: Overlay, set: ValidatorSet): void {
  for (const { id } of set) {
    validators.write(state, takeSeat(state, validators.read(state, id)), id);
  }
}
