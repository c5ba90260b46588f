import { checkBlock } from '../../consensus/block-rules.js';
import type { BlockPremise } from '../../consensus/compact-block.js';
import {
  assembleExtendedCommit,
  isExtensionOf,
  type ExtendedPrecommit,
} from '../../consensus/extended-commit.js';
import { chooseExtensions, type ExtensionContext } from '../../consensus/extensions.js';
import type { Offence } from '../../consensus/evidence.js';
import type { Precommits } from '../../consensus/engine/effect.js';
import { isQuorum, powerOf } from '../../consensus/power.js';
import { toHex } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import { encodedBlockBytes, type Block } from '../../protocol/types/block.js';
import { bodyRoots, type Body, type BodyRoots } from '../../protocol/types/body.js';
import { emptyCommit, type ExtendedCommit } from '../../protocol/types/commit.js';
import type { Evidence } from '../../protocol/types/evidence.js';
import type { VoteExtension } from '../../protocol/types/extension.js';
import { blockId, type Header } from '../../protocol/types/header.js';
import { absentFrom, heardIn, offenceOf } from '../../state/chain/block-reading.js';
import {
  assertOutcome,
  executeBlock,
  type Commitments,
  type ExecutedBlock,
} from '../../state/chain/ledger.js';
import type { Reader } from '../../state/store/store.js';
import type { BlockInput } from '../../state/transition/block-input.js';
import type { RecoveredTransaction } from '../mempool/entry.js';
import type { AssembledBody } from './block-assembly.js';
import type { ChainTip } from './chain-tip.js';

/** A block that was executed here, made or checked: nothing of it is written yet. */
export interface LocalBlock {
  readonly block: Block;
  readonly id: Uint8Array;
  readonly transactionHashes: readonly Uint8Array[];
  readonly executed: ExecutedBlock;
}

/** What the maker of a block puts into it. */
export interface BlockPlan {
  readonly proposer: Uint8Array;
  readonly round: number;
  readonly timeMs: number;
  /** 96 bytes. */
  readonly reveal: Uint8Array;
  /** Of the parent; undefined where it is the genesis. */
  readonly parentCommit: ExtendedCommit | undefined;
  /** Verified extensions that may be late. */
  readonly lateExtensions: readonly VoteExtension[];
  readonly evidence: readonly Evidence[];
  /** In the order of execution; admissible on the state. */
  readonly transactions: readonly RecoveredTransaction[];
  readonly extraData: Uint8Array;
}

/** Bytes of a block that late extensions may take. */
const MAX_LATE_EXTENSION_BYTES = 256 * 1024;

/** A block whose body stands, before its execution has shown what the header must say. */
export interface BlockDraft {
  readonly plan: BlockPlan;
  readonly body: Body;
  readonly transactions: readonly RecoveredTransaction[];
  readonly transactionHashes: readonly Uint8Array[];
}

/** What goes into the block after `tip`: as many of the planned transactions as fit. */
export function draftBlock(tip: ChainTip, plan: BlockPlan): BlockDraft {
  const body: Body = {
    transactions: [],
    evidence: [...plan.evidence],
    parentCommit: plan.parentCommit?.commit ?? emptyCommit(),
    parentExtensions: extensionsOf(tip, plan),
  };
  const empty = withHeader(tip, plan, body, bodyRoots(body, []), NO_COMMITMENTS);
  const transactions = fitting(plan.transactions, tip.params.blocks.maxBlockBytes - encodedBlockBytes(empty));
  body.transactions = transactions.map(({ bytes }) => bytes);
  return { plan, body, transactions, transactionHashes: transactions.map(({ hash }) => hash) };
}

/**
 * Executes a draft: makes the block after `tip`.
 *
 * @throws BlockInvalidError when something in the plan may not be in a block
 */
export function makeBlock(
  view: Reader,
  tip: ChainTip,
  { plan, body, transactions, transactionHashes }: BlockDraft,
  checkInvariants = false,
): LocalBlock {
  const { proposer, timeMs } = plan;
  const height = tip.parent.height + 1;
  const input = {
    ...{ height, timeMs, proposer, beaconReveal: plan.reveal, transactions },
    absent: absentFrom(view, height, body.parentCommit.signers),
    evidence: plan.evidence.map(offenceOf),
    extensions: heardIn(body),
  };
  const executed = executeBlock(view, input, { checkInvariants });
  const block = withHeader(tip, plan, body, bodyRoots(body, transactionHashes), executed.commitments);
  return { block, id: blockId(block.header), transactionHashes, executed };
}

/**
 * Checks a block that somebody else has made by every rule, and executes it.
 *
 * @param transactions of the body, in order
 * @throws OgpuError whose code says why it is invalid
 */
export function checkAndExecute(
  view: Reader,
  tip: ChainTip,
  block: Block,
  options: CheckOptions,
): LocalBlock {
  const local = checkAndExecuteDraft(view, tip, block, options);
  assertOutcome(block.header, local.executed.commitments);
  return local;
}

export interface CheckOptions {
  /** Of the body, in order. */
  readonly transactions: readonly RecoveredTransaction[];
  readonly checkInvariants?: boolean;
  /** Tells extensions whose signatures were verified with the votes they came with. */
  readonly isVerified?: (extension: VoteExtension) => boolean;
}

