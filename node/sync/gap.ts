import { stateNeeded, type SyncError } from './errors.js';
import type { SyncPeers } from './sync-peers.js';

/** Tells of the gap between a ledger and what its peers keep, or that there is none; nothing while too little is known. */
export function tellGap(
  peers: SyncPeers,
  height: number,
  onGap: ((error: SyncError | undefined) => void) | undefined,
): void {
  const keptFrom = peers.keptFrom(height);
  if (keptFrom !== undefined && keptFrom > height + 1) onGap?.(stateNeeded(height, keptFrom));
  else if (keptFrom !== undefined || peers.hasReached(height)) onGap?.(undefined);
}
