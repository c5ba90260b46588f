import { NODE_KEYS, STATE_KEYS } from '../../state/store/keys.js';
import type { KeyRange } from '../../state/store/store.js';

/** One kind of entries in the database. */
export interface Space {
  readonly name: string;
  /** State is what the state root commits to; the rest is the node's own. */
  readonly isState: boolean;
  readonly range: KeyRange;
}

/** Every kind of entries, the state first. */
export const SPACES: readonly Space[] = [
  ...Object.entries(STATE_KEYS).map(([name, space]) => ({ name, isState: true, range: space.range() })),
  ...Object.entries(NODE_KEYS).map(([name, space]) => ({ name, isState: false, range: space.range() })),
];
