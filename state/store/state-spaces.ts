import { STATE_KEYS } from './keys.js';

export type StateSpace = keyof typeof STATE_KEYS;

const SPACE_BY_PREFIX: ReadonlyMap<string, StateSpace> = new Map(
  Object.entries(STATE_KEYS).map(([name, { prefix }]) => [prefix, name as StateSpace]),
);
const SLASH = 0x2f;

/** The space a state key belongs to; undefined for a key of none. */
export function spaceOf(key: Uint8Array): StateSpace | undefined {
  const end = key.indexOf(SLASH) + 1;
  return SPACE_BY_PREFIX.get(String.fromCharCode(...key.subarray(0, end)));
}
