import { BlockRulesError, isOfDrawnProposer } from '../../consensus/block-rules.js';
import { CommitError } from '../../consensus/commit.js';
import type { EffectOf, Precommits } from '../../consensus/engine/effect.js';
import type { EvidencePool } from '../../consensus/evidence-pool.js';
import { EvidenceProofError } from '../../consensus/evidence.js';
import { ExtendedCommitError } from '../../consensus/extended-commit.js';
import { ExtensionsError } from '../../consensus/extensions.js';
import type { BlockPremise } from '../../consensus/compact-block.js';
import type { Validity } from '../../consensus/core/types.js';
import type { Polka, SignedVote } from '../../consensus/messages.js';
import { assemblePolka } from '../../consensus/polka.js';
import { toHex } from '../../protocol/bytes.js';
import { BlsError } from '../../protocol/crypto/bls.js';
import { keccak256 } from '../../protocol/crypto/hash.js';
import type { OgpuError } from '../../protocol/errors.js';
import { invariant } from '../../protocol/invariant.js';
import { TransactionError } from '../../protocol/transactions/errors.js';
import { RlpError } from '../../protocol/transactions/rlp.js';
import type { Block } from '../../protocol/types/block.js';
import type { ExtendedCommit } from '../../protocol/types/commit.js';
import type { VoteExtension } from '../../protocol/types/extension.js';
import { blockId, type Header } from '../../protocol/types/header.js';
import { BlockReadingError } from '../../state/chain/block-reading.js';
import { assertOutcome, BlockOutcomeError } from '../../state/chain/ledger.js';
import { isPunishable } from '../../state/staking/evidence.js';
import type { Change, Store } from '../../state/store/store.js';
import { progressRecord } from '../../state/system/chain.js';
import { BlockInvalidError } from '../../state/transition/transition.js';
import {
  checkAndExecute,
  checkAndExecuteDraft,
  draftBlock,
  extendedCommitOf,
  makeBlock,
  unexecutedBlock,
  unexecutedHeader,
  type BlockDraft,
  type BlockPlan,
  type CheckOptions,
  type LocalBlock,
} from './block-execution.js';
import { isRecovered, type AssembledBody, type NamedTransaction } from './block-assembly.js';
import { momentAfter, type ChainTip } from './chain-tip.js';
import type { Signatory } from './signatory.js';
import { batchOf } from './stored-blocks.js';
import type { TransactionSource } from './surroundings.js';

export interface WorkshopParts {
  readonly store: Store;
  readonly transactions: TransactionSource;
  readonly checkInvariants?: boolean;
  /** Tells extensions whose signatures were verified with the votes they came with. */
  readonly isVerified?: (extension: VoteExtension) => boolean;
  readonly onWarning?: (error: OgpuError) => void;
}

/** Executed blocks that are kept until one is decided: what is voted for need not be executed again. */
const MAX_EXECUTED = 8;

/** Bodies of a height that are looked at before their headers have come: who sends others costs a few signature checks. */
const MAX_ANTICIPATIONS = 8;

/** A block that is executed before its header has come. */
interface Anticipation {
  readonly round: number;
  /** Of a header that says nothing of the outcome, in hex. */
  readonly name: string;
  /** Undefined where it came to nothing. Rejects with what is this node's own trouble. */
  readonly executed: Promise<LocalBlock | undefined>;
}

/** Where the blocks of the open height are made, checked and executed, and its certificates assembled. */
export class BlockWorkshop {
  readonly #parts: WorkshopParts;
  readonly #evidence: EvidencePool;
  readonly #executed = new Map<string, LocalBlock>();
  #prepared: { readonly name: string; readonly batch: readonly Change[] } | undefined;
  #anticipation: Anticipation | undefined;
  #attempts = 0;

  constructor(parts: WorkshopParts, evidence: EvidencePool) {
    this.#parts = parts;
    this.#evidence = evidence;
  }

