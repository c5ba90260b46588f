import type { SignatureEngine } from '../../consensus/votes/engine.js';
import type { SignaturePool } from './pool.js';

/** The pool as consensus asks it. What it refuses or loses it cannot tell: peers send their votes again. */
export function poolEngine(pool: Pick<SignaturePool, 'findInvalid'>): SignatureEngine {
  return {
    findInvalid: (entries, message, done) => {
      void pool.findInvalid(entries, message).then(
        (invalid) => {
          done(invalid);
        },
        () => {
          done(undefined);
        },
      );
    },
  };
}
