import type { Address } from '../../protocol/address.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { ContainerType, uint32, type ValueOf } from '../../protocol/ssz/types.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { records } from '../store/record.js';

const MissedType = new ContainerType({ blocks: uint32 });

/** Blocks a member of the active set has missed in the present window. Written only for who misses one: who signs costs nothing. */
export const missedBlocks = records(
  STATE_KEYS.liveness,
  createCodec<ValueOf<typeof MissedType>>('MissedBlocks', MissedType),
);

/** Forgets what a validator has missed, when it leaves the active set. */
export function forgetAbsence(state: Overlay, id: Address): void {
  missedBlocks.remove(state, id);
}
