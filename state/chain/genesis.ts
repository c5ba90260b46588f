import type { Address } from '../../protocol/address.js';
import { compareBytes, toHex } from '../../protocol/bytes.js';
import { HASH_LENGTH } from '../../protocol/crypto/hash.js';
import { OgpuError } from '../../protocol/errors.js';
import { invariant } from '../../protocol/invariant.js';
import { encodeAccount } from '../accounts/account.js';
import { seedSystem, type SystemGenesis } from '../staking/genesis.js';
import { STATE_KEYS } from '../store/keys.js';
import { Overlay } from '../store/overlay.js';
import type { Change, Entry, Store } from '../store/store.js';
import { LeafTable } from '../tree/leaf-table.js';
import { hashKey, hashValue } from '../tree/leaf.js';
import { beginAfresh, BEGUN_KEY } from './beginning.js';
import { HEAD_KEY, readHead } from './block-batch.js';
import { headCodec, type Head } from './records.js';
import { updateLeaves } from './state-root.js';

/** What a chain begins with. */
export interface LedgerGenesis extends SystemGenesis {
  /** Ascending by address, none twice and none with nothing. Gives the same each time it is called. */
  readonly accounts: () => Iterable<GenesisAccount>;
}

export interface GenesisAccount {
  readonly address: Address;
  readonly balanceWei: bigint;
}

export interface GenesisProgress {
  /** State entries are written first, then the tree over them. */
  readonly step: 'entries' | 'tree';
  /** Entries, or leaves of the tree, so far and in the end. */
  readonly done: number;
  readonly total: number;
}

export interface InitializeOptions {
  /** Called after each batch. */
  readonly onProgress?: (progress: GenesisProgress) => void;
  /** How much is held at a time. The result does not depend on it. */
  readonly chunks?: Partial<GenesisChunks>;
}

export interface GenesisChunks {
  /** State entries of one batch. */
  readonly entriesPerBatch: number;
  /** Leaves whose tree nodes are one batch: about 150 bytes a leaf in the batch and 1 KiB while it is made. */
  readonly leavesPerBatch: number;
  /** Leaves held in memory, about 70 bytes each. With more in all, the accounts are gone through once for each share of them. */
  readonly leavesPerPass: number;
}

/** Less than 160 MiB beside the genesis and the database, whatever the number of accounts. Measured in `bench/ledger.bench.ts`. */
export const GENESIS_CHUNKS: GenesisChunks = {
  entriesPerBatch: 8_192,
  leavesPerBatch: 8_192,
  leavesPerPass: 1_048_576,
};

/**
 * Writes the first state of a chain, its tree and, last of all, the head at height 0; a ledger that has a head already is left as it is.
 * What an interrupted run has left is cleared and everything done again.
 *
 * Every batch is synced: a loss of power may take an unsynced one and leave a later synced one, such as the head.
 *
 * @returns the head of the ledger
 * @throws LedgerGenesisError for accounts out of order, with nothing written; StoreError STORE_CORRUPT for a ledger that
 * has lost its head, and as writing does
 */
export async function initializeLedger(
  store: Store,
  genesis: LedgerGenesis,
  { onProgress, chunks }: InitializeOptions = {},
): Promise<Head> {
  const present = readHead(store);
  if (present !== undefined) return present;
  const accounts = countAccounts(genesis.accounts());
  await beginAfresh(store);
  const system = systemEntries(store, genesis);
  const work: Work = {
    store,
    entries: () => stateEntries(system, genesis.accounts()),
    total: system.length + accounts,
    chunks: { ...GENESIS_CHUNKS, ...chunks },
    onProgress,
  };
  const stateRoot = await writeState(work);
  const head: Head = { height: 0, id: genesis.genesisId, stateRoot };
  await store.write([
    { key: BEGUN_KEY, value: undefined },
    { key: HEAD_KEY, value: headCodec.encode(head) },
  ]);
  return head;
}

/** Accounts of a genesis that are not what they must be. */
export class LedgerGenesisError extends OgpuError<
  'GENESIS_ACCOUNT_DUPLICATE' | 'GENESIS_ACCOUNTS_UNSORTED' | 'GENESIS_ACCOUNT_EMPTY'
> {}

/** A thousand validators with all that belongs to them take a few MiB. */
const MAX_SYSTEM_BYTES = 64 * 1024 * 1024;

