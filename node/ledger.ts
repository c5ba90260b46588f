import { eachAccount } from '../genesis/accounts.js';
import type { GenesisState } from '../genesis/state.js';
import { PROTOCOL_VERSION } from '../protocol/params.js';
import { initializeLedger, type GenesisProgress, type LedgerGenesis } from '../state/chain/genesis.js';
import type { Head } from '../state/chain/records.js';
import { openDatabase, type Database, type DatabaseOptions } from './database.js';

export interface LedgerOptions extends Omit<DatabaseOptions, 'identity'> {
  readonly genesis: GenesisState;
  /** Called while the first state is written. */
  readonly onProgress?: (progress: GenesisProgress) => void;
}

/** A chain's ledger, open. */
export interface Ledger extends Database {
  /** The last final block; after the first start the genesis, at height 0. */
  readonly head: Head;
}

/**
 * Opens the ledger of a genesis; where there is none yet, or one whose making was interrupted, writes the genesis first.
 *
 * @throws as `openDatabase` and `initializeLedger` do; then the database is closed
 */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const { genesis, onProgress, ...databaseOptions } = options;
  const { chainId, id } = genesis;
  const identity = { chainId, genesisId: id, protocolVersion: PROTOCOL_VERSION };
  const database = await openDatabase({ ...databaseOptions, identity });
  try {
    const progress = onProgress === undefined ? {} : { onProgress };
    const head = await initializeLedger(database.store, ledgerGenesis(genesis), progress);
    return { ...database, head };
  } catch (error) {
    await database.store.close();
    throw error;
  }
}

/** What the ledger needs to know of a genesis. */
export function ledgerGenesis(state: GenesisState): LedgerGenesis {
  const { chainId, id, genesisTimeMs, params, reserveWei, validators, accounts } = state;
  return {
    chainId,
    genesisId: id,
    genesisTimeMs,
    params,
    reserveWei,
    validators,
    accounts: () => eachAccount(accounts),
  };
}
