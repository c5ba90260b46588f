import { bytesEqual, compareBytes, toHex } from '../../protocol/bytes.js';
import { keccak256 } from '../../protocol/crypto/hash.js';
import { PRESETS } from '../../protocol/presets.js';
import { BitArray } from '../../protocol/ssz/types.js';
import { blockId } from '../../protocol/types/header.js';
import { emptyCommit, type ExtendedCommit } from '../../protocol/types/commit.js';
import type { Block } from '../../protocol/types/block.js';
import { ConsensusEngine } from '../../consensus/engine/engine.js';
import type { EffectOf, Precommits } from '../../consensus/engine/effect.js';
import type { HeightContext, Input } from '../../consensus/engine/input.js';
import type { EncodedRecord } from '../../consensus/engine/record.js';
import { Runner, type Host, type HostEffect, type Signed } from '../../consensus/engine/runner.js';
import { decodeMessage, encodeMessage, type Message } from '../../consensus/messages.js';

/** Decides what becomes of a message: false loses it. */
export type Filter = (from: number, to: number, message: Message) => boolean;

/**
 * Some engines in one process on a virtual clock, with blocks that hold nothing and signatures that prove nothing: what the engine and its
 * runner do, without the rest of the node.
 */
export class ConsensusCluster {
  readonly nodes: TestNode[];
  filter: Filter = () => true;
  nowMs = 1_000_000;
  readonly #events: { readonly atMs: number; readonly order: number; readonly run: () => void }[] = [];
  #order = 0;

  constructor(count: number) {
    const ids = Array.from({ length: count }, (_, index) => keccak256(Uint8Array.of(index)).slice(0, 20));
    ids.sort(compareBytes);
    this.nodes = ids.map((id, index) => new TestNode(this, index, id));
  }

  at(delayMs: number, run: () => void): void {
    this.#events.push({ atMs: this.nowMs + delayMs, order: this.#order++, run });
  }

  deliver(from: number, to: number, message: Message): void {
    if (!this.filter(from, to, message)) return;
    const bytes = encodeMessage(message);
    this.at(10, () => this.nodes[to]?.receive(from, decodeMessage(bytes)));
  }

  /** Runs event after event until `isDone`. @returns whether that came about within `limitMs` of virtual time */
  async runUntil(isDone: () => boolean, limitMs = 120_000): Promise<boolean> {
    const endMs = this.nowMs + limitMs;
    while (!isDone()) {
      this.#events.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      const event = this.#events.shift();
      if (event === undefined || event.atMs > endMs) return false;
      this.nowMs = event.atMs;
      event.run();
      await new Promise(setImmediate);
    }
    return true;
  }

  context(height: number): HeightContext {
    const { nodes } = this;
    return {
      height,
      validators: nodes.map(({ id }) => ({ id, blsPublicKey: new Uint8Array(48), votingPower: 1 })),
      params: PRESETS.devnet.params.consensus,
      proposerOf: (round) => nodes[(height + round) % nodes.length]?.id ?? new Uint8Array(20),
    };
  }
}

export interface Decision {
  readonly id: string;
  readonly block: Block;
  readonly precommits: Precommits;
}

/** One validator; its log, signatures and chain survive a crash. */
export class TestNode implements Host {
  readonly id: Uint8Array;
  readonly chain: Decision[] = [];
  readonly evidence: EffectOf<'evidence'>[] = [];
  readonly signatures = new Map<string, string>();
  log: { height: number; records: EncodedRecord[]; durable: number } = { height: 0, records: [], durable: 0 };
  engine: ConsensusEngine;
  runner: Runner;
  /** Called at every effect; throwing from it is a crash. */
  onEffect: (kind: string) => void = () => undefined;
  failure: unknown;
  readonly #cluster: ConsensusCluster;
  readonly #index: number;
  #epoch = 0;

