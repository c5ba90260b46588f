/** One thing wrong with a document from outside. All faults of a document are reported at once. */
export interface Fault {
  /** Where: a JSON path (`validators[2].stakeWei`, `$` for the whole document) or `file:line`. */
  readonly path: string;
  /** Stable, UPPER_SNAKE_CASE, one for each cause. */
  readonly code: string;
  readonly message: string;
}
