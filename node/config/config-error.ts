import { OgpuError } from '../../protocol/errors.js';
import type { Fault } from '../../protocol/faults.js';

/** Something wrong with the configuration, and where it was said. */
export interface ConfigFault extends Fault {
  /** `<file>:<line>`, the name of an environment variable, a flag; or `default` where something is missing. */
  readonly source: string;
}

/** Faults that are reported; further ones are counted. */
export const MAX_CONFIG_FAULTS = 100;

/** A configuration that a node cannot run with, with everything that is wrong with it. */
export class ConfigError extends OgpuError<'CONFIG_INVALID'> {
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[], areTold = false) {
    const shown = faults.slice(0, MAX_CONFIG_FAULTS);
    const count = faults.length;
    const data = areTold ? {} : { faultCount: count, faults: shown };
    super('CONFIG_INVALID', `the configuration has ${count} ${count === 1 ? 'fault' : 'faults'}`, data);
    this.faults = shown;
  }

  /** The same without the faults in its data: for who has printed them. */
  told(): ConfigError {
    return new ConfigError(this.faults, true);
  }
}

/** A line for each fault. */
export function formatConfigFaults(faults: readonly ConfigFault[]): string {
  return faults
    .map(({ path, code, message, source }) => `${path}: ${message} (${source}) [${code}]\n`)
    .join('');
}