  constructor(cluster: ConsensusCluster, index: number, id: Uint8Array) {
    this.id = id;
    this.#cluster = cluster;
    this.#index = index;
    this.engine = new ConsensusEngine(id);
    this.runner = this.#createRunner();
  }

  /** What was appended since the last sync is gone. */
  async restart(): Promise<void> {
    this.runner.stop();
    this.#epoch++;
    this.failure = undefined;
    this.log.records.length = this.log.durable;
    this.engine = new ConsensusEngine(this.id);
    this.runner = this.#createRunner();
    await this.start();
  }

  async start(): Promise<void> {
    const height = this.chain.length + 1;
    const recovered = this.log.height === height ? [...this.log.records] : undefined;
    await this.runner.start(this.#cluster.context(height), recovered);
  }

  receive(from: number, message: Message): void {
    const peer = String(from);
    const { runner } = this;
    switch (message.kind) {
      case 'proposal':
        runner.submit({ ...message, receivedMs: this.#cluster.nowMs });
        return;
      case 'block':
        runner.submit({ ...message, id: blockId(message.block.header) });
        return;
      case 'vote':
        if (message.vote.vote.payload.height <= this.chain.length)
          this.#help(from, message.vote.vote.payload.height);
        runner.submit({ ...message, from: peer });
        return;
      case 'work':
        runner.submit({ kind: 'work-notice', height: message.work.height });
        return;
      case 'votes':
      case 'polka':
      case 'commit':
        runner.submit(message);
        return;
      case 'evidence':
      case 'wantBlock':
      case 'wantCommit':
      case 'compactBody':
      case 'compactBlock':
      case 'transactions':
      case 'wantTransactions':
        return;
    }
  }

  extensionContent(): Uint8Array {
    return new Uint8Array(0);
  }

  async decide({ id, block, precommits }: EffectOf<'decide'>): Promise<void> {
    this.onEffect('decide');
    await Promise.resolve();
    this.chain.push({ id: toHex(id), block, precommits });
    const { runner } = this;
    this.#later(0, () => {
      runner.submit({ kind: 'start', context: this.#cluster.context(this.chain.length + 1) });
    });
  }

  perform(effect: HostEffect): void {
    this.onEffect(effect.kind);
    const { runner } = this;
    const submit = (delayMs: number, input: Input): void => {
      this.#later(delayMs, () => {
        runner.submit(input);
      });
    };
    switch (effect.kind) {
      case 'timer':
        submit(effect.delayMs, { kind: 'timer', timer: effect.timer });
        return;
      case 'build': {
        const block = this.#build(effect);
        submit(5, {
          kind: 'built',
          height: effect.height,
          round: effect.round,
          id: blockId(block.header),
          block,
        });
        return;
      }
      case 'validate':
        submit(5, { kind: 'validated', height: effect.height, id: effect.id, validity: 'valid' });
        return;
      case 'broadcast':
        this.#broadcast(effect.message);
        return;
      case 'send':
        this.#cluster.deliver(this.#index, Number(effect.to), effect.message);
        return;
      case 'fetch':
        this.#fetch(effect.id);
        return;
      case 'notify-proposer':
        this.#broadcast({ kind: 'work', work: { height: effect.height } });
        return;
      case 'evidence':
        this.evidence.push(effect);
        return;
      case 'share-polka':
        this.#broadcast({ kind: 'votes', votes: effect.votes });
        return;
      case 'cancel-timers':
      case 'diverged':
        return;
    }
  }

  warn(error: Error): void {
    this.failure = error;
  }

  fail(error: unknown): void {
    this.failure = error;
  }

  #createRunner(): Runner {
    const log = {
      append: (record: EncodedRecord): void => {
        this.log.records.push(record);
      },
      sync: async (): Promise<void> => {
        this.onEffect('sync');
        await Promise.resolve();
        this.log.durable = this.log.records.length;
      },
      startHeight: async (height: number): Promise<void> => {
        this.onEffect('start-height');
        await Promise.resolve();
        this.log = { height, records: [], durable: 0 };
      },
    };
    const signer = {
      sign: (effect: Parameters<TestNode['sign']>[0]): Promise<Signed | null> => this.sign(effect),
    };
    return new Runner({ engine: this.engine, log, signer, host: this });
  }

