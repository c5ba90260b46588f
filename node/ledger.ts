import { eachAccount } from '../genesis/accounts.js';
import type { GenesisState } from '../genesis/state.js';
import { PROTOCOL_VERSION } from '../protocol/params.js';
import { initializeLedger, type GenesisProgress, type LedgerGenesis } from '../state/chain/genesis.js';
import { readHead } from '../state/chain/marks.js';
import type { Head } from '../state/chain/records.js';
import { openDatabase, type Database, type DatabaseOptions } from './database.js';

interface Progress {
  /** Called while the first state is written. */
  readonly onProgress?: (progress: GenesisProgress) => void;
}

export interface LedgerOptions extends Omit<DatabaseOptions, 'identity'>, Progress {
  readonly genesis: GenesisState;
}

/** A genesis by its id; the whole of it, which takes time to read and to check, only when it is asked for. */
export interface GenesisSource {
  readonly chainId: number;
  /** 32 bytes. */
  readonly id: Uint8Array;
  load(): Promise<GenesisState>;
}

export interface LedgerSourceOptions extends Omit<DatabaseOptions, 'identity'>, Progress {
  readonly genesis: GenesisSource;
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
export function openLedger({ genesis, ...options }: LedgerOptions): Promise<Ledger> {
  const { chainId, id } = genesis;
  return openLedgerOf({ ...options, genesis: { chainId, id, load: () => Promise.resolve(genesis) } });
}

/** As `openLedger`; the genesis is loaded only where it has to be written. Throws also as loading does. */
export async function openLedgerOf(options: LedgerSourceOptions): Promise<Ledger> {
  const { genesis, onProgress, ...databaseOptions } = options;
  const identity = { chainId: genesis.chainId, genesisId: genesis.id, protocolVersion: PROTOCOL_VERSION };
  const database = await openDatabase({ ...databaseOptions, identity });
  try {
    const head = readHead(database.store) ?? (await writeGenesis(database, genesis, onProgress));
    return { ...database, head };
  } catch (error) {
    await database.store.close();
    throw error;
  }
}

async function writeGenesis(
  { store }: Database,
  genesis: GenesisSource,
  onProgress: Progress['onProgress'],
): Promise<Head> {
  const progress = onProgress === undefined ? {} : { onProgress };
  return initializeLedger(store, ledgerGenesis(await genesis.load()), progress);
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
