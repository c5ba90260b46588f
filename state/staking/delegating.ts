import type { Address } from '../../protocol/address.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { Revert } from '../modules/module.js';
import type { Scope } from '../transition/block-context.js';
import { ERRORS, EVENTS } from './abi.js';
import type { Lien } from './codecs.js';
import { readDelegation } from './delegation.js';
import { addLiens, convertLiens, takeLiens, withoutLiensFor } from './liens.js';
import { claimPosition, closePosition, openPosition, type Position } from './position.js';
import { isDiluted, isWipedOut, join, leave, sharesWorth, valueWei } from './stake-pool.js';
import { beginUnbonding, cancelUnbonding, endOfUnbonding } from './unbonding.js';
import { isTombstoned } from './validator.js';

/** Adds `amountWei`, which the caller has handed over, to the delegator's stake. */
export function delegate(scope: Scope, id: Address, delegator: Address, amountWei: bigint): void {
  closePosition(scope, addStake(scope, openPosition(scope, id, delegator), amountWei, []));
}

/** An amount to take out, or all that is there. */
export type Withdrawal = bigint | 'all';

/**
 * Takes stake out. It is paid after the unbonding time and stays slashable until then.
 *
 * @returns number of the unbonding, 0 when what was taken is worth nothing
 */
export function undelegate(scope: Scope, id: Address, delegator: Address, amount: Withdrawal): bigint {
  const taken = takeStake(openPosition(scope, id, delegator), amount);
  closePosition(scope, taken.position);
  if (taken.amountWei === 0n) return 0n;
  const { number, due } = beginUnbonding(scope, { id, delegator, ...taken });
  const moment = [BigInt(due.timeMs), BigInt(due.height)];
  scope.emit(EVENTS.Undelegated, [id, delegator, BigInt(number), taken.amountWei, ...moment]);
  return BigInt(number);
}

/** Moves stake to another validator, where it works at once; it answers for the first one as if it were unbonding. */
export function redelegate(
  scope: Scope,
  from: Address,
  to: Address,
  delegator: Address,
  amount: Withdrawal,
): void {
  if (bytesEqual(from, to)) throw new Revert(ERRORS.SameValidator, []);
  const { position, amountWei, shares, liens } = takeStake(openPosition(scope, from, delegator), amount);
  closePosition(scope, position);
  if (amountWei === 0n) return;
  const { timeMs: untilMs, height: untilHeight } = endOfUnbonding(scope.block);
  const lien = { validator: from, epoch: scope.block.epoch, untilMs, untilHeight };
  const answersFor = isTombstoned(position.validator) ? liens : addFreeShares(liens, shares, lien);
  const target = openPosition(scope, to, delegator);
  closePosition(scope, addStake(scope, target, amountWei, answersFor, shares));
  scope.emit(EVENTS.Redelegated, [from, to, delegator, amountWei]);
}

/** Brings an unbonding back to the validator it left. @throws Revert UnknownUnbonding, and as `addStake` */
export function cancelAndRestake(scope: Scope, delegator: Address, number: bigint): void {
  const { validator, amountWei, shares, liens } = cancelUnbonding(scope, delegator, number);
  if (amountWei === 0n) return;
  const position = openPosition(scope, validator, delegator);
  closePosition(scope, addStake(scope, position, amountWei, liens, shares));
  scope.emit(EVENTS.UnbondingCancelled, [validator, delegator, number, amountWei]);
}

/** Pays the rewards of a position, and enforces its liens, which may take all of it. @returns wei paid */
export function claimRewards(scope: Scope, id: Address, delegator: Address): bigint {
  const opened = openPosition(scope, id, delegator);
  if (readDelegation(scope.state, id, delegator).holding.shares === 0n) {
    throw new Revert(ERRORS.NoDelegation, []);
  }
  const { position, paidWei } = claimPosition(scope, opened);
  const isWorthless = position.delegation.holding.shares > 0n && isWipedOut(position.validator.pool);
  closePosition(scope, isWorthless ? takeStake(position, 'all').position : position);
  return paidWei;
}

/**
 * Adds stake that answers for other validators in proportion: `liens` are on `fromShares` of where it comes from.
 *
 * @throws Revert InvalidAmount | ValidatorTombstoned | StakeDiluted | TooManyLiens
 */
function addStake(
  scope: Scope,
  position: Position,
  amountWei: bigint,
  liens: readonly Lien[],
  fromShares = 1n,
): Position {
  const { id, delegator, validator, delegation } = position;
  if (amountWei === 0n) throw new Revert(ERRORS.InvalidAmount, []);
  if (isTombstoned(validator)) throw new Revert(ERRORS.ValidatorTombstoned, [id]);
  if (isDiluted(validator.pool)) throw new Revert(ERRORS.StakeDiluted, []);
  const { pool, holding } = join(validator.pool, delegation.holding, amountWei);
  const shares = holding.shares - delegation.holding.shares;
  const carried = convertLiens(withoutLiensFor(liens, id), fromShares, shares);
  scope.emit(EVENTS.Delegated, [id, delegator, amountWei, shares]);
  return {
    ...position,
    validator: { ...validator, pool },
    delegation: { holding, liens: addLiens(delegation.liens, carried) },
  };
}

/** Stake on its way out of a pool. */
interface Taken {
  /** What stays. */
  readonly position: Position;
  readonly amountWei: bigint;
  /** That were taken, and the liens on them. */
  readonly shares: bigint;
  readonly liens: readonly Lien[];
}

/** @throws Revert InvalidAmount | InsufficientStake | NoDelegation */
function takeStake(position: Position, amount: Withdrawal): Taken {
  const { validator, delegation } = position;
  const available = delegation.holding.shares;
  if (available === 0n) throw new Revert(ERRORS.NoDelegation, []);
  if (amount === 0n) throw new Revert(ERRORS.InvalidAmount, []);
  const availableWei = valueWei(validator.pool, available);
  if (amount !== 'all' && amount > availableWei) {
    throw new Revert(ERRORS.InsufficientStake, [amount, availableWei]);
  }
  const shares = amount === 'all' ? available : sharesWorth(validator.pool, amount);
  const { pool, holding, paidWei } = leave(validator.pool, delegation.holding, shares);
  const { taken, kept } = takeLiens(delegation.liens, available, shares);
  return {
    position: { ...position, validator: { ...validator, pool }, delegation: { holding, liens: kept } },
    amountWei: paidWei,
    shares,
    liens: taken,
  };
}

/** Every share answers for the validator it leaves; one that answered for another before answers for both. */
function addFreeShares(liens: readonly Lien[], shares: bigint, leaving: Omit<Lien, 'shares'>): Lien[] {
  return [...liens, { ...leaving, shares }];
}
