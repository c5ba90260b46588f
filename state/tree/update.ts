import { bytesEqual, compareBytes, toHex } from '../../protocol/bytes.js';
import { HASH_LENGTH } from '../../protocol/crypto/hash.js';
import { TreeError } from './errors.js';
import { createHeaps, foldHeaps, HEAP_ROOT, HEAP_SIZE, heapHash, loadHeap } from './fold.js';
import { hashLeaf, requireHash } from './leaf.js';
import {
  branchMaskOf,
  checkNode,
  childOffset,
  copyBytes,
  createNode,
  HEADER_BYTES,
  LEAF_BYTES,
  LEAF_HASH_OFFSET,
  leafMaskOf,
  MAX_PATH_NIBBLES,
  nibbleAt,
  popCount,
  readNode,
  SLOTS,
  VALUE_HASH_OFFSET,
  type NodeBytes,
  type NodeReader,
  type NodeWrite,
} from './node.js';
import { treeRoot } from './root.js';
import { Slab } from './slab.js';

/** A new value for a key, or, where `valueHash` is undefined, no leaf any more. Deleting what is not there changes nothing. */
export interface LeafChange {
  readonly keyHash: Uint8Array;
  readonly valueHash: Uint8Array | undefined;
}

export interface TreeUpdate {
  readonly root: Uint8Array;
  /** What to store, each path once, in no promised order. Nodes that stay as they are do not appear. */
  readonly writes: readonly NodeWrite[];
}

/** Nodes hashed at a time; their binary levels take 1 KiB each. */
const FOLD_BATCH = 1024;

/**
 * The tree of `reader` after `changes`, which come in any order, each key once. The reader and the changes are only read;
 * memory is proportional to the number of changes.
 *
 * @throws TreeError HASH_LENGTH | DUPLICATE_KEY for the changes, NODE_* for a damaged store
 */
export function updateTree(reader: NodeReader, changes: readonly LeafChange[]): TreeUpdate {
  const walk: Walk = {
    reader,
    changes: sortChanges(changes),
    path: new Uint8Array(MAX_PATH_NIBBLES),
    drafts: Array.from({ length: MAX_PATH_NIBBLES }, () => []),
    writes: [],
    slab: new Slab(),
  };
  const root = updateRoot(walk);
  if (root === undefined) return { root: new Uint8Array(HASH_LENGTH), writes: walk.writes };
  if (root.kind !== 'draft') return { root: treeRoot(reader), writes: walk.writes };
  return { root: hashDrafts(walk.drafts), writes: walk.writes };
}

/** A subtree of two leaves or more that stays as it is stored. */
interface Stored {
  readonly kind: 'stored';
}

interface LoneLeaf {
  readonly kind: 'leaf';
  /** As in a node: keyHash ‖ valueHash ‖ leafHash. */
  readonly bytes: Uint8Array;
}

/** A node to be written. Its bytes are complete but for the hashes of those children that are drafts themselves. */
interface Draft {
  readonly kind: 'draft';
  readonly bytes: NodeBytes;
  /** Where the hash of this node goes, once known. */
  parent: Draft | undefined;
  hashOffset: number;
}

type Subtree = undefined | LoneLeaf | Stored | Draft;

const STORED: Stored = { kind: 'stored' };

interface Walk {
  readonly reader: NodeReader;
  readonly changes: readonly LeafChange[];
  /** Nibbles down to where the walk is. */
  readonly path: Uint8Array;
  /** By depth in nibbles. */
  readonly drafts: readonly Draft[][];
  readonly writes: NodeWrite[];
  /** Of the nodes to be written. */
  readonly slab: Slab;
}

/** The root node exists as soon as there is one leaf; every other one from two on. */
function updateRoot(walk: Walk): Subtree {
  const path = walk.path.subarray(0, 0);
  const node = walk.reader.getNode(path);
  if (node === undefined)
    return updateNode(walk, 0, undefined, nodeOf(walk.slab, undefined, 0), 0, walk.changes.length);
  checkNode(node, path);
  return updateNode(walk, 0, STORED, node, 0, walk.changes.length);
}

