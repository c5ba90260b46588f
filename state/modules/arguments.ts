import type { AbiValue } from '../../protocol/abi/types.js';
import { invariant } from '../../protocol/invariant.js';

/*
 * The decoder has given every argument the kind its type has; these tell the compiler so.
 */

export function bytesArgument(values: readonly AbiValue[], index: number): Uint8Array {
  const value = values[index];
  invariant(value instanceof Uint8Array, 'an address or bytes argument is a byte array');
  return value;
}

export function uintArgument(values: readonly AbiValue[], index: number): bigint {
  const value = values[index];
  invariant(typeof value === 'bigint', 'an integer argument is a bigint');
  return value;
}

export function textArgument(values: readonly AbiValue[], index: number): string {
  const value = values[index];
  invariant(typeof value === 'string', 'a string argument is text');
  return value;
}

export function listArgument(values: readonly AbiValue[], index: number): readonly AbiValue[] {
  const value = values[index];
  invariant(Array.isArray(value), 'an array or tuple argument is a list');
  return value as readonly AbiValue[];
}
