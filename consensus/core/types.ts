/*
 * The words of the algorithm. Blocks and validators are names here (hexadecimal ids in the node, letters in a script): the algorithm
 * only ever asks whether two of them are equal.
 */

/** Names one block, by its content. */
export type BlockName = string;

/** Names one validator of the set that decides the height. */
export type ValidatorName = string;

/** What a vote is for: a block, or `nil`, the paper's "no block in this round". */
export type VoteTarget = BlockName | null;

export type VoteKind = 'prevote' | 'precommit';

/** Where a node is within a round; `decided` is final for the height. */
export type Step = 'unstarted' | 'propose' | 'prevote' | 'precommit' | 'decided';

export type TimeoutKind = 'propose' | 'prevote' | 'precommit';

/** A value and the round in which it got its polka (or its commit). */
export interface BlockInRound {
  readonly round: number;
  readonly block: BlockName;
}

/** A vote whose signature has been verified. */
export interface CoreVote {
  readonly kind: VoteKind;
  readonly round: number;
  readonly target: VoteTarget;
  readonly validator: ValidatorName;
}

/** A proposal whose signature has been verified, of the proposer of its round. */
export interface CoreProposal {
  readonly round: number;
  readonly block: BlockName;
  /** Round of the polka that makes a re-proposed block acceptable; null for a fresh block. */
  readonly validRound: number | null;
  /** Whether a fresh block's time agrees with the clock it was received by. A re-proposed block is not asked. */
  readonly isTimely: boolean;
}

/** What execution says about a block. */
export type Validity = 'valid' | 'invalid';
