import { setImmediate } from 'node:timers/promises';
import { BlockRulesError } from '../../consensus/block-rules.js';
import { verifyExtendedCommit } from '../../consensus/extended-commit.js';
import { monotonicClock, type Clock } from '../../p2p/clock.js';
import { bytesEqual } from '../../protocol/bytes.js';
import type { Bls } from '../../protocol/crypto/bls.js';
import { keccak256 } from '../../protocol/crypto/hash.js';
import { OgpuError } from '../../protocol/errors.js';
import { invariant } from '../../protocol/invariant.js';
import { bodyRoots } from '../../protocol/types/body.js';
import type { ExtendedCommit } from '../../protocol/types/commit.js';
import { blockId } from '../../protocol/types/header.js';
import { readHead } from '../../state/chain/marks.js';
import type { Head } from '../../state/chain/records.js';
import type { Store } from '../../state/store/store.js';
import { checkAndExecute, type LocalBlock } from '../consensus/block-execution.js';
import { isFaultOfBlock } from '../consensus/block-workshop.js';
import { nextTip, readTip, type ChainTip } from '../consensus/chain-tip.js';
import type { TransactionSource } from '../consensus/surroundings.js';
import type { Statement } from '../signatures/wire.js';
import { BlockDownload, type FetchedBlock } from './block-download.js';
import { BlockPreparation, type PreparedTransactions } from './block-preparation.js';
import { commitWrong, SyncError } from './errors.js';
import { tellGap } from './gap.js';
import { PendingBlocks } from './pending-blocks.js';
import { SpeedMeter, type SyncProgress } from './progress.js';
import type { SyncNetwork } from './sync-network.js';
import { SyncPeers } from './sync-peers.js';
import { VerifiedSignatures } from './verified-signatures.js';

export interface BlockSyncParts {
  readonly store: Store;
  readonly bls: Bls;
  readonly network: SyncNetwork;
  readonly transactions: Pick<TransactionSource, 'resolve' | 'onBlock'>;
  /** Verifies signatures of validators on other threads: `SignaturePool.verifyStatements`. */
  readonly verifyStatements?: (statements: readonly Statement[]) => Promise<readonly boolean[]>;
  /** For spans of time only. */
  readonly clock?: Clock;
  /** Runs the ledger's invariants after every block. */
  readonly checkInvariants?: boolean;
  /** Each block in order, once it is durable. */
  readonly onFinal?: (local: LocalBlock, commit: ExtendedCommit) => void;
  /** A few times a second, and at the end. */
  readonly onProgress?: (progress: SyncProgress) => void;
  /** Told, again and again, whether the peers have dropped the blocks that this ledger needs next. */
  readonly onGap?: (error: SyncError | undefined) => void;
  /** How long it waits for somebody who has blocks, at the beginning and when none come any more. */
  readonly patienceMs?: number;
  /** How long it waits at the beginning while nobody at all is there. */
  readonly lonelyMs?: number;
}

const PATIENCE_MS = 15_000;
const LONELY_MS = 3_000;
const TICK_MS = 200;

/** What is known of heads that old is good enough to end with. */
const FRESH_MS = 1_000;

/**
 * Brings a ledger to where its peers are: fetches blocks, verifies their commits by the validators of its own state, executes them, and writes
 * them. The stages run at the same time, each on other blocks; between them stand bounded buffers.
 */
export class BlockSync {
  readonly #parts: BlockSyncParts;
  readonly #clock: Clock;
  readonly #verified = new VerifiedSignatures();
  readonly #bls: Bls;

  constructor(parts: BlockSyncParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? monotonicClock;
    this.#bls = this.#verified.over(parts.bls);
  }

