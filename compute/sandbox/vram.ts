import { invariant } from '../../protocol/invariant.js';
import { ProgramError } from './program.js';

/** Device memory a job may hold at once, in bytes. The pool that makes buffers takes before it makes and gives back what it destroys. */
export interface VramQuota {
  readonly maxBytes: number;
  readonly usedBytes: () => number;
  readonly peakBytes: () => number;
  /** @throws ProgramError VRAM_QUOTA_EXCEEDED: nothing is taken then. */
  readonly take: (bytes: number) => void;
  readonly giveBack: (bytes: number) => void;
}

export function createVramQuota(maxBytes: number): VramQuota {
  let used = 0;
  let peak = 0;
  return {
    maxBytes,
    usedBytes: () => used,
    peakBytes: () => peak,
    take(bytes) {
      invariant(Number.isSafeInteger(bytes) && bytes >= 0, 'device memory is a whole number of bytes');
      if (used + bytes > maxBytes)
        throw new ProgramError('VRAM_QUOTA_EXCEEDED', `${bytes} bytes more of device memory than allowed`, {
          bytes,
          usedBytes: used,
          maxBytes,
        });
      used += bytes;
      peak = Math.max(peak, used);
    },
    giveBack(bytes) {
      invariant(bytes >= 0 && bytes <= used, 'no more device memory is given back than was taken');
      used -= bytes;
    },
  };
}
