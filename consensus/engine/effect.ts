import type { Block } from '../../protocol/types/block.js';
import type { VoteExtension } from '../../protocol/types/extension.js';
import type { Header } from '../../protocol/types/header.js';
import type { Proposal, ProposalPayload } from '../../protocol/types/proposal.js';
import type { Vote, VotePayload } from '../../protocol/types/vote.js';
import type { ExtendedCommit } from '../../protocol/types/commit.js';
import type { Message, SignedVote } from '../messages.js';
import type { LoggedInput, Peer, Timer } from './input.js';

/*
 * What the engine asks for. The engine is suspended at an effect until it is resumed with the value of its kind. Who performs effects has
 * one promise to keep: everything logged is durable before a signature is made.
 */

/** Evidence in the making: two messages of one validator that contradict each other. */
export type Contradiction =
  | { readonly kind: 'proposal'; readonly first: Proposal; readonly second: Proposal }
  | { readonly kind: 'vote'; readonly first: Vote; readonly second: Vote }
  | { readonly kind: 'extension'; readonly first: VoteExtension; readonly second: VoteExtension };

/** The precommits that decided a height, and what came after them. */
export interface Precommits {
  readonly height: number;
  readonly round: number;
  readonly blockId: Uint8Array;
  /** What others have assembled, where the decision came with it. */
  readonly certificate: ExtendedCommit | undefined;
  /** Every known precommit for the block in the round, each with its extension. */
  readonly votes: readonly SignedVote[];
}

export type Effect =
  /** Append to the log of the height. Need not be durable before the next signature. Resume: nothing. */
  | { readonly kind: 'log'; readonly input: LoggedInput }
  /** Resume: the signature, or null when the signer refuses; the node then stays silent. */
  | { readonly kind: 'sign-proposal'; readonly payload: ProposalPayload }
  | { readonly kind: 'sign-prevote'; readonly payload: VotePayload }
  /** Sign a precommit, with its extension unless it is for nil. Resume as above. */
  | { readonly kind: 'sign-precommit'; readonly payload: VotePayload }
  /** Build a block on the parent. Resume at once: nothing; the input `built` answers, or nothing does. */
  | {
      readonly kind: 'build';
      readonly height: number;
      readonly round: number;
      /** Of the parent; undefined where this node was not there and the store has them. */
      readonly parent: Precommits | undefined;
      /** Verified extensions of the parent's height and the one before that may be late. */
      readonly extensions: readonly VoteExtension[];
    }
  /** Check and execute a block. Resume at once: nothing; the input `validated` answers. */
  | { readonly kind: 'validate'; readonly height: number; readonly id: Uint8Array; readonly block: Block }
  /** Get a block from whoever has it. Resume at once: nothing; the input `block` answers, or nothing does. */
  | { readonly kind: 'fetch'; readonly height: number; readonly id: Uint8Array }
  /** Resume: nothing. */
  | { readonly kind: 'broadcast'; readonly message: Message }
  | { readonly kind: 'send'; readonly to: Peer; readonly message: Message }
  /** Assemble the polka of these prevotes and broadcast it. Resume: nothing. */
  | {
      readonly kind: 'share-polka';
      readonly height: number;
      readonly round: number;
      readonly votes: readonly SignedVote[];
    }
  /** Tell the proposer of the height that there is work. Resume: nothing. */
  | { readonly kind: 'notify-proposer'; readonly proposer: Uint8Array; readonly height: number }
  /** Resume: nothing; the input `timer` answers after the delay. */
  | { readonly kind: 'timer'; readonly timer: Timer; readonly delayMs: number }
  /** Forget all timers. Resume: nothing. */
  | { readonly kind: 'cancel-timers' }
  /** The block is final. Execute it, if that has not been done, and store it with its commit. Resume when it is durable: nothing. */
  | {
      readonly kind: 'decide';
      readonly block: Block;
      readonly id: Uint8Array;
      readonly precommits: Precommits;
    }
  /** Keep for a block. Resume: nothing. */
  | { readonly kind: 'evidence'; readonly contradiction: Contradiction }
  /** +2/3 have committed what this node finds invalid: it must not go on. Resume: nothing. */
  | {
      readonly kind: 'diverged';
      readonly height: number;
      readonly id: Uint8Array;
      readonly header: Header | undefined;
    };

/** What an effect is resumed with. */
export type Resume<Kind extends Effect['kind']> = Kind extends 'sign-proposal' | 'sign-prevote'
  ? Uint8Array | null
  : Kind extends 'sign-precommit'
    ? { readonly signature: Uint8Array; readonly extension: VoteExtension | null } | null
    : undefined;

export type EffectOf<Kind extends Effect['kind']> = Extract<Effect, { readonly kind: Kind }>;

/** A computation that asks for effects. */
export type Performing<Result = void> = Generator<Effect, Result, unknown>;

/** Yields an effect and returns what it is resumed with. */
export function* perform<Kind extends Effect['kind']>(
  effect: EffectOf<Kind> & { readonly kind: Kind },
): Generator<Effect, Resume<Kind>, unknown> {
  return (yield effect) as Resume<Kind>;
}
