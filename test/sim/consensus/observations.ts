import type { Observation } from '../checker.js';

/** On what a vote for a block rests, as its node has it. */
export interface Grounds {
  /** What the header says, in hex. */
  readonly stateRoot: string | undefined;
  /** Of the proposal that a prevote follows; null for a fresh one. */
  readonly validRound: number | null;
  /** Whose prevotes for the block it knows, by id: of the round of a precommit, of the valid round of a prevote; undefined where none are needed. */
  readonly polka: readonly string[] | undefined;
}

/** What simulated validators tell the checkers. */
export type Seen = Observation &
  (
    | {
        readonly kind: 'final';
        readonly height: number;
        readonly round: number;
        readonly id: string;
        readonly stateRoot: string;
        /** Of its commit, by id. */
        readonly signers: readonly string[];
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
        /** What the node has in hand for a vote for a block. */
        readonly grounds?: Grounds | undefined;
      }
    /** A client hands a transaction to its node. */
    | { readonly kind: 'submitted'; readonly transaction: string }
    /** A signature was made: where, by the signer's durable record, and of what; undefined where nothing was on record. */
    | {
        readonly kind: 'signed';
        readonly place: string | undefined;
        readonly payload: string;
        /** Whether everything in the log was durable. A reveal follows from the chain alone. */
        readonly isLogged: boolean;
      }
    /** Something was broken that others can prove. */
    | { readonly kind: 'crime'; readonly validator: string }
  );
