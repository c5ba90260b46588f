import { Level } from 'level';
import type { ChainIdentity } from '../protocol/domains.js';
import { claimStore, type SchemaStamp } from '../state/store/schema.js';
import { openError } from './database/errors.js';
import { inspectFolder, syncFolder } from './database/folder.js';
import { LevelStore } from './database/level-store.js';
import { checkLogs } from './database/log-check.js';

export interface DatabaseOptions {
  /** Folder of the database and of nothing else; made where it is missing. */
  readonly path: string;
  /** The chain whose ledger this is; `protocolVersion` is the newest one this software knows. */
  readonly identity: ChainIdentity;
  /** Memory for values read last, as the ledger uses them. */
  readonly readCacheBytes?: number;
  /** Memory for blocks of the files, uncompressed. */
  readonly blockCacheBytes?: number;
  /** Writes gathered in memory (and in the log) before they become a sorted file: up to twice this is held. */
  readonly writeBufferBytes?: number;
}

export interface Database {
  readonly store: LevelStore;
  readonly stamp: SchemaStamp;
}

const MIB = 1024 * 1024;

/** What a node holds for its ledger unless told otherwise. Measured in `bench/store.bench.ts`. */
export const DATABASE_DEFAULTS = {
  readCacheBytes: 128 * MIB,
  blockCacheBytes: 64 * MIB,
  writeBufferBytes: 32 * MIB,
} as const;

/**
 * Opens the ledger of a chain, making it where there is none. Whatever is not this chain's ledger in a format we know is
 * refused and left as it is, apart from what LevelDB itself does to a database it opens.
 *
 * @throws StoreError STORE_LOCKED | STORE_OPEN_FAILED | STORE_NOT_A_DATABASE | STORE_CORRUPT | STORE_UNSTAMPED |
 * STORE_FOREIGN | STORE_NEWER | STORE_OLDER, each with `path` or the differing values and the `cure` in its data
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { path, identity, readCacheBytes, blockCacheBytes, writeBufferBytes } = {
    ...DATABASE_DEFAULTS,
    ...options,
  };
  const { isNew } = await inspectFolder(path);
  if (!isNew) await checkLogs(path);
  const level = new Level<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    cacheSize: blockCacheBytes,
    writeBufferSize: writeBufferBytes,
  });
  try {
    await level.open();
  } catch (cause) {
    throw openError(path, cause);
  }
  const store = new LevelStore(level, { readCacheBytes });
  try {
    const stamp = await claimStore(store, identity);
    if (isNew) await syncFolder(path);
    return { store, stamp };
  } catch (error) {
    await store.close();
    throw error;
  }
}
