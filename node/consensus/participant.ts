import type { BlockPremise } from '../../consensus/compact-block.js';
import type { EffectOf } from '../../consensus/engine/effect.js';
import { ConsensusEngine } from '../../consensus/engine/engine.js';
import type { HeightContext, Input, Timer } from '../../consensus/engine/input.js';
import type { EncodedRecord } from '../../consensus/engine/record.js';
import { Runner, type HeightLog, type Host, type HostEffect } from '../../consensus/engine/runner.js';
import { EvidencePool, type EvidenceArchive } from '../../consensus/evidence-pool.js';
import type { Message } from '../../consensus/messages.js';
import { proposerOf } from '../../consensus/proposer.js';
import type { SignatureEngine } from '../../consensus/votes/engine.js';
import { OgpuError } from '../../protocol/errors.js';
import { bytesEqual } from '../../protocol/bytes.js';
import { invariant } from '../../protocol/invariant.js';
import type { Block } from '../../protocol/types/block.js';
import type { ExtendedCommit } from '../../protocol/types/commit.js';
import type { VoteExtension } from '../../protocol/types/extension.js';
import type { Evidence } from '../../protocol/types/evidence.js';
import { isNilBlockId, PRECOMMIT } from '../../protocol/types/vote.js';
import { isPunishable } from '../../state/staking/evidence.js';
import type { Store } from '../../state/store/store.js';
import { BlockWorkshop } from './block-workshop.js';
import { premiseOf, type BlockDraft, type LocalBlock } from './block-execution.js';
import { momentAfter, nextTip, type ChainTip } from './chain-tip.js';
import type { AssembledBody } from './block-assembly.js';
import { Inbox } from './inbox.js';
import { silentUnlessKnown, type Signatory } from './signatory.js';
import { storedBlock, storedCommit, writeBlock } from './stored-blocks.js';
import type { Alarm, Clock, ConsensusNetwork, TransactionSource } from './surroundings.js';

/** What clocks can wait for at once; a clock that is so far behind is looked at again. */
const MAX_ALARM_MS = 60_000;

/** A node's part in consensus stopped: it must not go on as it is. */
export class ConsensusStoppedError extends OgpuError<'CONSENSUS_DIVERGED'> {}

export interface ParticipantParts {
  readonly store: Store;
  readonly tip: ChainTip;
  /** The validator this node signs for, closed with the participant; undefined for a node that only follows. */
  readonly signatory: Signatory | undefined;
  /** Closed with the participant. */
  readonly log: HeightLog & { close(): Promise<void> };
  /** Where evidence outlasts a restart. */
  readonly evidenceArchive: EvidenceArchive & { whenIdle(): Promise<void> };
  readonly signatures: SignatureEngine;
  readonly network: ConsensusNetwork;
  readonly clock: Clock;
  readonly transactions: TransactionSource;
  /** Content of this node's next vote extension. */
  readonly extensionContent?: (height: number, blockId: Uint8Array) => Uint8Array;
  /** Whether a block is needed for more than transactions. */
  readonly hasOwnWork?: () => boolean;
  /** The idle interval of the first height counts from the parent's time: a chain that nobody went on with goes on at once. */
  readonly resumesAtOnce?: boolean;
  /** Runs the ledger's invariants after every block. */
  readonly checkInvariants?: boolean;
  readonly onFinal?: (local: LocalBlock, commit: ExtendedCommit) => void;
  readonly onWarning?: (error: OgpuError) => void;
  readonly onStop: (error: unknown) => void;
}

/** Takes part in consensus on one ledger: gives the engine its messages, and performs what it asks for. */
export class Participant implements Host {
  readonly #parts: ParticipantParts;
  readonly #runner: Runner;
  readonly #engine: ConsensusEngine;
  readonly #inbox: Inbox;
  readonly #workshop: BlockWorkshop;
  readonly #evidence: EvidencePool;
  readonly #alarms = new Map<string, Alarm>();
  #tip: ChainTip;
  /** Blocks being made and checked; none rejects. */
  readonly #background = new Set<Promise<void>>();
  #isStopped = false;

