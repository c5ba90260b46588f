import { concatBytes } from '../protocol/bytes.js';
import {
  MAX_BLOCK_BYTES,
  MAX_BLOCK_TRANSACTIONS,
  MAX_TRANSACTION_BYTES,
  MAX_VALIDATORS,
} from '../protocol/limits.js';
import { createCodec, type Codec } from '../protocol/ssz/codec.js';
import {
  bitList,
  byteList,
  bytes32,
  ContainerType,
  listOf,
  SszError,
  uint64,
  type ValueOf,
} from '../protocol/ssz/types.js';
import { blockCodec, type Block } from '../protocol/types/block.js';
import { CommitType, extendedCommitCodec, type ExtendedCommit } from '../protocol/types/commit.js';
import { evidenceCodec, type Evidence } from '../protocol/types/evidence.js';
import { VoteExtensionType } from '../protocol/types/extension.js';
import { HeaderType } from '../protocol/types/header.js';
import { ProposalType } from '../protocol/types/proposal.js';
import { VoteType } from '../protocol/types/vote.js';
import { compactBlockCodec, compactBodyCodec, type CompactBlock, type CompactBody } from './compact-block.js';

/*
 * What validators send each other while a height is open, and what their logs keep of it. Signatures are checked before the engine sees
 * any of this.
 */

/** A proposal with the header it names, so that its time and place can be judged before the body has come. */
export const SignedProposalType = new ContainerType({ proposal: ProposalType, header: HeaderType });

/** A precommit for a block carries its extension, every other vote none. */
const SignedVoteType = new ContainerType({ vote: VoteType, extension: listOf(VoteExtensionType, 1) });

const SignedVotesType = listOf(SignedVoteType, MAX_VALIDATORS);

/** Asks for a block of the height that is open at the sender. */
const BlockRequestType = new ContainerType({ height: uint64, blockId: bytes32 });

/** Asks whoever sent a compact body for some of its transactions: bit i is transaction i. */
const TransactionsRequestType = new ContainerType({
  height: uint64,
  /** Of the compact body. */
  bodyRoot: bytes32,
  places: bitList(MAX_BLOCK_TRANSACTIONS),
});

/** Answers it: the envelopes, in the order of the places. */
const BodyTransactionsType = new ContainerType({
  height: uint64,
  bodyRoot: bytes32,
  transactions: listOf(byteList(MAX_TRANSACTION_BYTES), MAX_BLOCK_TRANSACTIONS),
});

/** Asks for the commit and the block of a height. */
const CommitRequestType = new ContainerType({ height: uint64 });

/** Wakes who proposes the next height: there is work. Says nothing that needs a signature. */
const WorkNoticeType = new ContainerType({ height: uint64 });

/** Proof of +2/3 prevotes for one block or nil: the same shape as a commit, signed under the domain of prevotes. */
export type Polka = ValueOf<typeof CommitType>;

export type SignedProposal = ValueOf<typeof SignedProposalType>;
export type SignedVote = ValueOf<typeof SignedVoteType>;
export type BlockRequest = ValueOf<typeof BlockRequestType>;
export type TransactionsRequest = ValueOf<typeof TransactionsRequestType>;
export type BodyTransactions = ValueOf<typeof BodyTransactionsType>;
export type CommitRequest = ValueOf<typeof CommitRequestType>;
export type WorkNotice = ValueOf<typeof WorkNoticeType>;

export const signedProposalCodec = createCodec<SignedProposal>('SignedProposal', SignedProposalType);
export const signedVoteCodec = createCodec<SignedVote>('SignedVote', SignedVoteType);
export const signedVotesCodec = createCodec<SignedVote[]>('SignedVotes', SignedVotesType);
export const polkaCodec = createCodec<Polka>('Polka', CommitType);
const blockRequestCodec = createCodec<BlockRequest>('BlockRequest', BlockRequestType);
const transactionsRequestCodec = createCodec<TransactionsRequest>(
  'TransactionsRequest',
  TransactionsRequestType,
);
const bodyTransactionsCodec = createCodec<BodyTransactions>('BodyTransactions', BodyTransactionsType, {
  maxBytes: MAX_BLOCK_BYTES,
  oneCopy: true,
});
const commitRequestCodec = createCodec<CommitRequest>('CommitRequest', CommitRequestType);
const workNoticeCodec = createCodec<WorkNotice>('WorkNotice', WorkNoticeType);

export type Message =
  | { readonly kind: 'proposal'; readonly proposal: SignedProposal }
  /** A block that a proposal or a commit names. */
  | { readonly kind: 'block'; readonly block: Block }
  /** The body of a block that is being executed: its header comes with the proposal. */
  | { readonly kind: 'compactBody'; readonly compactBody: CompactBody }
  /** A block with names in the place of transactions. */
  | { readonly kind: 'compactBlock'; readonly compactBlock: CompactBlock }
  | { readonly kind: 'transactions'; readonly transactions: BodyTransactions }
  | { readonly kind: 'vote'; readonly vote: SignedVote }
  /** Votes of one round, for who is behind. */
  | { readonly kind: 'votes'; readonly votes: readonly SignedVote[] }
  | { readonly kind: 'polka'; readonly polka: Polka }
  | { readonly kind: 'commit'; readonly commit: ExtendedCommit }
  | { readonly kind: 'work'; readonly work: WorkNotice }
  /** A contradiction that the sender has found. */
  | { readonly kind: 'evidence'; readonly evidence: Evidence }
  | { readonly kind: 'wantBlock'; readonly wantBlock: BlockRequest }
  | { readonly kind: 'wantTransactions'; readonly wantTransactions: TransactionsRequest }
  | { readonly kind: 'wantCommit'; readonly wantCommit: CommitRequest };

/** Kinds in the order of their selectors on the wire. */
const KINDS = [
  'proposal',
  'block',
  'vote',
  'votes',
  'polka',
  'commit',
  'work',
  'evidence',
  'wantBlock',
  'wantCommit',
  'compactBody',
  'compactBlock',
  'wantTransactions',
  'transactions',
] as const satisfies readonly Message['kind'][];

const CODEC_OF: { readonly [Kind in Message['kind']]: Codec<unknown> } = {
  proposal: signedProposalCodec,
  block: blockCodec,
  vote: signedVoteCodec,
  votes: signedVotesCodec,
  polka: polkaCodec,
  commit: extendedCommitCodec,
  work: workNoticeCodec,
  evidence: evidenceCodec,
  wantBlock: blockRequestCodec,
  wantCommit: commitRequestCodec,
  compactBody: compactBodyCodec,
  compactBlock: compactBlockCodec,
  wantTransactions: transactionsRequestCodec,
  transactions: bodyTransactionsCodec,
};

/** One byte for the kind, then the SSZ encoding of the content. */
export function encodeMessage(message: Message): Uint8Array {
  const content = CODEC_OF[message.kind].encode(contentOf(message));
  return concatBytes(Uint8Array.of(KINDS.indexOf(message.kind)), content);
}

/** @throws SszError for anything but a canonical encoding */
export function decodeMessage(bytes: Uint8Array): Message {
  const kind = KINDS[bytes[0] ?? KINDS.length];
  if (kind === undefined)
    throw new SszError('SSZ_MALFORMED', 'unknown kind of consensus message', { kind: bytes[0] });
  const content = CODEC_OF[kind].decode(bytes.subarray(1));
  return { kind, [kind]: content } as unknown as Message;
}

function contentOf(message: Message): unknown {
  return (message as unknown as Readonly<Record<string, unknown>>)[message.kind];
}
