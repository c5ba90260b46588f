import type { WalRecord } from '../../../consensus/wal/group.js';
import type { WalIdentity } from '../../../consensus/wal/header.js';

export const IDENTITY: WalIdentity = {
  chainId: 64_780,
  genesisId: new Uint8Array(32).fill(7),
  validator: new Uint8Array(20).fill(8),
};

/** A record that is like no other of another kind. */
export function record(kind: number, length: number): WalRecord {
  return { kind, payload: Uint8Array.from({ length }, (_, i) => (kind * 31 + i) & 0xff) };
}
