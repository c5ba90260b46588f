import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { openDatabase } from '../node/database.js';
import { MAX_STEP_HEIGHTS, Pruner } from '../state/chain/retention.js';
import { NODE_KEYS } from '../state/store/keys.js';
import type { Store } from '../state/store/store.js';
import { LongChain } from '../test/support/long-chain.js';
import type { Measurement, Suite } from './harness.js';

export const suite: Suite = { measurements: measureHistory };

const IDENTITY = { chainId: 64_782, genesisId: new Uint8Array(32).fill(7), protocolVersion: 1 };
const BLOCKS = 12_000;
const SYNCED_BLOCKS = 500;
const SOAK_BLOCKS = Number(process.env['OGPU_SOAK_BLOCKS'] ?? 50_000);
const SOAK_WINDOW_BLOCKS = 1_000;
const SOAK_STEP_BLOCKS = 32;
const SOAK_REPORTS = 10;

/** Every block: two transactions with a log of three topics each, and four changed state entries of a thousand. */
const CHAIN = { seed: 1, keys: 1_000, transactionsPerBlock: 2, changesPerBlock: 4 };

const SOAK_CHAIN = { ...CHAIN, transactionsPerBlock: 1, changesPerBlock: 2 };

async function measureHistory(): Promise<Measurement[]> {
  return [
    ...(await withStore(measurePruning)),
    ...(await withStore(measureBlocks)),
    ...(await withStore(soak)),
  ];
}

/** An archive of `BLOCKS` blocks, and how fast it shrinks to a window of one. */
async function measurePruning(store: Store, path: string): Promise<Measurement[]> {
  const chain = new LongChain(store, CHAIN);
  for (let height = 1; height <= BLOCKS; height++) await store.write(chain.batch(height), { sync: false });
  await store.compactRange(EVERYTHING);
  const archiveBytes = folderBytes(path);
  const entries = await countEntries(store);
  const pruner = new Pruner(store, { mode: 'pruned', blocks: 1 });
  const stepsMs: number[] = [];
  let more: boolean;
  do {
    const start = performance.now();
    more = await pruner.step();
    stepsMs.push(performance.now() - start);
  } while (more);
  const elapsedMs = stepsMs.reduce((sum, ms) => sum + ms, 0);
  const dropped = entries - (await countEntries(store));
  const longestMs = Math.max(...stepsMs);
  return [
    { name: 'history/archive', value: `${Math.round(archiveBytes / BLOCKS)} bytes a block on disk` },
    {
      name: 'history/prune',
      value: `${rate(BLOCKS - 1, elapsedMs)} blocks/s, ${rate(dropped, elapsedMs)} entries/s`,
    },
    {
      name: 'history/prune/disk',
      value: `${mebibytes(archiveBytes)} before, ${mebibytes(folderBytes(path))} after`,
    },
    {
      name: `history/prune/step of ${MAX_STEP_HEIGHTS} blocks`,
      value: `mean ${(elapsedMs / stepsMs.length).toFixed(1)} ms, longest ${longestMs.toFixed(1)} ms`,
    },
  ];
}

/** What pruning after every block adds to a durable write of the block. */
async function measureBlocks(store: Store): Promise<Measurement[]> {
  const chain = new LongChain(store, CHAIN);
  const pruner = new Pruner(store, { mode: 'pruned', blocks: 1 });
  const [writesMs, stepsMs]: [number[], number[]] = [[], []];
  for (let height = 1; height <= SYNCED_BLOCKS; height++) {
    const batch = chain.batch(height);
    writesMs.push(await timed(() => store.write(batch)));
    stepsMs.push(await timed(() => pruner.step()));
  }
  const value = `write p50 ${median(writesMs)}, then a step p50 ${median(stepsMs)}`;
  return [{ name: 'history/prune/after-every-block', value }];
}

/** A long life with a short memory: what the disk holds must not depend on how long it was. */
async function soak(store: Store, path: string): Promise<Measurement[]> {
  const chain = new LongChain(store, SOAK_CHAIN);
  const pruner = new Pruner(store, { mode: 'pruned', blocks: SOAK_WINDOW_BLOCKS });
  const every = Math.max(1, Math.floor(SOAK_BLOCKS / SOAK_REPORTS));
  const sizes: string[] = [];
  let [peakBytes, longestWriteMs] = [0, 0];
  let steps: Promise<unknown> = Promise.resolve();
  const start = performance.now();
  for (let height = 1; height <= SOAK_BLOCKS; height++) {
    const batch = chain.batch(height);
    const writeMs = await timed(() => store.write(batch, { sync: false }));
    longestWriteMs = Math.max(longestWriteMs, writeMs);
    // Not waited for: it is to be done beside the blocks, compaction included.
    if (height % SOAK_STEP_BLOCKS === 0) steps = Promise.all([steps, pruner.step()]);
    if (height % 1_000 === 0) peakBytes = Math.max(peakBytes, folderBytes(path));
    if (height % every === 0) {
      const size = `${mebibytes(folderBytes(path))} at ${height}`;
      process.stderr.write(`${size} after ${Math.round((performance.now() - start) / 1000)} s\n`);
      sizes.push(size);
    }
  }
  await steps;
  return [
    {
      name: `history/soak/pruned(${SOAK_WINDOW_BLOCKS})`,
      value: `${sizes.join(', ')}; peak ${mebibytes(peakBytes)}; longest write of a block ${longestWriteMs.toFixed(0)} ms; ${rate(SOAK_BLOCKS, performance.now() - start)} blocks/s`,
      goal: 'does not grow',
    },
  ];
}

const EVERYTHING = { gte: Uint8Array.of(0), lt: Uint8Array.of(0xff) };

async function withStore<Result>(use: (store: Store, path: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'ogpu-bench-'));
  const path = join(folder, 'db');
  try {
    const { store } = await openDatabase({ path, identity: IDENTITY });
    const result = await use(store, path);
    await store.close();
    return result;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function countEntries(store: Store): Promise<number> {
  let entries = 0;
  for (const space of Object.values(NODE_KEYS)) {
    const query = { ...space.range(), limit: Number.MAX_SAFE_INTEGER };
    for await (const page of store.range(query)) entries += page.length;
  }
  return entries;
}

function folderBytes(path: string): number {
  const sizes = readdirSync(path).map((name) => statSync(join(path, name), { throwIfNoEntry: false })?.size);
  return sizes.reduce<number>((sum, size = 0) => sum + size, 0);
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

function median(valuesMs: readonly number[]): string {
  const sorted = [...valuesMs].sort((a, b) => a - b);
  return `${(sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(2)} ms`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

function rate(count: number, elapsedMs: number): string {
  return Math.round((1000 * count) / elapsedMs).toLocaleString('en-GB');
}
