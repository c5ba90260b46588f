import { HASH_LENGTH } from '../../protocol/crypto/hash.js';
import { invariant } from '../../protocol/invariant.js';
import type { Leaf } from './leaf.js';

/**
 * Leaves of one share of all key hashes: put in any order, taken out roughly in the order of the tree, so that those taken together lie
 * together. 68 bytes a leaf.
 */
export class LeafTable {
  readonly #share: Share;
  #hashes: Uint8Array;
  #length = 0;
  /** By bucket, how many leaves. */
  readonly #counts = new Uint32Array(BUCKETS);

  /** @param capacity leaves there is room for at first; more is made when it is needed */
  constructor(share: Share, capacity: number) {
    this.#share = share;
    this.#hashes = new Uint8Array(capacity * LEAF_BYTES);
  }

  get length(): number {
    return this.#length;
  }

  takes(keyHash: Uint8Array): boolean {
    const { index, of } = this.#share;
    return Math.floor((bucketOf(keyHash, 0) * of) / BUCKETS) === index;
  }

  add({ keyHash, valueHash }: Leaf): void {
    invariant(this.takes(keyHash), 'a leaf belongs into its table');
    const at = this.#length * LEAF_BYTES;
    if (at === this.#hashes.length) this.#grow();
    this.#hashes.set(keyHash, at);
    this.#hashes.set(valueHash, at + HASH_LENGTH);
    this.#length++;
    const bucket = bucketOf(keyHash, 0);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  /** All leaves, `size` at a time, by bucket: views into the table, to which nothing is added any more. */
  *parts(size: number): Generator<Leaf[]> {
    invariant(Number.isSafeInteger(size) && size > 0, 'a part has leaves');
    const order = this.#order();
    for (let first = 0; first < order.length; first += size) {
      yield Array.from(order.subarray(first, first + size), (leaf) => {
        const at = leaf * LEAF_BYTES;
        return {
          keyHash: this.#hashes.subarray(at, at + HASH_LENGTH),
          valueHash: this.#hashes.subarray(at + HASH_LENGTH, at + LEAF_BYTES),
        };
      });
    }
  }

  /** Numbers of the leaves, sorted by bucket. */
  #order(): Uint32Array {
    const next = new Uint32Array(BUCKETS);
    for (let bucket = 1; bucket < BUCKETS; bucket++) {
      next[bucket] = (next[bucket - 1] ?? 0) + (this.#counts[bucket - 1] ?? 0);
    }
    const order = new Uint32Array(this.#length);
    for (let leaf = 0; leaf < this.#length; leaf++) {
      const bucket = bucketOf(this.#hashes, leaf * LEAF_BYTES);
      const place = next[bucket] ?? 0;
      order[place] = leaf;
      next[bucket] = place + 1;
    }
    return order;
  }

  #grow(): void {
    const leaves = Math.ceil((this.#length * 9) / 8) + LEAST_GROWTH;
    const larger = new Uint8Array(leaves * LEAF_BYTES);
    larger.set(this.#hashes);
    this.#hashes = larger;
  }
}

/** Number `index`, from 0, of the stretches that all key hashes are cut into, `of` in number. */
export interface Share {
  readonly index: number;
  readonly of: number;
}

const LEAF_BYTES = 2 * HASH_LENGTH;
const LEAST_GROWTH = 64;

/** Key hashes that agree in their first 16 bits. */
const BUCKETS = 65_536;

function bucketOf(hashes: Uint8Array, at: number): number {
  return ((hashes[at] ?? 0) << 8) | (hashes[at + 1] ?? 0);
}