  /** Signs like a signer that remembers: other bytes at one place are refused. */
  async sign(effect: EffectOf<'sign-proposal' | 'sign-prevote' | 'sign-precommit'>): Promise<Signed | null> {
    this.onEffect(effect.kind);
    await Promise.resolve();
    const { height, round, blockId: signedId } = effect.payload;
    const place = `${height}/${round}/${effect.kind}`;
    const text = toHex(signedId);
    const before = this.signatures.get(place);
    if (before !== undefined && before !== text) return null;
    this.signatures.set(place, text);
    this.onEffect('signed');
    const signature = new Uint8Array(96).fill(this.#index + 1);
    const isForBlock = effect.kind === 'sign-precommit' && signedId.some((byte) => byte !== 0);
    const payload = { height, round, content: new Uint8Array(0) };
    return { signature, extension: isForBlock ? { payload, validator: this.id, signature } : null };
  }

  #build({ height, round }: EffectOf<'build'>): Block {
    const parent = this.chain[height - 2];
    const empty = (length: number): Uint8Array => new Uint8Array(length);
    return {
      header: {
        protocolVersion: 1,
        chainId: 1,
        height,
        round,
        timeMs: this.#cluster.nowMs,
        parentId: parent === undefined ? empty(32) : blockId(parent.block.header),
        proposer: this.id,
        beaconReveal: empty(96),
        transactionsRoot: empty(32),
        evidenceRoot: empty(32),
        parentCommitRoot: empty(32),
        extensionsRoot: empty(32),
        receiptsRoot: empty(32),
        logsBloom: empty(256),
        stateRoot: empty(32),
        validatorsHash: empty(32),
        nextValidatorsHash: empty(32),
        gasUsed: 0,
        gasLimit: 0,
        baseFeeWei: 0n,
        extraData: empty(0),
      },
      body: { transactions: [], evidence: [], parentCommit: emptyCommit(), parentExtensions: [] },
    };
  }

  #broadcast(message: Message): void {
    for (const [to] of this.#cluster.nodes.entries()) {
      if (to !== this.#index) this.#cluster.deliver(this.#index, to, message);
    }
  }

  #help(to: number, height: number): void {
    const decision = this.chain[height - 1];
    if (decision === undefined) return;
    this.#cluster.deliver(this.#index, to, { kind: 'commit', commit: toExtendedCommit(decision) });
    this.#cluster.deliver(this.#index, to, { kind: 'block', block: decision.block });
  }

  #fetch(id: Uint8Array): void {
    for (const [from, node] of this.#cluster.nodes.entries()) {
      const block = node.engine.current?.blocks.get(toHex(id));
      const decided = node.chain.find(({ block: { header } }) => bytesEqual(blockId(header), id));
      const found = block ?? decided?.block;
      if (from !== this.#index && found !== undefined) {
        this.#cluster.deliver(from, this.#index, { kind: 'block', block: found });
        return;
      }
    }
  }

  #later(delayMs: number, run: () => void): void {
    const epoch = this.#epoch;
    this.#cluster.at(delayMs, () => {
      if (epoch === this.#epoch) run();
    });
  }
}

function toExtendedCommit({ precommits }: Decision): ExtendedCommit {
  const { height, round, blockId: id, certificate, votes } = precommits;
  if (certificate !== undefined) return certificate;
  const signers = BitArray.fromBitLen(votes.length);
  return {
    commit: { height, round, blockId: id, signers, signature: new Uint8Array(96) },
    extensions: votes.flatMap(({ extension }) => extension),
  };
}
