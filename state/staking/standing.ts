import type { Address } from '../../protocol/address.js';
import type { ChainParams } from '../../protocol/params.js';
import { votingPowerOf } from '../../protocol/types/validators.js';
import { rankValidator, unrankValidator } from '../queues/ranking.js';
import type { Reader } from '../store/store.js';
import type { Scope } from '../transition/block-context.js';
import { readDelegation } from './delegation.js';
import { resizeSeat } from './rewards.js';
import { valueWei } from './stake-pool.js';
import { isJailed, isTombstoned, validators, type Validator } from './validator.js';

/** What the owner's own shares are worth. */
export function selfStakeWei(state: Reader, id: Address, validator: Validator): bigint {
  return valueWei(validator.pool, readDelegation(state, id, id).holding.shares);
}

/** Whether a validator may enter the active set when the next epoch begins. */
export function isEligible(state: Reader, params: ChainParams, id: Address, validator: Validator): boolean {
  if (isTombstoned(validator) || isJailed(validator)) return false;
  if (votingPowerOf(validator.pool.tokensWei) === 0) return false;
  return selfStakeWei(state, id, validator) >= params.staking.minSelfStakeWei;
}

/**
 * Stores a validator, fits its seat to its stake and ranks it anew: whatever changes its stake or its standing ends with this, and has
 * settled its seat before.
 */
export function writeValidator(scope: Omit<Scope, 'emit'>, id: Address, changed: Validator): void {
  const validator = resizeSeat(scope.state, changed);
  validators.write(scope.state, validator, id);
  if (isEligible(scope.state, scope.block.params, id, validator))
    rankValidator(scope.state, id, validator.pool.tokensWei);
  else unrankValidator(scope.state, id);
}
