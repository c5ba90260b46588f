import { verifyExtendedCommit } from '../../consensus/extended-commit.js';
import type { Message } from '../../consensus/messages.js';
import { askBlocks, type FinalBlock } from '../../p2p/chain-requests.js';
import { monotonicClock, type Alarm, type Clock } from '../../p2p/clock.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { blockId } from '../../protocol/types/header.js';
import { readHead } from '../../state/chain/marks.js';
import { isFaultOfBlock } from '../consensus/block-workshop.js';
import type { ChainTip } from '../consensus/chain-tip.js';
import { BlockSync, type BlockSyncParts } from './block-sync.js';
import { commitWrong } from './errors.js';
import { tellGap } from './gap.js';
import { askPeer, isTyped } from './sync-network.js';
import { SyncPeers, type SyncPeer } from './sync-peers.js';

/** What is needed of a `Participant`. */
export interface RunningParticipant {
  readonly tip: ChainTip;
  receive(peer: string, message: Message): void;
  disconnected(peer: string): void;
  close(): Promise<void>;
}

export type FollowState = 'syncing' | 'participating' | 'stopped';

export interface FollowParts extends BlockSyncParts {
  /** Takes up consensus at the tip of the store. */
  readonly openParticipant: () => Promise<RunningParticipant>;
  readonly onState?: (state: FollowState) => void;
  /** This node must not go on: its store fails, or the chain has diverged from it. What its participant meets it says itself. */
  readonly onStop: (error: unknown) => void;
  /** Blocks behind its peers from which a node leaves consensus to catch up. Nearer, consensus itself helps. */
  readonly lagBlocks?: number;
}

const LAG_BLOCKS = 16;
const CHECK_MS = 1_000;

const MAX_PAUSE_MS = 60_000;

/** A tip that others have passed and that does not move for so long is moved from here. */
const STUCK_MS = 5_000;

/**
 * Keeps a node with its chain: catches up, then takes part in consensus, and catches up again where it has fallen behind. It leaves consensus
 * only for a block that its validators have committed; what a peer merely says moves nothing.
 */
export class ChainFollower {
  readonly #parts: FollowParts;
  readonly #clock: Clock;
  readonly #peers: SyncPeers;
  readonly #stop = new AbortController();
  #state: FollowState = 'stopped';
  #participant: RunningParticipant | undefined;
  #done: Promise<void> = Promise.resolve();
  #movedMs = 0;
  /** Attempts in a row that brought no block. */
  #fruitless = 0;
  #lastHeight = -1;

  constructor(parts: FollowParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? monotonicClock;
    this.#peers = new SyncPeers(parts.network, this.#clock);
  }

  get state(): FollowState {
    return this.#state;
  }

  /** While it participates. */
  get participant(): RunningParticipant | undefined {
    return this.#participant;
  }

