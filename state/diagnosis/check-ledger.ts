import { bytesEqual, compareBytes, toHex } from '../../protocol/bytes.js';
import { HASH_LENGTH, sha256 } from '../../protocol/crypto/hash.js';
import { OgpuError } from '../../protocol/errors.js';
import { treeNodes } from '../chain/state-root.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Entry, Reader, Store } from '../store/store.js';
import { LeafTable } from '../tree/leaf-table.js';
import { hashKey, type Leaf } from '../tree/leaf.js';
import { MAX_RANGE_ITEMS, verifyRangeProof } from '../tree/proof.js';
import { proveRange } from '../tree/prove.js';
import { describeKey } from './describe.js';

/** A state entry that the state root does not commit to, a commitment without an entry, or a part of the tree that is damaged. */
export interface LedgerFault {
  readonly kind: 'entry-differs' | 'entry-unknown-to-root' | 'entry-missing' | 'tree-damaged';
  /** The entry, or the key hash or range of key hashes where no entry is there to name. */
  readonly where: string;
}

export interface LedgerCheck {
  readonly entries: number;
  /** Empty when the root of all entries is the one that was expected. */
  readonly faults: readonly LedgerFault[];
  readonly faultCount: number;
}

export interface CheckOptions {
  /** Leaves held in memory, about 70 bytes each. With more in all, the entries are gone through once for each share of them. */
  readonly leavesPerPass?: number;
}

/** Faults that are kept; the rest is counted. */
const MAX_FAULTS = 100;
const LEAVES_PER_PASS = 1_048_576;

/**
 * Whether all state entries of a store together have the state root `root`. The stored tree is proved under the root, a range at a time
 * from the first key hash to the last, and compared with the hashes of the entries: so each entry that is wrong is found, not just that one is.
 */
export async function checkStateRoot(
  store: Store,
  root: Uint8Array,
  { leavesPerPass = LEAVES_PER_PASS }: CheckOptions = {},
): Promise<LedgerCheck> {
  const entries = await countEntries(store);
  const faults = new Faults();
  const tree = provenLeaves(store, root, faults);
  let leaf = tree.next();
  const passes = Math.max(1, Math.ceil(entries / leavesPerPass));
  for (let index = 0; index < passes; index++) {
    for (const entry of sortedLeaves(await leavesOf(store, { index, of: passes }))) {
      for (; leaf.done !== true && compareBytes(leaf.value.keyHash, entry.keyHash) < 0; leaf = tree.next())
        faults.add({ kind: 'entry-missing', keyHash: leaf.value.keyHash });
      const isInTree = leaf.done !== true && bytesEqual(leaf.value.keyHash, entry.keyHash);
      if (!isInTree) faults.add({ kind: 'entry-unknown-to-root', keyHash: entry.keyHash });
      else if (!bytesEqual(leaf.value.valueHash, entry.valueHash))
        faults.add({ kind: 'entry-differs', keyHash: entry.keyHash });
      if (isInTree) leaf = tree.next();
    }
  }
  for (; leaf.done !== true; leaf = tree.next()) faults.add({ kind: 'entry-missing', keyHash: leaf.value.keyHash });
  return { entries, faults: await faults.named(store), faultCount: faults.count };
}

/** Every state entry, in key order space by space. */
export async function* allEntries(store: Store): AsyncGenerator<Entry, void, undefined> {
  for (const space of Object.values(STATE_KEYS)) {
    const pages = store.range({ ...space.range(), limit: Number.MAX_SAFE_INTEGER });
    for await (const page of pages) yield* page;
  }
}

async function countEntries(store: Store): Promise<number> {
  let count = 0;
  for await (const _entry of allEntries(store)) count++;
  return count;
}

async function leavesOf(store: Store, share: { index: number; of: number }): Promise<LeafTable> {
  const table = new LeafTable(share, 1024);
  for await (const { key, value } of allEntries(store)) {
    const keyHash = hashKey(key);
    if (table.takes(keyHash)) table.add({ keyHash, valueHash: sha256(value) });
  }
  return table;
}

