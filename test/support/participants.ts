import assert from 'node:assert/strict';
import type { Folder } from '../../consensus/disk/disk.js';
import { decodeMessage, encodeMessage, type Message, type SignedVote } from '../../consensus/messages.js';
import { nextTick } from './next-tick.js';
import { synchronousEngine, type SignatureEngine } from '../../consensus/votes/engine.js';
import { openParticipant } from '../../node/consensus/open-participant.js';
import { proposerOf } from '../../consensus/proposer.js';
import { draftBlock, makeBlock, type LocalBlock } from '../../node/consensus/block-execution.js';
import type { Participant } from '../../node/consensus/participant.js';
import type { TransactionSource } from '../../node/consensus/surroundings.js';
import { bytesEqual } from '../../protocol/bytes.js';
import type { OgpuError } from '../../protocol/errors.js';
import type { ExtendedCommit } from '../../protocol/types/commit.js';
import {
  beaconSignBytes,
  extensionSignBytes,
  proposalSignBytes,
  voteSignBytes,
} from '../../protocol/sign-bytes.js';
import type { VoteExtension } from '../../protocol/types/extension.js';
import { NO_ROUND, type ProposalPayload } from '../../protocol/types/proposal.js';
import { isNilBlockId, PRECOMMIT, type VoteKind, type VotePayload } from '../../protocol/types/vote.js';
import type { Block } from '../../protocol/types/block.js';
import { blockId } from '../../protocol/types/header.js';
import { SimulatedStore } from '../sim/consensus/disk.js';
import { simulatedChain, type SimulatedChain, type SimulatedValidator } from '../sim/consensus/chain.js';
import { SimulatedTransactions } from '../sim/consensus/transactions.js';
import { SimulatedDisk } from '../sim/disk.js';
import { HandClock } from './hand-clock.js';
import { createPrng } from './prng.js';

/** A message on its way. */
export interface Parcel {
  readonly from: number;
  /** Undefined: to everybody. */
  readonly to: number | undefined;
  readonly message: Message;
}

/** What a test may change of a node's surroundings. */
export interface NodeOptions {
  readonly signatures?: SignatureEngine;
  readonly transactions?: (real: SimulatedTransactions) => TransactionSource;
  readonly isWatcher?: boolean;
  readonly resumesAtOnce?: boolean;
  /** Another key than the ledger has for the validator. */
  readonly secretKey?: Uint8Array;
}

/** A real participant whose network, clock and disk a test holds in its hands. */
export class HandNode {
  readonly town: Town;
  readonly index: number;
  readonly store: SimulatedStore;
  disk = new SimulatedDisk({ prng: createPrng(1) });
  transactions: SimulatedTransactions;
  readonly sent: Parcel[] = [];
  readonly blamed: { peer: string; error: OgpuError }[] = [];
  readonly warnings: OgpuError[] = [];
  readonly stops: unknown[] = [];
  readonly finals: { local: LocalBlock; commit: ExtendedCommit }[] = [];
  extension: Uint8Array = new Uint8Array(0);
  #participant: Participant | undefined;
  #hasSigner = false;
  #evidenceFolder: Folder | undefined;

  constructor(town: Town, index: number) {
    this.town = town;
    this.index = index;
    this.store = new SimulatedStore(town.chain.store.snapshot(), () => Promise.resolve());
    this.transactions = this.#pool();
  }

