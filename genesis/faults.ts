import { OgpuError } from '../protocol/errors.js';
import type { Fault } from '../protocol/faults.js';

/** Faults kept with their text; further ones are only counted. */
export const MAX_REPORTED_FAULTS = 100;
/** Longest path and longest message of a fault: a document may have a key of many megabytes. */
export const MAX_FAULT_CHARACTERS = 1000;

/** Collects faults so that all of them are reported at once, in bounded memory. */
export class FaultLog {
  readonly #kept: Fault[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The first {@link MAX_REPORTED_FAULTS}. */
  get faults(): readonly Fault[] {
    return this.#kept;
  }

  add(path: string, code: string, message: string): void {
    this.#count++;
    if (this.#kept.length === MAX_REPORTED_FAULTS) return;
    this.#kept.push({
      path: cut(path, MAX_FAULT_CHARACTERS),
      code,
      message: cut(message, MAX_FAULT_CHARACTERS),
    });
  }

  /** Takes over what another check found. */
  addAll(faults: readonly Fault[], count: number = faults.length): void {
    for (const fault of faults) this.add(fault.path, fault.code, fault.message);
    this.#count += count - faults.length;
  }

  /** What `work` gives; undefined when it fails as a genesis: then its faults, or the error at `path`, are taken over. */
  async collect<Value>(path: string, work: Promise<Value>): Promise<Value | undefined> {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof GenesisError)) throw error;
      if (error.faultCount > 0) this.addAll(error.faults, error.faultCount);
      else this.add(path, error.code, error.message);
      return undefined;
    }
  }

  /** @throws GenesisError GENESIS_INVALID when a fault was added */
  throwIfAny(subject: string): void {
    if (this.#count > 0) throw new GenesisError('GENESIS_INVALID', subject, this.#kept, this.#count);
  }
}

/** At most `maxCharacters`, which end in an ellipsis where something is missing. */
export function cut(text: string, maxCharacters: number): string {
  return text.length <= maxCharacters ? text : `${text.slice(0, maxCharacters - 1)}…`;
}

export type GenesisErrorCode =
  /** The document or snapshot has faults: see `faults`. */
  | 'GENESIS_INVALID'
  /** A file could not be read or written. */
  | 'GENESIS_FILE'
  /** A FIFO, device or directory where a regular file is expected. */
  | 'GENESIS_FILE_NOT_REGULAR'
  /** A text that is not UTF-8. */
  | 'GENESIS_FILE_ENCODING'
  /** The output is already there. */
  | 'GENESIS_EXISTS';

/** A genesis that cannot be used, with everything that is wrong with it. */
export class GenesisError extends OgpuError<GenesisErrorCode> {
  /** At most {@link MAX_REPORTED_FAULTS}. */
  readonly faults: readonly Fault[];
  /** All faults, reported or not. */
  readonly faultCount: number;

  constructor(
    code: GenesisErrorCode,
    subject: string,
    faults: readonly Fault[] = [],
    faultCount: number = faults.length,
    options?: ErrorOptions,
  ) {
    const message =
      faultCount === 0 ? subject : `${subject}: ${faultCount} ${faultCount === 1 ? 'fault' : 'faults'}`;
    super(code, message, faultCount === 0 ? {} : { faults, faultCount }, options);
    this.faults = faults;
    this.faultCount = faultCount;
  }
}
