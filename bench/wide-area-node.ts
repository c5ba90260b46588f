import type { EffectOf } from '../consensus/engine/effect.js';
import { ConsensusEngine } from '../consensus/engine/engine.js';
import type { Input, Timer } from '../consensus/engine/input.js';
import { Runner, type Host, type HostEffect, type Signed } from '../consensus/engine/runner.js';
import { EvidencePool } from '../consensus/evidence-pool.js';
import { encodeMessage, type Message } from '../consensus/messages.js';
import { assemblePolka } from '../consensus/polka.js';
import { proposerOf } from '../consensus/proposer.js';
import type { SignatureEngine } from '../consensus/votes/engine.js';
import { extendedCommitOf } from '../node/consensus/block-execution.js';
import type { NamedTransaction } from '../node/consensus/block-assembly.js';
import type { ChainTip } from '../node/consensus/chain-tip.js';
import { Inbox } from '../node/consensus/inbox.js';
import type { Alarm } from '../node/consensus/surroundings.js';
import { bytesEqual, concatBytes, toHex } from '../protocol/bytes.js';
import { sha256 } from '../protocol/crypto/hash.js';
import { proposalSignBytes, voteSignBytes } from '../protocol/sign-bytes.js';
import { bodyRoots, type Body } from '../protocol/types/body.js';
import { emptyCommit } from '../protocol/types/commit.js';
import type { Block } from '../protocol/types/block.js';
import { blockId } from '../protocol/types/header.js';
import { PRECOMMIT, PREVOTE } from '../protocol/types/vote.js';
import { hashBls } from '../test/sim/consensus/hash-bls.js';
import type { Scheduler } from '../test/sim/scheduler.js';
import { MILLISECOND_US } from '../test/sim/units.js';
import { TEST_CHAIN, type TestMember } from '../test/support/committee.js';
import { createPrng } from '../test/support/prng.js';
import { SAMPLES } from '../test/support/samples.js';
import type { Costs } from './consensus-costs.js';

/** What a node is given of the world, and tells it. */
export interface World {
  readonly scheduler: Scheduler;
  readonly costs: Costs;
  readonly members: readonly TestMember[];
  readonly firstTip: ChainTip;
  readonly envelopes: readonly Uint8Array[];
  readonly envelopeHashes: readonly Uint8Array[];
  hashesOf(block: Pick<Block, 'body'>): readonly Uint8Array[];
  /** Transactions of a block that have to be verified first. */
  unknownTo(node: number): number;
  /** What is in a node's pool. */
  find(node: number, shortId: Uint8Array): NamedTransaction | undefined;
  send(from: number, to: number, packet: Packet): void;
  observe(node: number, event: 'building' | 'proposing' | 'final' | 'resend', height: number): void;
}

/** A message and its size on the wire: encoded once, however many it goes to. */
export interface Packet {
  readonly message: Message;
  readonly sizeBytes: number;
}

/** Assumed: one flush of a data-centre disk, and each further megabyte. */
const FSYNC_US = 2_000;
const WRITE_US_PER_BYTE = 0.001;

/** Assumed: the system call of one message, either way, and encryption at a gigabyte a second. */
const PACKET_US = 8;
const CIPHER_US_PER_BYTE = 0.001;

/** As a participant waits between its vote and making the batch of the block. */
const PREPARE_AFTER_MS = 20;

/** A core that does one thing after the other. */
class Core {
  readonly #scheduler: Scheduler;
  #freeAtUs = 0;
  busyUs = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  run(costUs: number, task: () => void): void {
    const us = Math.ceil(costUs);
    this.busyUs += us;
    this.#freeAtUs = Math.max(this.#scheduler.nowUs, this.#freeAtUs) + us;
    this.#scheduler.at(this.#freeAtUs, task);
  }

  wait(costUs: number): Promise<void> {
    return new Promise((resolve) => {
      this.run(costUs, resolve);
    });
  }
}

/** One validator: engine, runner, inbox and verifier of the real node; signatures, ledger and disk are their costs. */
export class WideAreaNode implements Host {
  readonly main: Core;
  readonly worker: Core;
  readonly #disk: Core;
  readonly #world: World;
  readonly #index: number;
  readonly #member: TestMember;
  readonly #engine: ConsensusEngine;
  readonly #runner: Runner;
  readonly #inbox: Inbox;
  readonly #alarms = new Map<string, Alarm>();
  #tip: ChainTip;
  #lastBlock: Block | undefined;
  #prepared: Block | undefined;
  #anticipated:
    { readonly height: number; readonly root: string; readonly executed: Promise<void> } | undefined;
  #unsyncedBytes = 0;

