import { OgpuError } from '../../protocol/errors.js';
import type { VramQuota } from './vram.js';

/**
 * What runs inside the sandbox: a module of this project that exports `run`. It has its inputs, a way to hand out results, and
 * nothing else: no files but the code it is made of, no network, no environment, no other process.
 */
export interface SandboxProgram {
  readonly run: (context: ProgramContext) => Promise<void>;
}

export interface ProgramContext {
  readonly inputs: readonly Uint8Array[];
  /** Whatever the caller gave, as JSON. Check it as anything from outside. */
  readonly settings: unknown;
  /** Every buffer on the device is taken from here first. */
  readonly vram: VramQuota;
  /** Hands out a finished segment. Indices rise; resolves when the parent has room for more. */
  readonly emit: (index: number, bytes: Uint8Array) => Promise<void>;
  /** Tells how far the work is, in units of its own. */
  readonly progress: (done: number, total: number) => void;
}

export type ProgramErrorCode = 'DEVICE_LOST' | 'VRAM_QUOTA_EXCEEDED';

/** What a program throws to end in a way of its own; any other error ends it as `failed`. */
export class ProgramError extends OgpuError<ProgramErrorCode> {}

/** @throws ProgramError DEVICE_LOST: the device is gone or has stopped answering. */
export function deviceLost(message: string): ProgramError {
  return new ProgramError('DEVICE_LOST', message);
}
