import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createMerkleProof, createMPT, verifyMerkleProof, type MerklePatriciaTrie } from '@ethereumjs/mpt';
import { ValueEncoding, type BatchDBOp, type DB } from '@ethereumjs/util';
import { Level } from 'level';
import { openDatabase } from '../node/database.js';
import { compareBytes } from '../protocol/bytes.js';
import { sha256 } from '../protocol/crypto/hash.js';
import { treeNodes } from '../state/chain/state-root.js';
import { NODE_KEYS } from '../state/store/keys.js';
import type { Store } from '../state/store/store.js';
import { hashKey, hashValue } from '../state/tree/leaf.js';
import type { NodeReader, NodeWrite } from '../state/tree/node.js';
import { verifyKeyProof } from '../state/tree/proof.js';
import { proveKey, proveRange } from '../state/tree/prove.js';
import { updateTree, type LeafChange } from '../state/tree/update.js';
import { createPrng, type Prng } from '../test/support/prng.js';
import type { Measurement, Scenario, Suite } from './harness.js';

const BLOCK_KEYS = 5000;
const BUILD_CHUNK = 50_000;
const SIZES = [10_000, 100_000, 1_000_000] as const;
/** Filling the peer with more takes minutes, so only on demand. */
const LARGEST_PEER = process.env['OGPU_BENCH_FULL'] === '1' ? 1_000_000 : 100_000;
const IDENTITY = { chainId: 64_782, genesisId: new Uint8Array(32).fill(7), protocolVersion: 1 };

export const suite: Suite = { scenarios: () => SIZES.flatMap(scenariosOf), measurements };

/** Trees are built when first run, so that other benchmarks do not wait for them. */
function scenariosOf(accounts: number): Scenario[] {
  const tree = once(() => openTree(accounts));
  const trie = once(() => openTrie(accounts));
  const prng = createPrng(accounts);
  const hasPeer = accounts <= LARGEST_PEER;
  const update: Scenario = {
    name: `tree/update/keys=${BLOCK_KEYS},accounts=${accounts}`,
    operations: BLOCK_KEYS,
    goal: '≥ 10 × the peer; both stored in LevelDB, ours synced, the peer not',
    ours: {
      name: 'state tree',
      run: async () => (await tree()).commit(randomChanges(prng, accounts)),
    },
    peers: hasPeer
      ? [{ name: '@ethereumjs/mpt', run: async () => putAll(await trie(), trieBlock(prng, accounts)) }]
      : [],
  };
  const ours = once(async () => {
    const { reader, root, commit } = await tree();
    await commit([changeOf(0, 1)]);
    const key = accountKey(0);
    return { root: root(), key, value: accountValue(0, 1), proof: proveKey(reader, hashKey(key)) };
  });
  const theirs = once(async () => {
    const key = sha256(accountKey(prng.below(accounts)));
    return { key, proof: await createMerkleProof(await trie(), key) };
  });
  const verify: Scenario = {
    name: `tree/verify-key-proof/accounts=${accounts}`,
    ours: {
      name: 'state tree',
      run: async () => {
        const { root, key, value, proof } = await ours();
        verifyKeyProof(root, key, value, proof);
      },
    },
    peers: hasPeer
      ? [
          {
            name: '@ethereumjs/mpt',
            run: async () => {
              const { key, proof } = await theirs();
              return verifyMerkleProof(key, proof);
            },
          },
        ]
      : [],
  };
  return [update, verify];
}

interface Tree {
  readonly reader: NodeReader;
  readonly root: () => Uint8Array;
  readonly commit: (changes: readonly LeafChange[]) => Promise<void>;
}

/** A tree in a LevelDB of its own, as a node has it: read cache in front, each commit one synced batch. */
async function openTree(accounts: number): Promise<Tree> {
  const { store } = await openDatabase({ path: temporaryFolder(), identity: IDENTITY });
  const reader = treeNodes(store);
  let root: Uint8Array = new Uint8Array(32);
  const commit = async (changes: readonly LeafChange[]): Promise<void> => {
    const update = updateTree(reader, changes);
    await writeNodes(store, update.writes);
    root = update.root;
  };
  for (let first = 0; first < accounts; first += BUILD_CHUNK) {
    const count = Math.min(BUILD_CHUNK, accounts - first);
    await commit(Array.from({ length: count }, (_, i) => changeOf(first + i, 0)));
  }
  return { reader, root: () => root, commit };
}

function writeNodes(store: Store, writes: readonly NodeWrite[]): Promise<void> {
  return store.write(
    writes.map(({ path, bytes }) => ({ key: NODE_KEYS.treeNode.encode(path), value: bytes })),
  );
}

async function openTrie(accounts: number): Promise<MerklePatriciaTrie> {
  const level = new Level<string, Uint8Array>(temporaryFolder(), { valueEncoding: 'view' });
  await level.open();
  const trie = await createMPT({
    db: trieDatabase(level),
    valueEncoding: ValueEncoding.Bytes,
    cacheSize: 100_000,
    useRootPersistence: false,
  });
  const puts = Array.from({ length: accounts }, (_, i) => triePut(i, 0));
  // In the order of the keys, as that is the fastest.
  puts.sort((a, b) => compareBytes(a.key, b.key));
  for (let first = 0; first < accounts; first += BUILD_CHUNK)
    await putAll(trie, puts.slice(first, first + BUILD_CHUNK));
  return trie;
}

/** As `@ethereumjs/statemanager` does it for a block: in memory first, then one batch. */
async function putAll(trie: MerklePatriciaTrie, puts: readonly ReturnType<typeof triePut>[]): Promise<void> {
  trie.checkpoint();
  for (const { key, value } of puts) await trie.put(key, value);
  await trie.commit();
}