  constructor(world: World, index: number) {
    this.#world = world;
    this.#index = index;
    this.main = new Core(world.scheduler);
    this.worker = new Core(world.scheduler);
    this.#disk = new Core(world.scheduler);
    const member = world.members[index];
    if (member === undefined) throw new RangeError('a node is a member');
    this.#member = member;
    this.#tip = world.firstTip;
    this.#engine = new ConsensusEngine(member.id);
    this.#runner = new Runner({ engine: this.#engine, log: this.#log(), signer: this, host: this });
    this.#inbox = new Inbox({
      engine: this.#engine,
      evidence: new EvidencePool(),
      signatures: this.#signatures(),
      network: {
        broadcast: (message) => {
          this.#broadcast(message);
        },
        send: (peer, message) => {
          this.#sendTo([Number(peer)], message);
        },
        sendToValidator: (id, message) => {
          this.#sendTo([world.members.findIndex((one) => bytesEqual(one.id, id))], message);
        },
        blame: (_peer, error) => {
          throw error;
        },
      },
      clock: { nowMs: () => this.#nowMs(), setTimer: (delayMs, run) => this.#setTimer(delayMs, run) },
      submit: (input) => this.#runner.submit(input),
      help: () => undefined,
      isPunishable: () => false,
      findTransaction: (shortId) => world.find(index, shortId),
      anticipate: (premise, { body }) => {
        this.#anticipate(premise.height, body);
      },
      finalBlock: (height) => (this.#lastBlock?.header.height === height ? this.#lastBlock : undefined),
    });
  }

  async start(): Promise<void> {
    this.#inbox.open(this.#tip);
    await this.#runner.start(this.#context(), undefined);
    this.#runner.submit({ kind: 'work' });
  }

  receive(from: number, { message, sizeBytes }: Packet): void {
    const wireUs = PACKET_US + sizeBytes * CIPHER_US_PER_BYTE;
    this.main.run(wireUs + readingUs(this.#world.costs, message), () => {
      this.#inbox.receive(String(from), message);
    });
  }

  extensionContent(): Uint8Array {
    return new Uint8Array(0);
  }

