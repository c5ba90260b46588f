/** Seeded source of test randomness (xoshiro128**): the same seed gives the same sequence on every machine. */
export interface Prng {
  /** Uniform 32-bit unsigned integer. */
  u32(): number;
  /** Uniform integer in [0, bound), bound ≤ 2^32. */
  below(bound: number): number;
  bytes(length: number): Uint8Array;
  /** Uniform bigint in [0, 2^bits). */
  bigint(bits: number): bigint;
  chance(numerator: number, denominator: number): boolean;
  pick<T>(items: readonly T[]): T;
}

export function createPrng(seed: number): Prng {
  const state = new Uint32Array(4);
  let mixer = seed >>> 0;
  for (let i = 0; i < 4; i++) state[i] = splitMix32((mixer = (mixer + 0x9e3779b9) >>> 0));

  const u32 = (): number => {
    const [a = 0, b = 0, c = 0, d = 0] = state;
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    const c2 = c ^ a;
    const d2 = d ^ b;
    state[1] = b ^ c2;
    state[0] = a ^ d2;
    state[2] = c2 ^ shifted;
    state[3] = rotateLeft(d2, 11);
    return result;
  };
  const below = (bound: number): number => Math.floor((u32() / 0x1_0000_0000) * bound);
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => u32() & 0xff);
  return {
    u32,
    below,
    bytes,
    bigint: (bits) => {
      let value = 0n;
      for (let filled = 0; filled < bits; filled += 32) value = (value << 32n) | BigInt(u32());
      return BigInt.asUintN(bits, value);
    },
    chance: (numerator, denominator) => below(denominator) < numerator,
    pick: (items) => {
      const item = items[below(items.length)];
      if (item === undefined) throw new RangeError('pick from an empty list');
      return item;
    },
  };
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function splitMix32(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
