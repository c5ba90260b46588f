import { bytesEqual, toHex } from '../protocol/bytes.js';
import type { ChainIdentity } from '../protocol/domains.js';
import { OgpuError, type ErrorData } from '../protocol/errors.js';
import { invariant } from '../protocol/invariant.js';
import { MAX_BLOCK_TIME_MS } from '../protocol/limits.js';
import { protocolVersionAt, type ChainParams } from '../protocol/params.js';
import { encodedBlockBytes, type Block } from '../protocol/types/block.js';
import { bodyRoots, type Body, type BodyRoots } from '../protocol/types/body.js';
import { commitCodec, emptyCommit } from '../protocol/types/commit.js';
import type { VoteExtension } from '../protocol/types/extension.js';
import type { Header } from '../protocol/types/header.js';
import { NO_ROUND } from '../protocol/types/proposal.js';
import { verifyReveal } from './beacon.js';
import type { BlockPremise } from './compact-block.js';
import { verifyCommit } from './commit.js';
import type { Committee } from './committee.js';
import { checkBlockEvidence, type EvidenceContext, type Offence } from './evidence.js';
import { checkExtensions } from './extensions.js';
import { proposerOf } from './proposer.js';

/** What a block must fit. */
export interface BlockContext {
  /** In force for this block. */
  readonly params: ChainParams;
  /** The chain as active at a height, for sign-bytes. */
  readonly chainAt: (height: number) => ChainIdentity;
  readonly parent: ParentBlock;
  /** Beacon of the parent, 32 bytes. */
  readonly previousBeacon: Uint8Array;
  /** Decides this block. */
  readonly committee: Committee;
  /** Decided the parent; undefined for block 1. */
  readonly parentCommittee: Committee | undefined;
  /** Decided the block before the parent; undefined for blocks 1 and 2. */
  readonly grandparentCommittee: Committee | undefined;
  readonly keyAt: EvidenceContext['keyAt'];
}

/** Of block 1 it is the genesis: height 0, the genesis id, the genesis time, no extensions. */
export interface ParentBlock {
  readonly height: number;
  readonly id: Uint8Array;
  readonly timeMs: number;
  /** `body.parentExtensions` of the parent. */
  readonly extensions: readonly VoteExtension[];
}

/** A header that does not fit what came before it, or its own body. */
export class BlockRulesError extends OgpuError<
  | 'HEADER_HEIGHT'
  | 'HEADER_PARENT'
  | 'HEADER_CHAIN_ID'
  | 'HEADER_VERSION'
  | 'HEADER_ROUND'
  | 'HEADER_TIME_NOT_AFTER_PARENT'
  | 'HEADER_TIME_TOO_LATE'
  | 'HEADER_VALIDATORS_HASH'
  | 'HEADER_PROPOSER'
  | 'HEADER_REVEAL'
  | 'BODY_TOO_LARGE'
  | 'BODY_ROOT'
  | 'BODY_FIRST_BLOCK'
> {}

/**
 * Everything consensus asks of a block before it is executed. What follows from execution the ledger compares; whether the time is
 * timely depends on a clock and is the core's to judge. Cheap checks come before signatures.
 *
 * @param transactionHashes keccak-256 of each envelope of the body, in order
 * @param isVerified tells extensions whose signatures this node has verified before, byte for byte
 * @returns the offences the block's evidence proves, in order
 * @throws BlockRulesError; CommitError for the parent's commit; ExtensionsError and ExtendedCommitError; EvidenceProofError
 */
export function checkBlock(
  context: BlockContext,
  block: Block,
  transactionHashes: readonly Uint8Array[],
  isVerified?: (extension: VoteExtension) => boolean,
): Offence[] {
  const { header, body } = block;
  checkPlace(context, header);
  checkTime(context.parent, header);
  checkBody(context, block, transactionHashes);
  checkProposer(context, header);
  checkParentVotes(context, body, isVerified);
  const { committee, chainAt, keyAt } = context;
  return checkBlockEvidence({ bls: committee.bls, chainAt, keyAt }, body.evidence);
}

/** Whether what comes before a header is of the validator drawn for its round, as its reveal proves. */
export function isOfDrawnProposer(context: BlockContext, premise: BlockPremise): boolean {
  const { chainAt, committee, previousBeacon } = context;
  const chain = chainAt(premise.height);
  const drawn = proposerOf(chain.chainId, committee.set, previousBeacon, premise.round);
  return bytesEqual(premise.proposer, drawn.id) && verifyReveal(committee, chain, premise, previousBeacon);
}

