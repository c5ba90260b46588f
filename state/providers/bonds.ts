import type { Address } from '../../protocol/address.js';
import { invariant } from '../../protocol/invariant.js';
import type { ChainParams } from '../../protocol/params.js';
import { ENDING_REASONS, type EndingReason } from '../../consensus/verification/reasons.js';
import { credit } from '../accounts/account.js';
import { Revert } from '../modules/module.js';
import type { Overlay } from '../store/overlay.js';
import { ERRORS } from './abi.js';
import {
  freeWei,
  PROVIDER_ACTIVE,
  providers,
  unbondingWei,
  type Provider,
  type Reputation,
} from './provider.js';

/*
 * What the life of an attempt does to its provider. A bond is locked when a claim is made or drawn, and leaves in parts: what is
 * returned is free again, what is taken is in the caller's hands, who pays it to somebody in the same breath.
 */

/** Whether a provider may claim jobs: it takes new ones, and has lockup enough that is not on its way out. */
export function mayClaim(params: ChainParams, provider: Provider): boolean {
  const stayingWei = provider.lockupWei - unbondingWei(provider);
  return provider.status === PROVIDER_ACTIVE && stayingWei >= params.providers.minLockupWei;
}

/** @throws Revert InsufficientLockup */
export function lockBond(state: Overlay, master: Address, amountWei: bigint): void {
  invariant(amountWei >= 0n, 'a bond is not negative');
  const provider = providers.read(state, master);
  const availableWei = freeWei(provider);
  if (amountWei > availableWei) throw new Revert(ERRORS.InsufficientLockup, [amountWei, availableWei]);
  providers.write(state, { ...provider, lockedWei: provider.lockedWei + amountWei }, master);
}

/** Makes so much of a locked bond free again. */
export function returnBond(state: Overlay, master: Address, amountWei: bigint): void {
  const provider = providers.read(state, master);
  assertLocked(provider, amountWei);
  providers.write(state, { ...provider, lockedWei: provider.lockedWei - amountWei }, master);
}

/** Takes so much of a locked bond: the caller has the money now and must put it somewhere. */
export function takeBond(state: Overlay, master: Address, amountWei: bigint): void {
  const provider = providers.read(state, master);
  assertLocked(provider, amountWei);
  const slashedWei = provider.reputation.slashedWei + amountWei;
  providers.write(
    state,
    {
      ...provider,
      lockupWei: provider.lockupWei - amountWei,
      lockedWei: provider.lockedWei - amountWei,
      reputation: { ...provider.reputation, slashedWei },
    },
    master,
  );
}

/** Pays what a provider has earned to its payout address. */
export function creditPayout(state: Overlay, master: Address, amountWei: bigint): void {
  const provider = providers.read(state, master);
  const earnedWei = provider.reputation.earnedWei + amountWei;
  providers.write(state, { ...provider, reputation: { ...provider.reputation, earnedWei } }, master);
  credit(state, provider.payout, amountWei);
}

/** Counts how an attempt has ended. */
export function countEnding(state: Overlay, master: Address, reason: EndingReason): void {
  const provider = providers.read(state, master);
  const counter = counterOf(reason);
  const count = provider.reputation[counter] + 1;
  providers.write(state, { ...provider, reputation: { ...provider.reputation, [counter]: count } }, master);
}

function counterOf(reason: EndingReason): keyof Omit<Reputation, 'earnedWei' | 'slashedWei'> {
  if (reason === 'INPUT_UNAVAILABLE') return 'released';
  if (reason === 'WITHHELD') return 'withheld';
  switch (ENDING_REASONS[reason].ending) {
    case 'ACCEPTED':
      return 'accepted';
    case 'REJECTED':
      return 'rejected';
    case 'ABANDONED':
      return 'abandoned';
    case 'INCONCLUSIVE':
      return 'inconclusive';
  }
}

function assertLocked({ lockedWei }: Provider, amountWei: bigint): void {
  invariant(amountWei >= 0n && amountWei <= lockedWei, 'a bond is locked before it leaves');
}
