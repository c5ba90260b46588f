import { stat } from 'node:fs/promises';
import { loadGenesis } from '../../genesis/load.js';
import { OgpuError } from '../../protocol/errors.js';
import type { ChainIdentity } from '../../protocol/domains.js';
import { PROTOCOL_VERSION } from '../../protocol/params.js';
import { readHead } from '../../state/chain/block-batch.js';
import { assertHeadNotLost } from '../../state/chain/beginning.js';
import type { Head } from '../../state/chain/records.js';
import type { LevelStore } from '../database/level-store.js';
import { openDatabase } from '../database.js';
import { ledgerFolder } from '../data-folder.js';
import { inspectFolder } from '../database/folder.js';

export interface LedgerSource {
  /** The node's data folder. */
  readonly data: string;
  /** Path of the genesis document. */
  readonly genesis: string;
}

/** A ledger that is looked at: nothing of the chain's is written, though LevelDB tidies its files when they are opened. */
export interface StoredLedger {
  readonly store: LevelStore;
  readonly head: Head;
  readonly identity: ChainIdentity;
}

/** Nothing to look at. */
export class LedgerMissingError extends OgpuError<'LEDGER_MISSING'> {}

/**
 * Runs `work` on the ledger that a node has left in its data folder, and closes it. Unlike a starting node this makes nothing where there is
 * nothing.
 *
 * @throws LedgerMissingError, GenesisError, StoreError as opening does (STORE_LOCKED while a node runs on it), and what `work` throws
 */
export async function withLedger<Result>(
  { data, genesis }: LedgerSource,
  work: (ledger: StoredLedger) => Promise<Result>,
): Promise<Result> {
  const { chainId, id } = await loadGenesis(genesis);
  const identity = { chainId, genesisId: id, protocolVersion: PROTOCOL_VERSION };
  const path = ledgerFolder(data);
  const isThere = (await stat(path).catch(() => undefined)) !== undefined;
  // Where something is, what is wrong with it is said; nothing is made.
  if (!isThere || (await inspectFolder(path)).isNew)
    throw missing(path, 'there is no ledger in this data folder');
  const { store } = await openDatabase({ path, identity });
  try {
    const head = readHead(store);
    if (head === undefined) {
      await assertHeadNotLost(store);
      throw missing(path, 'the ledger was never given its first state');
    }
    return await work({ store, head, identity });
  } finally {
    await store.close();
  }
}

function missing(path: string, message: string): LedgerMissingError {
  return new LedgerMissingError('LEDGER_MISSING', message, {
    path,
    cure: 'name the data folder of a node that has been started',
  });
}