function trieDatabase(level: Level<string, Uint8Array>): DB<string> {
  const database: DB<string> = {
    get: (key) => level.get(key),
    put: (key, value) => level.put(key, value),
    del: (key) => level.del(key),
    batch: (operations) => level.batch(operations.map(toLevel)),
    shallowCopy: () => database,
    open: () => level.open(),
  };
  return database;
}

function toLevel(
  operation: BatchDBOp<string>,
): { type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string } {
  const { key } = operation;
  return operation.type === 'put' ? { type: 'put', key, value: operation.value } : { type: 'del', key };
}

function randomChanges(prng: Prng, accounts: number): LeafChange[] {
  return randomAccounts(prng, accounts).map((account) => changeOf(account, prng.u32()));
}

function trieBlock(prng: Prng, accounts: number): ReturnType<typeof triePut>[] {
  return randomAccounts(prng, accounts).map((account) => triePut(account, prng.u32()));
}

function triePut(
  account: number,
  version: number,
): { type: 'put'; key: Uint8Array<ArrayBuffer>; value: Uint8Array<ArrayBuffer> } {
  return {
    type: 'put',
    key: Uint8Array.from(sha256(accountKey(account))),
    value: accountValue(account, version),
  };
}

function changeOf(account: number, version: number): LeafChange {
  return { keyHash: hashKey(accountKey(account)), valueHash: hashValue(accountValue(account, version)) };
}

function randomAccounts(prng: Prng, accounts: number): number[] {
  const chosen = new Set<number>();
  while (chosen.size < BLOCK_KEYS) chosen.add(prng.below(accounts));
  return [...chosen];
}

function accountKey(account: number): Uint8Array {
  const key = new Uint8Array(25);
  new DataView(key.buffer).setUint32(5, account);
  return key;
}

function accountValue(account: number, version: number): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(72).fill(1);
  new DataView(value.buffer).setUint32(0, account);
  new DataView(value.buffer).setUint32(4, version);
  return value;
}

const COMPILED = new URL('../', import.meta.url).href;

/** Builds in processes of their own, so that peak memory is their own; nodes go to a Map or nowhere. */
async function measurements(): Promise<readonly Measurement[]> {
  const results: Measurement[] = [];
  for (const [name, chunk] of [
    ['one call', 1_000_000],
    [`chunks of ${BUILD_CHUNK}`, BUILD_CHUNK],
  ] as const) {
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--input-type=module',
      '-e',
      BUILD,
      '--',
      COMPILED,
      String(chunk),
    ]);
    results.push({ name: `tree/build/accounts=1000000,${name}`, value: stdout.trim() });
  }
  return [...results, ...(await proofSizes())];
}

/** Account keys sorted by their hash, as a genesis or a snapshot has them. */
const BUILD = `
  const [base, chunkText] = process.argv.slice(1);
  const chunk = Number(chunkText);
  const { updateTree } = await import(base + 'state/tree/update.js');
  const { hashKey, hashValue } = await import(base + 'state/tree/leaf.js');
  const changes = Array.from({ length: 1_000_000 }, (_, i) => {
    const bytes = new Uint8Array(25);
    new DataView(bytes.buffer).setUint32(5, i);
    return { keyHash: hashKey(bytes), valueHash: hashValue(bytes) };
  });
  changes.sort((a, b) => Buffer.compare(a.keyHash, b.keyHash));
  const nodes = new Map();
  const reader = { getNode: (path) => nodes.get(String.fromCharCode(...path)) };
  global.gc?.();
  const before = process.memoryUsage.rss();
  const start = performance.now();
  for (let first = 0; first < changes.length; first += chunk) {
    const { writes } = updateTree(reader, changes.slice(first, first + chunk));
    for (const { path, bytes } of writes) {
      const key = String.fromCharCode(...path);
      if (bytes) nodes.set(key, bytes);
      else nodes.delete(key);
    }
  }
  const seconds = (performance.now() - start) / 1000;
  let stored = 0;
  for (const [key, bytes] of nodes) stored += key.length + bytes.length;
  const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  const inputMiB = Math.round(before / 2 ** 20);
  console.log(seconds.toFixed(1) + ' s, ' + nodes.size + ' nodes, ' + (stored / 1e6).toFixed(1)
    + ' bytes per account, peak ' + peakMiB + ' MiB (' + inputMiB + ' before, nodes kept in a Map)');`;

async function proofSizes(): Promise<readonly Measurement[]> {
  const results: Measurement[] = [];
  for (const accounts of [10_000, 100_000]) {
    const { reader } = await openTree(accounts);
    const prng = createPrng(1);
    const mean = (sizes: readonly number[]): string =>
      `${Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length)} bytes on average, ${Math.max(...sizes)} at most`;
    const keys = randomAccounts(prng, accounts).slice(0, 1000);
    const keySizes = keys.map((account) => proveKey(reader, hashKey(accountKey(account))).length);
    const rangeSizes = keys.slice(0, 100).map((account) => {
      const from = hashKey(accountKey(account));
      return proveRange(reader, from, new Uint8Array(32).fill(0xff), 1000).proof.length;
    });
    results.push(
      { name: `tree/key-proof/accounts=${accounts}`, value: mean(keySizes) },
      { name: `tree/range-proof/items=1000,accounts=${accounts}`, value: mean(rangeSizes) },
    );
  }
  return results;
}

const folders: string[] = [];

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ogpu-bench-tree-'));
  if (folders.length === 0)
    process.once('exit', () => folders.forEach((path) => rmSync(path, { recursive: true })));
  folders.push(folder);
  return join(folder, 'db');
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
