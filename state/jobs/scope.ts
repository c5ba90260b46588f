import type { Scope } from '../transition/block-context.js';

/** Where the code of the jobs runs: what audits do to stake is logged by the staking module. */
export interface JobScope extends Scope {
  readonly staking: Scope;
}
