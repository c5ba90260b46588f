import { malformed, tooLarge } from './model-error.js';
import { elementCount } from './model.js';

/** Bounds of a model file, checked before anything is allocated for what they bound. */
export const MAX_MODEL_BYTES = 1024 * 1024 * 1024;
export const MAX_NODES = 16_384;
export const MAX_CONSTANTS = 65_536;
export const MAX_NODE_VALUES = 1024;
export const MAX_ATTRIBUTES = 64;
export const MAX_LIST = 65_536;
export const MAX_NAME_BYTES = 512;
export const MAX_RANK = 8;
export const MAX_ELEMENTS = 256 * 1024 * 1024;

/** A shape whose tensor can exist. @throws ModelError */
export function checkShape(where: string, shape: readonly number[]): readonly number[] {
  if (shape.length > MAX_RANK) throw tooLarge(where, 'dimensions', MAX_RANK);
  for (const size of shape)
    if (!Number.isSafeInteger(size) || size < 0) throw malformed(where, `a dimension of ${size}`);
  if (elementCount(shape) > MAX_ELEMENTS) throw tooLarge(where, 'elements', MAX_ELEMENTS);
  return shape;
}

export function checkCount(where: string, what: string, count: number, max: number): void {
  if (count > max) throw tooLarge(where, what, max);
}
