import type { Address } from '../../protocol/address.js';
import type { ChainParams } from '../../protocol/params.js';
import type { Block } from '../../protocol/types/block.js';
import type { ExtendedCommit } from '../../protocol/types/commit.js';
import type { ValidatorSet } from '../../protocol/types/validators.js';
import type { TimeoutKind, Validity } from '../core/types.js';
import type { Polka, SignedProposal, SignedVote } from '../messages.js';

/*
 * What the engine is told. All signatures, certificates and memberships have been verified before; the engine checks what a message means
 * where it stands. Whatever is late, early, repeated or of no use is dropped.
 */

/** Everything that is fixed before a height opens. */
export interface HeightContext {
  readonly height: number;
  readonly validators: ValidatorSet;
  readonly params: ChainParams['consensus'];
  /** The validator that proposes in a round: drawn from the beacon of the height before. */
  readonly proposerOf: (round: number) => Address;
}

/** Somebody a message came from, to whom an answer can be sent. */
export type Peer = string;

/** An alarm the engine has asked for. */
export type Timer =
  | { readonly kind: TimeoutKind; readonly height: number; readonly round: number }
  /** Work may open the height from now on. */
  | { readonly kind: 'interval'; readonly height: number }
  /** The height opens even without work. */
  | { readonly kind: 'idle'; readonly height: number }
  /** What is open is sent again. */
  | { readonly kind: 'resend'; readonly height: number };

export type Input =
  /** The parent is final and stored. */
  | { readonly kind: 'start'; readonly context: HeightContext }
  /** The height has opened: only in logs. */
  | { readonly kind: 'open'; readonly height: number }
  /** This node has something that a block should hold. Asked for anew at every height. */
  | { readonly kind: 'work' }
  /** A validator says that there is work for a height. */
  | { readonly kind: 'work-notice'; readonly height: number }
  | { readonly kind: 'timer'; readonly timer: Timer }
  | {
      readonly kind: 'proposal';
      readonly proposal: SignedProposal;
      /** This node's clock when it came. */
      readonly receivedMs: number;
    }
  /** A block with a well-formed body that matches its header. */
  | { readonly kind: 'block'; readonly id: Uint8Array; readonly block: Block }
  /** Answers the effect `build`. */
  | {
      readonly kind: 'built';
      readonly height: number;
      readonly round: number;
      readonly id: Uint8Array;
      readonly block: Block;
    }
  /** Answers the effect `validate`. */
  | {
      readonly kind: 'validated';
      readonly height: number;
      readonly id: Uint8Array;
      readonly validity: Validity;
    }
  | { readonly kind: 'vote'; readonly vote: SignedVote; readonly from?: Peer }
  /** A peer repeats a vote of a round: it is there still. */
  | { readonly kind: 'peer-round'; readonly height: number; readonly round: number; readonly from: Peer }
  | { readonly kind: 'votes'; readonly votes: readonly SignedVote[] }
  | { readonly kind: 'polka'; readonly polka: Polka }
  | { readonly kind: 'commit'; readonly commit: ExtendedCommit };

/** Inputs that change what the engine says: logged, and replayed after a crash. */
export type LoggedInput = Extract<
  Input,
  {
    readonly kind:
      'open' | 'timer' | 'proposal' | 'block' | 'built' | 'validated' | 'vote' | 'votes' | 'polka' | 'commit';
  }
>;
