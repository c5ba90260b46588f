import { OgpuError } from '../../protocol/errors.js';

/** What must always hold does not: a bug here, or a damaged state. `data` says where and by how much. */
export class InvariantBroken extends OgpuError<
  | 'SUPPLY_WRONG'
  | 'SHARES_UNBALANCED'
  | 'REFERENCE_DANGLES'
  | 'REWARDS_UNBALANCED'
  | 'STANDING_WRONG'
  | 'QUEUE_WRONG'
  | 'SET_WRONG'
  | 'PROVIDER_WRONG'
  | 'SOURCE_WRONG'
> {}
