import type { FuzzTarget } from './target.js';
import { sszTargets } from './ssz.js';

/** Every fuzz target, in the order `npm run fuzz` takes them. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [...sszTargets];
