/**
 * Memory for many small arrays out of a few large ones: an array by itself is an allocation outside of the heap, which costs more than
 * what a tree node holds. Whoever keeps one of them keeps its whole slab.
 */
export class Slab {
  #bytes = new Uint8Array(LEAST_BYTES);
  #used = 0;

  /** `length` bytes, zero. */
  allocate(length: number): Uint8Array {
    if (this.#used + length > this.#bytes.length) {
      this.#bytes = new Uint8Array(Math.max(length, Math.min(2 * this.#bytes.length, MOST_BYTES)));
      this.#used = 0;
    }
    this.#used += length;
    return this.#bytes.subarray(this.#used - length, this.#used);
  }
}

/** Slabs double up to the largest, so that a small update takes little. */
const LEAST_BYTES = 1024;
const MOST_BYTES = 65_536;