/** As `checkAndExecute`, but for what the header says of the outcome. */
export function checkAndExecuteDraft(
  view: Reader,
  tip: ChainTip,
  block: Block,
  { transactions, checkInvariants = false, isVerified }: CheckOptions,
): LocalBlock {
  const { header, body } = block;
  const hashes = transactions.map(({ hash }) => hash);
  const isCommitted = tip.commit && isExtensionOf(tip.commit);
  const isKnown = (extension: VoteExtension): boolean =>
    isCommitted?.(extension) === true || isVerified?.(extension) === true;
  const offences: Offence[] = checkBlock(tip, block, hashes, isKnown);
  const input: BlockInput = {
    height: header.height,
    timeMs: header.timeMs,
    proposer: header.proposer,
    beaconReveal: header.beaconReveal,
    absent: absentFrom(view, header.height, body.parentCommit.signers),
    evidence: offences,
    extensions: heardIn(body),
    transactions,
  };
  const executed = executeBlock(view, input, { checkInvariants });
  return { block, id: blockId(header), transactionHashes: hashes, executed };
}

/** What of a draft's header is known before it is executed. */
export function premiseOf(height: number, { plan }: BlockDraft): BlockPremise {
  const { round, timeMs, proposer, reveal } = plan;
  return { height, round, timeMs, proposer, beaconReveal: reveal };
}

/** The block a body will be, with nothing said of its outcome. */
export function unexecutedBlock(
  tip: ChainTip,
  { round, timeMs, proposer, beaconReveal }: BlockPremise,
  { body, roots }: Pick<AssembledBody, 'body' | 'roots'>,
): Block {
  const header = { round, timeMs, proposer, reveal: beaconReveal, extraData: new Uint8Array(0) };
  return withHeader(tip, header, body, roots, nothingExecuted(tip));
}

/** The same header where nothing is said of the outcome of its block. */
export function unexecutedHeader(tip: ChainTip, header: Header): Header {
  return { ...header, ...nothingExecuted(tip) };
}

/** Only who decides the next block is known beforehand. */
function nothingExecuted({ committee }: ChainTip): Commitments {
  return { ...NO_COMMITMENTS, validatorsHash: committee.hash };
}

/**
 * The extended commit of a decided height, out of the precommits known by now. Who signed late is in it too; where only a certificate
 * of others is known, that stands.
 *
 * @param committee that decided it
 */
export function extendedCommitOf(
  committee: ChainTip['committee'],
  chain: ReturnType<ChainTip['chainAt']>,
  { certificate, votes }: Precommits,
): ExtendedCommit {
  const precommits = votes.flatMap(({ vote, extension: [extension] }): ExtendedPrecommit[] =>
    extension === undefined ? [] : [{ vote, extension }],
  );
  if (certificate !== undefined && !isBetter(committee, precommits, certificate)) return certificate;
  return assembleExtendedCommit(committee, chain, precommits);
}

/** Whether precommits make a commit with more signers than a certificate has. Many small ones need not be +2/3. */
function isBetter(
  { set, totalPower }: ChainTip['committee'],
  precommits: readonly ExtendedPrecommit[],
  certificate: ExtendedCommit,
): boolean {
  if (precommits.length <= certificate.extensions.length) return false;
  const signers = new Set(precommits.map(({ vote }) => toHex(vote.validator)));
  return isQuorum(powerOf(set.filter(({ id }) => signers.has(toHex(id)))), totalPower);
}

function extensionsOf(tip: ChainTip, { parentCommit, lateExtensions }: BlockPlan): VoteExtension[] {
  if (parentCommit === undefined) return [];
  const { parentCommittee, grandparentCommittee, chainAt } = tip;
  invariant(parentCommittee !== undefined, 'a parent with a commit was decided by somebody');
  const context: ExtensionContext = {
    parentCommit: parentCommit.commit,
    ...{ parentCommittee, grandparentCommittee, chainAt },
    parentExtensions: tip.parent.extensions,
  };
  return chooseExtensions(context, parentCommit.extensions, lateExtensions, MAX_LATE_EXTENSION_BYTES);
}

type HeaderPlan = Pick<BlockPlan, 'proposer' | 'round' | 'timeMs' | 'reveal' | 'extraData'>;

function withHeader(
  tip: ChainTip,
  { proposer, round, timeMs, reveal, extraData }: HeaderPlan,
  body: Body,
  roots: BodyRoots,
  commitments: Commitments,
): Block {
  const height = tip.parent.height + 1;
  const { chainId, protocolVersion } = tip.chainAt(height);
  const header = {
    ...{ protocolVersion, chainId, height, round, timeMs, proposer, extraData },
    parentId: tip.parent.id,
    beaconReveal: reveal,
    ...roots,
    ...commitments,
  };
  return { header, body };
}

/** For the size of a block before its execution. */
const NO_COMMITMENTS: Commitments = {
  gasUsed: 0,
  gasLimit: 0,
  baseFeeWei: 0n,
  receiptsRoot: new Uint8Array(32),
  logsBloom: new Uint8Array(256),
  validatorsHash: new Uint8Array(32),
  nextValidatorsHash: new Uint8Array(32),
  stateRoot: new Uint8Array(32),
};

/** Transactions of a list in SSZ have an offset each. */
const OFFSET_BYTES = 4;

/** The first ones that fit; a sender's nonces stay in a row, since it is a prefix. */
function fitting(
  transactions: readonly RecoveredTransaction[],
  maxBytes: number,
): readonly RecoveredTransaction[] {
  let bytes = 0;
  const end = transactions.findIndex((transaction) => {
    bytes += transaction.bytes.length + OFFSET_BYTES;
    return bytes > maxBytes;
  });
  return end === -1 ? transactions : transactions.slice(0, end);
}
