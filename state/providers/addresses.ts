import type { Address } from '../../protocol/address.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { Revert } from '../modules/module.js';
import type { Scope } from '../transition/block-context.js';
import { ERRORS, EVENTS } from './abi.js';
import { isOwn, MAX_PROVIDER_ADDRESSES, providerByOperator, providers, standsFor } from './provider.js';
import { knownProvider } from './standing.js';

/*
 * An address stands for a provider once both have said so. Else somebody could take an address away from its holder, or name honest
 * verifiers as its own and so be rid of them: who stands for a provider does not judge its work.
 */

/** Asks an address to stand for a provider. @throws Revert UnknownProvider | InvalidAddress | AddressTaken | TooManyAddresses */
export function invite(scope: Scope, master: Address, address: Address): void {
  const provider = knownProvider(scope.state, master);
  if (address.every((byte) => byte === 0)) throw new Revert(ERRORS.InvalidAddress, []);
  const isListed = provider.addresses.some((listed) => bytesEqual(listed.address, address));
  if (isListed || bytesEqual(address, master)) throw new Revert(ERRORS.AddressTaken, [address, master]);
  if (provider.addresses.length === MAX_PROVIDER_ADDRESSES) {
    throw new Revert(ERRORS.TooManyAddresses, [BigInt(MAX_PROVIDER_ADDRESSES)]);
  }
  const addresses = [...provider.addresses, { address, accepted: 0 }];
  providers.write(scope.state, { ...provider, addresses }, master);
  scope.emit(EVENTS.AddressInvited, [master, address]);
}

/** By the address itself. @throws Revert UnknownProvider | NotInvited | AddressTaken */
export function accept(scope: Scope, master: Address, address: Address): void {
  const { state } = scope;
  const provider = knownProvider(state, master);
  const index = provider.addresses.findIndex((listed) => bytesEqual(listed.address, address));
  if (index === -1) throw new Revert(ERRORS.NotInvited, [master]);
  const taken = providerByOperator(state, address);
  if (taken !== undefined) throw new Revert(ERRORS.AddressTaken, [address, taken.master]);
  const addresses = provider.addresses.with(index, { address, accepted: 1 });
  providers.write(state, { ...provider, addresses }, master);
  standsFor.write(state, { master }, address);
  scope.emit(EVENTS.AddressAccepted, [master, address]);
}

/**
 * Takes an address, or its invitation, off a provider: by the master or by the address. Where earnings went there, they go to the master.
 *
 * @throws Revert UnknownProvider | UnknownAddress
 */
export function removeAddress(scope: Scope, master: Address, address: Address): void {
  const { state } = scope;
  const provider = knownProvider(state, master);
  const listed = provider.addresses.find((each) => bytesEqual(each.address, address));
  if (listed === undefined) throw new Revert(ERRORS.UnknownAddress, [address]);
  const addresses = provider.addresses.filter((each) => each !== listed);
  const isPayout = bytesEqual(provider.payout, address);
  const payout = isPayout ? master : provider.payout;
  providers.write(state, { ...provider, addresses, payout }, master);
  if (listed.accepted === 1) standsFor.remove(state, address);
  scope.emit(EVENTS.AddressRemoved, [master, address]);
  if (isPayout) scope.emit(EVENTS.PayoutChanged, [master, master]);
}

/** @throws Revert UnknownProvider | AddressNotAccepted */
export function setPayout(scope: Scope, master: Address, payout: Address): void {
  const provider = knownProvider(scope.state, master);
  if (!isOwn(master, provider, payout)) throw new Revert(ERRORS.AddressNotAccepted, [payout]);
  providers.write(scope.state, { ...provider, payout }, master);
  scope.emit(EVENTS.PayoutChanged, [master, payout]);
}