  /**
   * Resolves when the ledger is within a block or two of what credible peers claim, when nobody has given a block for `patienceMs`, or when
   * `signal` says so. Every block up to the head it resolves with is durable; nothing else was written.
   *
   * @throws SyncError SYNC_DIVERGED, and as reading and writing the store do
   */
  async run(signal?: AbortSignal): Promise<Head> {
    const { store, network, transactions, onFinal } = this.#parts;
    const tip = await readTip(store, this.#bls);
    const peers = new SyncPeers(network, this.#clock);
    const written = new PendingBlocks(store, ({ local, commit }) => {
      transactions.onBlock(local.transactionHashes, local.executed.outcome.changes);
      onFinal?.(local, commit);
    });
    const download = new BlockDownload(network, peers, this.#clock, tip.parent.height + 1);
    const run = new SyncRun(this.#parts, this.#clock, { tip, peers, download, written }, this.#verified);
    try {
      await run.toEnd(signal);
    } finally {
      download.close();
      await written.flush();
    }
    const head = readHead(store);
    invariant(head !== undefined, 'a ledger has a head');
    return head;
  }
}

interface Stages {
  readonly tip: ChainTip;
  readonly peers: SyncPeers;
  readonly download: BlockDownload;
  readonly written: PendingBlocks;
}

/** One run from a tip to the end. */
class SyncRun {
  readonly #parts: BlockSyncParts;
  readonly #clock: Clock;
  readonly #peers: SyncPeers;
  readonly #download: BlockDownload;
  readonly #written: PendingBlocks;
  readonly #preparation: BlockPreparation;
  readonly #meter: SpeedMeter;
  #tip: ChainTip;
  #progressMs: number;

  constructor(
    parts: BlockSyncParts,
    clock: Clock,
    { tip, peers, download, written }: Stages,
    verified: VerifiedSignatures,
  ) {
    this.#parts = parts;
    this.#clock = clock;
    this.#tip = tip;
    this.#peers = peers;
    this.#download = download;
    this.#written = written;
    const { transactions, verifyStatements } = parts;
    this.#preparation = new BlockPreparation({
      resolve: (envelopes) => transactions.resolve(envelopes),
      ...{ verifyStatements, verified },
    });
    this.#progressMs = clock.nowMs();
    this.#meter = new SpeedMeter(this.#progressMs);
  }

  async toEnd(signal: AbortSignal | undefined): Promise<void> {
    const timer = this.#everyTick();
    const onAbort = (): void => this.#wake();
    signal?.addEventListener('abort', onAbort);
    try {
      while (signal?.aborted !== true) {
        const fetched = this.#download.peek(this.#height + 1);
        if (fetched !== undefined) await this.#take(fetched);
        else if (await this.#isAtEnd()) return;
        else await this.#whenChanged();
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
      timer.cancel();
      this.#tellProgress();
    }
  }

  get #height(): number {
    return this.#tip.parent.height;
  }

  /** Takes the next block into the ledger, or finds out what is wrong with it. */
  async #take(fetched: FetchedBlock): Promise<void> {
    this.#preparation.lookAhead(this.#tip, (height) => this.#download.peek(height));
    const transactions = await this.#preparation.of(this.#tip, fetched);
    // It may have been thrown away meanwhile.
    if (this.#download.peek(this.#height + 1) !== fetched) return;
    let local: LocalBlock;
    try {
      local = this.#execute(fetched, transactions);
    } catch (error) {
      if (!(error instanceof SyncError) || error.code === 'SYNC_DIVERGED') throw error;
      this.#peers.blame(fetched.peer, error);
      this.#download.discard(fetched.peer);
      return;
    }
    const { commit, block } = fetched;
    const { height, timeMs } = block.header;
    await this.#written.add({ local, commit });
    const parent = { height, id: local.id, timeMs, extensions: block.body.parentExtensions };
    this.#tip = nextTip(this.#written, this.#tip, parent, commit);
    this.#download.done(height);
    this.#meter.add(block.body.transactions.length);
    this.#progressMs = this.#clock.nowMs();
    // The network gets its turn.
    await setImmediate();
  }

  /** @throws SyncError */
  #execute({ block, commit }: FetchedBlock, transactions: PreparedTransactions): LocalBlock {
    const { header } = block;
    const { checkInvariants = false } = this.#parts;
    this.#checkCommit(header.height, blockId(header), commit);
    if (transactions instanceof OgpuError) throw this.#faultOfBody(block, transactions);
    try {
      return checkAndExecute(this.#written, this.#tip, block, { transactions, checkInvariants });
    } catch (error) {
      if (!isFaultOfBlock(error)) throw error;
      throw isOtherBody(error) ? blockWrong(header.height, error) : diverged(header.height, error);
    }
  }

  #checkCommit(height: number, id: Uint8Array, commit: ExtendedCommit): void {
    try {
      verifyExtendedCommit(this.#tip.committee, this.#tip.chainAt(height), commit, { height, blockId: id });
    } catch (error) {
      if (!isFaultOfBlock(error)) throw error;
      throw commitWrong(height, error);
    }
  }

  /** A transaction is none. The header says whether it is of the block that was decided. */
  #faultOfBody({ header, body }: FetchedBlock['block'], error: OgpuError): SyncError {
    const roots = bodyRoots(body, body.transactions.map(keccak256));
    const isDecided = bytesEqual(roots.transactionsRoot, header.transactionsRoot);
    return isDecided ? diverged(header.height, error) : blockWrong(header.height, error);
  }

  async #isAtEnd(): Promise<boolean> {
    const { patienceMs = PATIENCE_MS, lonelyMs = LONELY_MS } = this.#parts;
    const isAlone = this.#peers.count === 0 && this.#meter.blocks === 0;
    const waitedMs = this.#clock.nowMs() - this.#progressMs;
    if (waitedMs > (isAlone ? Math.min(lonelyMs, patienceMs) : patienceMs)) return true;
    if (!this.#peers.hasReached(this.#height)) return false;
    await this.#peers.refresh(FRESH_MS);
    return this.#peers.hasReached(this.#height);
  }

  #everyTick(): { cancel(): void } {
    let alarm = { cancel: (): void => undefined };
    const tick = (): void => {
      alarm = this.#clock.setTimer(TICK_MS, tick);
      this.#peers.update();
      this.#download.tick();
      tellGap(this.#peers, this.#height, this.#parts.onGap);
      this.#tellProgress();
      this.#wake();
    };
    tick();
    return { cancel: () => alarm.cancel() };
  }

  #wake: () => void = () => undefined;

  /** Resolves when a block has come or a tick has passed, or the run is to end. */
  async #whenChanged(): Promise<void> {
    if (this.#download.peek(this.#height + 1) !== undefined) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#download.onChange = resolve;
    });
  }

