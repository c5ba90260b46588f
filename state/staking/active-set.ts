import type { Address } from '../../protocol/address.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { ContainerType, uint64, type ValueOf } from '../../protocol/ssz/types.js';
import { ValidatorSetType, type ValidatorSet } from '../../protocol/types/validators.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { singleRecord } from '../store/record.js';
import type { Reader } from '../store/store.js';

const ActiveSetType = new ContainerType({
  /** Decides from `sinceHeight` on. */
  current: ValidatorSetType,
  /** Decided the height before that. */
  previous: ValidatorSetType,
  sinceHeight: uint64,
});

type ActiveSet = ValueOf<typeof ActiveSetType>;

export const activeSets = singleRecord(
  STATE_KEYS.system,
  createCodec<ActiveSet>('ActiveSet', ActiveSetType),
  'validators',
);

/** The set that decides the height after the last block of this state. */
export function nextValidators(state: Reader): ValidatorSet {
  return activeSets.read(state).current;
}

/** The set that decides `height`, which is not more than two before what the state shows next. */
export function validatorsAt(state: Reader, height: number): ValidatorSet {
  const { current, previous, sinceHeight } = activeSets.read(state);
  invariant(height >= sinceHeight - 1, 'older validator sets are not in the state');
  return height >= sinceHeight ? current : previous;
}

export function writeFirstValidators(state: Overlay, set: ValidatorSet): void {
  activeSets.write(state, { current: set, previous: [], sinceHeight: 1 });
}

/** Changes the set that decides the height after `height`, the block in execution; several changes in a block add up. */
export function changeNextValidators(
  state: Overlay,
  height: number,
  change: (set: ValidatorSet) => ValidatorSet,
): void {
  const { current, previous, sinceHeight } = activeSets.read(state);
  invariant(sinceHeight <= height + 1, 'nothing is decided about later heights');
  const deciding = sinceHeight === height + 1 ? previous : current;
  activeSets.write(state, { current: change(current), previous: deciding, sinceHeight: height + 1 });
}

/** Voting power of all members, in millionths of OGPU. */
export function powerOf(set: ValidatorSet): number {
  return set.reduce((sum, { votingPower }) => sum + votingPower, 0);
}

export function isMember(set: ValidatorSet, id: Address): boolean {
  return set.some((member) => bytesEqual(member.id, id));
}
