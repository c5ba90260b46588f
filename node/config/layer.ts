import type { ConfigFault } from './config-error.js';

/** A value as it was written somewhere. */
export interface Written {
  readonly value: unknown;
  /** Where: `<file>:<line>`, an environment variable, a flag, `default`. */
  readonly source: string;
  /** Folder that relative paths in it are meant from. */
  readonly folder: string;
}

/** What one place says, by path of the setting, and what is wrong with how it says it. */
export interface Layer {
  readonly values: ReadonlyMap<string, Written>;
  readonly faults: readonly ConfigFault[];
}

/** "did you mean" with its hint, or nothing. */
export function hint(name: string | undefined): string {
  return name === undefined ? '' : `; did you mean ${name}?`;
}
