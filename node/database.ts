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
  /** Writes gathered in memory (and in the log) before they become sorted files: up to twice this and two batches are held. */
  readonly writeBufferBytes?: number;
  /**
   * Files kept open, of `FILE_BYTES` each and mapped into memory; at least 64. Fewer than hold the state make reads slower: each then
   * opens its file first. The pages are the system's to take back, but until it does they count as this process's memory.
   */
  readonly openFiles?: number;
}

export interface Database {
  readonly store: LevelStore;
  readonly stamp: SchemaStamp;
}

const MIB = 1024 * 1024;

/** Where LevelDB ends a file. */
export const FILE_BYTES = MIB;

/** Files that LevelDB counts among those it may have open and keeps for other things than tables. */
const OTHER_FILES = 10;

/**
 * What a node holds for its ledger unless told otherwise. Measured in `bench/ledger-block.bench.ts`: a million accounts and blocks of 5,000
 * transfers take less than 512 MiB in all. All files of such a state stay open: with half as many the larger read cache that fits instead (48 MiB)
 * answers 55 % of the reads and not 39 %, and transfers all over the state are a fifth slower.
 */
export const DATABASE_DEFAULTS = {
  readCacheBytes: 16 * MIB,
  blockCacheBytes: 8 * MIB,
  writeBufferBytes: 16 * MIB,
  openFiles: 128,
} as const;

/**
 * Opens the ledger of a chain, making it where there is none. Whatever is not this chain's ledger in a format we know is
 * refused and left as it is, apart from what LevelDB itself does to a database it opens.
 *
 * @throws StoreError STORE_LOCKED | STORE_OPEN_FAILED | STORE_NOT_A_DATABASE | STORE_CORRUPT | STORE_UNSTAMPED |
 * STORE_FOREIGN | STORE_NEWER | STORE_OLDER, each with `path` or the differing values and the `cure` in its data
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { path, identity, readCacheBytes, blockCacheBytes, writeBufferBytes, openFiles } = {
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
    maxFileSize: FILE_BYTES,
    maxOpenFiles: openFiles + OTHER_FILES,
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
