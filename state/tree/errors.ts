import { OgpuError } from '../../protocol/errors.js';

/** What can be wrong with a change, a query or the stored nodes. Codes starting with NODE_ mean a damaged store. */
export class TreeError extends OgpuError<
  | 'KEY_LENGTH'
  | 'VALUE_LENGTH'
  | 'HASH_LENGTH'
  | 'DUPLICATE_KEY'
  | 'RANGE_REVERSED'
  | 'RANGE_LIMIT'
  | 'NODE_MISSING'
  | 'NODE_LENGTH'
  | 'NODE_CHILD_KINDS'
  | 'NODE_NOT_NEEDED'
  | 'NODE_LEAF_MISPLACED'
  | 'NODE_HASH_MISMATCH'
> {}
