import type { Address } from '../../protocol/address.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { ContainerType, type ValueOf } from '../../protocol/ssz/types.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Overlay } from '../store/overlay.js';
import { records } from '../store/record.js';
import type { Reader } from '../store/store.js';
import { HoldingType, LienListType } from './codecs.js';
import { EMPTY_HOLDING } from './reward-pool.js';

const DelegationType = new ContainerType({ holding: HoldingType, liens: LienListType });

/** What one delegator holds in one validator's pool; its owner is a delegator like any other. */
export type Delegation = Readonly<ValueOf<typeof DelegationType>>;

export const NO_DELEGATION: Delegation = { holding: EMPTY_HOLDING, liens: [] };

export const delegations = records(
  STATE_KEYS.delegation,
  createCodec<Delegation>('Delegation', DelegationType),
);

/** Marks an index entry; state values are never empty. */
const PRESENT = Uint8Array.of(1);

export function readDelegation(state: Reader, validator: Address, delegator: Address): Delegation {
  return delegations.find(state, validator, delegator) ?? NO_DELEGATION;
}

export function writeDelegation(
  state: Overlay,
  validator: Address,
  delegator: Address,
  delegation: Delegation,
): void {
  delegations.write(state, delegation, validator, delegator);
  state.put(STATE_KEYS.delegator.encode(delegator, validator), PRESENT);
}

/** Forgets a delegation that has nothing left. */
export function removeDelegation(state: Overlay, validator: Address, delegator: Address): void {
  delegations.remove(state, validator, delegator);
  state.delete(STATE_KEYS.delegator.encode(delegator, validator));
}
