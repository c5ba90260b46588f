import { OgpuError } from '../../protocol/errors.js';

/** The demonstration did not come to what it is to show. */
export class DemoError extends OgpuError<
  /** There is no place for its files. */
  | 'DEMO_FOLDER'
  /** The network did not start in time. */
  | 'DEMO_NOT_READY'
  /** A command of it failed: `output` in the data. */
  | 'DEMO_COMMAND'
  /** Something was not as it must be. */
  | 'DEMO_FAILED'
> {}

export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new DemoError('DEMO_FAILED', `not so: ${what}`);
}
