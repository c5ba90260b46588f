import { concatBytes } from '../bytes.js';
import { sha256 } from '../crypto/hash.js';
import { invariant } from '../invariant.js';
import { rootOfBranch } from '../ssz/branch.js';

/*
 * The tree over the 32-byte chunks of a commitment: the SSZ root of `Vector[Bytes32, n]`. Chunks are padded with zeros to a power of two;
 * a node is the SHA-256 of its two children. Whoever checks a branch knows n, so that a node never passes for a chunk.
 */

const ZERO_CHUNK = new Uint8Array(32);

/** Levels between a chunk and the root. */
export function treeDepth(count: number): number {
  invariant(
    Number.isSafeInteger(count) && count > 0 && count <= 65_536,
    'a tree has chunks, and not too many',
  );
  return 32 - Math.clz32(count - 1);
}

/** All levels, chunks first and the root last, without the padding. */
export type TreeLevels = readonly (readonly Uint8Array[])[];

/** Root of `chunks`, 32 bytes each, at least one. */
export function treeRoot(chunks: readonly Uint8Array[]): Uint8Array {
  return rootOfLevels(treeLevels(chunks));
}

export function rootOfLevels(levels: TreeLevels): Uint8Array {
  const [root] = levels.at(-1) ?? [];
  invariant(root !== undefined, 'a tree has a root');
  return root;
}

/** Siblings of a chunk from the bottom up, `treeDepth` of them. */
export function treeBranch(chunks: readonly Uint8Array[], index: number): Uint8Array[] {
  return branchOfLevels(treeLevels(chunks), index);
}

/** As `treeBranch`, for who asks for many branches of one tree. */
export function branchOfLevels(levels: TreeLevels, index: number): Uint8Array[] {
  invariant(index >= 0 && index < (levels[0]?.length ?? 0), 'a branch belongs to a chunk');
  let zero: Uint8Array = ZERO_CHUNK;
  return levels.slice(0, -1).map((level, height) => {
    const sibling = level[(index >>> height) ^ 1] ?? zero;
    zero = sha256(concatBytes(zero, zero));
    return sibling;
  });
}

/** Whether `chunk` stands at `index` among the `count` chunks under `root`. */
export function isInTree(
  root: Uint8Array,
  count: number,
  index: number,
  chunk: Uint8Array,
  branch: readonly Uint8Array[],
): boolean {
  const depth = treeDepth(count);
  if (index < 0 || index >= count || branch.length !== depth || chunk.length !== 32) return false;
  const found = rootOfBranch(chunk, branch, 2 ** depth + index);
  return found !== undefined && root.length === 32 && found.every((byte, i) => byte === root[i]);
}

export function treeLevels(chunks: readonly Uint8Array[]): TreeLevels {
  const depth = treeDepth(chunks.length);
  const all: Uint8Array[][] = [[...chunks]];
  let zero: Uint8Array = ZERO_CHUNK;
  for (let height = 0; height < depth; height++) {
    const below = all[height] ?? [];
    const empty = zero;
    all.push(
      Array.from({ length: Math.ceil(below.length / 2) }, (_, i) =>
        sha256(concatBytes(below[2 * i] ?? empty, below[2 * i + 1] ?? empty)),
      ),
    );
    zero = sha256(concatBytes(empty, empty));
  }
  return all;
}
