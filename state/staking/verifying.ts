import type { Address } from '../../protocol/address.js';
import { invariant } from '../../protocol/invariant.js';
import type { Scope } from '../transition/block-context.js';
import { EVENTS } from './abi.js';
import { settleSeat, shareOut } from './rewards.js';
import { SLASH_REASON } from './slashing.js';
import { slash } from './stake-pool.js';
import { writeValidator } from './standing.js';
import { validators } from './validator.js';

/** Pays a validator for an audit, with money in the caller's hands: as its other rewards are. */
export function payVerifier(scope: Scope, id: Address, amountWei: bigint): void {
  if (amountWei === 0n) return;
  validators.write(scope.state, shareOut(scope, id, validators.read(scope.state, id), amountWei), id);
}

/**
 * Takes what a validator has lost in an audit from its stake, or all of the stake where that is less.
 *
 * @returns wei that the caller has in hand now and must put somewhere
 */
export function fineVerifier(scope: Scope, id: Address, amountWei: bigint): bigint {
  invariant(amountWei >= 0n, 'a fine is not negative');
  const validator = settleSeat(scope, id, validators.read(scope.state, id));
  const { tokensWei } = validator.pool;
  const takenWei = amountWei < tokensWei ? amountWei : tokensWei;
  writeValidator(scope, id, { ...validator, pool: slash(validator.pool, takenWei) });
  scope.emit(EVENTS.Slashed, [id, BigInt(SLASH_REASON.audit), BigInt(scope.block.epoch), takenWei]);
  return takenWei;
}
