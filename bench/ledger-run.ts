import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { openDatabase } from '../node/database.js';
import type { LevelStore } from '../node/database/level-store.js';
import { boundHeapGrowth } from '../node/heap.js';
import { blockBatch } from '../state/chain/block-batch.js';
import { updateStateRoot } from '../state/chain/state-root.js';
import { transition } from '../state/transition/transition.js';
import { nextInput } from '../test/support/ledger.js';
import {
  envelopesOf,
  fillLedger,
  finalBlockOf,
  GENESIS_ID,
  HOT_ACCOUNTS,
  TransferSource,
  TRANSFERS,
} from './ledger-chain.js';

const WARM_UP_BLOCKS = 10;
const BLOCKS = 30;
const IDENTITY = { chainId: 64_782, genesisId: GENESIS_ID, protocolVersion: 1 };

/** One figure per block. */
export interface BlockFigures {
  readonly executeMs: number;
  readonly rootMs: number;
  readonly batchMs: number;
  readonly commitMs: number;
  /** Processor time of all threads, compaction of LevelDB included. */
  readonly cpuMs: number;
  /** Keys and values of the batch. */
  readonly batchBytes: number;
  readonly treeNodes: number;
}

export interface PatternReport {
  readonly blocks: readonly BlockFigures[];
  /** What was written to files in all blocks: log, tables, compactions. */
  readonly writtenBytes: number;
  /** Share of reads that the read cache answered. */
  readonly hitRate: number;
}

export interface RunReport {
  readonly uniform: PatternReport;
  readonly hot: PatternReport;
  /** Resident, pages of mapped files included, which the system takes back when it needs them. */
  readonly peakMiB: number;
  /** Without those pages, after any block; 0 where the system does not say. */
  readonly peakAnonymousMiB: number;
}

/**
 * One step of `ledger-block.bench.ts`, in a process of its own so that its memory is its own: `fill <folder> <accounts>` makes a
 * ledger, `blocks <folder> <accounts>` puts blocks on it, once, and prints a `RunReport`.
 */
async function main([step, path, accountsText]: readonly string[]): Promise<void> {
  if (path === undefined) throw new RangeError('usage: fill|blocks folder accounts');
  const accounts = Number(accountsText);
  boundHeapGrowth();
  const { store } = await openDatabase({ path, identity: IDENTITY });
  if (step === 'fill') await fillLedger(store, accounts);
  else process.stdout.write(JSON.stringify(await runBlocks(store, accounts)));
  await store.close();
}

async function runBlocks(store: LevelStore, accounts: number): Promise<RunReport> {
  const runner: Runner = { store, source: new TransferSource(accounts), height: 0, peakAnonymousMiB: 0 };
  const uniform = await runPattern(runner, accounts);
  const hot = await runPattern(runner, Math.min(accounts, HOT_ACCOUNTS));
  const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  return { uniform, hot, peakMiB, peakAnonymousMiB: runner.peakAnonymousMiB };
}

interface Runner {
  readonly store: LevelStore;
  readonly source: TransferSource;
  height: number;
  peakAnonymousMiB: number;
}

/** Blocks of transfers among the first `among` accounts. */
async function runPattern(runner: Runner, among: number): Promise<PatternReport> {
  for (let block = 0; block < WARM_UP_BLOCKS; block++) await runBlock(runner, among);
  const before = { ...runner.store.cacheStatistics(), written: writtenBytes() };
  const blocks: BlockFigures[] = [];
  for (let block = 0; block < BLOCKS; block++) blocks.push(await runBlock(runner, among));
  const after = runner.store.cacheStatistics();
  const [hits, misses] = [after.hits - before.hits, after.misses - before.misses];
  return { blocks, writtenBytes: writtenBytes() - before.written, hitRate: hits / (hits + misses) };
}

async function runBlock(runner: Runner, among: number): Promise<BlockFigures> {
  const { store, source } = runner;
  const transactions = source.next(TRANSFERS, among);
  const envelopes = envelopesOf(transactions);
  const height = ++runner.height;
  const cpu = process.cpuUsage();
  const start = performance.now();
  const outcome = transition(store, nextInput(store, { transactions }));
  const executed = performance.now();
  const update = updateStateRoot(store, outcome.changes);
  const rooted = performance.now();
  const batch = blockBatch(finalBlockOf(height, envelopes, outcome, update));
  const assembled = performance.now();
  await store.write(batch);
  const committed = performance.now();
  const { user, system } = process.cpuUsage(cpu);
  runner.peakAnonymousMiB = Math.max(runner.peakAnonymousMiB, anonymousMiB());
  return {
    executeMs: executed - start,
    rootMs: rooted - executed,
    batchMs: assembled - rooted,
    commitMs: committed - assembled,
    cpuMs: (user + system) / 1000,
    batchBytes: batch.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0),
    treeNodes: update.nodes.length,
  };
}

/** Bytes this process has given to files; 0 where the system does not say. */
function writtenBytes(): number {
  return ownFigure('io', /^write_bytes: (\d+)$/m);
}

function anonymousMiB(): number {
  return Math.round(ownFigure('status', /^RssAnon:\s*(\d+) kB$/m) / 1024);
}

function ownFigure(file: string, pattern: RegExp): number {
  if (process.platform !== 'linux') return 0;
  return Number(pattern.exec(readFileSync(`/proc/self/${file}`, 'utf8'))?.[1] ?? 0);
}

await main(process.argv.slice(2));