/** A table comes out in the order of the first two bytes of key hashes; those that share them are sorted here. */
function* sortedLeaves(table: LeafTable): Generator<Leaf> {
  let bucket: Leaf[] = [];
  for (const part of table.parts(MAX_RANGE_ITEMS)) {
    for (const leaf of part) {
      const [first] = bucket;
      if (first !== undefined && comparePrefix(first.keyHash, leaf.keyHash) !== 0) {
        yield* inOrder(bucket);
        bucket = [];
      }
      bucket.push(leaf);
    }
  }
  yield* inOrder(bucket);
}

function inOrder(leaves: Leaf[]): Leaf[] {
  return leaves.sort((a, b) => compareBytes(a.keyHash, b.keyHash));
}

function comparePrefix(a: Uint8Array, b: Uint8Array): number {
  return compareBytes(a.subarray(0, 2), b.subarray(0, 2));
}

/** The leaves of the stored tree in order, each range proved under `root`. Ends where the tree is damaged. */
function* provenLeaves(view: Reader, root: Uint8Array, faults: Faults): Generator<Leaf> {
  const last = new Uint8Array(HASH_LENGTH).fill(0xff);
  let from: Uint8Array | undefined = new Uint8Array(HASH_LENGTH);
  while (from !== undefined) {
    const page = provenPage(view, root, from, last);
    if ('reason' in page) {
      faults.addDamage(`key hashes from ${toHex(from)}: ${page.reason}`);
      return;
    }
    yield* page.items;
    from = successor(page.to);
  }
}

function provenPage(
  view: Reader,
  root: Uint8Array,
  from: Uint8Array,
  to: Uint8Array,
): { readonly items: readonly Leaf[]; readonly to: Uint8Array } | { readonly reason: string } {
  try {
    const page = proveRange(treeNodes(view), from, to, MAX_RANGE_ITEMS);
    verifyRangeProof(root, from, page.to, page.items, page.proof);
    return page;
  } catch (error) {
    if (error instanceof OgpuError) return { reason: String(error.code) };
    throw error;
  }
}

/** The hash after this one; undefined after the last. */
function successor(hash: Uint8Array): Uint8Array | undefined {
  const next = hash.slice();
  for (let i = next.length - 1; i >= 0; i--) {
    const byte = ((next[i] ?? 0) + 1) & 0xff;
    next[i] = byte;
    if (byte !== 0) return next;
  }
  return undefined;
}

/** What was found, at first by key hash. */
class Faults {
  readonly #found: { kind: LedgerFault['kind']; keyHash: string }[] = [];
  readonly #damage: LedgerFault[] = [];
  count = 0;

  add({ kind, keyHash }: { readonly kind: LedgerFault['kind']; readonly keyHash: Uint8Array }): void {
    // Behind a damaged place of the tree nothing can be said of entries.
    if (this.#damage.length > 0) return;
    this.count++;
    if (this.#found.length < MAX_FAULTS) this.#found.push({ kind, keyHash: toHex(keyHash) });
  }

  addDamage(where: string): void {
    this.count++;
    this.#damage.push({ kind: 'tree-damaged', where });
  }

  /** Goes through the entries once more, to say which they are. */
  async named(store: Store): Promise<LedgerFault[]> {
    const names = new Map<string, string>();
    const wanted = new Set(this.#found.map(({ keyHash }) => keyHash));
    if (wanted.size > 0) {
      for await (const { key } of allEntries(store)) {
        const keyHash = toHex(hashKey(key));
        if (wanted.has(keyHash)) names.set(keyHash, describeKey(key));
      }
    }
    const named = this.#found.map(({ kind, keyHash }) => ({ kind, where: names.get(keyHash) ?? `key hash ${keyHash}` }));
    return [...named, ...this.#damage];
  }
}