  start(): void {
    this.#done = this.#follow().catch((error: unknown) => {
      if (!this.#isStopped()) this.#parts.onStop(error);
    });
  }

  /** Takes a consensus message from a peer. While the node catches up there is nobody to take it. */
  receive(peer: string, message: Message): void {
    this.#participant?.receive(peer, message);
  }

  disconnected(peer: string): void {
    this.#participant?.disconnected(peer);
  }

  /** Resolves when nothing touches the store, the log or the signer any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #follow(): Promise<void> {
    try {
      while (!this.#isStopped()) {
        this.#enter('syncing');
        const start = readHead(this.#parts.store)?.height;
        const { height } = await new BlockSync(this.#parts).run(this.#stop.signal);
        if (this.#isStopped()) return;
        this.#fruitless = height === start ? this.#fruitless + 1 : 0;
        this.#participant = await this.#parts.openParticipant();
        this.#enter('participating');
        await this.#untilBehind(this.#participant);
        await this.#leave();
      }
    } finally {
      await this.#leave();
      this.#enter('stopped');
    }
  }

  async #leave(): Promise<void> {
    const participant = this.#participant;
    this.#participant = undefined;
    await participant?.close();
  }

  #enter(state: FollowState): void {
    this.#state = state;
    this.#parts.onState?.(state);
  }

  /** Resolves when others are provably further, or the node is to stop. */
  async #untilBehind(participant: RunningParticipant): Promise<void> {
    this.#movedMs = this.#clock.nowMs();
    // What nobody gave a moment ago is not asked for at once again.
    if (this.#fruitless > 1) await this.#wait(Math.min(MAX_PAUSE_MS, CHECK_MS * 2 ** this.#fruitless));
    while (!this.#isStopped()) {
      await this.#wait(CHECK_MS);
      this.#peers.update();
      tellGap(this.#peers, participant.tip.parent.height, this.#parts.onGap);
      if (!this.#isStopped() && (await this.#isBehind(participant))) return;
    }
  }

  async #isBehind(participant: RunningParticipant): Promise<boolean> {
    const { lagBlocks = LAG_BLOCKS } = this.#parts;
    const { height } = participant.tip.parent;
    const nowMs = this.#clock.nowMs();
    if (height !== this.#lastHeight) this.#movedMs = nowMs;
    this.#lastHeight = height;
    const [far] = this.#peers.above(height + lagBlocks);
    if (far !== undefined && (await this.#isCommitted(participant, far, height + lagBlocks))) return true;
    if (nowMs - this.#movedMs > STUCK_MS) await this.#help(participant);
    return false;
  }

  /**
   * Whether the validators this node knows have committed a block so far ahead. Where they have changed meanwhile, the node is helped on to the
   * change.
   */
  async #isCommitted(participant: RunningParticipant, peer: SyncPeer, height: number): Promise<boolean> {
    const fetched = await this.#fetch(peer, height);
    if (fetched === undefined) return false;
    const { tip } = participant;
    // It may have come near by itself meanwhile.
    if (tip.parent.height + 1 >= height) return false;
    if (bytesEqual(fetched.block.header.validatorsHash, tip.committee.hash)) {
      return this.#judge(tip, peer, fetched);
    }
    await this.#help(participant);
    return false;
  }

  /** Gives consensus the next block, if somebody has it. */
  async #help(participant: RunningParticipant): Promise<void> {
    const height = participant.tip.parent.height + 1;
    const [peer] = this.#peers.above(height - 1);
    const fetched = peer && (await this.#fetch(peer, height));
    if (peer === undefined || fetched === undefined || participant !== this.#participant) return;
    const { tip } = participant;
    if (tip.parent.height + 1 !== height || !this.#judge(tip, peer, fetched)) return;
    participant.receive(peer.id, { kind: 'commit', commit: fetched.commit });
    participant.receive(peer.id, { kind: 'block', block: fetched.block });
  }

  /** Whether a block was committed by the validators of a tip; if not, whoever gave it is blamed. */
  #judge(tip: ChainTip, peer: SyncPeer, { block, commit }: FinalBlock): boolean {
    const { height } = block.header;
    try {
      const expected = { height, blockId: blockId(block.header) };
      verifyExtendedCommit(tip.committee, tip.chainAt(height), commit, expected);
      return true;
    } catch (error) {
      if (!isFaultOfBlock(error)) throw error;
      this.#peers.blame(peer, commitWrong(height, error));
      return false;
    }
  }

  async #fetch(peer: SyncPeer, height: number): Promise<FinalBlock | undefined> {
    if (!peer.requests.take(1)) return undefined;
    try {
      const fetched = await askPeer(this.#parts.network, peer.id, async (asking) => {
        for await (const block of askBlocks(asking, { firstHeight: height, count: 1 })) return block;
        return undefined;
      });
      if (fetched === undefined) await this.#peers.withheld(peer, height);
      return fetched;
    } catch (error) {
      if (!isTyped(error)) throw error;
      this.#peers.distrust(peer);
      return undefined;
    }
  }

  async #wait(delayMs: number): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return;
    let alarm: Alarm | undefined;
    let onAbort = (): void => undefined;
    await new Promise<void>((resolve) => {
      onAbort = resolve;
      signal.addEventListener('abort', onAbort);
      alarm = this.#clock.setTimer(delayMs, resolve);
    });
    signal.removeEventListener('abort', onAbort);
    alarm?.cancel();
  }
}
