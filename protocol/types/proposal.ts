import { createCodec } from '../ssz/codec.js';
import { bytes20, bytes32, bytes96, ContainerType, uint32, uint64, type ValueOf } from '../ssz/types.js';

/** Stands for the paper's "−1" where a round may be absent. */
export const NO_ROUND = 0xffff_ffff;

export const ProposalPayloadType = new ContainerType({
  height: uint64,
  round: uint32,
  /** Round of the polka that makes a re-proposed value valid; `NO_ROUND` for a fresh value. */
  validRound: uint32,
  blockId: bytes32,
});

/** Signed by the proposer of a round; the block travels beside it. */
export const ProposalType = new ContainerType({
  payload: ProposalPayloadType,
  /** Validator id of the proposer of this round. */
  proposer: bytes20,
  signature: bytes96,
});

export type ProposalPayload = ValueOf<typeof ProposalPayloadType>;
export type Proposal = ValueOf<typeof ProposalType>;

export const proposalPayloadCodec = createCodec<ProposalPayload>('ProposalPayload', ProposalPayloadType);
export const proposalCodec = createCodec<Proposal>('Proposal', ProposalType);
