import { concatBytes } from '../bytes.js';
import { sha256 } from '../crypto/hash.js';
import { invariant } from '../invariant.js';

const CHUNK_BYTES = 32;
const ZERO_CHUNK = new Uint8Array(CHUNK_BYTES);

/**
 * The root that a chunk at generalized index `gindex` leads to with its branch.
 *
 * @param branch siblings from the chunk upwards, one for each level
 * @returns undefined where the branch has another length than the index has levels
 */
export function rootOfBranch(
  chunk: Uint8Array,
  branch: readonly Uint8Array[],
  gindex: number,
): Uint8Array | undefined {
  let node = chunk;
  let index = gindex;
  for (const sibling of branch) {
    if (index <= 1 || sibling.length !== CHUNK_BYTES) return undefined;
    node = sha256(index % 2 === 1 ? concatBytes(sibling, node) : concatBytes(node, sibling));
    index = Math.floor(index / 2);
  }
  return index === 1 ? node : undefined;
}

/** Generalized index, below the root of a list, of one of its elements that is a chunk by itself. */
export function elementGindex(index: number, limit: number): number {
  return 2 * limit + index;
}

/**
 * Branch of an element of a list whose elements are a chunk each: up to the root of the list, its length included.
 *
 * @param roots of all elements
 * @param limit of the list, a power of two
 */
export function listBranch(roots: readonly Uint8Array[], index: number, limit: number): Uint8Array[] {
  invariant(index < roots.length && roots.length <= limit, 'an element of the list');
  const branch: Uint8Array[] = [];
  let level: readonly Uint8Array[] = roots;
  let zero: Uint8Array = ZERO_CHUNK;
  let at = index;
  for (let width = limit; width > 1; width = Math.floor(width / 2)) {
    branch.push(level[at % 2 === 0 ? at + 1 : at - 1] ?? zero);
    const below: readonly Uint8Array[] = level;
    const empty: Uint8Array = zero;
    level = Array.from({ length: Math.ceil(below.length / 2) }, (_, i) =>
      sha256(concatBytes(below[2 * i] ?? empty, below[2 * i + 1] ?? empty)),
    );
    zero = sha256(concatBytes(empty, empty));
    at = Math.floor(at / 2);
  }
  return [...branch, lengthChunk(roots.length)];
}

/** What is mixed into the root of a list: the number of its elements, little-endian. */
export function lengthChunk(length: number): Uint8Array {
  const chunk = new Uint8Array(CHUNK_BYTES);
  new DataView(chunk.buffer).setUint32(0, length, true);
  return chunk;
}