  #tellProgress(): void {
    const { blocksPerSecond, transactionsPerSecond } = this.#meter.speeds(this.#clock.nowMs());
    const height = this.#height;
    const targetHeight = Math.max(height, this.#peers.bestHeight());
    const left = targetHeight - height;
    this.#parts.onProgress?.({
      ...{ height, targetHeight, blocksPerSecond, transactionsPerSecond },
      etaMs: blocksPerSecond > 0 ? Math.round((left / blocksPerSecond) * 1000) : undefined,
      peers: this.#peers.count,
      bufferedBytes: this.#download.bufferedBytes,
    });
  }
}

/** What the header does not commit to is not what the validators decided. */
function isOtherBody(error: OgpuError): boolean {
  return error instanceof BlockRulesError && (error.code === 'BODY_ROOT' || error.code === 'BODY_TOO_LARGE');
}

function blockWrong(height: number, cause: OgpuError): SyncError {
  const data = { height, reason: cause.code };
  return new SyncError('SYNC_BLOCK_WRONG', 'the body of a block is another one', data, { cause });
}

function diverged(height: number, cause: OgpuError): SyncError {
  const data = { height, reason: cause.code };
  return new SyncError('SYNC_DIVERGED', 'the chain has committed what is invalid here', data, { cause });
}
