import type { Address } from '../../protocol/address.js';
import { STATE_KEYS } from '../../state/store/keys.js';
import type { Change } from '../../state/store/store.js';

const PREFIX = new TextEncoder().encode(STATE_KEYS.account.prefix);

/** The accounts among the changed entries of a block. */
export function* changedAccounts(
  changes: Iterable<Pick<Change, 'key'>>,
): Generator<Address, void, undefined> {
  for (const { key } of changes) {
    if (isOfAccount(key)) yield key.subarray(PREFIX.length);
  }
}

function isOfAccount(key: Uint8Array): boolean {
  for (let i = 0; i < PREFIX.length; i++) if (key[i] !== PREFIX[i]) return false;
  return true;
}
