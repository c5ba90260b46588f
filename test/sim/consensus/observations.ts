import type { Observation } from '../checker.js';

/** What simulated validators tell the checkers. */
export type Seen = Observation &
  (
    | {
        readonly kind: 'final';
        readonly height: number;
        readonly round: number;
        readonly id: string;
        readonly stateRoot: string;
        /** Validators that have been punished for ever, by id. */
        readonly tombstoned: readonly string[];
        readonly transactions: number;
      }
    /** The node is up, with this block as its last: the end of its life before may have kept it from telling. */
    | { readonly kind: 'started'; readonly height: number; readonly id: string; readonly stateRoot: string }
    /** A signature was made: where, and of what. */
    | { readonly kind: 'signed'; readonly place: string; readonly payload: string }
    /** Something was broken that others can prove. */
    | { readonly kind: 'crime'; readonly validator: string }
  );
