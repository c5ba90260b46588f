import type { Bls, SignedBy } from '../../protocol/crypto/bls.js';

/** Where signatures are verified: on worker threads in production, at once in a simulation. */
export interface SignatureEngine {
  /**
   * Answers once, at once or later, with the indices of the entries whose signature over `message` is not their key's; with undefined
   * when it cannot tell.
   */
  findInvalid(
    entries: readonly SignedBy[],
    message: Uint8Array,
    done: (invalid: readonly number[] | undefined) => void,
  ): void;
}

/** Verifies on the spot. */
export function synchronousEngine(bls: Bls): SignatureEngine {
  return {
    findInvalid: (entries, message, done) => {
      done(bls.findInvalid(entries, message));
    },
  };
}
