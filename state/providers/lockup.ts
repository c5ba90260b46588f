import type { Address } from '../../protocol/address.js';
import { invariant } from '../../protocol/invariant.js';
import { credit } from '../accounts/account.js';
import { Revert } from '../modules/module.js';
import { cancel, schedule, type BlockMoment } from '../queues/due.js';
import type { Overlay } from '../store/overlay.js';
import { DUE } from '../system/due-kinds.js';
import type { BlockContext, Scope } from '../transition/block-context.js';
import { ERRORS, EVENTS } from './abi.js';
import {
  freeWei,
  MAX_WITHDRAWALS,
  PROVIDER_LEAVING,
  providers,
  withdrawalSubject,
  type Provider,
  type Withdrawal,
} from './provider.js';
import { forgetProvider, knownProvider } from './standing.js';

/*
 * A provider's money here. Bonds answer for single attempts and are set apart when these are claimed; the rest, what is on its way out
 * included, can still be taken until it is paid.
 */

/** Adds to a lockup, by anybody. @throws Revert UnknownProvider | InvalidAmount | ProviderLeaving */
export function deposit(scope: Scope, master: Address, from: Address, amountWei: bigint): void {
  const provider = knownProvider(scope.state, master);
  if (amountWei === 0n) throw new Revert(ERRORS.InvalidAmount, []);
  if (provider.status === PROVIDER_LEAVING) throw new Revert(ERRORS.ProviderLeaving, []);
  providers.write(scope.state, { ...provider, lockupWei: provider.lockupWei + amountWei }, master);
  scope.emit(EVENTS.LockupDeposited, [master, from, amountWei]);
}

/**
 * Begins to pay out free lockup. @returns the number of the withdrawal
 *
 * @throws Revert UnknownProvider | InvalidAmount | InsufficientLockup | TooManyWithdrawals
 */
export function withdraw(scope: Scope, master: Address, amountWei: bigint): number {
  const provider = knownProvider(scope.state, master);
  if (amountWei === 0n) throw new Revert(ERRORS.InvalidAmount, []);
  const availableWei = freeWei(provider);
  if (amountWei > availableWei) throw new Revert(ERRORS.InsufficientLockup, [amountWei, availableWei]);
  const changed = beginWithdrawal(scope, master, provider, amountWei);
  providers.write(scope.state, changed, master);
  return changed.withdrawalCount;
}

/** @returns the provider with a withdrawal more, still to be written */
export function beginWithdrawal(
  scope: Scope,
  master: Address,
  provider: Provider,
  amountWei: bigint,
): Provider {
  if (provider.withdrawals.length === MAX_WITHDRAWALS) {
    throw new Revert(ERRORS.TooManyWithdrawals, [BigInt(MAX_WITHDRAWALS)]);
  }
  const number = provider.withdrawalCount + 1;
  const due = endOfUnbonding(scope.block);
  const begun = { number, amountWei, dueMs: due.timeMs, dueHeight: due.height };
  schedule(scope.state, { ...due, kind: DUE.withdrawal, subject: withdrawalSubject(master, number) });
  scope.emit(EVENTS.WithdrawalBegun, [
    ...[master, BigInt(number), amountWei],
    ...[BigInt(due.timeMs), BigInt(due.height)],
  ]);
  return { ...provider, withdrawals: [...provider.withdrawals, begun], withdrawalCount: number };
}

/** Makes what was on its way out free again. @throws Revert UnknownProvider | UnknownWithdrawal */
export function cancelWithdrawal(scope: Scope, master: Address, number: bigint): void {
  const provider = knownProvider(scope.state, master);
  const found = provider.withdrawals.find((withdrawal) => BigInt(withdrawal.number) === number);
  if (found === undefined) throw new Revert(ERRORS.UnknownWithdrawal, [number]);
  const wasDue = cancel(scope.state, DUE.withdrawal, withdrawalSubject(master, found.number));
  invariant(wasDue, 'every withdrawal falls due');
  providers.write(scope.state, withoutWithdrawal(provider, found), master);
  scope.emit(EVENTS.WithdrawalCancelled, [master, number, found.amountWei]);
}

/** Pays a withdrawal that is due to the master; with its last one a provider that leaves is gone. */
export function payWithdrawal(scope: Scope, subject: Uint8Array): void {
  const { master, number } = parseSubject(subject);
  const provider = providers.read(scope.state, master);
  const found = provider.withdrawals.find((withdrawal) => withdrawal.number === number);
  invariant(found !== undefined, 'what falls due is a withdrawal of its provider');
  const { amountWei } = found;
  const paid = { ...withoutWithdrawal(provider, found), lockupWei: provider.lockupWei - amountWei };
  credit(scope.state, master, amountWei);
  scope.emit(EVENTS.WithdrawalPaid, [master, BigInt(number), amountWei]);
  const isGone = paid.status === PROVIDER_LEAVING && paid.lockupWei === 0n && paid.withdrawals.length === 0;
  if (isGone) forgetProvider(scope, master, paid);
  else providers.write(scope.state, paid, master);
}

/**
 * Takes lockup beyond any bond: first what is free, then what is on its way out, the latest first. The caller has the money now and must
 * put it somewhere.
 *
 * @returns wei taken, at most what is there and not locked
 */
export function slashLockup(state: Overlay, master: Address, amountWei: bigint): bigint {
  invariant(amountWei >= 0n, 'a slash is not negative');
  const provider = providers.read(state, master);
  let leftWei = amountWei - least(amountWei, freeWei(provider));
  const withdrawals = provider.withdrawals
    .toReversed()
    .map((withdrawal) => {
      const cutWei = least(leftWei, withdrawal.amountWei);
      leftWei -= cutWei;
      return { ...withdrawal, amountWei: withdrawal.amountWei - cutWei };
    })
    .reverse();
  const takenWei = amountWei - leftWei;
  const slashedWei = provider.reputation.slashedWei + takenWei;
  providers.write(
    state,
    {
      ...provider,
      lockupWei: provider.lockupWei - takenWei,
      withdrawals,
      reputation: { ...provider.reputation, slashedWei },
    },
    master,
  );
  return takenWei;
}

const SUBJECT_BYTES = 28;

function parseSubject(subject: Uint8Array): { master: Address; number: number } {
  invariant(subject.length === SUBJECT_BYTES, 'a withdrawal falls due by its provider and number');
  const number = new DataView(subject.buffer, subject.byteOffset).getBigUint64(20);
  return { master: subject.slice(0, 20), number: Number(number) };
}

function endOfUnbonding({ timeMs, height, params }: BlockContext): BlockMoment {
  const { unbondingMs, unbondingBlocks } = params.providers;
  return { timeMs: timeMs + unbondingMs, height: height + unbondingBlocks };
}

function withoutWithdrawal(provider: Provider, { number }: Withdrawal): Provider {
  return { ...provider, withdrawals: provider.withdrawals.filter((each) => each.number !== number) };
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
