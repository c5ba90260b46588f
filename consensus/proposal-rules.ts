import { bytesEqual, toHex } from '../protocol/bytes.js';
import { OgpuError } from '../protocol/errors.js';
import { blockId, type Header } from '../protocol/types/header.js';
import { NO_ROUND, type Proposal } from '../protocol/types/proposal.js';

/** A proposal that does not fit the block beside it. */
export class ProposalRulesError extends OgpuError<
  'PROPOSAL_HEIGHT' | 'PROPOSAL_BLOCK' | 'PROPOSAL_NOT_FRESH' | 'PROPOSAL_VALID_ROUND'
> {}

/**
 * Checks that a proposal and the header of its block belong together. A fresh value carries the round and the maker of the proposal; a
 * re-proposed one keeps its first bytes, made no later than the round of its polka, which lies before the round of the proposal.
 *
 * @throws ProposalRulesError
 */
export function checkProposalOf(proposal: Proposal, header: Header): void {
  const fault = proposalFault(proposal, header);
  if (fault !== undefined) throw fault;
}

/** What keeps a proposal and the header of its block from belonging together. */
export function proposalFault(
  { payload, proposer }: Proposal,
  header: Header,
): ProposalRulesError | undefined {
  const { height, round, validRound } = payload;
  const data = { height, round, validRound, headerHeight: header.height, headerRound: header.round };
  if (height !== header.height) {
    return new ProposalRulesError('PROPOSAL_HEIGHT', 'a proposal and its block are of one height', data);
  }
  const id = blockId(header);
  if (!bytesEqual(payload.blockId, id)) {
    const ids = { proposed: toHex(payload.blockId), received: toHex(id) };
    return new ProposalRulesError('PROPOSAL_BLOCK', 'a proposal of another block', { ...data, ...ids });
  }
  if (validRound === NO_ROUND) {
    if (header.round === round && bytesEqual(header.proposer, proposer)) return undefined;
    return new ProposalRulesError(
      'PROPOSAL_NOT_FRESH',
      'a fresh block is of its proposal’s round and maker',
      data,
    );
  }
  if (validRound >= round || header.round > validRound) {
    return new ProposalRulesError('PROPOSAL_VALID_ROUND', 'header round ≤ valid round < round', data);
  }
  return undefined;
}