  get participant(): Participant {
    assert.ok(this.#participant, 'the node is open');
    return this.#participant;
  }

  get evidenceFolder(): Folder {
    assert.ok(this.#evidenceFolder, 'the node was open');
    return this.#evidenceFolder;
  }

  get isOpen(): boolean {
    return this.#participant !== undefined;
  }

  get height(): number {
    return this.participant.tip.parent.height;
  }

  get validator(): SimulatedValidator {
    return this.town.validator(this.index);
  }

  async open({
    signatures,
    transactions,
    isWatcher = false,
    resumesAtOnce = false,
    secretKey = this.validator.blsSecretKey,
  }: NodeOptions = {}): Promise<void> {
    const { bls } = this.town.chain;
    const { id } = this.validator;
    const key = {
      publicKey: bls.publicKey(secretKey),
      sign: (message: Uint8Array) => bls.sign(secretKey, message),
    };
    const { folder } = this.disk.openFolder('signer');
    this.#evidenceFolder = this.disk.openFolder('evidence').folder;
    this.#participant = await openParticipant({
      store: this.store,
      bls,
      logFolder: this.disk.openFolder('wal').folder,
      evidenceFolder: this.evidenceFolder,
      validator: isWatcher ? undefined : { id, key, folder, create: !this.#hasSigner },
      randomBytes: (length) => new Uint8Array(length).fill(this.index + 1),
      signatures: signatures ?? synchronousEngine(bls),
      network: {
        broadcast: (message) => this.#post(undefined, message),
        send: (peer, message) => this.#post(Number(peer), message),
        sendToValidator: (validator, message) =>
          this.#post(
            this.town.chain.validators.findIndex((other) => bytesEqual(other.id, validator)),
            message,
          ),
        blame: (peer, error) => this.blamed.push({ peer, error }),
      },
      clock: {
        nowMs: () => this.town.clock.nowMs,
        setTimer: (delayMs, run) => this.town.clock.setTimer(delayMs, run),
      },
      transactions: transactions?.(this.transactions) ?? this.transactions,
      extensionContent: () => this.extension,
      checkInvariants: true,
      resumesAtOnce,
      onFinal: (local, commit) => this.finals.push({ local, commit }),
      onWarning: (error) => this.warnings.push(error),
      onStop: (error) => this.stops.push(error),
    });
    this.#hasSigner = true;
    await nextTick();
  }

  /** Pulls the plug, or only kills the process; the node comes back with what its disk and store hold. */
  async restart(options: NodeOptions = {}): Promise<void> {
    await this.participant.close();
    this.disk = this.disk.crash('power', { prng: createPrng(2) });
    this.transactions = this.#pool();
    await this.open(options);
  }

  async receive(message: Message, from = 99): Promise<void> {
    this.participant.receive(String(from), decodeMessage(encodeMessage(message)));
    await nextTick();
  }

  /** What it has voted at a height: its latest vote of a kind. */
  vote(kind: VoteKind, height: number): SignedVote | undefined {
    return this.sent
      .flatMap(({ message }) => (message.kind === 'vote' ? [message.vote] : []))
      .filter(({ vote }) => vote.kind === kind && vote.payload.height === height)
      .filter(({ vote }) => bytesEqual(vote.validator, this.validator.id))
      .at(-1);
  }

  #post(to: number | undefined, message: Message): void {
    const parcel = { from: this.index, to, message };
    this.sent.push(parcel);
    this.town.mail.push(parcel);
  }

  #pool(): SimulatedTransactions {
    return new SimulatedTransactions(
      this.store,
      this.town.chain.genesis.chainId,
      () => this.town.clock.nowMs,
    );
  }
}

/** Nodes of one chain, and what is on its way between them. */
export class Town {
  readonly chain: SimulatedChain;
  readonly clock = new HandClock();
  readonly mail: Parcel[] = [];
  readonly nodes: readonly HandNode[];
  /** What becomes of a message to a node; none of it, where it is lost. */
  deliver: (parcel: Parcel, to: number) => readonly Message[] = ({ message }) => [message];

  private constructor(chain: SimulatedChain) {
    this.chain = chain;
    this.nodes = chain.validators.map((_, index) => new HandNode(this, index));
  }

  static async create(validators: number, isReal = false): Promise<Town> {
    return new Town(await simulatedChain(validators, isReal));
  }

  node(index: number): HandNode {
    const node = this.nodes[index];
    assert.ok(node, 'there is such a node');
    return node;
  }

  validator(index: number): SimulatedValidator {
    const validator = this.chain.validators[index];
    assert.ok(validator, 'there is such a validator');
    return validator;
  }

