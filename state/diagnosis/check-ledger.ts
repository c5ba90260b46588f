import { bytesEqual, compareBytes, toHex } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { treeNodes } from '../chain/state-root.js';
import { STATE_KEYS } from '../store/keys.js';
import type { Entry, Store } from '../store/store.js';
import { TreeError } from '../tree/errors.js';
import { LeafTable } from '../tree/leaf-table.js';
import { hashKey, type Leaf } from '../tree/leaf.js';
import type { NodeReader } from '../tree/node.js';
import { walkTree } from '../tree/walk.js';
import { describeKey } from './describe.js';

/** A state entry that the state root does not commit to, a commitment without an entry, or a damaged node of the tree. */
export interface LedgerFault {
  readonly kind: 'entry-differs' | 'entry-unknown-to-root' | 'entry-missing' | 'tree-damaged';
  /** The entry, its key hash where there is none to name, or the path of the node. */
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
const LEAVES_PER_PART = 4_096;

/**
 * Whether all state entries of a store together have the state root `root`. Every node of the stored tree is checked under the root, and its
 * leaves are compared with the hashes of the entries: so each entry that is wrong is found, not just that one is.
 */
export async function checkStateRoot(
  store: Store,
  root: Uint8Array,
  { leavesPerPass = LEAVES_PER_PASS }: CheckOptions = {},
): Promise<LedgerCheck> {
  const entries = await countEntries(store);
  const faults = new Faults();
  const tree = soundLeaves(treeNodes(store), root, faults);
  let leaf = next(tree);
  const passes = Math.max(1, Math.ceil(entries / leavesPerPass));
  for (let index = 0; index < passes; index++) {
    for (const entry of sortedLeaves(await leavesOf(store, { index, of: passes }))) {
      for (; leaf !== undefined && compareBytes(leaf.keyHash, entry.keyHash) < 0; leaf = next(tree))
        faults.add('entry-missing', leaf);
      if (leaf === undefined || !bytesEqual(leaf.keyHash, entry.keyHash)) {
        faults.add('entry-unknown-to-root', entry);
        continue;
      }
      if (!bytesEqual(leaf.valueHash, entry.valueHash)) faults.add('entry-differs', entry);
      leaf = next(tree);
    }
  }
  for (; leaf !== undefined; leaf = next(tree)) faults.add('entry-missing', leaf);
  return { entries, faults: await faults.named(store), faultCount: faults.count };
}

/** Every state entry, in key order space by space. */
export async function* allEntries(store: Pick<Store, 'range'>): AsyncGenerator<Entry, void, undefined> {
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
  for (const part of table.parts(LEAVES_PER_PART)) {
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

/** The leaves of the stored tree in order. Ends where the tree is damaged. */
function* soundLeaves(tree: NodeReader, root: Uint8Array, faults: Faults): Generator<Leaf, undefined> {
  try {
    yield* walkTree(tree, root);
  } catch (error) {
    if (!(error instanceof TreeError)) throw error;
    faults.addDamage(`node ${String(error.data['path'])}: ${error.code}`);
  }
  return undefined;
}

function next(leaves: Generator<Leaf, undefined>): Leaf | undefined {
  return leaves.next().value;
}

/** What was found, at first by key hash. */
class Faults {
  readonly #found: { kind: LedgerFault['kind']; keyHash: string }[] = [];
  readonly #damage: LedgerFault[] = [];
  count = 0;

  add(kind: LedgerFault['kind'], { keyHash }: Leaf): void {
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
    const named = this.#found.map(({ kind, keyHash }) => ({
      kind,
      where: names.get(keyHash) ?? `key hash ${keyHash}`,
    }));
    return [...named, ...this.#damage];
  }
}
