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
        /** Hashes, in order. */
        readonly transactions: readonly string[];
        /** Names of what the ledger did by itself: epochs, unbondings, punishments. */
        readonly events: readonly string[];
      }
    /** The node is up, with this block as its last: the end of its life before may have kept it from telling. */
    | { readonly kind: 'started'; readonly height: number; readonly id: string; readonly stateRoot: string }
    /** Validators that decide a height, with their powers, by id. */
    | { readonly kind: 'set'; readonly height: number; readonly powers: ReadonlyMap<string, number> }
    /** A proposal or vote is about to be sent for the first time in this life; of no block: nil. */
    | {
        readonly kind: 'said';
        readonly step: 'proposal' | 'prevote' | 'precommit';
        readonly height: number;
        readonly round: number;
        readonly block: string | undefined;
      }
    /** A client hands a transaction to its node. */
    | { readonly kind: 'submitted'; readonly transaction: string }
    /** A signature was made: where, by the signer's durable record, and of what; undefined where nothing was on record. */
    | { readonly kind: 'signed'; readonly place: string | undefined; readonly payload: string }
    /** Something was broken that others can prove. */
    | { readonly kind: 'crime'; readonly validator: string }
  );