interface Work {
  readonly store: Store;
  readonly entries: () => Iterable<Entry>;
  /** Entries in all. */
  readonly total: number;
  readonly chunks: GenesisChunks;
  readonly onProgress: InitializeOptions['onProgress'];
}

/** Number of accounts. @throws LedgerGenesisError */
function countAccounts(accounts: Iterable<GenesisAccount>): number {
  let count = 0;
  let previous: Address | undefined;
  for (const { address, balanceWei } of accounts) {
    const order = previous === undefined ? -1 : compareBytes(previous, address);
    if (order === 0) throw accountError('GENESIS_ACCOUNT_DUPLICATE', 'an account is there twice', address);
    if (order > 0) throw accountError('GENESIS_ACCOUNTS_UNSORTED', 'accounts do not ascend', address);
    if (balanceWei <= 0n) throw accountError('GENESIS_ACCOUNT_EMPTY', 'an account holds nothing', address);
    previous = address;
    count++;
  }
  return count;
}

function systemEntries(store: Store, genesis: LedgerGenesis): Entry[] {
  const state = new Overlay(store, { maxBytes: MAX_SYSTEM_BYTES });
  const { accounts: _accounts, ...rest } = genesis;
  seedSystem(state, rest);
  const { gte, lt } = STATE_KEYS.account.range();
  return state.changes().map(({ key, value }) => {
    invariant(value !== undefined, 'nothing is deleted from an empty state');
    invariant(compareBytes(key, gte) < 0 || compareBytes(key, lt) >= 0, 'the seed writes no account');
    return { key, value };
  });
}

function* stateEntries(system: readonly Entry[], accounts: Iterable<GenesisAccount>): Generator<Entry> {
  yield* system;
  for (const { address, balanceWei } of accounts) {
    const value = encodeAccount({ nonce: 0, balanceWei, contract: undefined });
    yield { key: STATE_KEYS.account.encode(address), value };
  }
}

/** Writes all entries and the tree over them; returns its root. The tree grows by one share of all key hashes at a time. */
async function writeState(work: Work): Promise<Uint8Array> {
  const { total, chunks } = work;
  const passes = Math.ceil(total / chunks.leavesPerPass);
  const progress: Progress = { leaves: 0, root: new Uint8Array(HASH_LENGTH) };
  for (let index = 0; index < passes; index++) {
    const table = new LeafTable({ index, of: passes }, Math.ceil(total / passes));
    if (index === 0) await writeEntries(work, table);
    else for (const entry of work.entries()) addLeaf(table, entry);
    await growTree(work, table, progress);
  }
  invariant(progress.leaves === total, 'every entry has its leaf');
  return progress.root;
}

interface Progress {
  leaves: number;
  root: Uint8Array;
}

async function writeEntries(
  { store, entries, total, chunks, onProgress }: Work,
  table: LeafTable,
): Promise<void> {
  let done = 0;
  let batch: Change[] = [];
  for (const entry of entries()) {
    addLeaf(table, entry);
    batch.push(entry);
    done++;
    if (batch.length < chunks.entriesPerBatch && done < total) continue;
    await store.write(batch);
    batch = [];
    onProgress?.({ step: 'entries', done, total });
  }
  invariant(done === total && batch.length === 0, 'a genesis gives the same accounts each time');
}

/** Neighbours in the tree go into one batch, so that a node is written once, but for the few on the edge between two. */
async function growTree(
  { store, total, chunks, onProgress }: Work,
  table: LeafTable,
  progress: Progress,
): Promise<void> {
  for (const leaves of table.parts(chunks.leavesPerBatch)) {
    const { root, nodes } = updateLeaves(store, leaves);
    await store.write(nodes);
    progress.root = root;
    progress.leaves += leaves.length;
    onProgress?.({ step: 'tree', done: progress.leaves, total });
  }
}

function addLeaf(table: LeafTable, { key, value }: Entry): void {
  const keyHash = hashKey(key);
  if (table.takes(keyHash)) table.add({ keyHash, valueHash: hashValue(value) });
}

function accountError(
  code: LedgerGenesisError['code'],
  message: string,
  address: Address,
): LedgerGenesisError {
  return new LedgerGenesisError(code, message, { address: toHex(address) });
}
