import type { Address } from '../../protocol/address.js';
import { asciiBytes, isName } from '../../protocol/names.js';
import { Revert } from '../modules/module.js';
import type { Scope } from '../transition/block-context.js';
import { ERRORS, EVENTS } from './abi.js';
import { invite } from './addresses.js';
import { parseGpus, type GpuTerms } from './gpus.js';
import { beginWithdrawal } from './lockup.js';
import {
  freeWei,
  PROVIDER_ACTIVE,
  PROVIDER_DRAINING,
  PROVIDER_LEAVING,
  providers,
  standsFor,
  type Provider,
} from './provider.js';
import { forgetProvider, knownProvider } from './standing.js';

/** What a provider says of itself. */
export interface ProviderTerms {
  readonly name: string;
  readonly gpus: readonly GpuTerms[];
}

/**
 * Makes a master address a provider with the lockup it has handed over; earnings go to the master until it says otherwise.
 *
 * @param invited who is asked to stand for it
 * @throws Revert AlreadyRegistered | LockupTooLow | InvalidName | TooManyGpus | InvalidGpu, and as `invite` does
 */
export function register(
  scope: Scope,
  master: Address,
  terms: ProviderTerms,
  invited: readonly Address[],
  lockupWei: bigint,
): void {
  const { state, block } = scope;
  const other = standsFor.find(state, master)?.master;
  const known = providers.find(state, master) === undefined ? other : master;
  if (known !== undefined) throw new Revert(ERRORS.AlreadyRegistered, [known]);
  const { minLockupWei } = block.params.providers;
  if (lockupWei < minLockupWei) throw new Revert(ERRORS.LockupTooLow, [minLockupWei, lockupWei]);
  const provider: Provider = {
    name: parseName(terms.name),
    payout: master,
    addresses: [],
    gpus: parseGpus(terms.gpus),
    status: PROVIDER_ACTIVE,
    sinceMs: block.timeMs,
    lockupWei,
    lockedWei: 0n,
    withdrawals: [],
    withdrawalCount: 0,
    reputation: NO_REPUTATION,
  };
  providers.write(state, provider, master);
  scope.emit(EVENTS.ProviderRegistered, [master, terms.name, lockupWei]);
  for (const address of invited) invite(scope, master, address);
}

/** Says something else. @throws Revert UnknownProvider | InvalidName | TooManyGpus | InvalidGpu */
export function update(scope: Scope, master: Address, terms: ProviderTerms): void {
  const provider = knownProvider(scope.state, master);
  const changed = { ...provider, name: parseName(terms.name), gpus: parseGpus(terms.gpus) };
  providers.write(scope.state, changed, master);
  scope.emit(EVENTS.ProviderUpdated, [master, terms.name]);
}

/** Takes no new jobs, and finishes what it has. @throws Revert UnknownProvider | StatusUnchanged | ProviderLeaving */
export function drain(scope: Scope, master: Address): void {
  const provider = knownProvider(scope.state, master);
  if (provider.status === PROVIDER_LEAVING) throw new Revert(ERRORS.ProviderLeaving, []);
  changeStatus(scope, master, provider, PROVIDER_DRAINING);
}

/** Takes jobs again. @throws Revert UnknownProvider | StatusUnchanged */
export function resume(scope: Scope, master: Address): void {
  changeStatus(scope, master, knownProvider(scope.state, master), PROVIDER_ACTIVE);
}

/**
 * Withdraws all lockup; when it is paid, the provider is forgotten and its addresses are free.
 *
 * @throws Revert UnknownProvider | BondsLocked | TooManyWithdrawals | StatusUnchanged where it leaves already and nothing is free
 */
export function leave(scope: Scope, master: Address): void {
  const provider = knownProvider(scope.state, master);
  if (provider.lockedWei > 0n) throw new Revert(ERRORS.BondsLocked, [provider.lockedWei]);
  if (provider.lockupWei === 0n) {
    forgetProvider(scope, master, provider);
    return;
  }
  const availableWei = freeWei(provider);
  const isLeaving = provider.status === PROVIDER_LEAVING;
  if (isLeaving && availableWei === 0n) throw new Revert(ERRORS.StatusUnchanged, []);
  if (!isLeaving) scope.emit(EVENTS.ProviderStatusChanged, [master, BigInt(PROVIDER_LEAVING)]);
  const leaving = { ...provider, status: PROVIDER_LEAVING };
  const changed = availableWei === 0n ? leaving : beginWithdrawal(scope, master, leaving, availableWei);
  providers.write(scope.state, changed, master);
}

function changeStatus(scope: Scope, master: Address, provider: Provider, status: number): void {
  if (provider.status === status) throw new Revert(ERRORS.StatusUnchanged, []);
  providers.write(scope.state, { ...provider, status }, master);
  scope.emit(EVENTS.ProviderStatusChanged, [master, BigInt(status)]);
}

const NO_REPUTATION: Provider['reputation'] = {
  ...{ accepted: 0, rejected: 0, withheld: 0, abandoned: 0, inconclusive: 0, released: 0 },
  ...{ earnedWei: 0n, slashedWei: 0n },
};

function parseName(name: string): Uint8Array {
  if (!isName(name)) throw new Revert(ERRORS.InvalidName, []);
  return asciiBytes(name);
}
