import { OgpuError } from '../../protocol/errors.js';
import type { Codec } from '../../protocol/ssz/codec.js';
import type { KeySpace } from './key-space.js';
import type { Overlay } from './overlay.js';
import type { Reader } from './store.js';

/** A state entry that must be there is not: the store is damaged, or was never given its first state. */
export class StateError extends OgpuError<'STATE_ENTRY_MISSING'> {}

/** Typed values of one key space. */
export interface Records<Fields extends readonly unknown[], Value> {
  find(state: Reader, ...fields: Fields): Value | undefined;
  /** @throws StateError STATE_ENTRY_MISSING */
  read(state: Reader, ...fields: Fields): Value;
  write(state: Overlay, value: Value, ...fields: Fields): void;
  remove(state: Overlay, ...fields: Fields): void;
  /** A value as it is stored. */
  decode(bytes: Uint8Array): Value;
}

/** The value under one key of a key space, as `Records` without fields. */
export function records<Fields extends readonly unknown[], Value>(
  space: KeySpace<Fields>,
  codec: Pick<Codec<Value>, 'name' | 'encode' | 'decode'>,
): Records<Fields, Value> {
  const find = (state: Reader, ...fields: Fields): Value | undefined => {
    const bytes = state.get(space.encode(...fields));
    return bytes === undefined ? undefined : codec.decode(bytes);
  };
  return {
    find,
    read: (state, ...fields) => {
      const value = find(state, ...fields);
      if (value === undefined) {
        throw new StateError('STATE_ENTRY_MISSING', `the state has no such ${codec.name}`, { fields });
      }
      return value;
    },
    write: (state, value, ...fields) => {
      state.put(space.encode(...fields), codec.encode(value));
    },
    remove: (state, ...fields) => {
      state.delete(space.encode(...fields));
    },
    decode: (bytes) => codec.decode(bytes),
  };
}

/** One value under a fixed key of a key space. */
export function singleRecord<Fields extends readonly unknown[], Value>(
  space: KeySpace<Fields>,
  codec: Pick<Codec<Value>, 'name' | 'encode' | 'decode'>,
  ...fields: Fields
): Records<[], Value> {
  const all = records(space, codec);
  return {
    find: (state) => all.find(state, ...fields),
    read: (state) => all.read(state, ...fields),
    write: (state, value) => {
      all.write(state, value, ...fields);
    },
    remove: (state) => {
      all.remove(state, ...fields);
    },
    decode: (bytes) => codec.decode(bytes),
  };
}