/** The subtree at `depth` after changes [first, end). Returns `before` itself if they change nothing. */
function updateSubtree(walk: Walk, depth: number, before: Subtree, first: number, end: number): Subtree {
  if (before?.kind === 'stored') {
    return updateNode(walk, depth, before, readNode(walk.reader, walk.path, depth), first, end);
  }
  const change = walk.changes[first];
  const leaf = before?.kind === 'leaf' ? before : undefined;
  if (end - first === 1 && change !== undefined && (!leaf || hasHash(leaf.bytes, 0, change.keyHash))) {
    const { keyHash, valueHash } = change;
    if (valueHash === undefined) return undefined;
    if (leaf && hasHash(leaf.bytes, VALUE_HASH_OFFSET, valueHash)) return leaf;
    return createLeaf(walk.slab, keyHash, valueHash);
  }
  return updateNode(walk, depth, before, nodeOf(walk.slab, leaf, depth), first, end);
}

/** The subtree `before`, whose children are in `node` whether it is stored or not, after changes [first, end). */
function updateNode(
  walk: Walk,
  depth: number,
  before: Subtree,
  node: NodeBytes,
  first: number,
  end: number,
): Subtree {
  const changed: Changed = {
    mask: 0,
    leafMask: leafMaskOf(node),
    branchMask: branchMaskOf(node),
    children: [],
  };
  for (let next = first; next < end;) {
    const from = next;
    const slot = nibbleAt(walk.changes[from]?.keyHash ?? walk.path, depth);
    while (next < end && nibbleAt(walk.changes[next]?.keyHash ?? walk.path, depth) === slot) next++;
    walk.path[depth] = slot;
    const child = childAt(node, slot);
    const updated = updateSubtree(walk, depth + 1, child, from, next);
    if (updated !== child) setChild(changed, slot, updated);
  }
  if (changed.mask === 0) return before;
  const isStored = before?.kind === 'stored';
  const leaves = popCount(changed.leafMask);
  if (changed.branchMask === 0 && leaves < (depth === 0 ? 1 : 2)) {
    if (isStored) walk.writes.push({ path: walk.path.slice(0, depth), bytes: undefined });
    return leaves === 0 ? undefined : loneLeaf(node, changed);
  }
  const draft = assemble(walk.slab, node, changed);
  walk.drafts[depth]?.push(draft);
  walk.writes.push({ path: walk.path.slice(0, depth), bytes: draft.bytes });
  return draft;
}

/** How the children of a node differ from what they were. */
interface Changed {
  /** Slots that differ. */
  mask: number;
  /** Kinds of all children afterwards. */
  leafMask: number;
  branchMask: number;
  /** By slot; only those in `mask` mean anything. */
  readonly children: Subtree[];
}

function setChild(changed: Changed, slot: number, child: Subtree): void {
  const bit = 1 << slot;
  changed.mask |= bit;
  changed.leafMask = child?.kind === 'leaf' ? changed.leafMask | bit : changed.leafMask & ~bit;
  changed.branchMask = child?.kind === 'draft' ? changed.branchMask | bit : changed.branchMask & ~bit;
  changed.children[slot] = child;
}

/** A node with one leaf, or none: what a subtree that has no node of its own looks like from inside. */
function nodeOf(slab: Slab, leaf: LoneLeaf | undefined, depth: number): NodeBytes {
  const node = createNode(slab, leaf ? 1 << nibbleAt(leaf.bytes, depth) : 0, 0);
  if (leaf) copyBytes(leaf.bytes, 0, node, HEADER_BYTES, LEAF_BYTES);
  return node;
}

function createLeaf(slab: Slab, keyHash: Uint8Array, valueHash: Uint8Array): LoneLeaf {
  const bytes = slab.allocate(LEAF_BYTES);
  copyBytes(keyHash, 0, bytes, 0, HASH_LENGTH);
  copyBytes(valueHash, 0, bytes, VALUE_HASH_OFFSET, HASH_LENGTH);
  copyBytes(hashLeaf({ keyHash, valueHash }), 0, bytes, LEAF_HASH_OFFSET, HASH_LENGTH);
  return { kind: 'leaf', bytes };
}

