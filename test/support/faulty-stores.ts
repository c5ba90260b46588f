import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../node/database.js';
import { MemoryStore } from '../../state/store/memory.js';
import type { Entry, RangeQuery, Store } from '../../state/store/store.js';
import { FaultyDisk } from './faulty-disk.js';
import { createPrng } from './prng.js';

/** Every implementation of `Store`, opened empty (a real database holds its stamp) and cleaned up after use. */
export const STORES: Readonly<Record<string, (use: (store: Store) => Promise<void>) => Promise<void>>> = {
  memory: async (use) => {
    const store = new MemoryStore();
    await use(store);
    await store.close();
  },
  'faulty disk without faults': async (use) => {
    const store = await new FaultyDisk(createPrng(1)).open();
    await use(store);
    await store.close();
  },
  LevelDB: (use) => withLevel(4096 * 1024, use),
  'LevelDB without read cache': (use) => withLevel(0, use),
  'LevelDB with a tiny read cache': (use) => withLevel(8 * 1024, use),
};

export const IDENTITY = { chainId: 64_782, genesisId: new Uint8Array(32).fill(7), protocolVersion: 1 };

export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'ogpu-store-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function readAll(store: Store, query: RangeQuery): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const page of store.range(query)) entries.push(...page);
  return entries;
}

function withLevel(readCacheBytes: number, use: (store: Store) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const { store } = await openDatabase({ path: join(folder, 'db'), identity: IDENTITY, readCacheBytes });
    await use(store);
    await store.close();
  });
}
