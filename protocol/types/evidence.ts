import { createCodec } from '../ssz/codec.js';
import { ContainerType, unionOf, type ValueOf } from '../ssz/types.js';
import { VoteExtensionType } from './extension.js';
import { ProposalType } from './proposal.js';
import { VoteType } from './vote.js';

/** Two different proposals signed for one height and round. */
export const DuplicateProposalType = new ContainerType({ first: ProposalType, second: ProposalType });

/** Two different votes of one kind signed for one height and round. */
export const DuplicateVoteType = new ContainerType({ first: VoteType, second: VoteType });

/** Two different extensions signed for one height and round. */
export const DuplicateExtensionType = new ContainerType({
  first: VoteExtensionType,
  second: VoteExtensionType,
});

/** Selectors of the evidence union. */
export const DUPLICATE_PROPOSAL = 0;
export const DUPLICATE_VOTE = 1;
export const DUPLICATE_EXTENSION = 2;

/**
 * A contradiction signed by one validator. `first` is the one whose payload root sorts lower, so that one offence has one
 * encoding.
 */
export const EvidenceType = unionOf([DuplicateProposalType, DuplicateVoteType, DuplicateExtensionType]);

export type DuplicateProposal = ValueOf<typeof DuplicateProposalType>;
export type DuplicateVote = ValueOf<typeof DuplicateVoteType>;
export type DuplicateExtension = ValueOf<typeof DuplicateExtensionType>;
export type Evidence = ValueOf<typeof EvidenceType>;

export const evidenceCodec = createCodec<Evidence>('Evidence', EvidenceType);