  /** What the block after the tip will hold; undefined where the signer refuses to reveal, or the height ended meanwhile. */
  async draft(
    tip: ChainTip,
    effect: EffectOf<'build'>,
    signatory: Signatory,
    nowMs: number,
  ): Promise<BlockDraft | undefined> {
    const { store, transactions } = this.#parts;
    const { params, parent, previousBeacon } = tip;
    const timeMs = Math.max(nowMs, parent.timeMs + 1);
    const moment = { height: effect.height, timeMs, params };
    const reveal = await signatory.reveal(effect.height, previousBeacon);
    if (reveal === null || this.#isOver(tip)) return undefined;
    const plan: BlockPlan = {
      proposer: signatory.id,
      round: effect.round,
      timeMs,
      reveal,
      parentCommit: effect.parent === undefined ? tip.commit : this.#parentCommitOf(tip, effect.parent),
      lateExtensions: effect.extensions,
      evidence: this.#evidence.select((offence) => isPunishable(store, moment, offence)),
      transactions: transactions.select({
        baseFeeWei: progressRecord.read(store).baseFeeWei,
        gasLimit: params.blocks.gasLimit,
        maxBytes: params.blocks.maxBlockBytes,
      }),
      extraData: new Uint8Array(0),
    };
    return draftBlock(tip, plan);
  }

  /**
   * The block after the tip. One that holds no transactions is made where those of the draft do not fit the state; none where the height
   * ended meanwhile.
   */
  build(tip: ChainTip, draft: BlockDraft): LocalBlock | undefined {
    if (this.#isOver(tip)) return undefined;
    try {
      return this.#keep(this.#make(tip, draft));
    } catch (error) {
      if (!(error instanceof BlockInvalidError) || error.code !== 'BLOCK_TRANSACTION_INADMISSIBLE')
        throw error;
      this.#parts.onWarning?.(error);
      return this.#keep(this.#make(tip, draftBlock(tip, { ...draft.plan, transactions: [] })));
    }
  }

  /**
   * Whether somebody's block is what it says; undefined where the height ended meanwhile. Throws only what is this node's own trouble.
   */
  async validate(tip: ChainTip, id: Uint8Array, block: Block): Promise<Validity | undefined> {
    try {
      return (await this.executed(tip, id, block)) === undefined ? undefined : 'valid';
    } catch (error) {
      if (!isFaultOfBlock(error)) throw error;
      this.#parts.onWarning?.(error);
      return 'invalid';
    }
  }

  /**
   * Executes a body while its proposer does, so that its header has only to be compared. One in a round: whoever sends others is let
   * wait, and their blocks are executed when a proposal names them.
   */
  async anticipate(tip: ChainTip, premise: BlockPremise, assembled: AssembledBody): Promise<void> {
    if (this.#anticipation?.round === premise.round || this.#isOver(tip)) return;
    if (this.#attempts === MAX_ANTICIPATIONS) return;
    this.#attempts++;
    if (!isOfDrawnProposer(tip, premise)) return;
    const block = unexecutedBlock(tip, premise, assembled);
    const executed = this.#executeDraft(tip, block, assembled.transactions);
    this.#anticipation = { round: premise.round, name: toHex(blockId(block.header)), executed };
    await executed;
  }

  /** A block checked and executed, here or before; undefined where another one took its place meanwhile. */
  async executed(tip: ChainTip, id: Uint8Array, block: Block): Promise<LocalBlock | undefined> {
    const executed = this.#executed.get(toHex(id));
    if (executed !== undefined) return executed;
    const anticipated = await this.#anticipated(tip, block.header);
    if (anticipated === undefined) {
      const options = await this.#resolved(block.body.transactions.map((bytes) => ({ bytes })));
      return this.#isOver(tip)
        ? undefined
        : this.#keep(checkAndExecute(this.#parts.store, tip, block, options));
    }
    if (this.#isOver(tip)) return undefined;
    assertOutcome(block.header, anticipated.executed.commitments);
    return this.#keep({ ...anticipated, block, id });
  }

  /** Of a block's transactions, in order. */
  transactionHashes({ header, body }: Block): readonly Uint8Array[] {
    const known = this.#executed.get(toHex(blockId(header)));
    return known?.transactionHashes ?? body.transactions.map(keccak256);
  }

  /** Makes what a block would write while its votes are on their way: tens of milliseconds that nobody waits for then. */
  prepare(id: Uint8Array): void {
    const local = this.#executed.get(toHex(id));
    if (local !== undefined && this.#prepared?.name !== toHex(id))
      this.#prepared = { name: toHex(id), batch: batchOf(local) };
  }

  /** All that a block writes, but for its commit. */
  batch(local: LocalBlock): readonly Change[] {
    return this.#prepared?.name === toHex(local.id) ? this.#prepared.batch : batchOf(local);
  }

  /** The commit of the block after the tip. */
  commitOf(tip: ChainTip, precommits: Precommits): ExtendedCommit {
    return extendedCommitOf(tip.committee, tip.chainAt(precommits.height), precommits);
  }

  polkaOf(tip: ChainTip, votes: readonly SignedVote[]): Polka {
    return assemblePolka(
      tip.committee,
      votes.map(({ vote }) => vote),
    );
  }

  /** The height is decided: drops its blocks, and evidence that has been used or has become too old. */
  forget(tip: ChainTip): void {
    this.#executed.clear();
    this.#prepared = undefined;
    this.#anticipation = undefined;
    this.#attempts = 0;
    const { store } = this.#parts;
    this.#evidence.prune((offence) => isPunishable(store, momentAfter(tip), offence));
  }

  /** Whether the state has moved on: what is executed from now on would be on another one than the tip's. */
  #isOver(tip: ChainTip): boolean {
    return progressRecord.read(this.#parts.store).height !== tip.parent.height;
  }

  /** Of a block's transactions only those are looked up by their bytes that did not come from the pool. */
  async #resolved(named: readonly Pick<NamedTransaction, 'bytes'>[]): Promise<CheckOptions> {
    const { transactions, checkInvariants = false, isVerified } = this.#parts;
    const others = named.filter((each) => !isRecovered(each));
    const resolved = await transactions.resolve(others.map(({ bytes }) => bytes));
    invariant(resolved.length === others.length, 'every envelope has its transaction');
    let next = 0;
    const ready = named.flatMap((each) => (isRecovered(each) ? each : (resolved[next++] ?? [])));
    return { transactions: ready, checkInvariants, ...(isVerified === undefined ? {} : { isVerified }) };
  }

  /** Nothing is said of what does not hold: a proposal that names it will show it. */
  async #executeDraft(
    tip: ChainTip,
    block: Block,
    named: readonly NamedTransaction[],
  ): Promise<LocalBlock | undefined> {
    try {
      const options = await this.#resolved(named);
      return this.#isOver(tip) ? undefined : checkAndExecuteDraft(this.#parts.store, tip, block, options);
    } catch (error) {
      if (!isFaultOfBlock(error)) throw error;
      return undefined;
    }
  }

  async #anticipated(tip: ChainTip, header: Header): Promise<LocalBlock | undefined> {
    const anticipation = this.#anticipation;
    if (anticipation?.name !== toHex(blockId(unexecutedHeader(tip, header)))) return undefined;
    return anticipation.executed;
  }

  #make(tip: ChainTip, draft: BlockDraft): LocalBlock {
    return makeBlock(this.#parts.store, tip, draft, this.#parts.checkInvariants);
  }

  #parentCommitOf(tip: ChainTip, precommits: Precommits): ExtendedCommit {
    const { parentCommittee } = tip;
    if (parentCommittee === undefined || precommits.height !== tip.parent.height) {
      throw new BlockInvalidError('BLOCK_HEIGHT_WRONG', 'precommits of another height', {
        height: precommits.height,
      });
    }
    return extendedCommitOf(parentCommittee, tip.chainAt(precommits.height), precommits);
  }

  #keep(local: LocalBlock): LocalBlock {
    const [oldest] = this.#executed.keys();
    if (this.#executed.size >= MAX_EXECUTED && oldest !== undefined) this.#executed.delete(oldest);
    this.#executed.set(toHex(local.id), local);
    return local;
  }
}

const FAULTS_OF_BLOCKS = [
  BlockRulesError,
  BlockInvalidError,
  BlockOutcomeError,
  BlockReadingError,
  CommitError,
  ExtendedCommitError,
  ExtensionsError,
  EvidenceProofError,
  BlsError,
  TransactionError,
  RlpError,
];

/** Whether an error says that a block is invalid, not that this node has trouble of its own. */
export function isFaultOfBlock(error: unknown): error is OgpuError {
  return FAULTS_OF_BLOCKS.some((kind) => error instanceof kind);
}
