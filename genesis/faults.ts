import { OgpuError } from '../protocol/errors.js';
import type { Fault } from '../protocol/faults.js';

/** Faults kept with their text; further ones are only counted. */
export const MAX_REPORTED_FAULTS = 100;

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
    if (this.#kept.length < MAX_REPORTED_FAULTS) this.#kept.push({ path, code, message });
  }

  /** Takes over what another check found. */
  addAll(faults: readonly Fault[], count: number = faults.length): void {
    for (const fault of faults) this.add(fault.path, fault.code, fault.message);
    this.#count += count - faults.length;
  }

  /** @throws GenesisError GENESIS_INVALID when a fault was added */
  throwIfAny(subject: string): void {
    if (this.#count > 0) throw new GenesisError('GENESIS_INVALID', subject, this.#kept, this.#count);
  }
}

export type GenesisErrorCode =
  /** The document or snapshot has faults: see `faults`. */
  | 'GENESIS_INVALID'
  /** A file could not be read or written. */
  | 'GENESIS_FILE'
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
