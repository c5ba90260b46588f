import type { Address } from '../../protocol/address.js';
import { Revert } from '../modules/module.js';
import type { Reader } from '../store/store.js';
import type { Scope } from '../transition/block-context.js';
import { ERRORS, EVENTS } from './abi.js';
import { acceptedAddresses, providers, standsFor, type Provider } from './provider.js';

/** @throws Revert UnknownProvider */
export function knownProvider(state: Reader, master: Address): Provider {
  const provider = providers.find(state, master);
  if (provider === undefined) throw new Revert(ERRORS.UnknownProvider, [master]);
  return provider;
}

/** Removes a provider without money, and what points at it. */
export function forgetProvider(scope: Scope, master: Address, provider: Provider): void {
  for (const address of acceptedAddresses(provider)) standsFor.remove(scope.state, address);
  providers.remove(scope.state, master);
  scope.emit(EVENTS.ProviderRemoved, [master]);
}
