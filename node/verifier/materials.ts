import type { Attempt, PublicationSubject } from '../../consensus/verification/attempt.js';
import { OgpuError } from '../../protocol/errors.js';

/** Why a validator cannot judge. */
export class MaterialsError extends OgpuError<
  /** What is needed could not be had, so far. */
  | 'MATERIALS_UNAVAILABLE'
  /** This validator cannot run it, whatever it is given. */
  | 'MATERIALS_UNFIT'
> {}

/** What judging an attempt takes: data from others, and a device. Whatever it is asked for ends soon after `signal`. */
export interface Materials {
  /**
   * Re-executes segments, ascending.
   *
   * @returns content id of what each comes to
   * @throws MaterialsError
   */
  judge(attempt: Attempt, segments: readonly number[], signal: AbortSignal): Promise<readonly Uint8Array[]>;
  /** Whether this node holds the whole output now, having looked for it: what the client is to get, and nothing else. */
  hasOutput(attempt: Attempt, signal: AbortSignal): Promise<boolean>;
  /** Whether what is called unavailable can be had now, having looked for it. */
  isAvailable(attempt: Attempt, subject: PublicationSubject, signal: AbortSignal): Promise<boolean>;
}
