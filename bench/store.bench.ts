import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Level } from 'level';
import { DATABASE_DEFAULTS, openDatabase } from '../node/database.js';
import type { LevelStore } from '../node/database/level-store.js';
import { sha256 } from '../protocol/crypto/hash.js';
import { STATE_KEYS } from '../state/store/keys.js';
import { createPrng } from '../test/support/prng.js';
import type { Measurement, Suite } from './harness.js';

export const suite: Suite = { measurements: measureStores };

const KEYS = 1_000_000;
const BATCH = 5000;
const ROUNDS = 11;
const READS_PER_ROUND = 3000;
/** Working set of the hot reads: fits the read cache. */
const HOT_KEYS = 20_000;
const VALUE_BYTES = 100;
const IDENTITY = { chainId: 64_782, genesisId: new Uint8Array(32).fill(7), protocolVersion: 1 };

type Plain = Level<Uint8Array, Uint8Array>;

/** Our store and plain `level` with the same buffers and a million accounts each, in turns so that noise hits both alike. */
async function measureStores(): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ogpu-bench-'));
  const path = join(folder, 'ours');
  const level: Plain = new Level(join(folder, 'level'), {
    keyEncoding: 'view',
    valueEncoding: 'view',
    cacheSize: DATABASE_DEFAULTS.blockCacheBytes,
    writeBufferSize: DATABASE_DEFAULTS.writeBufferBytes,
  });
  try {
    const first = await openDatabase({ path, identity: IDENTITY });
    await level.open();
    const writes = await measureWrites(first.store, level);
    await first.store.close();
    await level.close();

    const openMs = await timed(async () => (await openDatabase({ path, identity: IDENTITY })).store.close());
    const levelOpenMs = await timed(async () => {
      await level.open();
      await level.close();
    });
    await level.open();
    const { store } = await openDatabase({ path, identity: IDENTITY });
    const reads = [...(await measureReads(store, level)), await measureRange(store)];
    await store.close();
    await level.close();
    const opens = { name: 'store/open-and-close', value: `${ms(openMs)}; plain level ${ms(levelOpenMs)}` };
    return [...writes, ...reads, opens];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measureWrites(store: LevelStore, level: Plain): Promise<Measurement[]> {
  const [ours, plain]: [number[], number[]] = [[], []];
  for (let first = 0; first < KEYS; first += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, i) => ({
      key: keyOf(first + i),
      value: valueOf(first + i),
    }));
    ours.push(await timed(() => store.write(batch)));
    const operations = batch.map((entry) => ({ type: 'put' as const, ...entry }));
    plain.push(await timed(() => level.batch(operations, { sync: true })));
  }
  const show = (times: readonly number[]): string =>
    `p50 ${ms(quantile(times, 0.5))}, p99 ${ms(quantile(times, 0.99))}`;
  return [
    {
      name: 'store/write/5000-puts-durable',
      value: `${show(ours)}; plain level, array batch: ${show(plain)}`,
      goal: 'p50 below 50 ms',
    },
  ];
}

async function measureReads(store: LevelStore, level: Plain): Promise<Measurement[]> {
  const hotKeys = randomKeys(1, HOT_KEYS);
  for (const key of hotKeys) store.get(key);
  const { hits, misses } = store.cacheStatistics();
  const micros = { cold: [] as number[], hot: [] as number[], sync: [] as number[], awaited: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    const keys = randomKeys(100 + round, READS_PER_ROUND);
    const someHot = hotKeys.slice(round * 100, round * 100 + READS_PER_ROUND);
    micros.hot.push(await perRead(someHot, (key) => store.get(key)));
    micros.cold.push(await perRead(keys, (key) => store.get(key)));
    micros.sync.push(await perRead(keys, (key) => level.getSync(key)));
    micros.awaited.push(await perReadAwaited(keys, (key) => level.get(key)));
  }
  const after = store.cacheStatistics();
  const show = (times: readonly number[]): string => `${quantile(times, 0.5).toFixed(2)} µs`;
  const hitRate = (100 * (after.hits - hits)) / (after.hits - hits + after.misses - misses);
  return [
    { name: 'store/get/hot', value: show(micros.hot), goal: '≥ 10 × an awaited get' },
    { name: 'store/get/cold', value: show(micros.cold) },
    { name: 'store/get/cold (plain level, getSync)', value: show(micros.sync) },
    { name: 'store/get/warm (plain level, await get)', value: show(micros.awaited) },
    { name: 'store/get/hit-rate of half hot, half cold reads', value: `${hitRate.toFixed(1)} %` },
  ];
}

async function measureRange(store: LevelStore): Promise<Measurement> {
  let entries = 0;
  const elapsedMs = await timed(async () => {
    const query = { ...STATE_KEYS.account.range(), limit: 200_000 };
    for await (const page of store.range(query)) entries += page.length;
  });
  return { name: 'store/range', value: `${Math.round(entries / elapsedMs)} entries/ms` };
}

async function perRead(keys: readonly Uint8Array[], read: (key: Uint8Array) => unknown): Promise<number> {
  const elapsedMs = await timed(() => {
    for (const key of keys) if (read(key) === undefined) throw new RangeError('a key is missing');
    return Promise.resolve();
  });
  return (1000 * elapsedMs) / keys.length;
}

async function perReadAwaited(
  keys: readonly Uint8Array[],
  read: (key: Uint8Array) => Promise<unknown>,
): Promise<number> {
  const elapsedMs = await timed(async () => {
    for (const key of keys) await read(key);
  });
  return (1000 * elapsedMs) / keys.length;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}

/** Account keys at random places of the key space, as addresses are. */
function keyOf(index: number): Uint8Array {
  return STATE_KEYS.account.encode(
    sha256(Uint8Array.of(index >> 16, (index >> 8) & 0xff, index & 0xff)).slice(0, 20),
  );
}

function valueOf(index: number): Uint8Array {
  return Uint8Array.from({ length: VALUE_BYTES }, (_, i) => (index >> (i % 24)) & 0xff);
}

function randomKeys(seed: number, count: number): Uint8Array[] {
  const prng = createPrng(seed);
  return Array.from({ length: count }, () => keyOf(prng.below(KEYS)));
}
