/** Comes before a text, so that it does not look like numbers. */
const TEXT_MARK = 0x7e877e87;

/**
 * A running 64-bit hash over numbers and texts, for telling two runs apart: two lanes of 32 bits, each mixed as MurmurHash3 mixes
 * its blocks (public domain, Austin Appleby). Not for adversaries.
 */
export class EventHash {
  #a = 0x9747b28c;
  #b = 0x5bd1e995;

  /** Takes a whole number up to 2^53. */
  number(value: number): void {
    this.#word(value | 0);
    if (value > 0x7fff_ffff || value < -0x8000_0000) this.#word(Math.floor(value / 0x1_0000_0000) | 0);
  }

  text(text: string): void {
    this.#word(TEXT_MARK);
    this.#word(text.length);
    for (let i = 0; i < text.length; i++) this.#word(text.charCodeAt(i));
  }

  /** Sixteen hexadecimal digits. */
  digest(): string {
    return finish(this.#a, this.#b) + finish(this.#b, ~this.#a);
  }

  #word(word: number): void {
    const mixed = rotate(Math.imul(word, 0xcc9e2d51), 15);
    this.#a = (Math.imul(rotate(this.#a ^ Math.imul(mixed, 0x1b873593), 13), 5) + 0xe6546b64) | 0;
    this.#b = (Math.imul(rotate(this.#b ^ Math.imul(mixed, 0x38b34ae5), 17), 5) + 0x561ccd1b + this.#a) | 0;
  }
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function finish(value: number, other: number): string {
  let hash = value ^ other;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0).toString(16).padStart(8, '0');
}
