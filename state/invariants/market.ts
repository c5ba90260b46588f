import type { Address } from '../../protocol/address.js';
import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { findScheduled } from '../queues/due.js';
import {
  freeWei,
  isOwn,
  PROVIDER_LEAVING,
  providers,
  standsFor,
  withdrawalSubject,
  type Provider,
} from '../providers/provider.js';
import { reviewedEpoch } from '../sources/openness.js';
import { readSourceGraph, SOURCE_OPEN, SOURCE_RETIRED, sources } from '../sources/source.js';
import type { Reader } from '../store/store.js';
import { DUE } from '../system/due-kinds.js';
import { InvariantBroken } from './errors.js';

/**
 * The parts of a lockup are no more than all of it; each withdrawal is scheduled for its moment; earnings go where somebody stands for the
 * provider; nobody stands for two.
 */
export function checkProvider(state: Reader, master: Address): void {
  const provider = providers.find(state, master);
  if (provider === undefined) return;
  const fault = providerFault(state, master, provider);
  if (fault === undefined) return;
  throw new InvariantBroken('PROVIDER_WRONG', fault, {
    master: toHex(master),
    lockupWei: provider.lockupWei,
    lockedWei: provider.lockedWei,
    freeWei: freeWei(provider),
  });
}

function providerFault(state: Reader, master: Address, provider: Provider): string | undefined {
  const { withdrawals, withdrawalCount, addresses, status, lockedWei, payout } = provider;
  if (freeWei(provider) < 0n) return 'more of a lockup is locked or on its way out than there is';
  if (status === PROVIDER_LEAVING && lockedWei > 0n) return 'a provider that leaves has bonds';
  let last = 0;
  for (const { number, dueMs, dueHeight } of withdrawals) {
    const due = findScheduled(state, DUE.withdrawal, withdrawalSubject(master, number));
    if (number <= last || number > withdrawalCount) return 'withdrawals do not ascend by number';
    if (due?.timeMs !== dueMs || due.height !== dueHeight)
      return 'a withdrawal is not scheduled for its moment';
    last = number;
  }
  if (!isOwn(master, provider, payout)) return 'earnings go to somebody who does not stand for the provider';
  if (standsFor.find(state, master) !== undefined) return 'a master stands for another provider';
  const isElsewhere = addresses.some(({ address, accepted }) => {
    const other = standsFor.find(state, address)?.master;
    const isHere = other !== undefined && bytesEqual(other, master);
    return isHere !== (accepted === 1);
  });
  return isElsewhere ? 'who has accepted and who stands for the provider are not the same' : undefined;
}

/** Exactly the open sources are looked at again; a retired one without jobs is scheduled to be forgotten. */
export function checkSource(state: Reader, id: Uint8Array): void {
  const source = sources.find(state, id);
  const [release] = source?.release ?? [];
  const scheduled = findScheduled(state, DUE.sourceBond, id);
  const isIdle = source?.status === SOURCE_RETIRED && source.openJobs === 0;
  const isSound =
    (source?.status === SOURCE_OPEN) === (reviewedEpoch(state, id) !== undefined) &&
    isIdle === (release !== undefined) &&
    scheduled?.timeMs === release?.dueMs &&
    scheduled?.height === release?.dueHeight &&
    readSourceGraph(state, id)?.length === source?.graphBytes;
  if (isSound) return;
  throw new InvariantBroken('SOURCE_WRONG', 'a source is not where its status says', {
    source: toHex(id),
    status: source?.status,
    openJobs: source?.openJobs,
  });
}