function checkPlace({ params, chainAt, parent, committee }: BlockContext, header: Header): void {
  const { height } = header;
  if (height !== parent.height + 1) {
    throw refused('HEADER_HEIGHT', header, { expected: parent.height + 1 });
  }
  if (!bytesEqual(header.parentId, parent.id)) {
    throw refused('HEADER_PARENT', header, { parentId: toHex(header.parentId), expected: toHex(parent.id) });
  }
  const { chainId } = chainAt(height);
  if (header.chainId !== chainId) {
    throw refused('HEADER_CHAIN_ID', header, { chainId: header.chainId, expected: chainId });
  }
  const version = protocolVersionAt(params, height);
  if (header.protocolVersion !== version) {
    throw refused('HEADER_VERSION', header, { version: header.protocolVersion, expected: version });
  }
  if (header.round >= NO_ROUND) throw refused('HEADER_ROUND', header);
  if (!bytesEqual(header.validatorsHash, committee.hash)) {
    throw refused('HEADER_VALIDATORS_HASH', header, { expected: toHex(committee.hash) });
  }
}

function checkTime(parent: ParentBlock, header: Header): void {
  const { timeMs } = header;
  if (timeMs <= parent.timeMs) {
    throw refused('HEADER_TIME_NOT_AFTER_PARENT', header, { timeMs, parentTimeMs: parent.timeMs });
  }
  if (timeMs >= MAX_BLOCK_TIME_MS) throw refused('HEADER_TIME_TOO_LATE', header, { timeMs });
}

function checkBody({ params }: BlockContext, block: Block, transactionHashes: readonly Uint8Array[]): void {
  const { header, body } = block;
  const { maxBlockBytes } = params.blocks;
  const bytes = encodedBlockBytes(block);
  if (bytes > maxBlockBytes) throw refused('BODY_TOO_LARGE', header, { bytes, maxBlockBytes });
  invariant(transactionHashes.length === body.transactions.length, 'every transaction has its hash');
  const roots = bodyRoots(body, transactionHashes);
  for (const field of Object.keys(roots) as (keyof BodyRoots)[]) {
    if (!bytesEqual(header[field], roots[field])) throw refused('BODY_ROOT', header, { field });
  }
}

function checkProposer({ chainAt, committee, previousBeacon }: BlockContext, header: Header): void {
  const drawn = proposerOf(header.chainId, committee.set, previousBeacon, header.round);
  if (!bytesEqual(header.proposer, drawn.id)) {
    throw refused('HEADER_PROPOSER', header, { proposer: toHex(header.proposer), drawn: toHex(drawn.id) });
  }
  if (!verifyReveal(committee, chainAt(header.height), header, previousBeacon)) {
    throw refused('HEADER_REVEAL', header, { proposer: toHex(header.proposer) });
  }
}

function checkParentVotes(
  context: BlockContext,
  { parentCommit, parentExtensions }: Body,
  isVerified?: (extension: VoteExtension) => boolean,
): void {
  const { parent, parentCommittee, grandparentCommittee, chainAt } = context;
  if (parent.height === 0) {
    const isEmpty = bytesEqual(commitCodec.root(parentCommit), commitCodec.root(emptyCommit()));
    if (isEmpty && parentExtensions.length === 0) return;
    throw new BlockRulesError('BODY_FIRST_BLOCK', 'nobody voted for the genesis');
  }
  invariant(parentCommittee !== undefined, 'a block above 1 has a parent that was decided');
  const expected = { height: parent.height, blockId: parent.id };
  verifyCommit(parentCommittee, chainAt(parent.height), parentCommit, expected);
  checkExtensions(
    { parentCommit, parentCommittee, grandparentCommittee, parentExtensions: parent.extensions, chainAt },
    parentExtensions,
    isVerified,
  );
}

const REASONS = {
  HEADER_HEIGHT: 'is not the height after its parent',
  HEADER_PARENT: 'follows another parent',
  HEADER_CHAIN_ID: 'is of another chain',
  HEADER_VERSION: 'follows rules that are not active at its height',
  HEADER_ROUND: 'names no round',
  HEADER_TIME_NOT_AFTER_PARENT: 'is no later than its parent',
  HEADER_TIME_TOO_LATE: 'has a time beyond all times',
  HEADER_VALIDATORS_HASH: 'names other validators than decide its height',
  HEADER_PROPOSER: 'is not of the validator drawn for its round',
  HEADER_REVEAL: 'reveals what its proposer did not sign',
  BODY_TOO_LARGE: 'is too large',
  BODY_ROOT: 'commits to another body',
} as const;

function refused(
  code: keyof typeof REASONS,
  { height, round }: Header,
  data: ErrorData = {},
): BlockRulesError {
  return new BlockRulesError(code, `block ${height} ${REASONS[code]}`, { height, round, ...data });
}
