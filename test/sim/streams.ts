import { createPrng, type Prng } from '../support/prng.js';

/** Independent sources of randomness, one for each purpose: one draw more in one leaves all others as they were. */
export type Streams = (purpose: string) => Prng;

/** The same seed and purpose give the same sequence, each time it is asked for, from its beginning. */
export function createStreams(seed: number): Streams {
  return (purpose) => createPrng(mix(seed >>> 0, purpose));
}

function mix(seed: number, purpose: string): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < purpose.length; i++) hash = Math.imul(hash ^ purpose.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16) ^ seed, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