  async sign(effect: EffectOf<'sign-proposal' | 'sign-prevote' | 'sign-precommit'>): Promise<Signed> {
    const { payload } = effect;
    const isExtended = effect.kind === 'sign-precommit' && payload.blockId.some((byte) => byte !== 0);
    await this.main.wait((isExtended ? 2 : 1) * this.#world.costs.signUs);
    // The signer's record.
    await this.#disk.wait(FSYNC_US);
    const member = this.#member;
    if (effect.kind === 'sign-proposal') {
      return { signature: member.sign(proposalSignBytes(TEST_CHAIN, effect.payload)), extension: null };
    }
    const kind = effect.kind === 'sign-prevote' ? PREVOTE : PRECOMMIT;
    const signature = member.sign(voteSignBytes(TEST_CHAIN, kind, payload));
    const { height, round } = payload;
    const place = { height, round, content: new Uint8Array(0) };
    return { signature, extension: isExtended ? member.extension(place) : null };
  }

  async decide({ block, id, precommits }: EffectOf<'decide'>): Promise<void> {
    const { costs } = this.#world;
    const votes = precommits.votes.length;
    const count = block.body.transactions.length;
    const assembleUs = costs.aggregateUs(votes);
    await this.main.wait(assembleUs + (this.#prepared === block ? 0 : count * costs.perTransaction.batchUs));
    const commit = extendedCommitOf(this.#tip.committee, TEST_CHAIN, precommits);
    await this.#disk.wait(FSYNC_US + 2 * sizeOf(block) * WRITE_US_PER_BYTE);
    const { height, timeMs } = block.header;
    const { committee, parentCommittee } = this.#tip;
    this.#tip = {
      ...this.#tip,
      parent: { height, id, timeMs, extensions: block.body.parentExtensions },
      // Of the height alone: the same validators propose whatever else changes.
      previousBeacon: sha256(Uint8Array.of(height)),
      commit,
      parentCommittee: committee,
      grandparentCommittee: parentCommittee,
    };
    this.#lastBlock = block;
    this.#world.observe(this.#index, 'final', height);
    this.#inbox.open(this.#tip);
    this.#runner.submit({ kind: 'start', context: this.#context() });
    this.#runner.submit({ kind: 'work' });
  }

  handled(input: Input): void {
    this.#inbox.handled(input);
    if (input.kind === 'start') this.#inbox.takeFuture();
  }

  perform(effect: HostEffect): void {
    switch (effect.kind) {
      case 'timer':
        this.#setAlarm(effect.timer, effect.delayMs);
        return;
      case 'cancel-timers':
        for (const alarm of this.#alarms.values()) alarm.cancel();
        this.#alarms.clear();
        return;
      case 'build':
        this.#build(effect);
        return;
      case 'validate':
        this.#validate(effect);
        return;
      case 'fetch':
        this.#inbox.blocks.fetch(effect.height, effect.id);
        return;
      case 'broadcast':
        this.#prepareAfter(effect.message);
        if (effect.message.kind !== 'block') this.#broadcast(effect.message);
        else this.#inbox.blocks.shareBlock(effect.message.block, this.#world.hashesOf(effect.message.block));
        return;
      case 'send':
        this.#sendTo([Number(effect.to)], effect.message);
        return;
      case 'share-polka': {
        const votes = effect.votes.map(({ vote }) => vote);
        this.#broadcast({ kind: 'polka', polka: assemblePolka(this.#tip.committee, votes) });
        return;
      }
      case 'notify-proposer': {
        const to = this.#world.members.findIndex(({ id }) => bytesEqual(id, effect.proposer));
        this.#sendTo([to], { kind: 'work', work: { height: effect.height } });
        return;
      }
      case 'evidence':
        this.#inbox.keepEvidence(effect.contradiction);
        return;
      case 'diverged':
        throw new RangeError('honest nodes do not diverge');
    }
  }

  warn(error: Error): void {
    throw error;
  }

  fail(error: unknown): void {
    this.#world.scheduler.fail(error);
  }

  #nowMs(): number {
    return this.#world.firstTip.parent.timeMs + Math.floor(this.#world.scheduler.nowUs / MILLISECOND_US);
  }

  #context(): Parameters<Runner['start']>[0] {
    const { params, committee, parent, previousBeacon } = this.#tip;
    return {
      height: parent.height + 1,
      validators: committee.set,
      params: params.consensus,
      proposerOf: (round) => proposerOf(TEST_CHAIN.chainId, committee.set, previousBeacon, round).id,
    };
  }

  #log(): ConstructorParameters<typeof Runner>[0]['log'] {
    return {
      append: ({ payload }) => {
        this.#unsyncedBytes += payload.length;
      },
      sync: () => {
        const bytes = this.#unsyncedBytes;
        this.#unsyncedBytes = 0;
        return bytes === 0 ? Promise.resolve() : this.#disk.wait(FSYNC_US + bytes * WRITE_US_PER_BYTE);
      },
      // A new file in its folder.
      startHeight: () => this.#disk.wait(2 * FSYNC_US),
    };
  }

  /** On the second core; what it finds good the first one counts. */
  #signatures(): SignatureEngine {
    const { costs } = this.#world;
    return {
      findInvalid: (entries, message, done) => {
        this.worker.run(costs.verifyUs(entries.length), () => {
          const invalid = hashBls.findInvalid(entries, message);
          this.main.run(entries.length * costs.countVoteUs, () => {
            done(invalid);
          });
        });
      },
    };
  }

