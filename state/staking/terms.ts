import type { Address } from '../../protocol/address.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { Revert } from '../modules/module.js';
import type { Scope } from '../transition/block-context.js';
import { ERRORS, EVENTS } from './abi.js';
import { knownValidator } from './position.js';
import { assertUsable } from './registering.js';
import { selfStakeWei, writeValidator } from './standing.js';
import { commissionAt, isJailed, isTombstoned, validators, type Validator } from './validator.js';

/** Who may act for a validator from day to day. @throws Revert UnknownValidator | NotOwnerOrOperator */
export function assertActsFor(scope: Scope, id: Address, caller: Address): Validator {
  const validator = knownValidator(scope, id);
  if (!bytesEqual(caller, id) && !bytesEqual(caller, validator.operator)) {
    throw new Revert(ERRORS.NotOwnerOrOperator, [caller]);
  }
  return validator;
}

/**
 * Changes the commission from the next epoch on, so that nobody pays more on what is already earned: once a day, by no more than the chain
 * allows, so that delegators can leave before it hurts.
 */
export function setCommission(scope: Scope, id: Address, bps: number): void {
  const { state, block } = scope;
  const validator = knownValidator(scope, id);
  const { maxCommissionChangeBpsPerDay: maximum } = block.params.staking;
  const { nextBps: declared, changedMs } = validator.commission;
  if (bps > 10_000) throw new Revert(ERRORS.CommissionTooHigh, [10_000n, BigInt(bps)]);
  if (block.timeMs < changedMs + DAY_MS) {
    throw new Revert(ERRORS.CommissionChangeTooSoon, [BigInt(changedMs + DAY_MS)]);
  }
  if (Math.abs(bps - declared) > maximum) {
    throw new Revert(ERRORS.CommissionStepTooLarge, [BigInt(maximum), BigInt(bps)]);
  }
  const nextFromEpoch = block.epoch + 1;
  const commission = {
    bps: commissionAt(validator, block.epoch),
    nextBps: bps,
    nextFromEpoch,
    changedMs: block.timeMs,
  };
  validators.write(state, { ...validator, commission }, id);
  scope.emit(EVENTS.CommissionChanged, [id, BigInt(bps), BigInt(nextFromEpoch)]);
}

const DAY_MS = 24 * 3_600_000;

export function setOperator(scope: Scope, id: Address, operator: Address): void {
  assertUsable(operator);
  validators.write(scope.state, { ...knownValidator(scope, id), operator }, id);
  scope.emit(EVENTS.OperatorChanged, [id, operator]);
}

export function setPayout(scope: Scope, id: Address, payout: Address): void {
  assertUsable(payout);
  validators.write(scope.state, { ...knownValidator(scope, id), payout }, id);
  scope.emit(EVENTS.PayoutChanged, [id, payout]);
}

/** Brings a validator back after its time in jail; with enough stake it is active from the next epoch on. */
export function unjail(scope: Scope, id: Address, validator: Validator): void {
  const { state, block } = scope;
  if (isTombstoned(validator)) throw new Revert(ERRORS.ValidatorTombstoned, [id]);
  if (!isJailed(validator)) throw new Revert(ERRORS.NotJailed, []);
  if (block.timeMs < validator.jailedUntilMs) {
    throw new Revert(ERRORS.JailedUntil, [BigInt(validator.jailedUntilMs)]);
  }
  const ownWei = selfStakeWei(state, id, validator);
  const { minSelfStakeWei } = block.params.staking;
  if (ownWei < minSelfStakeWei) throw new Revert(ERRORS.SelfStakeTooLow, [minSelfStakeWei, ownWei]);
  writeValidator(scope, id, { ...validator, jailedUntilMs: 0 });
  scope.emit(EVENTS.Unjailed, [id]);
}
