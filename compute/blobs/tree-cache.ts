import type { BlobTree } from '../../protocol/blob.js';

/** Leaves of all trees that are kept: about 8 MiB with what lies above them. */
const MAX_LEAVES = 65_536;

/** The trees of blobs that were read last: peers ask for a few chunks at a time. */
export class TreeCache {
  readonly #trees = new Map<string, BlobTree>();
  #leaves = 0;

  get(name: string): BlobTree | undefined {
    const tree = this.#trees.get(name);
    if (tree !== undefined) {
      this.#trees.delete(name);
      this.#trees.set(name, tree);
    }
    return tree;
  }

  keep(name: string, tree: BlobTree): void {
    this.forget(name);
    this.#trees.set(name, tree);
    this.#leaves += leavesOf(tree);
    for (const [oldest] of this.#trees) {
      if (this.#leaves <= MAX_LEAVES) return;
      this.forget(oldest);
    }
  }

  forget(name: string): void {
    const tree = this.#trees.get(name);
    if (tree === undefined) return;
    this.#trees.delete(name);
    this.#leaves -= leavesOf(tree);
  }
}

function leavesOf({ levels }: BlobTree): number {
  return levels[0]?.length ?? 0;
}