  /** Who proposes round 0 of the height after a node's tip, and an empty block it could send; nothing is said yet. */
  proposalFor(node: HandNode): { readonly proposer: number; readonly local: LocalBlock } {
    const { tip } = node.participant;
    const height = tip.parent.height + 1;
    const drawn = proposerOf(this.chain.genesis.chainId, tip.committee.set, tip.previousBeacon, 0);
    const proposer = this.chain.validators.findIndex(({ id }) => bytesEqual(id, drawn.id));
    const draft = draftBlock(tip, {
      proposer: drawn.id,
      round: 0,
      timeMs: Math.max(this.clock.nowMs, tip.parent.timeMs + 1),
      reveal: this.sign(proposer, beaconSignBytes(this.identity, height, tip.previousBeacon)),
      parentCommit: tip.commit,
      lateExtensions: [],
      evidence: [],
      transactions: [],
      extraData: new Uint8Array(0),
    });
    return { proposer, local: makeBlock(node.store, tip, draft) };
  }

  async openAll(): Promise<void> {
    for (const node of this.nodes) await node.open();
  }

  /** Delivers all that is on its way, and what that leads to, at this moment of the clock. */
  async settle(): Promise<void> {
    await nextTick();
    for (let steps = 0; this.mail.length > 0; steps++) {
      assert.ok(steps < 10_000, 'messages come to an end');
      for (const parcel of this.mail.splice(0)) {
        for (const { index, isOpen, participant } of this.nodes.filter((node) => node.isOpen)) {
          if (!isOpen || index === parcel.from || (parcel.to ?? index) !== index) continue;
          for (const message of this.deliver(parcel, index)) {
            participant.receive(String(parcel.from), decodeMessage(encodeMessage(message)));
          }
        }
      }
      await nextTick();
    }
  }

  /** Lets time pass until something holds. */
  async runUntil(holds: () => boolean, mostAlarms = 2_000): Promise<void> {
    await this.settle();
    for (let alarms = 0; !holds(); alarms++) {
      assert.ok(alarms < mostAlarms, 'it comes to pass');
      this.clock.fireNext();
      await this.settle();
    }
  }

  /** Until every open node is at a height. */
  async runTo(height: number, nodes: readonly HandNode[] = this.nodes): Promise<void> {
    await this.runUntil(() => nodes.every((node) => node.height >= height));
  }

  /** A signature under a validator's key, whatever it is for. */
  sign(index: number, message: Uint8Array): Uint8Array {
    return this.chain.bls.sign(this.validator(index).blsSecretKey, message);
  }

  signVote(index: number, kind: VoteKind, payload: VotePayload, content = new Uint8Array(0)): SignedVote {
    const { id: validator } = this.validator(index);
    const signature = this.sign(index, voteSignBytes(this.identity, kind, payload));
    const hasExtension = kind === PRECOMMIT && !isNilBlockId(payload.blockId);
    const { height, round } = payload;
    return {
      vote: { kind, payload, validator, signature },
      extension: hasExtension ? [this.signExtension(index, { height, round, content })] : [],
    };
  }

  signExtension(index: number, payload: VoteExtension['payload']): VoteExtension {
    const signature = this.sign(index, extensionSignBytes(this.identity, payload));
    return { payload, validator: this.validator(index).id, signature };
  }

  /** A fresh proposal of a block, of its header's round. */
  signProposal(index: number, { header }: Block, change: Partial<ProposalPayload> = {}): Message {
    const payload = {
      ...{ height: header.height, round: header.round, validRound: NO_ROUND, blockId: blockId(header) },
      ...change,
    };
    const signature = this.sign(index, proposalSignBytes(this.identity, payload));
    const proposal = { payload, proposer: this.validator(index).id, signature };
    return { kind: 'proposal', proposal: { proposal, header } };
  }

  get identity(): { chainId: number; genesisId: Uint8Array; protocolVersion: number } {
    const { chainId, genesisId } = this.chain.genesis;
    return { chainId, genesisId, protocolVersion: 1 };
  }
}
