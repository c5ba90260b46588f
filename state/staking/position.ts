import type { Address } from '../../protocol/address.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { credit } from '../accounts/account.js';
import { Revert } from '../modules/module.js';
import type { Scope } from '../transition/block-context.js';
import { ERRORS, EVENTS } from './abi.js';
import { readDelegation, removeDelegation, writeDelegation, type Delegation } from './delegation.js';
import { assertLiensFit, decideLiens } from './liens.js';
import { claim, dissolve } from './reward-pool.js';
import { settleSeat } from './rewards.js';
import { routeSlashed } from './slashed-money.js';
import { leave } from './stake-pool.js';
import { writeValidator } from './standing.js';
import { validators, type Validator } from './validator.js';

/** A delegator's place at a validator, up to date: rewards distributed, liens enforced. */
export interface Position {
  readonly id: Address;
  readonly delegator: Address;
  readonly validator: Validator;
  readonly delegation: Delegation;
}

/**
 * Every operation on a delegation begins with this and ends with `closePosition`.
 *
 * @throws Revert UnknownValidator
 */
export function openPosition(scope: Scope, id: Address, delegator: Address): Position {
  const validator = settleSeat(scope, id, knownValidator(scope, id));
  const delegation = readDelegation(scope.state, id, delegator);
  const { open, lostShares } = decideLiens(
    scope.state,
    { liens: delegation.liens, shares: delegation.holding.shares },
    scope.block,
  );
  if (lostShares === 0n) return { id, delegator, validator, delegation: { ...delegation, liens: [...open] } };
  const { pool, holding, paidWei } = leave(validator.pool, delegation.holding, lostShares);
  scope.emit(EVENTS.LienEnforced, [id, delegator, paidWei]);
  routeSlashed(scope, paidWei, undefined);
  return {
    id,
    delegator,
    validator: { ...validator, pool },
    delegation: { holding, liens: [...open] },
  };
}

/** Stores a position; one without shares is paid its rewards and forgotten. */
export function closePosition(scope: Scope, position: Position): void {
  const { state } = scope;
  const { id, delegator, delegation } = position;
  assertLiensFit(delegation.liens, delegation.holding.shares);
  if (delegation.holding.shares > 0n) {
    writeDelegation(state, id, delegator, delegation);
    writeValidator(scope, id, position.validator);
    return;
  }
  const { validator, delegation: paid } = claimPosition(scope, position).position;
  removeDelegation(state, id, delegator);
  writeValidator(scope, id, { ...validator, pool: dissolve(validator.pool, paid.holding) });
}

/** Pays a position's rewards: an owner's to the validator's payout address. */
export function claimPosition(scope: Scope, position: Position): { position: Position; paidWei: bigint } {
  const { id, delegator, validator, delegation } = position;
  const { pool, holding, paidWei } = claim(validator.pool, delegation.holding);
  const claimed = {
    ...position,
    validator: { ...validator, pool },
    delegation: { ...delegation, holding },
  };
  if (paidWei === 0n) return { position: claimed, paidWei };
  const recipient = bytesEqual(id, delegator) ? validator.payout : delegator;
  credit(scope.state, recipient, paidWei);
  scope.emit(EVENTS.RewardsClaimed, [id, delegator, recipient, paidWei]);
  return { position: claimed, paidWei };
}

/** @throws Revert UnknownValidator */
export function knownValidator({ state }: Pick<Scope, 'state'>, id: Address): Validator {
  const validator = validators.find(state, id);
  if (validator === undefined) throw new Revert(ERRORS.UnknownValidator, [id]);
  return validator;
}