  constructor(given: ParticipantParts) {
    const parts = {
      ...given,
      signatory: given.signatory && silentUnlessKnown(given.signatory, () => this.#tip.committee),
    };
    this.#parts = parts;
    this.#tip = parts.tip;
    this.#evidence = new EvidencePool(parts.evidenceArchive);
    this.#engine = new ConsensusEngine(parts.signatory?.id);
    const silent = { sign: () => Promise.resolve(null) };
    const signer = parts.signatory ?? silent;
    this.#runner = new Runner({ engine: this.#engine, log: parts.log, signer, host: this });
    const isVerified = (extension: VoteExtension): boolean => this.#engine.hasVerified(extension);
    this.#workshop = new BlockWorkshop({ ...parts, isVerified }, this.#evidence);
    this.#inbox = new Inbox({
      ...parts,
      engine: this.#engine,
      evidence: this.#evidence,
      submit: (input) => this.#runner.submit(input),
      help: (peer, height) => {
        this.#help(peer, height);
      },
      finalBlock: (height) => storedBlock(parts.store, height),
      findTransaction: (shortId) => parts.transactions.find(shortId),
      anticipate: (premise, assembled) => {
        this.#anticipate(premise, assembled);
      },
      isPunishable: (offence) => isPunishable(parts.store, momentAfter(this.#tip), offence),
    });
    parts.transactions.onWork = () => {
      this.noticeWork();
    };
  }

  /** The last final block. */
  get tip(): ChainTip {
    return this.#tip;
  }

  get engine(): ConsensusEngine {
    return this.#engine;
  }

  /**
   * @param recovered what the log holds of the height after the tip; undefined where it holds nothing
   * @param silentBelow see `Runner.start`
   * @param evidence that waited for a block before
   */
  async start(
    recovered: readonly EncodedRecord[] | undefined,
    silentBelow = 0,
    evidence: readonly Evidence[] = [],
  ): Promise<void> {
    this.#inbox.open(this.#tip);
    this.#inbox.recallEvidence(evidence);
    await this.#runner.start(this.#contextOf(this.#tip), recovered, silentBelow);
    if (this.#isStopped) return;
    const height = this.#tip.parent.height + 1;
    this.#parts.network.broadcast({ kind: 'wantCommit', wantCommit: { height } });
    this.#beginHeight();
  }

  /** Takes no further part. What is in progress may still end; `close` waits for it. */
  stop(): void {
    this.#isStopped = true;
    this.#runner.stop();
    this.#inbox.stop();
    this.#cancelAlarms();
    this.#parts.transactions.onWork = undefined;
  }

  /** Stops, and resolves when nothing touches the store, the log or the signer any more; log and signer are closed then. */
  async close(): Promise<void> {
    this.stop();
    await this.#runner.whenIdle();
    await Promise.allSettled(this.#background);
    await this.#parts.evidenceArchive.whenIdle();
    await this.#parts.log.close();
    await this.#parts.signatory?.close();
  }

  /** Takes a message from a peer. Never throws: what is wrong with it is the peer's trouble, a store that fails is this node's. */
  receive(peer: string, message: Message): void {
    if (this.#isStopped) return;
    try {
      this.#inbox.receive(peer, message);
    } catch (error) {
      this.fail(error);
    }
  }

  /** There is a reason for the next block. */
  noticeWork(): void {
    if (!this.#isStopped) this.#runner.submit({ kind: 'work' });
  }

  disconnected(peer: string): void {
    this.#inbox.forgetPeer(peer);
  }

  extensionContent({ payload }: EffectOf<'sign-precommit'>): Uint8Array | undefined {
    if (isNilBlockId(payload.blockId)) return undefined;
    return this.#parts.extensionContent?.(payload.height, payload.blockId) ?? new Uint8Array(0);
  }

  async decide({ block, id, precommits }: EffectOf<'decide'>): Promise<void> {
    const { store, transactions, onFinal } = this.#parts;
    const local = await this.#workshop.executed(this.#tip, id, block);
    invariant(local !== undefined, 'one block after the other is decided');
    const commit = this.#workshop.commitOf(this.#tip, precommits);
    await writeBlock(store, this.#workshop.batch(local), block.header.height, commit);
    await this.#guardKey(block, commit);
    const { height, timeMs } = block.header;
    const parent = { height, id, timeMs, extensions: block.body.parentExtensions };
    this.#tip = nextTip(store, this.#tip, parent, commit);
    this.#workshop.forget(this.#tip);
    transactions.onBlock(local.transactionHashes, local.executed.outcome.changes);
    onFinal?.(local, commit);
    if (this.#isStopped) return;
    this.#inbox.open(this.#tip);
    this.#runner.submit({ kind: 'start', context: this.#contextOf(this.#tip) });
  }

  /** Before anything more is signed: the commit as it is known here, and that of the parent as everybody has it. */
  async #guardKey({ body }: Block, { commit }: ExtendedCommit): Promise<void> {
    const { committee, parentCommittee } = this.#tip;
    const { signatory } = this.#parts;
    await signatory?.guard({ commit, validators: committee.set });
    if (parentCommittee === undefined) return;
    await signatory?.guard({ commit: body.parentCommit, validators: parentCommittee.set });
  }

  handled(input: Input): void {
    this.#inbox.handled(input);
    if (input.kind === 'start') this.#beginHeight();
  }

  perform(effect: HostEffect): void {
    const { network } = this.#parts;
    switch (effect.kind) {
      case 'timer':
        this.#setAlarm(nameOf(effect.timer), this.#delayOf(effect), () => {
          this.#runner.submit({ kind: 'timer', timer: effect.timer });
        });
        return;
      case 'cancel-timers':
        this.#cancelAlarms();
        return;
      case 'build':
        this.#inBackground(this.#build(effect));
        return;
      case 'validate':
        this.#inBackground(this.#validate(effect));
        return;
      case 'fetch':
        this.#inbox.blocks.fetch(effect.height, effect.id);
        return;
      case 'broadcast':
        this.#broadcast(effect.message);
        return;
      case 'send':
        network.send(effect.to, effect.message);
        return;
      case 'share-polka':
        network.broadcast({ kind: 'polka', polka: this.#workshop.polkaOf(this.#tip, effect.votes) });
        return;
      case 'notify-proposer':
        this.#setAlarm('notify', NOTIFY_AFTER_MS, () => {
          if (this.#engine.height !== effect.height) return;
          network.sendToValidator(effect.proposer, { kind: 'work', work: { height: effect.height } });
        });
        return;
      case 'evidence':
        this.#inbox.keepEvidence(effect.contradiction);
        return;
      case 'diverged':
        this.fail(
          new ConsensusStoppedError('CONSENSUS_DIVERGED', 'the chain has committed what is invalid here', {
            height: effect.height,
          }),
        );
        return;
    }
  }

  warn(error: OgpuError): void {
    this.#parts.onWarning?.(error);
  }

  /** The node must not go on. What fails in a node that has stopped is of no interest any more. */
  fail(error: unknown): void {
    if (this.#isStopped) return;
    this.stop();
    this.#parts.onStop(error);
  }

  #delayOf({ timer, delayMs }: EffectOf<'timer'>): number {
    const { tip, clock, resumesAtOnce = false } = this.#parts;
    // Of the first height alone: a clock that is fast must not do away with every interval.
    if (!resumesAtOnce || timer.kind !== 'idle' || this.#tip !== tip) return delayMs;
    return Math.max(0, Math.min(delayMs, tip.parent.timeMs + delayMs - clock.nowMs()));
  }

  #broadcast(message: Message): void {
    this.#prepareAfter(message);
    if (message.kind !== 'block') this.#parts.network.broadcast(message);
    else this.#inbox.blocks.shareBlock(message.block, this.#workshop.transactionHashes(message.block));
  }

  #beginHeight(): void {
    if (this.#parts.transactions.hasWork || this.#parts.hasOwnWork?.() === true) this.noticeWork();
    this.#inbox.takeFuture();
  }

  #contextOf(tip: ChainTip): HeightContext {
    const { params, committee, parent, previousBeacon } = tip;
    const height = parent.height + 1;
    const { chainId } = tip.chainAt(height);
    return {
      height,
      validators: committee.set,
      params: params.consensus,
      proposerOf: (round) => proposerOf(chainId, committee.set, previousBeacon, round).id,
    };
  }

  async #build(effect: EffectOf<'build'>): Promise<void> {
    const { clock, signatory } = this.#parts;
    const tip = this.#tip;
    invariant(
      signatory !== undefined && effect.height === tip.parent.height + 1,
      'only who signs builds, on the tip',
    );
    const earlyMs = tip.parent.timeMs + 1 - clock.nowMs();
    if (earlyMs > 0) {
      const again = (): void => {
        if (this.#tip === tip) this.#inBackground(this.#build(effect));
      };
      this.#setAlarm('build', Math.min(earlyMs, MAX_ALARM_MS), again);
      return;
    }
    const draft = await this.#workshop.draft(tip, effect, signatory, clock.nowMs());
    if (draft === undefined || this.#tip !== tip || this.#isStopped) return;
    this.#inbox.blocks.shareBody(premiseOf(effect.height, draft), draft.body, draft.transactionHashes);
    // The network gets its turn: execution takes the thread for as long as a message takes around the world.
    this.#setAlarm('build', 0, () => {
      if (this.#tip === tip) this.#inBackground(Promise.resolve().then(() => this.#execute(effect, draft)));
    });
  }

  #execute({ height, round }: EffectOf<'build'>, draft: BlockDraft): void {
    const local = this.#workshop.build(this.#tip, draft);
    if (local === undefined) return;
    const { id, block } = local;
    this.#runner.submit({ kind: 'built', height, round, id, block });
  }

  /** Whoever has precommitted a block waits for the others: nobody waits for it meanwhile. */
  #prepareAfter(message: Message): void {
    if (message.kind !== 'vote' || message.vote.vote.kind !== PRECOMMIT) return;
    const { payload, validator } = message.vote.vote;
    const isOwn = bytesEqual(validator, this.#parts.signatory?.id ?? NOBODY);
    if (isOwn && payload.height === this.#tip.parent.height + 1) this.#prepareLater(payload.blockId);
  }

  #prepareLater(id: Uint8Array): void {
    if (this.#isStopped) return;
    this.#setAlarm('prepare', PREPARE_AFTER_MS, () => {
      this.#workshop.prepare(id);
    });
  }

  /** Executes what the proposer of this round is executing too. */
  #anticipate(premise: BlockPremise, assembled: AssembledBody): void {
    const round = this.#engine.current?.driver.state.round ?? 0;
    const isNext = premise.height === this.#tip.parent.height + 1 && premise.round === Math.max(0, round);
    if (isNext) this.#inBackground(this.#workshop.anticipate(this.#tip, premise, assembled));
  }

  async #validate({ height, id, block }: EffectOf<'validate'>): Promise<void> {
    const validity = await this.#workshop.validate(this.#tip, id, block);
    if (validity === undefined) return;
    this.#runner.submit({ kind: 'validated', height, id, validity });
    if (validity === 'valid' && this.#parts.signatory === undefined) this.#prepareLater(id);
  }

  /** What fails there is a fault of this node. */
  #inBackground(work: Promise<void>): void {
    const done = work
      .catch((error: unknown) => {
        this.fail(error);
      })
      .finally(() => this.#background.delete(done));
    this.#background.add(done);
  }

  #help(peer: string, height: number): void {
    const { network, store } = this.#parts;
    const [commit, block] = [storedCommit(store, height), storedBlock(store, height)];
    if (commit === undefined || block === undefined) return;
    network.send(peer, { kind: 'commit', commit });
    network.send(peer, { kind: 'block', block });
  }

  /** One alarm of a name at a time: a new one takes the place of the one before. */
  #setAlarm(name: string, delayMs: number, run: () => void): void {
    this.#alarms.get(name)?.cancel();
    const alarm = this.#parts.clock.setTimer(delayMs, () => {
      this.#alarms.delete(name);
      run();
    });
    this.#alarms.set(name, alarm);
  }

  #cancelAlarms(): void {
    for (const alarm of this.#alarms.values()) alarm.cancel();
    this.#alarms.clear();
  }
}

/** What makes the work reaches the proposer by itself, as a rule; told before it has come, the proposer would make an empty block. */
const NOTIFY_AFTER_MS = 30;

/** Enough to send a vote. */
const PREPARE_AFTER_MS = 20;
const NOBODY = new Uint8Array(0);

function nameOf(timer: Timer): string {
  return 'round' in timer ? `${timer.kind} ${timer.round}` : timer.kind;
}