  #build({ height, round, parent }: EffectOf<'build'>): void {
    const { costs, envelopes, envelopeHashes } = this.#world;
    const tip = this.#tip;
    this.#world.observe(this.#index, 'building', height);
    const { executeUs, rootUs } = costs.perTransaction;
    const votes = parent?.votes.length ?? 0;
    this.main.run(costs.aggregateUs(votes) + costs.signUs, () => {
      if (tip !== this.#tip) return;
      const commit = parent && extendedCommitOf(tip.committee, TEST_CHAIN, parent);
      const body = {
        transactions: [...envelopes],
        evidence: [],
        parentCommit: commit?.commit ?? emptyCommit(),
        parentExtensions: [...(commit?.extensions ?? [])],
      };
      const { header, ...rest } = this.#draft(round, body);
      this.#inbox.blocks.shareBody(header, body, envelopeHashes);
      this.main.run(envelopes.length * (executeUs + rootUs), () => {
        if (tip !== this.#tip) return;
        const made = { id: blockId(header), block: { header, ...rest } };
        this.#runner.submit({ kind: 'built', height, round, ...made });
      });
    });
  }

  #draft(round: number, body: Body): Block {
    const { parent } = this.#tip;
    const height = parent.height + 1;
    const header = {
      ...SAMPLES.header(createPrng(height)),
      ...{ height, round, proposer: this.#member.id, parentId: parent.id },
      ...{ timeMs: this.#nowMs(), protocolVersion: 1, extraData: new Uint8Array(0) },
      ...bodyRoots(body, this.#world.envelopeHashes),
    };
    return { header, body };
  }

  /** What a participant does with a body whose header it has not got: everything but the comparison of what came out. */
  #anticipate(height: number, body: Body): void {
    if (this.#anticipated?.height === height) return;
    const { parentCommitRoot, transactionsRoot } = bodyRoots(body, this.#world.hashesOf({ body }));
    const root = toHex(concatBytes(parentCommitRoot, transactionsRoot));
    const executed = new Promise<void>((resolve) => {
      this.#execute(body, resolve);
    });
    this.#anticipated = { height, root, executed };
  }

  /** Checks and executes a body. */
  #execute(body: Body, done: () => void): void {
    const { costs } = this.#world;
    const { executeUs, hashUs, rootUs } = costs.perTransaction;
    const extensions = body.parentExtensions;
    const unverified = extensions.filter((extension) => !this.#engine.hasVerified(extension)).length;
    const checkUs =
      costs.verifyAggregateUs(extensions.length) + costs.verifyUs(unverified) + costs.verifyUs(1);
    const count = body.transactions.length;
    const unknown = Math.min(count, this.#world.unknownTo(this.#index));
    this.worker.run(unknown * costs.recoverSenderUs, () => {
      this.main.run(checkUs + count * (executeUs + hashUs + rootUs), done);
    });
  }

  #validate({ height, id, block }: EffectOf<'validate'>): void {
    const done = (): void => {
      this.#runner.submit({ kind: 'validated', height, id, validity: 'valid' });
    };
    const { parentCommitRoot, transactionsRoot } = block.header;
    const root = toHex(concatBytes(parentCommitRoot, transactionsRoot));
    if (this.#anticipated?.height === height && this.#anticipated.root === root) {
      void this.#anticipated.executed.then(done);
    } else this.#execute(block.body, done);
  }

  /** Once it has precommitted: it will be decided, and until then nobody waits for this node. */
  #prepareAfter(message: Message): void {
    if (message.kind !== 'vote' || message.vote.vote.kind !== PRECOMMIT) return;
    const block = this.#engine.current?.blocks.get(toHex(message.vote.vote.payload.blockId));
    if (block !== undefined && block !== this.#prepared) this.#prepareLater(block);
  }

  #prepareLater(block: Block): void {
    const { batchUs } = this.#world.costs.perTransaction;
    this.#setTimer(PREPARE_AFTER_MS, () => {
      this.main.run(block.body.transactions.length * batchUs, () => {
        this.#prepared = block;
      });
    });
  }

  #broadcast(message: Message): void {
    const others = this.#world.members.flatMap((_, to) => (to === this.#index ? [] : [to]));
    this.#sendTo(others, message);
  }

  #sendTo(to: readonly number[], message: Message): void {
    const { costs } = this.#world;
    const packet = { message, sizeBytes: encodeMessage(message).length };
    const count = namesIn(message);
    const encodeUs = count * costs.perTransaction.encodeUs;
    if (message.kind === 'proposal') {
      this.#world.observe(this.#index, 'proposing', message.proposal.header.height);
    }
    const eachUs = PACKET_US + packet.sizeBytes * CIPHER_US_PER_BYTE;
    this.main.run(encodeUs, () => undefined);
    // One after the other, so that the first does not wait for the last.
    for (const receiver of to) {
      if (receiver === this.#index || receiver < 0) continue;
      this.main.run(eachUs, () => {
        this.#world.send(this.#index, receiver, packet);
      });
    }
  }

  #setAlarm(timer: Timer, delayMs: number): void {
    const name = 'round' in timer ? `${timer.kind} ${timer.round}` : timer.kind;
    this.#alarms.get(name)?.cancel();
    const run = (): void => {
      if (timer.kind === 'resend') this.#world.observe(this.#index, 'resend', timer.height);
      this.#alarms.delete(name);
      this.#runner.submit({ kind: 'timer', timer });
    };
    this.#alarms.set(name, this.#setTimer(delayMs, run));
  }

  #setTimer(delayMs: number, run: () => void): Alarm {
    const { scheduler } = this.#world;
    const timer = scheduler.after(delayMs * MILLISECOND_US, run);
    return { cancel: () => void scheduler.cancel(timer) };
  }
}

/** What a message costs from the wire to where it is judged, signatures apart. */
function readingUs({ perTransaction, readVoteUs }: Costs, message: Message): number {
  const { decodeUs, hashUs, rootUs, findUs } = perTransaction;
  switch (message.kind) {
    case 'block':
      return message.block.body.transactions.length * (decodeUs + hashUs + rootUs);
    case 'compactBody':
    case 'compactBlock':
      return namesIn(message) * (decodeUs + findUs + rootUs);
    case 'transactions':
      return message.transactions.transactions.length * (decodeUs + hashUs);
    default:
      return readVoteUs;
  }
}

function namesIn(message: Message): number {
  if (message.kind === 'compactBody') return message.compactBody.shortIds.length;
  return message.kind === 'compactBlock' ? message.compactBlock.body.shortIds.length : 0;
}

function sizeOf({ body }: Block): number {
  return body.transactions.reduce((sum, { length }) => sum + length, 2_000);
}
