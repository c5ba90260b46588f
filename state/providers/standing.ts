import type { Address } from '../../protocol/address.js';
import { Revert } from '../modules/module.js';
import { cancel } from '../queues/due.js';
import type { Reader } from '../store/store.js';
import { DUE } from '../system/due-kinds.js';
import type { Scope } from '../transition/block-context.js';
import { ERRORS, EVENTS } from './abi.js';
import { acceptedAddresses, providers, standsFor, withdrawalSubject, type Provider } from './provider.js';

/** @throws Revert UnknownProvider */
export function knownProvider(state: Reader, master: Address): Provider {
  const provider = providers.find(state, master);
  if (provider === undefined) throw new Revert(ERRORS.UnknownProvider, [master]);
  return provider;
}

/** Removes a provider without money, what points at it, and withdrawals of which slashes have left nothing. */
export function forgetProvider(scope: Scope, master: Address, provider: Provider): void {
  for (const { number } of provider.withdrawals) {
    cancel(scope.state, DUE.withdrawal, withdrawalSubject(master, number));
  }
  for (const address of acceptedAddresses(provider)) standsFor.remove(scope.state, address);
  providers.remove(scope.state, master);
  scope.emit(EVENTS.ProviderRemoved, [master]);
}