function hasHash(bytes: Uint8Array, offset: number, hash: Uint8Array): boolean {
  for (let i = 0; i < HASH_LENGTH; i++) if (bytes[offset + i] !== hash[i]) return false;
  return true;
}

function childAt(node: NodeBytes, slot: number): Subtree {
  if ((branchMaskOf(node) >> slot) & 1) return STORED;
  if (((leafMaskOf(node) >> slot) & 1) === 0) return undefined;
  const offset = childOffset(node, slot);
  return { kind: 'leaf', bytes: node.subarray(offset, offset + LEAF_BYTES) };
}

/** The only leaf that is left. */
function loneLeaf(node: NodeBytes, changed: Changed): Subtree {
  const slot = 31 - Math.clz32(changed.leafMask);
  return (changed.mask >> slot) & 1 ? changed.children[slot] : childAt(node, slot);
}

/** The node with its changed children, and each draft among them told where its hash belongs. */
function assemble(slab: Slab, node: NodeBytes, changed: Changed): Draft {
  const bytes = createNode(slab, changed.leafMask, changed.branchMask);
  const draft: Draft = { kind: 'draft', bytes, parent: undefined, hashOffset: 0 };
  const isSameLayout = leafMaskOf(node) === changed.leafMask && branchMaskOf(node) === changed.branchMask;
  // Of a large tree nearly every node keeps its layout: one copy of all children is faster than one of each.
  if (isSameLayout) bytes.set(node);
  for (let slot = 0; slot < SLOTS; slot++) {
    if ((changed.mask >> slot) & 1) placeChild(draft, slot, changed.children[slot]);
    else if (!isSameLayout) {
      const from = childOffset(node, slot);
      copyBytes(node, from, bytes, childOffset(bytes, slot), childOffset(node, slot + 1) - from);
    }
  }
  return draft;
}

/** Writes a leaf into its slot of `draft`, or tells a draft that its hash belongs there. */
function placeChild(draft: Draft, slot: number, child: Subtree): void {
  if (child?.kind === 'leaf')
    copyBytes(child.bytes, 0, draft.bytes, childOffset(draft.bytes, slot), LEAF_BYTES);
  else if (child?.kind === 'draft') {
    child.parent = draft;
    child.hashOffset = childOffset(draft.bytes, slot);
  }
}

/** Hashes the drafts, deepest first, each into its parent; returns the hash of the root. */
function hashDrafts(drafts: readonly (readonly Draft[])[]): Uint8Array {
  const most = Math.max(...drafts.map((level) => level.length));
  const heaps = createHeaps(Math.min(FOLD_BATCH, most));
  for (const level of [...drafts].reverse()) {
    for (let first = 0; first < level.length; first += FOLD_BATCH) {
      const batch = level.slice(first, first + FOLD_BATCH);
      batch.forEach((draft, index) => loadHeap(heaps, index, draft.bytes));
      foldHeaps(heaps, batch.length);
      batch.forEach(({ parent, hashOffset }, index) => {
        const from = (index * HEAP_SIZE + HEAP_ROOT) * HASH_LENGTH;
        if (parent) copyBytes(heaps.hashes, from, parent.bytes, hashOffset, HASH_LENGTH);
      });
    }
  }
  return heapHash(heaps, HEAP_ROOT).slice();
}

function sortChanges(changes: readonly LeafChange[]): readonly LeafChange[] {
  for (const { keyHash, valueHash } of changes) {
    requireHash(keyHash);
    if (valueHash !== undefined) requireHash(valueHash);
  }
  const sorted = [...changes].sort((a, b) => compareBytes(a.keyHash, b.keyHash));
  for (let i = 1; i < sorted.length; i++) {
    const [previous, current] = [sorted[i - 1], sorted[i]];
    if (previous && current && bytesEqual(previous.keyHash, current.keyHash)) {
      throw new TreeError('DUPLICATE_KEY', 'a key is changed twice', { keyHash: toHex(current.keyHash) });
    }
  }
  return sorted;
}
